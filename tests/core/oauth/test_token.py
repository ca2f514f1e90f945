"""The token endpoint: what is asked, and which answers give tokens that may be used."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.token import (
    Grant,
    TokenResponse,
    authorization_field,
    clock_check,
    code_request,
    read_token_response,
    refresh_request,
)
from authlens_core.values.check import Check, Reading, Severity, failures
from authlens_core.values.exchange import Headers, Request, Response
from authlens_core.values.formats.duration import LONGEST
from authlens_core.values.formats.error_response import meaning
from authlens_core.values.formats.form import decode_form
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url
from support.made_checks import present

ENDPOINT = parse_url("https://as.example/token")


REDIRECT = "http://localhost:8400/callback"


RESOURCE = "https://app.example"


GOOD: dict[str, object] = {
    "access_token": "oauth:acc3ss",
    "token_type": "bearer",
    "expires_in": 900,
    "scope": "",
    "resource": "https://app.example/",
    "refresh_token": "oauth:r3fresh",
}


def _read(
    document: object,
    *,
    status: int = 200,
    content_type: str = "application/json",
    resource: str | None = RESOURCE,
    scope: str | None = None,
    grant: Grant = "authorization_code",
    proved: bool = False,
) -> Reading[TokenResponse]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    response = Response(status, headers=Headers.of([("content-type", content_type)]), body=Body(data))
    return read_token_response(
        response, resource=resource, scope=scope, grant=grant, sent=[Secret("s3ntcode")], proved=proved
    )


def _check(reading: Reading[TokenResponse], name: str) -> Check:
    return next(c for c in reading.checks if c.name == f"token.{name}")


def _without(*members: str) -> dict[str, object]:
    return {key: value for key, value in GOOD.items() if key not in members}


def _code_request(client: Client, resource: str | None = RESOURCE) -> Request:
    return code_request(
        ENDPOINT,
        client,
        code=Secret("c0de"),
        code_verifier=Secret("v" * 43),
        redirect_uri=REDIRECT,
        resource=resource,
    )


def _form(request: Request) -> dict[str, str]:
    pairs = decode_form(request.body.reveal().decode())
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_the_exchange_is_a_form_post_with_every_parameter_once() -> None:
    """TK-1, AZ-4, O21-1: redirect_uri and resource are those of the authorization request."""
    request = _code_request(Client("me", REDIRECT))
    assert (request.method, request.url) == ("POST", "https://as.example/token")
    assert request.headers.get("accept") == "application/json"
    assert request.headers.get("content-type") == "application/x-www-form-urlencoded"
    assert _form(request) == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "redirect_uri": REDIRECT,
        "code_verifier": "v" * 43,
        "resource": RESOURCE,
        "client_id": "me",
    }


def test_a_confidential_client_authenticates_in_one_place() -> None:
    """TK-2, H054."""
    basic = _code_request(Client("me", REDIRECT, "client_secret_basic", Secret("s")))
    assert basic.headers.get("authorization") is not None
    assert not {"client_id", "client_secret"} & _form(basic).keys()
    post = _code_request(Client("me", REDIRECT, "client_secret_post", Secret("s")))
    assert post.headers.get("authorization") is None
    assert _form(post)["client_secret"] == "s"


def test_without_a_resource_none_is_sent() -> None:
    """GEN-6, CF-19."""
    assert "resource" not in _form(_code_request(Client("me", REDIRECT), None))


def test_no_representation_of_a_request_shows_its_secrets() -> None:
    """PK-5: the verifier stands in the body of this request and nowhere else."""
    request = _code_request(Client("me", REDIRECT, "client_secret_post", Secret("s3cret")))
    for secret in ("c0de", "v" * 43, "s3cret"):
        assert secret not in repr(request)
        assert secret not in request.url
        assert secret not in str(request.headers.fields)


def test_a_refresh_sends_the_same_resource_and_no_scope() -> None:
    """RF-1, AZ-4: without a scope it is what was granted, never more."""
    request = refresh_request(
        ENDPOINT, Client("me", REDIRECT), refresh_token=Secret("r3f"), resource=RESOURCE
    )
    assert _form(request) == {
        "grant_type": "refresh_token",
        "refresh_token": "r3f",
        "resource": RESOURCE,
        "client_id": "me",
    }
    assert "r3f" not in repr(request)


def test_the_answer_of_cloudflare_is_read() -> None:
    """CF-17, TK-3, TK-9: opaque tokens with a colon, lower-case type, an empty scope that states none."""
    reading = _read(GOOD)
    value = present(reading.value)
    assert value.access_token == Secret("oauth:acc3ss")
    assert value.refresh_token == Secret("oauth:r3fresh")
    assert value.lifetime.seconds == 900
    assert value.scope is None
    assert value.resource == "https://app.example/"
    assert failures(reading.checks) == ()


def test_no_check_and_no_representation_shows_a_token() -> None:
    """Tokens are secrets from the byte they arrive."""
    shown = repr(_read(GOOD | {"id_token": "1dtoken"}))
    for token in ("oauth:acc3ss", "oauth:r3fresh", "1dtoken"):
        assert token not in shown


@pytest.mark.parametrize("status", [202, 203, 204, 206, 302, 307, 308, 400, 401, 500, 503])
def test_any_other_status_gives_no_token(status: int) -> None:
    """TK-3, H101, H102: whatever the body holds."""
    reading = _read(GOOD, status=status)
    assert reading.value is None
    assert "acc3ss" not in repr(reading)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"access_token": "x"', b"access_token=x&token_type=bearer"]
)
def test_an_answer_that_is_no_json_object_gives_no_token(body: bytes) -> None:
    """TK-3, H101, H103."""
    reading = _read(body)
    assert reading.value is None
    assert _check(reading, "document").severity is Severity.FAILURE


@pytest.mark.parametrize("token", [None, "", 7, ["x"], "a\r\nb", "a\0", "a\x80", "é", "a b", "\x7f"])
def test_an_access_token_that_no_header_can_carry_is_refused(token: object) -> None:
    """TK-9, TK-3."""
    reading = _read(GOOD | {"access_token": token})
    assert reading.value is None
    assert _check(reading, "access_token").severity is Severity.FAILURE


@pytest.mark.parametrize("token_type", ["Bearer", "BEARER", "bearer", "bEaReR"])
def test_bearer_is_compared_without_regard_to_case(token_type: str) -> None:
    """TK-4, H105."""
    assert _read(GOOD | {"token_type": token_type}).value is not None


@pytest.mark.parametrize("token_type", ["DPoP", "dpop"])
def test_a_bound_token_is_taken_where_a_proof_was_sent(token_type: str) -> None:
    """DP-6."""
    reading = _read(GOOD | {"token_type": token_type}, proved=True)
    assert reading.value is not None
    assert _check(reading, "token_type").severity is Severity.PASS


def test_a_bearer_token_instead_of_a_bound_one_needs_a_yes_at_a_login_and_stays_at_a_refresh() -> None:
    """DP-6: at a refresh the answer may hold the only refresh token there is."""
    login = _check(_read(GOOD, proved=True), "token_type")
    assert (login.severity, login.overridable) == (Severity.FAILURE, True)
    refreshed = _check(_read(GOOD, proved=True, grant="refresh_token"), "token_type")
    assert refreshed.severity is Severity.WARNING


@pytest.mark.parametrize(
    "token_type", ["bearer ", "DPoP", "mac", "N_A", "", ["bearer"], 7, "ｂearer", "beаrer"]
)
def test_a_token_of_another_type_may_not_be_used(token_type: object) -> None:
    """TK-4, DP-6, H105, H155: no folding of look-alike letters either; nobody may override it."""
    reading = _read(GOOD | {"token_type": token_type})
    assert reading.value is None
    check = _check(reading, "token_type")
    assert (check.severity, check.overridable) == (Severity.FAILURE, False)


def test_a_token_without_a_type_is_used_as_a_bearer_token_with_a_warning() -> None:
    reading = _read(GOOD | {"token_type": None})
    assert present(reading.value).token_type == "Bearer"
    assert _check(reading, "token_type").severity is Severity.WARNING


def test_a_token_without_a_type_is_not_taken_for_one_that_is_bound() -> None:
    """RFC 9449 §5: a proof was sent, and nothing says that the token is bound to its key."""
    check = _check(_read(GOOD | {"token_type": None}, proved=True), "token_type")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)


def test_a_form_encoded_answer_is_read_with_a_warning() -> None:
    """GitHub's, to a client that did not ask for JSON."""
    body = b"access_token=gho_16C7e42F292c6912E7710c838347Ae178B4a&scope=repo%2Cgist&token_type=bearer"
    form = Headers.of([("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")])
    reading = read_token_response(Response(200, headers=form, body=Body(body)), resource=None, scope=None)
    assert present(reading.value).access_token.reveal() == "gho_16C7e42F292c6912E7710c838347Ae178B4a"
    assert _check(reading, "media_type").severity is Severity.WARNING


@pytest.mark.parametrize(
    "body", [b"access_token=a&access_token=b", b"access_token=%zz", b"access_token=\xff"]
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(body: bytes) -> None:
    form = Headers.of([("Content-Type", "application/x-www-form-urlencoded")])
    response = Response(200, headers=form, body=Body(body))
    assert read_token_response(response, resource=None, scope=None).value is None


@pytest.mark.parametrize(
    ("literal", "seconds", "severity"),
    [
        ("3600", 3600, Severity.PASS),
        ('"3600"', 3600, Severity.NOTICE),
        ("3600.0", 3600, Severity.NOTICE),
        ("3600.5", None, Severity.NOTICE),
        ("-1", 0, Severity.WARNING),
        ("0", 0, Severity.WARNING),
        ("99999999999999", LONGEST, Severity.NOTICE),
        ("true", None, Severity.NOTICE),
        ("null", None, Severity.NOTICE),
        ('"soon"', None, Severity.NOTICE),
        ("[]", None, Severity.NOTICE),
    ],
)
def test_an_odd_lifetime_is_shown_and_does_no_harm(
    literal: str, seconds: int | None, severity: Severity
) -> None:
    """TK-5, H106."""
    reading = _read(
        json.dumps(_without("expires_in"))[:-1].encode() + f', "expires_in": {literal}}}'.encode()
    )
    assert present(reading.value).lifetime.seconds == seconds
    assert _check(reading, "expires_in").severity is severity


def test_a_missing_lifetime_is_unknown() -> None:
    """TK-5, H106: the token is then used until it is refused."""
    reading = _read(_without("expires_in"))
    assert present(reading.value).lifetime.seconds is None
    assert _check(reading, "expires_in").severity is Severity.NOTICE


@pytest.mark.parametrize("value", [None, ""])
def test_a_login_without_a_refresh_token_is_a_notice(value: object) -> None:
    """RF-4, H107: nothing assumes that there is one."""
    reading = _read(GOOD | {"refresh_token": value})
    assert present(reading.value).refresh_token is None
    assert _check(reading, "refresh_token").severity is Severity.NOTICE


def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one() -> None:
    """RF-2: nothing is odd about it."""
    reading = _read(_without("refresh_token"), grant="refresh_token")
    assert present(reading.value).refresh_token is None
    assert _check(reading, "refresh_token").severity is Severity.PASS


@pytest.mark.parametrize("value", [7, ["x"], "a\r\nb", "é"])
def test_a_malformed_refresh_token_is_dropped_with_a_warning(value: object) -> None:
    """TK-9, H107."""
    reading = _read(GOOD | {"refresh_token": value})
    assert present(reading.value).refresh_token is None
    assert _check(reading, "refresh_token").severity is Severity.WARNING


def test_a_refresh_token_equal_to_the_access_token_is_noted() -> None:
    """H107."""
    reading = _read(GOOD | {"refresh_token": GOOD["access_token"]})
    assert reading.value is not None
    assert _check(reading, "refresh_token").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("requested", "returned", "granted", "severity"),
    [
        ("a b", None, "a b", Severity.PASS),
        ("a b", "", "a b", Severity.PASS),
        ("a b", "b a", "b a", Severity.PASS),
        ("a b", "a", "a", Severity.WARNING),
        ("a", "a b", "a b", Severity.NOTICE),
        ("a b", "c", "c", Severity.WARNING),
        (None, "a", "a", Severity.PASS),
        ("a", ["a"], "a", Severity.WARNING),
    ],
)
def test_the_granted_scope_is_compared_with_the_requested_one(
    requested: str | None, returned: object, granted: str, severity: Severity
) -> None:
    """TK-6: absent means as requested; a difference is shown."""
    reading = _read(GOOD | {"scope": returned}, scope=requested)
    assert present(reading.value).scope == granted
    assert _check(reading, "scope").severity is severity


def test_a_difference_in_scope_names_what_is_missing_and_what_is_new() -> None:
    """TK-6."""
    check = _check(_read(GOOD | {"scope": "b c"}, scope="a b"), "scope")
    assert check.expected == "a b"
    assert check.seen == "not granted: a; granted beyond the request: c"


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token"])
@pytest.mark.parametrize("secret", ["access-canary-1", "refresh-canary-1", "id-canary-1", "s3ntcode"])
@pytest.mark.parametrize("scope", ["{}", "read {} write", "read:{}"])
def test_a_scope_that_repeats_a_secret_is_neither_shown_nor_kept(
    secret: str, scope: str, grant: Grant
) -> None:
    """A scope is shown, and stored beside the grant, where no secret may be."""
    document = GOOD | {
        "access_token": "access-canary-1",
        "refresh_token": "refresh-canary-1",
        "id_token": "id-canary-1",
        "scope": scope.format(secret),
    }
    reading = _read(document, scope="read", grant=grant)
    assert present(reading.value).scope == "read"
    check = _check(reading, "scope")
    assert check.severity is Severity.WARNING
    assert "repeats" in check.seen
    assert secret not in repr(reading)


@pytest.mark.parametrize("secret", ["access-canary-1", "refresh-canary-1", "s3ntcode"])
@pytest.mark.parametrize(
    "member",
    [
        {"token_type": "{}"},
        {"token_type": ["{}"]},
        {"expires_in": "{}"},
        {"resource": "https://app.example/{}"},
        {"resource": ["https://app.example", "{}"]},
        {"resource": {"{}": "{}"}},
        {"error": "{}", "error_description": "{}"},
    ],
)
def test_no_member_of_the_answer_shows_a_secret_that_it_repeats(
    member: dict[str, object], secret: str
) -> None:
    """Servers echo, and what they echo goes into checks that are shown and exported."""
    echoed = json.loads(json.dumps(member).replace("{}", secret))
    document = GOOD | {"access_token": "access-canary-1", "refresh_token": "refresh-canary-1"} | echoed
    reading = _read(document)
    assert secret not in repr(reading)
    if reading.value is not None:
        assert reading.value.access_token == Secret("access-canary-1")
        assert reading.value.refresh_token == Secret("refresh-canary-1")


def test_a_token_that_is_a_part_of_an_honest_word_spoils_no_other_member() -> None:
    """A token of one letter is no secret; its answer is read as any other."""
    reading = _read(GOOD | {"access_token": "b", "refresh_token": "900"})
    assert present(reading.value).token_type == "bearer"
    assert present(reading.value).lifetime.seconds == 900


@pytest.mark.parametrize(
    ("requested", "returned", "severity"),
    [
        ("https://app.example", "https://app.example", Severity.PASS),
        ("https://app.example", "https://app.example/", Severity.NOTICE),
        ("https://app.example/", "https://app.example", Severity.NOTICE),
        ("https://app.example", ["https://x.example", "https://app.example"], Severity.PASS),
        ("https://app.example/docs/page", "https://app.example/", Severity.NOTICE),
        ("https://app.example/docs/page", "https://app.example/docs", Severity.NOTICE),
        ("https://app.example/docs", "https://app.example/doc", Severity.FAILURE),
        ("https://app.example/docs", "https://app.example/docs/page", Severity.FAILURE),
        ("https://app.example", "https://other.example/", Severity.FAILURE),
        ("https://app.example/a", "https://app.example/a/", Severity.FAILURE),
        ("https://app.example", 7, Severity.FAILURE),
    ],
)
def test_a_token_for_another_resource_needs_a_yes(
    requested: str, returned: object, severity: Severity
) -> None:
    """TK-11, H111: the slash after the host is tolerated, and a resource that covers the one asked for."""
    reading = _read(GOOD | {"resource": returned}, resource=requested)
    assert reading.value is not None
    check = _check(reading, "resource")
    assert check.severity is severity
    assert check.overridable == (severity is Severity.FAILURE)


@pytest.mark.parametrize(
    "code",
    [
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
        *("unsupported_grant_type", "invalid_scope", "invalid_target"),
    ],
)
def test_an_error_is_shown_with_its_meaning_and_without_what_we_sent(code: str) -> None:
    """TK-7, H101, H109."""
    reading = _read({"error": code, "error_description": "no: s3ntcode"}, status=400)
    check = _check(reading, "status")
    assert code in check.seen
    assert "s3ntcode" not in check.seen
    assert (check.why, check.cure) == meaning(code)[:2]


@pytest.mark.parametrize("body", [b"<html>oops</html>", b"", b"\xff"])
def test_an_error_that_is_no_json_survives(body: bytes) -> None:
    """TK-7."""
    reading = _read(body, status=400, content_type="text/html")
    assert reading.value is None
    assert _check(reading, "status").seen == "400"


def test_an_error_under_status_200_gives_no_token() -> None:
    """TK-3: not even beside one."""
    reading = _read(GOOD | {"error": "invalid_grant"})
    assert reading.value is None
    assert _check(reading, "error").severity is Severity.FAILURE


@pytest.mark.parametrize(
    ("returned", "requested"), [("", RESOURCE), (None, RESOURCE), ("https://x.example", None)]
)
def test_a_resource_that_one_side_does_not_name_is_not_compared(
    returned: object, requested: str | None
) -> None:
    """TK-11."""
    reading = _read(GOOD | {"resource": returned}, resource=requested)
    assert present(reading.value).resource == (returned or None)
    assert not [c for c in reading.checks if c.name == "token.resource"]


def test_an_id_token_changes_no_other_member() -> None:
    """AZ-11, H110: a forged one changes no other member."""
    forged = _read(GOOD | {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."})
    plain = _read(GOOD)
    assert forged.value is not None
    assert forged.value.id_token is not None
    assert forged.value.access_token == present(plain.value).access_token
    assert forged.value.scope == present(plain.value).scope


def test_the_token_stands_in_the_authorization_header() -> None:
    """BR-1, TK-9."""
    assert authorization_field("Bearer", Secret("oauth:x")) == ("Authorization", "Bearer oauth:x")
    assert authorization_field("bearer", Secret("!~")) == ("Authorization", "Bearer !~")


@pytest.mark.parametrize("token", ["", "a\r\nX: y", "a\0b", "a\x80", "é", "a b", "a\x7f"])
def test_a_token_that_would_break_the_header_is_refused_unseen(token: str) -> None:
    """TK-9: and the error does not repeat it."""
    with pytest.raises(ValueError, match="header field") as caught:
        authorization_field("Bearer", Secret(token))
    assert not token or token not in str(caught.value)


@given(st.text())
def test_a_header_is_made_of_printable_ascii_only(token: str) -> None:
    """TK-9."""
    try:
        _, value = authorization_field("Bearer", Secret(token))
    except ValueError:
        return
    assert value.isascii()
    assert value.isprintable()


@pytest.mark.parametrize(
    ("date", "severity"),
    [
        ("Tue, 24 Nov 2026 12:00:00 GMT", Severity.PASS),
        ("Tue, 24 Nov 2026 12:05:00 GMT", Severity.PASS),
        ("Tue, 24 Nov 2026 12:05:01 GMT", Severity.WARNING),
        ("Mon, 23 Nov 2026 12:00:00 GMT", Severity.WARNING),
    ],
)
def test_a_clock_that_is_more_than_five_minutes_off_is_a_warning(date: str, severity: Severity) -> None:
    """H114."""
    response = Response(200, headers=Headers.of([("date", date)]))
    check = present(clock_check(response, now=datetime(2026, 11, 24, 12, tzinfo=UTC)))
    assert check.severity is severity


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 99 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 99999 12:00:00 GMT"]
)
def test_a_date_that_cannot_be_read_says_nothing(date: str) -> None:
    """H114: no exception."""
    assert clock_check(Response(200, headers=Headers.of([("date", date)])), now=datetime.now(UTC)) is None


@pytest.mark.parametrize(("length", "fits"), [(16_384, True), (16_385, False), (200_000, False)])
def test_a_token_of_more_than_16_kibibytes_is_refused_for_its_length(length: int, fits: bool) -> None:
    """TK-5: no server accepts a header field of that size."""
    reading = _read({**GOOD, "access_token": "t" * length})
    check = _check(reading, "access_token")
    assert (reading.value is not None) is fits
    assert f"{length:,}".replace(",", "") in check.seen.replace(",", "")
    assert "16,384" in check.expected

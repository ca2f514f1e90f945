"""Dynamic registration: what we say about ourselves, and what the server made of it."""

import json
from datetime import UTC, datetime

import pytest

from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.registration import (
    ClientWish,
    is_client_metadata_url,
    read_registration,
    registration_request,
)
from authlens_core.values.check import Check, Reading, Severity, failures
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.error_response import meaning
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url
from support.made_checks import present
from support.scripted_login import reply

REDIRECT = "http://localhost:8400/callback"
EXPIRES = "client_secret_expires_at"
ENDPOINT = parse_url("https://as.example/register")
NOW = datetime(2026, 11, 24, tzinfo=UTC)

GOOD: dict[str, object] = {
    "client_id": "3f0c",
    "redirect_uris": [REDIRECT],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
    "client_id_issued_at": 1_700_000_000,
}


def _read(
    document: object, *, status: int = 201, now: datetime | None = NOW, managed: bool = True
) -> Reading[Client]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    response = Response(status, headers=Headers.of([("content-type", "application/json")]), body=Body(data))
    return read_registration(response, redirect_uri=REDIRECT, endpoint=ENDPOINT if managed else None, now=now)


def _check(reading: Reading[Client], name: str) -> Check:
    return next(c for c in reading.checks if c.name == f"registration.{name}")


def _sent(**changes: str) -> dict[str, object]:
    request = registration_request(
        ENDPOINT,
        ClientWish(),
        redirect_uri=REDIRECT,
        client_name="authlens",
        scope=changes.get("scope"),
        resource=changes.get("resource"),
    )
    document: dict[str, object] = json.loads(request.body.reveal())
    return document


def test_registration_is_a_json_post_without_authorization() -> None:
    """RG-1."""
    request = registration_request(
        ENDPOINT, ClientWish(), redirect_uri=REDIRECT, client_name="authlens", scope=None, resource=None
    )
    assert (request.method, request.url) == ("POST", "https://as.example/register")
    assert request.headers.get("content-type") == "application/json"
    assert request.headers.get("authorization") is None


def test_we_introduce_ourselves_as_a_public_native_client() -> None:
    """RG-2: grants and response types are consistent; nothing is stated that has no value."""
    assert _sent() == {
        "client_name": "authlens",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }


@pytest.mark.parametrize("status", [202, 204, 302, 307, 400, 401, 403, 429, 500])
def test_any_other_status_fails(status: int) -> None:
    """RG-3, H062: a redirect is not followed either."""
    reading = _read(GOOD, status=status)
    assert reading.value is None
    assert _check(reading, "status").severity is Severity.FAILURE


@pytest.mark.parametrize("client_id", [None, "", 7, ["x"], "a\nb", "é"])
def test_client_id_has_to_be_a_string_of_ascii(client_id: object) -> None:
    """RG-3."""
    reading = _read(GOOD | {"client_id": client_id})
    assert reading.value is None
    assert _check(reading, "client_id").severity is Severity.FAILURE


@pytest.mark.parametrize("body", [b"", b"[]", b'{"client_id": "x"', b"<html>"])
def test_an_answer_that_is_no_json_object_makes_no_client(body: bytes) -> None:
    """RG-3, RG-16: half an answer leaves nothing."""
    assert _read(body).value is None


@pytest.mark.parametrize(
    "registered",
    [
        ["https://evil.example/callback"],
        ["https://localhost:8400/callback"],
        ["http://localhost:8400/other"],
        ["http://127.0.0.1:8400/callback"],
        ["http://localhost.evil.example:8400/callback"],
        ["http://x@localhost:8400/callback"],
        ["http://localhost:8400/callback?x"],
    ],
)
def test_a_replaced_redirect_uri_stops_the_login(registered: list[str]) -> None:
    """RG-4, H053."""
    reading = _read(GOOD | {"redirect_uris": registered})
    assert reading.value is None
    check = _check(reading, "redirect_uris")
    assert (check.severity, check.overridable, check.expected) == (Severity.FAILURE, False, REDIRECT)
    assert registered[0].replace("//x@", "//•••@") in check.seen  # a user name is not shown


def test_a_loopback_redirect_uri_without_its_port_is_a_warning() -> None:
    """RG-4: a server has to allow any port on loopback (RFC 8252 §7.3), and some register none."""
    reading = _read(GOOD | {"redirect_uris": ["http://localhost/callback"]})
    assert present(reading.value).redirect_uri == REDIRECT
    assert _check(reading, "redirect_uris").severity is Severity.WARNING


def test_members_that_are_not_stated_are_as_asked_for_with_a_notice() -> None:
    """RG-4: some servers answer with the client_id alone."""
    reading = _read({"client_id": "x"})
    assert reading.value == Client("x", REDIRECT)
    assert {
        _check(reading, n).severity for n in ("redirect_uris", "grant_types", "token_endpoint_auth_method")
    } == {Severity.NOTICE}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_method_that_the_answer_names_is_used(method: str) -> None:
    """RG-4, RG-5, H054: the server may hand out a secret although none was asked for."""
    document = {
        "token_endpoint_auth_method": method,
        "client_secret": "s3cret",
        "client_secret_expires_at": 0,
    }
    reading = _read(GOOD | document)
    assert present(reading.value).token_endpoint_auth_method == method
    assert present(reading.value).client_secret == Secret("s3cret")
    assert _check(reading, "token_endpoint_auth_method").severity is Severity.NOTICE
    assert "s3cret" not in repr(reading)


def test_a_secret_without_a_method_means_basic() -> None:
    """RG-4: the default of RFC 7591 §2."""
    document = {key: value for key, value in GOOD.items() if key != "token_endpoint_auth_method"}
    value = present(_read(document | {"client_secret": "s3cret", "client_secret_expires_at": 0}).value)
    assert value.token_endpoint_auth_method == "client_secret_basic"


def test_a_method_that_needs_a_secret_without_one_is_none_with_a_warning() -> None:
    """RG-4."""
    reading = _read(GOOD | {"token_endpoint_auth_method": "client_secret_basic"})
    assert present(reading.value).token_endpoint_auth_method == "none"
    assert _check(reading, "token_endpoint_auth_method").severity is Severity.WARNING


@pytest.mark.parametrize("method", ["private_key_jwt", 7, ["none"]])
def test_a_method_that_we_do_not_have_stops_the_login(method: object) -> None:
    """RG-4."""
    assert _read(GOOD | {"token_endpoint_auth_method": method}).value is None


def test_a_removed_refresh_grant_is_a_warning() -> None:
    """RG-4, CF-18: no refresh, or perhaps one all the same."""
    reading = _read(GOOD | {"grant_types": ["authorization_code"]})
    assert present(reading.value).grant_types == ("authorization_code",)
    assert _check(reading, "grant_types").severity is Severity.WARNING


def test_a_removed_code_grant_fails_and_may_be_overridden() -> None:
    """RG-4."""
    reading = _read(GOOD | {"grant_types": ["refresh_token"]})
    assert failures(reading.checks, ["registration.grant_types"]) == ()
    assert len(failures(reading.checks)) == 1


@pytest.mark.parametrize(
    ("expires", "severity", "kept"),
    [
        (0, Severity.PASS, 0),
        (4_000_000_000, Severity.PASS, 4_000_000_000),
        ("4000000000", Severity.NOTICE, 4_000_000_000),
        (None, Severity.NOTICE, None),
        ("soon", Severity.NOTICE, None),
        (True, Severity.NOTICE, None),
        (-1, Severity.NOTICE, None),
    ],
)
def test_the_expiry_of_a_secret_is_kept(expires: object, severity: Severity, kept: int | None) -> None:
    """RG-5, H055: 0 is never; a missing one is noted; a string of digits is tolerated."""
    reading = _read(GOOD | {"client_secret": "s", "client_secret_expires_at": expires})
    assert present(reading.value).client_secret_expires_at == kept
    assert _check(reading, "client_secret_expires_at").severity is severity


@pytest.mark.parametrize("expires", [1_000, int(NOW.timestamp()), str(int(NOW.timestamp()))])
def test_a_secret_that_expired_already_stops_a_login_that_needs_it(expires: object) -> None:
    """RG-5, H055: this very second counts as expired; the user may know better, or use no secret."""
    expired = GOOD | {"client_secret": "s", "client_secret_expires_at": expires}
    check = _check(_read(expired | {"token_endpoint_auth_method": "client_secret_basic"}), EXPIRES)
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)
    assert str(check.cure).endswith("authlens login URL --new-client --client-auth none")
    unused = _read(expired)
    assert unused.value is not None
    assert _check(unused, EXPIRES).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("stated", "secret", "method", "severity"),
    [
        ("client_secret_post", "s", "client_secret_post", Severity.PASS),
        ("none", "s", "client_secret_post", Severity.WARNING),
        ("private_key_jwt", "s", "client_secret_post", Severity.WARNING),
        ("client_secret_post", None, None, Severity.FAILURE),
    ],
)
def test_the_method_that_the_user_chose_is_used_if_there_is_a_secret(
    stated: str, secret: str | None, method: str | None, severity: Severity
) -> None:
    """Issue 23, 7: whatever the server says of it; the record says so."""
    document = GOOD | {"token_endpoint_auth_method": stated, "client_secret": secret}
    reading = read_registration(
        reply(201, document), redirect_uri=REDIRECT, chosen_method="client_secret_post"
    )
    assert (reading.value and reading.value.token_endpoint_auth_method) == method
    assert _check(reading, "token_endpoint_auth_method").severity is severity


BY_CODE = ("authorization_code", "refresh_token")
BY_DEVICE = ("device_code", "refresh_token")


@pytest.mark.parametrize(
    ("description", "own", "after"),
    [
        ("token_endpoint_auth_method none is not supported", BY_CODE, ClientWish(auth_method=None)),
        ("Public clients are not allowed", BY_DEVICE, ClientWish(auth_method=None)),
        ("Only one grant type", BY_DEVICE, ClientWish(BY_DEVICE)),
        ("no", BY_CODE, None),
        ("redirect_uri is not allowed", BY_DEVICE, None),
    ],
)
def test_a_refused_registration_says_what_else_to_ask_for(
    description: str, own: tuple[str, ...], after: ClientWish | None
) -> None:
    """Issue 23, 6 and 7: each difference once."""
    refusal = reply(400, {"error": "invalid_client_metadata", "error_description": description})
    assert ClientWish().after(refusal, own) == after
    if after is not None:
        assert after.after(refusal, BY_CODE if after.grants == BY_CODE else own) is None
    assert ClientWish().after(reply(401, {"error": "invalid_token"}), own) is None


def test_a_client_for_another_device_alone_has_no_response_type() -> None:
    """RFC 7591 §2.1."""
    request = registration_request(
        ENDPOINT,
        ClientWish(BY_DEVICE, None),
        redirect_uri=REDIRECT,
        client_name="authlens",
        scope=None,
        resource=None,
        initial_access_token=Secret("initial-canary"),
    )
    document = json.loads(request.body.reveal())
    assert (document["grant_types"], document["response_types"]) == ([*BY_DEVICE], [])
    assert "token_endpoint_auth_method" not in document
    assert request.headers.get("authorization") == "Bearer initial-canary"


@pytest.mark.parametrize("secret", [7, ["x"], "a\nb", "é"])
def test_a_malformed_secret_is_refused_and_not_shown(secret: object) -> None:
    """RG-5."""
    reading = _read(GOOD | {"client_secret": secret})
    assert reading.value is None
    assert _check(reading, "client_secret").seen == "malformed"


def test_an_empty_secret_is_none() -> None:
    """Design §9: some servers send one."""
    value = present(_read(GOOD | {"client_secret": ""}).value)
    assert value.client_secret is None


@pytest.mark.parametrize(
    "code",
    [
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "invalid_software_statement",
        "unapproved_software_statement",
        "something_else",
    ],
)
def test_an_error_is_shown_with_its_meaning(code: str) -> None:
    """RG-6: others than the registered ones are shown as they are."""
    reading = _read({"error": code, "error_description": "redirect_uri is not allowed"}, status=400)
    check = _check(reading, "status")
    assert f"400 {code}: redirect_uri is not allowed" in check.seen
    assert (check.why, check.cure) == meaning(code)[:2]


MANAGED = GOOD | {
    "registration_client_uri": "https://as.example/register/3f0c",
    "registration_access_token": "r4t",
}


def test_management_at_the_same_origin_is_kept() -> None:
    """RG-7: the token is a secret."""
    reading = _read(MANAGED)
    assert present(reading.value).registration_client_uri == "https://as.example/register/3f0c"
    assert present(reading.value).registration_access_token == Secret("r4t")
    assert "r4t" not in repr(reading)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/register/3f0c",
        "https://as.example:8443/register/3f0c",
        "https://as.example@evil.example/",
        "http://as.example/register/3f0c",
        "http://localhost/register",
        "/register/3f0c",
        7,
    ],
)
def test_a_management_uri_elsewhere_gets_no_token(uri: object) -> None:
    """RG-7, H057: the token is dropped, with the reason; the login goes on."""
    reading = _read(MANAGED | {"registration_client_uri": uri})
    assert present(reading.value).registration_access_token is None
    assert present(reading.value).registration_client_uri is None
    assert _check(reading, "registration_client_uri").severity is Severity.WARNING


def test_management_is_off_where_the_endpoint_is_unknown() -> None:
    """RG-7: nothing says that the URI is the same server's."""
    value = present(_read(MANAGED, managed=False).value)
    assert value.registration_access_token is None


@pytest.mark.parametrize("token", [None, "", 7, "a b", "a\r\nb"])
def test_a_management_uri_without_a_usable_token_is_a_notice(token: object) -> None:
    """CF-14: Cloudflare gives the URI and no token."""
    reading = _read(MANAGED | {"registration_access_token": token})
    assert present(reading.value).registration_client_uri is None
    assert _check(reading, "registration_client_uri").severity is Severity.NOTICE


def test_the_issuer_in_a_registration_answer_changes_nothing() -> None:
    """RG-11, H061: a client belongs to the issuer of the validated metadata, never to one of the body."""
    assert _read(GOOD | {"issuer": "https://evil.example"}).value == _read(GOOD).value


@pytest.mark.parametrize(("stated", "kept"), [("a b", "a b"), ("", None), (None, None), (["a"], None)])
def test_the_scope_that_the_server_registered_is_kept(stated: object, kept: str | None) -> None:
    """RG-4."""
    value = present(_read(GOOD | {"scope": stated}).value)
    assert value.scope == kept


@pytest.mark.parametrize("text", ["https://me.example/client.json", "https://me.example/a/b"])
def test_a_client_metadata_url_is_an_https_url_with_a_path(text: str) -> None:
    """RG-14."""
    reading = is_client_metadata_url(text)
    assert present(reading.value).text == text
    assert reading.checks[0].severity is Severity.PASS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-client",
        "https://me.example",
        "https://me.example/",
        "http://me.example/c",
        "http://localhost/c",
        "https://me.example/c#x",
        "https://u:p@me.example/c",
        "https://me.example/a/../c",
        "https://me.example/%2e%2E/c",
    ],
)
def test_anything_else_is_no_client_metadata_url(text: str) -> None:
    """RG-14."""
    reading = is_client_metadata_url(text)
    assert reading.value is None
    assert reading.checks[0].severity is Severity.FAILURE
    assert "--client-metadata-url" in str(reading.checks[0].cure)


def test_a_query_in_a_client_metadata_url_is_a_warning() -> None:
    """RG-14: it should not be there."""
    assert is_client_metadata_url("https://me.example/c?x=1").checks[0].severity is Severity.WARNING

"""Authorization server metadata: is it the server that was named, and can a public client log in there."""

import json

import pytest

from authlens_core.oauth.discovery.issuer import metadata_urls, moves_on
from authlens_core.oauth.discovery.server_metadata import ServerMetadata, read_server_metadata
from authlens_core.values.check import Check, Reading, Severity, failures
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url
from support.made_checks import present

ISSUER = "https://team.cloudflareaccess.com"
RESOURCE = "https://app.example/mcp"

GOOD: dict[str, object] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "registration_endpoint": f"{ISSUER}/register",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "response_types_supported": ["code"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
}


def _read(
    document: object,
    *,
    issuer: str = ISSUER,
    schemeless_issuer: bool = False,
    loopback_http: bool = False,
    needs_registration: bool = True,
    status: int = 200,
    content_type: str = "application/json",
) -> Reading[ServerMetadata]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_server_metadata(
        Response(status, headers=Headers.of([("content-type", content_type)]), body=Body(data)),
        issuer=issuer,
        schemeless_issuer=schemeless_issuer,
        resource=RESOURCE,
        loopback_http=loopback_http,
        needs_registration=needs_registration,
    )


def _check(reading: Reading[ServerMetadata], name: str) -> Check:
    return next(c for c in reading.checks if c.name == f"server.{name}")


def _without(*members: str) -> dict[str, object]:
    return {key: value for key, value in GOOD.items() if key not in members}


@pytest.mark.parametrize("issuer", ["https://as.example", "https://as.example/"])
def test_a_root_issuer_has_two_places(issuer: str) -> None:
    """AS-1, AS-2: OAuth, then OpenID; the terminating slash is removed."""
    assert [u.text for u in metadata_urls(parse_url(issuer))] == [
        "https://as.example/.well-known/oauth-authorization-server",
        "https://as.example/.well-known/openid-configuration",
    ]


@pytest.mark.parametrize("issuer", ["https://as.example:8443/t/one", "https://as.example:8443/t/one/"])
def test_an_issuer_with_a_path_has_four_places(issuer: str) -> None:
    """AS-1, AS-2, design §9: inserted, inserted, appended, and last where some servers alone have it."""
    assert [u.text for u in metadata_urls(parse_url(issuer))] == [
        "https://as.example:8443/.well-known/oauth-authorization-server/t/one",
        "https://as.example:8443/.well-known/openid-configuration/t/one",
        "https://as.example:8443/t/one/.well-known/openid-configuration",
        "https://as.example:8443/t/one/.well-known/oauth-authorization-server",
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, False),
        (204, False),
        (302, False),
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_only_a_4xx_moves_on_to_the_next_place(status: int, expected: bool) -> None:
    """AS-2, H041: a fault is not "not found", and neither is "too many requests": both stop."""
    json = Headers.of([("Content-Type", "application/json")])
    assert moves_on(Response(status, headers=json)) is expected


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", b"<html>Welcome</html>", True),
        ("application/octet-stream", b"\0", True),
        ("application/octet-stream", b'{"issuer": "x"}', False),
        ("application/json", b"<html>", False),
    ],
)
def test_a_page_moves_on_to_the_next_place(content_type: str, body: bytes, expected: bool) -> None:
    """A single-page application answers every path with 200 and its page."""
    response = Response(200, headers=Headers.of([("Content-Type", content_type)]), body=Body(body))
    assert moves_on(response) is expected


def test_a_good_document_is_read_and_everything_passes() -> None:
    """AS-5, AS-8: endpoints arrive as published."""
    reading = _read(GOOD)
    value = present(reading.value)
    assert {c.severity for c in reading.checks} == {Severity.PASS}
    assert value.issuer == ISSUER
    assert value.authorization_endpoint == f"{ISSUER}/authorize"
    assert value.token_endpoint == f"{ISSUER}/token"
    assert value.registration_endpoint == f"{ISSUER}/register"
    assert value.revocation_endpoint == f"{ISSUER}/revoke"
    assert value.grant_types_supported == ("authorization_code", "refresh_token")
    assert value.document == GOOD


@pytest.mark.parametrize(("status", "content_type"), [(201, "application/json"), (200, "text/html")])
def test_only_200_and_json_are_accepted(status: int, content_type: str) -> None:
    """AS-12."""
    assert _read(GOOD, status=status, content_type=content_type).value is None


@pytest.mark.parametrize(
    "stated",
    [
        "https://evil.example",
        "https://team.cloudflareaccess.com/",
        "https://TEAM.cloudflareaccess.com",
        "https://team.cloudflareaccess.com:443",
        "team.cloudflareaccess.com",
        "https://team%2Ecloudflareaccess.com",
        None,
        7,
        [ISSUER],
    ],
)
def test_another_issuer_stops_the_login(stated: object) -> None:
    """AS-3, GEN-4, H037: compared code point by code point; both are shown, nobody may override it."""
    reading = _read(GOOD | {"issuer": stated})
    assert reading.value is None
    check = _check(reading, "issuer")
    assert (check.severity, check.overridable, check.expected) == (Severity.FAILURE, False, ISSUER)
    assert stated is None or repr(stated) in check.seen


@pytest.mark.parametrize("name", ["https://AS.example", "https://as.example:443", "https://as.example/"])
def test_an_issuer_is_kept_letter_by_letter(name: str) -> None:
    """GEN-4, RFC 8414 §3.3: what the resource says, the document says, and the grant will say."""
    reading = _read(GOOD | {"issuer": name}, issuer=name)
    assert _check(reading, "issuer").severity is Severity.PASS
    assert present(reading.value).issuer == name


@pytest.mark.parametrize(
    ("named", "stated"),
    [
        ("https://AS.example", "https://as.example"),
        ("https://as.example", "https://AS.example"),
        ("https://as.example:443", "https://as.example"),
        ("https://as.example", "https://as.example:443"),
        ("https://as.example/%7Ea", "https://as.example/~a"),
    ],
)
@pytest.mark.parametrize("schemeless", [True, False])
def test_an_issuer_that_would_be_equal_when_tidied_is_another(
    named: str, stated: str, schemeless: bool
) -> None:
    """GEN-4, RFC 8414 §3.3: identical code points; the tolerated missing scheme changes nothing in it."""
    reading = _read(GOOD | {"issuer": stated}, issuer=named, schemeless_issuer=schemeless)
    assert _check(reading, "issuer").severity is Severity.FAILURE
    assert reading.value is None


def test_an_issuer_without_its_scheme_is_tolerated_where_the_caller_allows_it() -> None:
    """AS-3, H038."""
    document = GOOD | {"issuer": "team.cloudflareaccess.com"}
    reading = _read(document, schemeless_issuer=True)
    assert present(reading.value).issuer == ISSUER
    assert _check(reading, "issuer").severity is Severity.NOTICE
    assert _read(document, schemeless_issuer=False).value is None


@pytest.mark.parametrize(
    "stated", ["evilcloudflareaccess.com", "team.cloudflareaccess.com/", "TEAM.cloudflareaccess.com", ""]
)
def test_the_missing_scheme_excuses_nothing_else(stated: str) -> None:
    """AS-3, H039, CF-23."""
    assert _read(GOOD | {"issuer": stated}, schemeless_issuer=True).value is None


@pytest.mark.parametrize(
    "issuer", ["https://as.example?x=1", "https://as.example#x", "http://as.example", "as.example"]
)
def test_an_issuer_is_an_https_url_without_query_or_fragment(issuer: str) -> None:
    """AS-4: even when both sides agree on it."""
    assert _read(GOOD | {"issuer": issuer}, issuer=issuer).value is None


BAD_URLS: list[object] = [
    None,
    7,
    [],
    "",
    "/token",
    "http://as.example/t",
    "https://as.example/t#x",
    "https://u@as.example/",
]


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("value", BAD_URLS)
def test_an_unusable_required_endpoint_is_named(member: str, value: object) -> None:
    """AS-5, AS-8, GEN-1, H042."""
    reading = _read(GOOD | {member: value})
    assert reading.value is None
    check = _check(reading, member)
    assert check.severity is Severity.FAILURE
    assert member in str(check.cure)


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "issuer"])
def test_a_missing_required_member_is_named(member: str) -> None:
    """AS-5."""
    reading = _read(_without(member))
    assert reading.value is None
    assert _check(reading, member).seen == "missing"


@pytest.mark.parametrize("value", [None, [], ["token"], "code", 7])
def test_response_types_have_to_hold_code(value: object) -> None:
    """AS-5: shown as a failure that a person may override."""
    reading = _read(GOOD | {"response_types_supported": value})
    check = _check(reading, "response_types")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)
    assert failures(reading.checks, ["server.response_types"]) == ()


@pytest.mark.parametrize("value", [None, [], ["client_secret_basic"], "none"])
def test_a_server_that_does_not_list_none_is_warned_about_and_tried(value: object) -> None:
    """AS-6, H046, design §9: absent means client_secret_basic, so none is not promised."""
    reading = _read(GOOD | {"token_endpoint_auth_methods_supported": value})
    assert reading.value is not None
    check = _check(reading, "none")
    assert check.severity is Severity.WARNING
    assert "client_secret_basic" in check.seen or value == "none"
    assert "invalid_client" in str(check.cure)


def test_grant_types_without_the_code_grant_fail_and_may_be_overridden() -> None:
    """The second of the four requirements."""
    check = _check(_read(GOOD | {"grant_types_supported": ["implicit"]}), "authorization_code")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)


@pytest.mark.parametrize("value", [None, [], ["plain"], ["s256"], "S256", {"S256": True}])
def test_a_server_without_s256_is_refused(value: object) -> None:
    """AS-7, H045: no silent login without PKCE; nobody may override it."""
    reading = _read(GOOD | {"code_challenge_methods_supported": value})
    assert reading.value is None
    check = _check(reading, "s256")
    assert (check.severity, check.overridable) == (Severity.FAILURE, False)
    assert ("malformed" in check.seen) == (not isinstance(value, list) and value is not None)


PROXY = ("base URL or issuer setting", "X-Forwarded-Proto and X-Forwarded-Host")


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "registration_endpoint"])
@pytest.mark.parametrize("host", ["auth:8080", "as.example"])
def test_an_endpoint_of_plain_http_names_the_settings_that_publish_it(member: str, host: str) -> None:
    reading = _read(GOOD | {member: f"http://{host}/x"})
    [check] = failures(reading.checks)
    assert f"http://{host}/x (it is http" in check.seen
    assert all(setting in str(check.cure) for setting in PROXY)
    assert ("--client-id" in str(check.cure)) is check.overridable is (member == "registration_endpoint")


def test_an_endpoint_at_a_name_without_a_dot_names_the_settings_that_publish_it() -> None:
    reading = _read(GOOD | {"token_endpoint": "https://auth:8443/t"})
    [check] = failures(reading.checks)
    assert "auth:8443 is a name within the machine or network of the server" in str(check.cure)
    assert all(setting in str(check.cure) for setting in PROXY)


@pytest.mark.parametrize("value", [None, 7, "/register"])
def test_without_a_registration_endpoint_a_client_id_is_asked_for(value: object) -> None:
    """AS-13, CF-9: said at once, with the option that helps."""
    reading = _read(GOOD | {"registration_endpoint": value})
    check = _check(reading, "registration_endpoint")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)
    assert "--client-id" in str(check.cure)
    assert present(reading.value).registration_endpoint is None


@pytest.mark.parametrize(("value", "severity"), [(None, Severity.NOTICE), ("/x", Severity.WARNING)])
def test_without_a_revocation_endpoint_the_consequence_is_said(value: object, severity: Severity) -> None:
    """AS-13."""
    reading = _read(GOOD | {"revocation_endpoint": value})
    assert present(reading.value).revocation_endpoint is None
    assert _check(reading, "revocation_endpoint").severity is severity


@pytest.mark.parametrize("member", ["token_endpoint", "registration_endpoint", "revocation_endpoint"])
def test_an_endpoint_on_a_stranger_s_host_needs_a_yes(member: str) -> None:
    """AS-9, H043: an honest login page and a hostile token endpoint."""
    reading = _read(GOOD | {member: "https://evil.example/x"})
    check = _check(reading, f"{member}_host")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)
    assert "evil.example" in check.seen
    assert failures(reading.checks) == (check,)


def test_an_authorization_endpoint_elsewhere_is_a_warning() -> None:
    """AS-9: the person sees that page's address in the browser."""
    reading = _read(GOOD | {"authorization_endpoint": "https://login.example/x"})
    assert _check(reading, "authorization_endpoint_host").severity is Severity.WARNING


def test_a_login_page_on_another_site_than_the_token_endpoint_needs_a_yes_that_names_both() -> None:
    """AS-9, H043: an honest login page, named by a hostile issuer; the code would reach the issuer."""
    reading = _read(GOOD | {"authorization_endpoint": "https://login.example/x"})
    [check] = failures(reading.checks)
    assert (check.name, check.overridable) == ("server.endpoints_site", True)
    for host in ("login.example", "team.cloudflareaccess.com"):
        assert host in check.seen
        assert host in str(check.cure)


@pytest.mark.parametrize(
    ("login", "apart"),
    [
        ("https://login.team.cloudflareaccess.com/x", False),
        ("https://team.cloudflareaccess.com:8443/x", False),
        ("https://other.cloudflareaccess.com/x", True),
        ("https://xteam.cloudflareaccess.com/x", True),
        ("https://team.cloudflareaccess.com.evil.example/x", True),
    ],
)
def test_a_site_is_a_host_and_what_is_within_it(login: str, apart: bool) -> None:
    """AS-9: two tenants of one provider are two sites."""
    reading = _read(GOOD | {"authorization_endpoint": login})
    assert bool(failures(reading.checks)) is apart


def test_a_lookalike_host_is_another_host() -> None:
    """AS-9: neither a suffix nor a subdomain is the same host."""
    for host in ("team.cloudflareaccess.com.evil.example", "x.team.cloudflareaccess.com"):
        reading = _read(GOOD | {"token_endpoint": f"https://{host}/t"})
        assert _check(reading, "token_endpoint_host").severity is Severity.FAILURE


def test_loopback_endpoints_on_other_ports_are_a_notice() -> None:
    """AS-9, GEN-1: developer mode."""
    home = "http://localhost:9000"
    document = GOOD | {
        "issuer": home,
        "authorization_endpoint": f"{home}/a",
        "token_endpoint": "http://127.0.0.1:9001/t",
        "registration_endpoint": "http://localhost:9002/r",
        "revocation_endpoint": f"{home}/v",
    }
    reading = _read(document, issuer=home, loopback_http=True)
    assert reading.value is not None
    assert _check(reading, "token_endpoint_host").severity is Severity.NOTICE
    assert _check(reading, "registration_endpoint_host").severity is Severity.NOTICE
    assert _read(document, issuer=home, loopback_http=False).value is None


def test_a_public_issuer_with_a_loopback_endpoint_needs_a_yes() -> None:
    """AS-9: the notice is for developer mode alone."""
    reading = _read(GOOD | {"token_endpoint": "http://localhost:9000/t"}, loopback_http=True)
    assert _check(reading, "token_endpoint_host").severity is Severity.FAILURE


@pytest.mark.parametrize(
    ("value", "supported", "severity"),
    [
        (True, True, Severity.PASS),
        (False, False, Severity.NOTICE),
        (None, False, Severity.NOTICE),
        ("yes", False, Severity.WARNING),
    ],
)
def test_whether_answers_name_their_issuer_is_recorded(
    value: object, supported: bool, severity: Severity
) -> None:
    """AS-10, AR-7: and where they do not, what binds them instead is said."""
    reading = _read(GOOD | {"authorization_response_iss_parameter_supported": value})
    assert present(reading.value).authorization_response_iss_parameter_supported is supported
    assert _check(reading, "iss_parameter").severity is severity


def test_a_server_that_requires_pushed_requests_has_to_publish_their_endpoint() -> None:
    """AS-11, H047."""
    required = GOOD | {"require_pushed_authorization_requests": True}
    reading = _read(required)
    assert reading.value is None
    assert _check(reading, "pushed_authorization_requests").severity is Severity.FAILURE
    good = _read(required | {"pushed_authorization_request_endpoint": f"{ISSUER}/par"})
    assert present(good.value).pushed_authorization_request_endpoint == f"{ISSUER}/par"


@pytest.mark.parametrize("place", ["/par", "http://as.example/par", "ftp://h/par", "https://h/par#f", 7, ""])
@pytest.mark.parametrize("required", [True, False])
def test_an_endpoint_for_pushed_requests_that_cannot_be_used_is_none(place: object, required: bool) -> None:
    """AS-11, H428: where they are required, nothing may be sent without them."""
    reading = _read(
        GOOD
        | {"require_pushed_authorization_requests": required, "pushed_authorization_request_endpoint": place}
    )
    assert (reading.value is None) is required
    wanted = Severity.FAILURE if required else Severity.WARNING
    assert _check(reading, "pushed_authorization_requests").severity is wanted


def test_signed_metadata_changes_nothing() -> None:
    """AS-14: members that stand only in what is signed do not stand anywhere."""
    reading = _read(GOOD | {"signed_metadata": "e30.e30.x"})
    assert reading.value is not None
    assert _check(reading, "signed_metadata").severity is Severity.NOTICE
    assert _read({"signed_metadata": "e30.e30.x"}).value is None


def test_coinciding_endpoints_are_shown() -> None:
    """H049, design §9: the revocation endpoint may be the token endpoint."""
    reading = _read(GOOD | {"revocation_endpoint": GOOD["token_endpoint"]})
    assert reading.value is not None
    assert "revocation_endpoint" in _check(reading, "endpoints_distinct").seen


@pytest.mark.parametrize("listed", [[RESOURCE], [RESOURCE, "https://x.example"]])
def test_a_server_that_lists_the_resource_passes(listed: list[str]) -> None:
    """PR-12."""
    assert (
        _check(_read(GOOD | {"protected_resources": listed}), "protected_resources").severity is Severity.PASS
    )


def test_a_server_that_lists_other_resources_needs_a_yes() -> None:
    """PR-12."""
    check = _check(_read(GOOD | {"protected_resources": ["https://x.example"]}), "protected_resources")
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)


def test_every_problem_is_reported_at_once() -> None:
    """A person who corrects a server wants the whole list."""
    reading = _read({"issuer": "https://evil.example", "token_endpoint": 7})
    bad = {c.name.removeprefix("server.") for c in reading.checks if c.severity is Severity.FAILURE}
    assert bad == {
        *("issuer", "authorization_endpoint", "token_endpoint"),
        *("response_types", "s256", "registration_endpoint"),
    }


@pytest.mark.parametrize(
    ("modes", "warns"),
    [(None, False), (["query"], False), (["form_post", "query"], False), (["fragment"], True)],
)
def test_a_server_that_does_not_answer_in_the_query_is_warned_of(
    modes: list[str] | None, warns: bool
) -> None:
    """RFC 8414 §2: without the list, query and fragment."""
    document = GOOD if modes is None else GOOD | {"response_modes_supported": modes}
    found = [check for check in _read(document).checks if check.name == "server.response_modes"]
    assert [check.severity for check in found] == ([Severity.WARNING] if warns else [])

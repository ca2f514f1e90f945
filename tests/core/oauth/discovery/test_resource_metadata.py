"""Protected resource metadata: whom a resource trusts, and whether it may say so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.oauth.discovery.resource_metadata import (
    ResourceMetadata,
    read_metadata_location,
    read_resource_metadata,
    same_resource,
    well_known_urls,
)
from authlens_core.values.check import Check, Reading, Severity, failures
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.fix import steps_of
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url
from support.made_checks import present

ISSUER = "https://team.cloudflareaccess.com"
GOOD: dict[str, object] = {"resource": "https://app.example/mcp", "authorization_servers": [ISSUER]}


def _read(
    document: object,
    *,
    requested: str = "https://app.example/mcp",
    status: int = 200,
    content_type: str = "application/json",
    loopback_http: bool = False,
) -> Reading[ResourceMetadata]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    response = Response(status, headers=Headers.of([("content-type", content_type)]), body=Body(data))
    return read_resource_metadata(
        response, requested=parse_url(requested, loopback_http=loopback_http), loopback_http=loopback_http
    )


def _check(reading: Reading[ResourceMetadata], name: str) -> Check:
    return next(c for c in reading.checks if c.name == f"resource_metadata.{name}")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("https://h.example", [""]),
        ("https://h.example/", [""]),
        ("https://h.example/mcp", ["/mcp", ""]),
        ("https://h.example/a/b/", ["/a/b/", ""]),
        ("https://h.example/a?x=1", ["/a?x=1", ""]),
        ("https://h.example:8443/a", ["/a", ""]),
        ("https://h.example/?x=1", ["?x=1", ""]),
        ("https://h.example/" + "x" * 2_030, ["/" + "x" * 2_030, ""]),
    ],
)
def test_the_well_known_part_goes_between_host_and_path(resource: str, expected: list[str]) -> None:
    """PR-1, PR-2: the form with the path first, then the root; a lone slash goes, the query stays."""
    url = parse_url(resource)
    base = f"{url.origin}/.well-known/oauth-protected-resource"
    assert [u.text for u in well_known_urls(url)] == [base + end for end in expected]


def test_a_good_document_is_read() -> None:
    document = GOOD | {
        "scopes_supported": ["a", "b"],
        "bearer_methods_supported": ["header", "body"],
        "resource_name": "The wiki",
    }
    value = present(_read(document).value)
    assert value.resource == "https://app.example/mcp"
    assert value.authorization_servers == (ISSUER,)
    assert value.scopes_supported == ("a", "b")
    assert value.document == document


def test_the_document_that_cloudflare_serves_is_read() -> None:
    """CF-6, CF-7: the application root, and members of Cloudflare's own that decide nothing."""
    document = {
        "resource": "https://app.example",
        "protected": True,
        "team_domain": "other.cloudflareaccess.com",
        "authorization_servers": [ISSUER],
        "authentication_methods": [{"name": "cloudflared"}, {"name": "oauth"}],
    }
    reading = _read(document, requested="https://app.example/api/chat")
    assert present(reading.value).authorization_servers == (ISSUER,)
    assert _check(reading, "resource").severity is Severity.NOTICE


@pytest.mark.parametrize("status", [204, 206, 203, 302, 304, 404, 500])
def test_only_status_200_is_accepted(status: int) -> None:
    """PR-3, H035."""
    reading = _read(GOOD, status=status)
    assert reading.value is None
    assert _check(reading, "status").severity is Severity.FAILURE


@pytest.mark.parametrize("content_type", ["text/html", "application/xhtml+xml", "image/svg+xml"])
def test_a_page_that_holds_a_document_is_none(content_type: str) -> None:
    """PR-3, H022."""
    reading = _read(GOOD, content_type=content_type)
    assert reading.value is None
    assert _check(reading, "media_type").severity is Severity.FAILURE


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=iso-8859-1",
        "application/octet-stream",
        "application/vnd.oauth+json",
        "",
        "text/plain",
    ],
)
def test_a_document_whose_server_calls_it_otherwise_is_read_with_a_warning(content_type: str) -> None:
    """RFC 8259 §11: whatever it is called, what is read is strict JSON in UTF-8."""
    reading = _read(GOOD, content_type=content_type)
    assert reading.value is not None
    assert _check(reading, "media_type").severity is Severity.WARNING


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"", b"{", b'{"resource": "a", "resource": "b"}'])
def test_only_a_strict_json_object_is_accepted(body: bytes) -> None:
    """PR-3, H023, H051."""
    reading = _read(body)
    assert reading.value is None
    assert _check(reading, "document").severity is Severity.FAILURE


@pytest.mark.parametrize(
    "resource",
    [
        None,
        1,
        "",
        [],
        "app.example",
        "http://app.example/mcp",
        "https://app.example/mcp#x",
        "//app.example",
        "urn:x",
    ],
)
def test_resource_has_to_be_an_https_url_without_fragment(resource: object) -> None:
    """PR-4, GEN-1."""
    reading = _read(GOOD | {"resource": resource})
    assert reading.value is None
    check = _check(reading, "resource")
    assert check.severity is Severity.FAILURE
    assert not check.overridable


def test_resource_may_not_be_missing() -> None:
    """PR-4."""
    assert _check(_read({"authorization_servers": [ISSUER]}), "resource").seen.endswith("missing")


@pytest.mark.parametrize(
    ("resource", "requested"),
    [
        ("https://h.example", "https://h.example/"),
        ("https://h.example/", "https://h.example"),
        ("https://h.example", "https://h.example/api/x"),
        ("https://h.example/", "https://h.example/api/x?y=1"),
        ("https://h.example/app", "https://h.example/app/x"),
        ("https://h.example/app/", "https://h.example/app/x"),
        ("https://h.example/app", "https://h.example/app/"),
        ("https://h.example/app", "https://h.example/app?x=1"),
    ],
)
def test_a_resource_that_covers_the_request_is_a_notice(resource: str, requested: str) -> None:
    """PR-5, H026: the same origin, and the path a parent of the requested one."""
    reading = _read(GOOD | {"resource": resource}, requested=requested)
    assert present(reading.value).resource == resource
    assert _check(reading, "resource").severity is Severity.NOTICE


@pytest.mark.parametrize("resource", ["https://h.example:443/app", "https://H.example/app"])
def test_the_same_url_in_another_spelling_is_accepted_with_a_warning(resource: str) -> None:
    """RFC 3986 §6.2: no other server can be meant; it is sent back as it is spelled."""
    reading = _read(GOOD | {"resource": resource}, requested="https://h.example/app")
    assert present(reading.value).resource == resource
    assert _check(reading, "resource").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("resource", "requested"),
    [
        ("https://other.example/app", "https://h.example/app"),
        ("https://h.example.evil/app", "https://h.example/app"),
        ("https://sub.h.example/app", "https://h.example/app"),
        ("https://h.example@evil.example/app", "https://h.example/app"),
        ("https://h.example:8443/app", "https://h.example/app"),
        ("https://h.example/app", "https://h.example/application"),
        ("https://h.example/app/x", "https://h.example/app"),
        ("https://h.example/App", "https://h.example/app"),
        ("https://h.example/%61pp", "https://h.example/app"),
        ("https://h.example/app/", "https://h.example/app"),
        ("https://h.example/app?x=1", "https://h.example/app"),
        ("https://h.example/app?x=1", "https://h.example/app?x=2"),
    ],
)
def test_a_resource_that_does_not_cover_the_request_stops_the_login(resource: str, requested: str) -> None:
    """PR-5, GEN-4, H025, H027: both are shown, and no yes goes on: only an option that names the resource."""
    reading = _read(GOOD | {"resource": resource}, requested=requested)
    assert reading.value is None
    check = _check(reading, "resource")
    assert check.severity is Severity.FAILURE
    assert not check.overridable
    assert resource.replace("//h.example@", "//•••@") in check.seen  # a user name is not shown
    assert requested in check.seen + check.expected


@pytest.mark.parametrize(
    ("resource", "words"),
    [("https://other.example/mcp", "on another origin"), ("https://app.example/other", "does not cover")],
)
def test_a_mismatch_says_which_kind_it_is(resource: str, words: str) -> None:
    """PR-5: a wrong path is a mistake, another origin may be an attack."""
    assert words in _check(_read(GOOD | {"resource": resource}), "resource").seen


PATHS = st.lists(st.sampled_from(["a", "b", "ab", "%61", "A"]), max_size=4).map(
    lambda s: "".join(f"/{x}" for x in s)
)


@given(PATHS, PATHS)
def test_a_resource_is_used_only_if_its_segments_begin_the_request(resource: str, requested: str) -> None:
    """PR-5: prefix by segments, never by characters."""
    reading = _read(
        GOOD | {"resource": f"https://h.example{resource}"}, requested=f"https://h.example{requested}"
    )
    ours, theirs = resource.split("/")[1:], requested.split("/")[1:]
    assert (reading.value is not None) == (theirs[: len(ours)] == ours)


@pytest.mark.parametrize(
    "servers",
    [
        None,
        [],
        "https://as.example",
        {},
        [1],
        ["http://as.example"],
        ["as.example"],
        ["https://as.example?x=1"],
        ["https://as.example#x"],
        ["https://u@as.example"],
    ],
)
def test_a_resource_without_a_usable_server_stops_the_login(servers: object) -> None:
    """PR-6, H030: missing, empty, mistyped, or not an issuer URL."""
    reading = _read(GOOD | {"authorization_servers": servers})
    assert reading.value is None
    assert _check(reading, "authorization_servers").severity is Severity.FAILURE


@pytest.mark.parametrize(
    ("servers", "cure"),
    [
        ("https://as.example", "an array of issuers, and is one string"),
        (["http://keycloak:8080/realms/mcp"], "no issuer that a client can use"),
        (None, "must list its authorization server"),
    ],
)
def test_what_is_wrong_with_the_listed_servers_is_named(servers: object, cure: str) -> None:
    reading = _read(GOOD | {"authorization_servers": servers})
    assert cure in str(_check(reading, "authorization_servers").cure)


def test_several_servers_are_all_kept_for_the_person_to_choose() -> None:
    """PR-6, H029."""
    reading = _read(
        GOOD | {"authorization_servers": ["https://b.example", "https://a.example", "https://b.example"]}
    )
    assert present(reading.value).authorization_servers == ("https://b.example", "https://a.example")
    assert _check(reading, "authorization_servers_choice").severity is Severity.NOTICE


def test_unusable_servers_beside_usable_ones_are_named_and_left_out() -> None:
    """PR-6."""
    reading = _read(GOOD | {"authorization_servers": [7, "http://a.example", ISSUER]})
    assert present(reading.value).authorization_servers == (ISSUER,)
    check = _check(reading, "authorization_servers_refused")
    assert check.severity is Severity.WARNING
    assert "http://a.example" in check.seen


def test_an_empty_list_counts_as_absent() -> None:
    """PR-7."""
    value = present(_read(GOOD | {"scopes_supported": []}).value)
    assert value.scopes_supported is None


def test_a_malformed_list_counts_as_absent_with_a_warning() -> None:
    """PR-8: nothing is guessed from it."""
    reading = _read(GOOD | {"scopes_supported": "a b"})
    assert present(reading.value).scopes_supported is None
    assert _check(reading, "scopes_supported").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("bearer_methods_supported", ["body"]),
        ("tls_client_certificate_bound_access_tokens", True),
    ],
)
def test_a_resource_that_takes_no_bearer_header_stops_the_login(member: str, value: object) -> None:
    """PR-9, H031."""
    reading = _read(GOOD | {member: value})
    assert reading.value is None
    assert _check(reading, member).severity is Severity.FAILURE


@pytest.mark.parametrize(
    ("listed", "severity"),
    [(None, Severity.NOTICE), (["RS256", "ES256"], Severity.PASS), (["RS256"], Severity.FAILURE)],
)
def test_a_resource_that_requires_bound_tokens_has_to_take_our_proofs(
    listed: object, severity: Severity
) -> None:
    """PR-9, DP-1: without a list it is tried."""
    required = GOOD | {"dpop_bound_access_tokens_required": True, "dpop_signing_alg_values_supported": listed}
    reading = _read({name: value for name, value in required.items() if value is not None})
    assert _check(reading, "dpop_bound_access_tokens_required").severity is severity
    assert (reading.value is None) is (severity is Severity.FAILURE)


def test_signed_metadata_changes_nothing() -> None:
    """PR-10: an unverified signature has no say, whatever it claims."""
    reading = _read(GOOD | {"signed_metadata": "eyJhbGciOiJub25lIn0.eyJyZXNvdXJjZSI6Imh0dHBzOi8vZXZpbC8ifQ."})
    plain = _read(GOOD)
    assert plain.value is not None
    assert present(reading.value).resource == plain.value.resource
    assert present(reading.value).authorization_servers == plain.value.authorization_servers
    assert _check(reading, "signed_metadata").severity is Severity.NOTICE


def test_a_metadata_url_on_the_resource_s_origin_passes() -> None:
    """PR-13."""
    reading = read_metadata_location(
        "https://h.example/.well-known/x", requested=parse_url("https://h.example/a")
    )
    assert reading.value is not None
    assert reading.checks[0].severity is Severity.PASS


def test_a_metadata_url_on_another_origin_needs_a_yes() -> None:
    """PR-13: both hosts are shown, and the person may go on."""
    reading = read_metadata_location("https://evil.example/x", requested=parse_url("https://h.example/a"))
    check = reading.checks[0]
    assert reading.value is not None
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)
    assert "evil.example" in check.seen
    assert "h.example" in check.expected


@pytest.mark.parametrize("text", ["http://h.example/x", "/x", "", "https://h.example/x#f", "javascript:x"])
def test_a_metadata_url_that_is_no_https_url_is_refused(text: str) -> None:
    """GEN-1, GEN-8: no request is ever made to it."""
    reading = read_metadata_location(text, requested=parse_url("https://h.example/a"))
    assert reading.value is None
    assert reading.checks[0].severity is Severity.FAILURE
    assert not reading.checks[0].overridable


def test_language_tagged_members_are_tolerated() -> None:
    """PR-15."""
    assert _read(GOOD | {"resource_name": "Wiki", "resource_name#fr": "Le wiki"}).value is not None


def test_every_problem_is_reported_at_once() -> None:
    """A person who corrects a server wants the whole list."""
    reading = _read({"resource": "https://evil.example", "authorization_servers": [], "scopes_supported": 1})
    bad = {c.name for c in reading.checks if c.severity not in (Severity.PASS, Severity.NOTICE)}
    assert bad == {
        f"resource_metadata.{n}" for n in ("resource", "authorization_servers", "scopes_supported")
    }


def test_identifiers_are_the_same_but_for_the_slash_after_the_host() -> None:
    """GEN-4, TK-11: no other normalisation."""
    assert same_resource("https://h.example", "https://h.example/")
    assert same_resource("https://h.example/a", "https://h.example/a")
    assert not same_resource("https://h.example/a", "https://h.example/a/")
    assert not same_resource("https://h.example", "https://H.example/")


def test_another_path_of_the_same_server_names_its_setting_and_the_way_on() -> None:
    """The setting first, the option meanwhile, and who helps where the token is refused for its aud."""
    servers = {"authorization_servers": ["https://as.example"]}
    reading = _read({"resource": "https://app.example/api", **servers})
    [check] = failures(reading.checks)
    owner, way, refused = map(str, steps_of(check.cure))
    assert "https://app.example/mcp. In an MCP SDK that is resource_server_url (Python)" in owner
    assert way.endswith("authlens login URL --resource https://app.example/api")
    assert refused.endswith("aud is https://app.example/api, only the owner can help.")

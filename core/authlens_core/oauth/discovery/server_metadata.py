"""Authorization server metadata (RFC 8414, OpenID Connect Discovery): where a login takes place, and how.

The document is believed only when its `issuer` is the identifier that the resource named; otherwise an
attacker's server could present the name of an honest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields, replace
from typing import Any, Final, NamedTuple

from authlens_core.oauth.discovery.issuer import issuer_check
from authlens_core.oauth.discovery.resource_metadata import string_list
from authlens_core.oauth.discovery.server_features import feature_checks, program_check
from authlens_core.oauth.error_response import is_document, is_usable, listed, read_answer, seen_of
from authlens_core.values.check import Check, CheckId, Reading, Severity, requirement
from authlens_core.values.exchange import Response
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url, UrlRefused, parse_url, same_site, usable_url

_STAGE: Final = "server"
_SPEC: Final = "RFC 8414 §2"
_OAUTH: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"
_LISTS: Final = (
    "grant_types_supported",
    "response_types_supported",
    "response_modes_supported",
    "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_methods_supported",
    "scopes_supported",
    "protected_resources",
    "dpop_signing_alg_values_supported",
)
_SWITCHES: Final = (
    "authorization_response_iss_parameter_supported",
    "client_id_metadata_document_supported",
)
# No other endpoint is read. A hostile server's way in is an address of another server, so docs/addresses.toml
# says of each that a server names what may be done with it.
_ENDPOINTS: Final = (
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
)


class _Need(NamedTuple):
    """What a login by a public client needs, `wanted` in the list `member`; and the check of it."""

    member: str
    wanted: str
    name: str
    severity: Severity
    overridable: bool = False
    of_code: bool = False  # only where the browser comes back with a code


_NEEDS: Final = (
    _Need(
        "response_types_supported", "code", "response_types", Severity.FAILURE, overridable=True, of_code=True
    ),
    # A warning only: RFC 8414 §2 makes client_secret_basic the default of an absent list, and servers that
    # accept public clients leave it out all the same.
    _Need("token_endpoint_auth_methods_supported", "none", "none", Severity.WARNING),
    _Need(
        "grant_types_supported",
        "authorization_code",
        "authorization_code",
        Severity.FAILURE,
        overridable=True,
        of_code=True,
    ),
)
# What an absent list means (RFC 8414 §2).
_DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "grant_types_supported": ("authorization_code", "implicit"),
    "token_endpoint_auth_methods_supported": ("client_secret_basic",),
}


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """What an authorization server says about itself; endpoints are as they are sent, lists None when absent.

    `issuer` is the identifier that the resource named, which the document's own equals (or differs from only
    by the tolerated missing scheme, or is the `accepted_name`); stored grants are compared with it.
    """

    issuer: str
    authorization_endpoint: str | None
    token_endpoint: str
    registration_endpoint: str | None = None
    revocation_endpoint: str | None = None
    jwks_uri: str | None = None
    grant_types_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    scopes_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False
    client_id_metadata_document_supported: bool = False
    pushed_authorization_request_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    document: Mapping[str, JsonValue] = field(default_factory=dict)
    accepted_name: str | None = None

    @property
    def stated_issuer(self) -> str:
        """The name in its answers and ID tokens."""
        return self.accepted_name or self.issuer


_KEPT: Final = frozenset(member.name for member in fields(ServerMetadata))


def metadata_urls(issuer: Url) -> tuple[Url, ...]:
    """Return the addresses of an issuer's metadata in the order to try them.

    RFC 8414 §3.1 inserts the well-known part between host and path, OpenID Connect Discovery §4.1 appends it;
    some servers append where they should insert, so that form comes last.
    """
    path = issuer.path.rstrip("/")
    well_known = [f"{_OAUTH}{path}", f"{_OPENID}{path}"]
    if path:
        # OpenID Connect appends the well-known path to that of the issuer, which RFC 8414 §3.1 inserts before
        # it.
        well_known += [f"{path}{_OPENID}", f"{path}{_OAUTH}"]
    return tuple(replace(issuer, path=candidate, query=None) for candidate in well_known)


def moves_on(response: Response) -> bool:
    """Return whether the next place is tried: a 4xx means "not here", except "too many requests" (429).

    So does a page: single-page applications answer every path with theirs.
    """
    if response.status < 300:
        # A single-page application answers 200 for every path, with its page.
        return not is_document(response)
    return 400 <= response.status < 500 and response.status != 429


def read_server_metadata(
    response: Response,
    *,
    issuer: str,
    schemeless_issuer: bool,
    resource: str,
    loopback_http: bool,
    needs_registration: bool = True,
    needs_dpop: bool = False,
    machine: GrantType | None = None,
    accepted_issuer: str | None = None,
    assume_pkce: bool | None = False,
) -> Reading[ServerMetadata]:
    """Read the metadata of the authorization server `issuer`; every problem is reported.

    Args:
        response: the answer of one of `metadata_urls`.
        issuer: the identifier that the resource named, compared code point by code point.
        schemeless_issuer: whether the document may leave out the scheme (Cloudflare Access documents it so).
        resource: the identifier of the resource, for `protected_resources`.
        needs_registration: false when a client id is known already.
        needs_dpop: true when tokens have to be bound to a key.
        machine: the grant of a program that logs in without a user, or None: nothing is needed then of what a
            browser is for.
        accepted_issuer: what the user lets it call itself, although the resource names it otherwise.
        assume_pkce: whether the user goes on if PKCE is not listed; None if no challenge is sent.
    """
    answer = read_answer(response, stage=_STAGE, spec="RFC 8414 §3.2", strict_media_type=True)
    if answer.value is None:
        return Reading(None, answer.checks)
    document = answer.value
    checks = [
        *answer.checks,
        issuer_check(
            document.get("issuer"),
            issuer,
            accepted_issuer,
            schemeless=schemeless_issuer,
            loopback_http=loopback_http,
        ),
    ]
    lists: dict[str, tuple[str, ...] | None] = {}
    for member in _LISTS:
        lists[member], note = string_list(document, member, _STAGE)
        checks += note
    endpoints, problems = _endpoints(document, loopback_http=loopback_http)
    by_user, needs = _grant_checks(document, lists, machine, by_code=assume_pkce is not None)
    checks += (*_endpoint_checks(document, endpoints, problems, by_user=by_user), *needs)
    url, needs_registration = endpoints["registration_endpoint"], needs_registration and by_user
    checks.append(_registration_check(document, url, needed=needs_registration))
    checks += _place_checks(issuer, endpoints, resource, needs_registration=needs_registration)
    pushed = endpoints["pushed_authorization_request_endpoint"]
    assume_pkce = assume_pkce if by_user else None
    checks += feature_checks(
        document, lists, resource, needs_dpop=needs_dpop, assume_pkce=assume_pkce, pushed=pushed
    )
    value = _metadata(document, issuer, accepted_issuer, lists, endpoints) if is_usable(checks) else None
    return Reading(value, tuple(checks))


def _metadata(
    document: Mapping[str, JsonValue],
    issuer: str,
    accepted_name: str | None,
    lists: Mapping[str, tuple[str, ...] | None],
    endpoints: Mapping[str, Url | None],
) -> ServerMetadata:
    # The token endpoint is among them, or its check had failed.
    stated: dict[str, Any] = {
        **lists,
        **{member: url and url.text for member, url in endpoints.items()},
        **{member: document.get(member) is True for member in _SWITCHES},
    }
    jwks_uri = document.get("jwks_uri")
    return ServerMetadata(
        issuer=issuer,
        jwks_uri=jwks_uri if isinstance(jwks_uri, str) else None,
        document=document,
        accepted_name=accepted_name,
        **{member: value for member, value in stated.items() if member in _KEPT},
    )


def _endpoints(
    document: Mapping[str, JsonValue], *, loopback_http: bool
) -> tuple[dict[str, Url | None], dict[str, str]]:
    """Return the endpoints that can be used, and what is wrong with those that cannot."""
    urls: dict[str, Url | None] = {}
    problems: dict[str, str] = {}
    for member in _ENDPOINTS:
        value = document.get(member)
        urls[member] = None
        if not isinstance(value, str):
            problems[member] = "missing" if value is None else f"{value!r}, not a string"[:200]
            continue
        try:
            urls[member] = parse_url(value, loopback_http=loopback_http)
        except UrlRefused as refused:
            problems[member] = f"{value[:200]} ({refused})"
    return urls, problems


def _endpoint_checks(
    document: Mapping[str, JsonValue],
    endpoints: Mapping[str, Url | None],
    problems: Mapping[str, str],
    *,
    by_user: bool,
) -> Iterator[Check]:
    for member in ("authorization_endpoint", "token_endpoint"):
        url, check = endpoints[member], requirement(f"server.{member}")
        if url is not None:
            yield check.passed(url.text)
        elif member == "token_endpoint" or by_user:
            yield check.failed(problems[member])
    check = requirement("server.revocation_endpoint")
    url = endpoints["revocation_endpoint"]
    if url is not None:
        yield check.passed(url.text)
    else:
        severity = Severity.WARNING if document.get("revocation_endpoint") is not None else Severity.NOTICE
        yield check.judged(severity, problems["revocation_endpoint"], "unusable")


def _grant_checks(
    document: Mapping[str, JsonValue],
    lists: Mapping[str, tuple[str, ...] | None],
    machine: GrantType | None,
    *,
    by_code: bool,
) -> tuple[bool, tuple[Check, ...]]:
    """Return whether a user logs in, and what the login needs the server to list."""
    pages = ("authorization_endpoint", "device_authorization_endpoint")
    has_page = any(document.get(page) for page in pages)
    check = program_check(lists["grant_types_supported"], machine, has_page=has_page)
    if check is not None:
        return False, (check,)
    return True, tuple(_requirement_checks(lists, document, by_code=by_code))


def _requirement_checks(
    lists: Mapping[str, tuple[str, ...] | None], document: Mapping[str, JsonValue], *, by_code: bool
) -> Iterator[Check]:
    """Yield the requirements of a login by a public client, each as its own check."""
    for need in (need for need in _NEEDS if by_code or not need.of_code):
        member = need.member
        check = requirement(f"server.{need.name}")
        values = lists[member] or _DEFAULTS.get(member, ())
        seen = listed(values)
        if not lists[member]:
            malformed = document.get(member) not in (None, [])
            seen = seen_of(document[member], "malformed") if malformed else "not stated"
            seen += f"; the default is {', '.join(values)}" if values else ""
        if need.wanted in values:
            yield check.passed(seen)
        else:
            yield check.judged(need.severity, seen, "unlisted", overridable=need.overridable)


def _registration_check(document: Mapping[str, JsonValue], url: Url | None, *, needed: bool) -> Check:
    check = requirement(CheckId.SERVER_REGISTRATION)
    if url is not None:
        return check.passed(url.text)
    value = document.get("registration_endpoint")
    seen = seen_of(value, "unusable", missing="not stated")
    if not needed:
        return check.noticed(f"{seen}; a client id is known")
    return check.failed(seen, overridable=True)


def _place_checks(
    issuer: str, endpoints: Mapping[str, Url | None], resource: str, *, needs_registration: bool
) -> Iterator[Check]:
    """Yield where each endpoint is, seen from the issuer, and which endpoints coincide."""
    home = usable_url(issuer, loopback_http=True)
    if home is None:
        return
    token = endpoints["token_endpoint"]
    for member, url in endpoints.items():
        if url is not None and (needs_registration or member != "registration_endpoint"):
            yield _place_check(member, url, home)
    if token is not None and (authorization := endpoints["authorization_endpoint"]) is not None:
        yield from _apart(authorization, token, home)
    if token is not None:
        same = [m for m, url in endpoints.items() if url is not None and url.text == token.text]
        same += ["the resource"] if token.text == resource else []
        if len(same) > 1:
            seen = f"{', '.join(same)} are one URL"
            yield requirement("server.endpoints_distinct").noticed(seen)


def _place_check(member: str, url: Url, home: Url) -> Check:
    check = requirement(
        f"server.{member}_host",
        "server.host",
        origin=home.origin,
        place=url.authority,
        member=member,
        home=home.authority,
    )
    if url.origin == home.origin:
        return check.passed(url.origin)
    if url.is_loopback and home.is_loopback:
        return check.noticed(f"{url.origin}, on this machine too")
    # The login page gets no secret of ours: you see its host in the browser. The others get codes or tokens.
    if member == "authorization_endpoint" or url.host == home.host:
        return check.warned(url.origin, "elsewhere")
    return check.failed(url.origin, "elsewhere", overridable=True, host=url.host)


def _apart(authorization: Url, token: Url, home: Url) -> Iterator[Check]:
    """Yield a failure where the login page is on another site than the place that gets the code.

    A hostile issuer that names an honest login page would otherwise get the code of that page.
    """
    is_own = token.origin == home.origin or token.host == home.host
    # Of a token endpoint that is not the issuer's own, another check has asked for the same two hosts.
    asked = not is_own and same_site(authorization, home)
    if asked or same_site(authorization, token):
        return
    page, server = authorization.authority, token.authority
    yield requirement("server.endpoints_site", page=page, server=server).failed(
        f"login page on {page}, token endpoint on {server}", overridable=True, host=authorization.host
    )

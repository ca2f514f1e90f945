"""Authorization server metadata (RFC 8414, OpenID Connect Discovery): where a login takes place, and how.

The document is believed only when its `issuer` is the identifier that the resource named; otherwise an
attacker's server could present the name of an honest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from msgspec import Struct

from authlens_core.oauth.discovery.issuer import issuer_check, place_checks
from authlens_core.oauth.discovery.resource_metadata import same_resource, signature_check, string_list
from authlens_core.oauth.dpop import algorithm_check
from authlens_core.oauth.machine_grants import program_check
from authlens_core.values.check import Check, CheckId, Reading, Requirement, Severity, requirement
from authlens_core.values.exchange import Response
from authlens_core.values.formats.error_response import is_usable, listed, quoted_value, read_answer
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url, UrlRefused, is_inner_name, parse_url, usable_url

_STAGE: Final = "server"
_SPEC: Final = "RFC 8414 §2"
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
# No other endpoint is read. A hostile server's way in is an address of another server, so
# docs/internals/addresses.toml says of each that a server names what may be done with it.
_ENDPOINTS: Final = (
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
)


class _Need(NamedTuple):
    """What a login by a public client needs, `value` in the list `member`; and the check of it."""

    member: str
    value: str
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


class ServerMetadata(Struct, frozen=True):
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
    document: Mapping[str, JsonValue] = {}
    accepted_name: str | None = None

    @property
    def stated_issuer(self) -> str:
        """The name in its answers and ID tokens."""
        return self.accepted_name or self.issuer


_KEPT: Final = frozenset(ServerMetadata.__struct_fields__)


class _Document:
    """The document taken apart.

    Attributes:
        issuer: the identifier that the resource named.
        lists: the members that are lists of texts; None for one that is absent or malformed.
        malformed: the checks of those that are malformed.
        urls: the endpoints; None for one that is absent or cannot be used.
        problems: what is wrong with those.
        plain_http: what is wrong with the places of those that are refused for plain http.
    """

    def __init__(self, members: Mapping[str, JsonValue], issuer: str, *, loopback_http: bool) -> None:
        self.members, self.issuer = members, issuer
        self.lists: Final[dict[str, tuple[str, ...] | None]] = {}
        self.malformed: Final[list[Check]] = []
        self.urls: Final[dict[str, Url | None]] = dict.fromkeys(_ENDPOINTS)
        self.problems: Final[dict[str, str]] = {}
        self.plain_http: Final[dict[str, str]] = {}
        for member in _LISTS:
            self.lists[member], warning = string_list(members, member, _STAGE)
            self.malformed.extend(warning)
        for member in _ENDPOINTS:
            value = members.get(member)
            if not isinstance(value, str):
                self.problems[member] = "missing" if value is None else f"{value!r}, not a string"[:200]
                continue
            try:
                self.urls[member] = parse_url(value, loopback_http=loopback_http)
            except UrlRefused as refused:
                self.problems[member] = f"{value[:200]} ({refused})"
                secure = usable_url(value.lower().replace("http://", "https://", 1))
                if secure is not None:
                    self.plain_http[member] = _plain_http_problem(secure)

    def requirement(self, member: str, ending: str = "") -> Requirement:
        """Return the check of an endpoint; for one that is plain http, with the settings that publish it."""
        problem = self.plain_http.get(member, "")
        entry = "server.inner_address" if problem else ""
        return requirement(
            f"server.{member}{ending}", entry, member=member, problem=problem, issuer=self.issuer
        )

    def stated(self, member: str) -> str:
        """Return what a check shows of a list; empty if it is absent."""
        values, value = self.lists[member], self.members.get(member)
        if values:
            return listed(values)
        return "" if value in (None, []) else quoted_value(value, "malformed")


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
    document = _Document(answer.value, issuer, loopback_http=loopback_http)
    name = issuer_check(
        document.members.get("issuer"),
        issuer,
        accepted_issuer,
        schemeless=schemeless_issuer,
        loopback_http=loopback_http,
    )
    has_page = any(map(document.members.get, ("authorization_endpoint", "device_authorization_endpoint")))
    program = program_check(document.lists["grant_types_supported"], machine, has_page=has_page)
    by_user = program is None
    needs_registration = needs_registration and by_user
    checks = (
        *answer.checks,
        name,
        *document.malformed,
        *_endpoint_checks(document, by_user=by_user),
        *(_requirement_checks(document, by_code=assume_pkce is not None) if program is None else (program,)),
        _registration_check(document, needed=needs_registration),
        *place_checks(issuer, document.urls, resource, needs_registration=needs_registration),
        *(_browser_checks(document, assume_pkce=assume_pkce) if by_user and assume_pkce is not None else ()),
        *_feature_checks(document, resource, needs_dpop=needs_dpop),
    )
    value = _metadata(document, issuer, accepted_issuer) if is_usable(checks) else None
    return Reading(value, checks)


def _metadata(document: _Document, issuer: str, accepted_name: str | None) -> ServerMetadata:
    # The token endpoint is among them, or its check had failed.
    stated: dict[str, Any] = {
        **document.lists,
        **{member: url and url.text for member, url in document.urls.items()},
        **{member: document.members.get(member) is True for member in _SWITCHES},
    }
    jwks_uri = document.members.get("jwks_uri")
    return ServerMetadata(
        issuer=issuer,
        jwks_uri=jwks_uri if isinstance(jwks_uri, str) else None,
        document=document.members,
        accepted_name=accepted_name,
        **{member: value for member, value in stated.items() if member in _KEPT},
    )


def _endpoint_checks(document: _Document, *, by_user: bool) -> Iterator[Check]:
    for member in ("authorization_endpoint", "token_endpoint"):
        url, check = document.urls[member], document.requirement(member)
        if url is not None:
            yield check.passed(url.text)
        elif member == "token_endpoint" or by_user:
            yield check.failed(document.problems[member])
    member = "revocation_endpoint"
    url, check = document.urls[member], requirement(f"server.{member}")
    if url is not None:
        yield check.passed(url.text)
    else:
        severity = Severity.NOTICE if document.members.get(member) is None else Severity.WARNING
        yield check.judged(severity, document.problems[member], "unusable")


def _plain_http_problem(url: Url) -> str:
    inner = "a name that only the network of the server knows, and " if is_inner_name(url) else ""
    return f"at {url.authority}, {inner}not https"


def _requirement_checks(document: _Document, *, by_code: bool) -> Iterator[Check]:
    """Yield the requirements of a login by a public client, each as its own check."""
    for need in (need for need in _NEEDS if by_code or not need.of_code):
        check = requirement(f"server.{need.name}")
        values = document.lists[need.member]
        actual = document.stated(need.member) or "not stated"
        if values is None:
            values = _DEFAULTS.get(need.member, ())
            actual += f"; the default is {', '.join(values)}" if values else ""
        if need.value in values:
            yield check.passed(actual)
        else:
            yield check.judged(need.severity, actual, "unlisted", overridable=need.overridable)


def _registration_check(document: _Document, *, needed: bool) -> Check:
    member = "registration_endpoint"
    check, url = requirement(CheckId.SERVER_REGISTRATION), document.urls[member]
    if url is not None:
        return check.passed(url.text)
    actual = quoted_value(document.members.get(member), "unusable", missing="not stated")
    if not needed:
        return check.noticed(f"{actual}; a client id is known")
    if member not in document.plain_http:
        return check.failed(actual, overridable=True)
    # Another check than that of a server without registration, whose cause would be false.
    return document.requirement(member, "_address").failed(
        document.problems[member], "registration", overridable=True
    )


def _browser_checks(document: _Document, *, assume_pkce: bool) -> Iterator[Check]:
    """Yield what a login needs whose code comes back through a browser."""
    yield _s256_check(document, assumed=assume_pkce)
    yield _iss_check(document.members.get("authorization_response_iss_parameter_supported"))
    modes = document.lists["response_modes_supported"]
    if modes is not None and "query" not in modes:
        yield requirement("server.response_modes").warned(listed(modes))
    yield from _pushed_check(document)


def _feature_checks(document: _Document, resource: str, *, needs_dpop: bool) -> Iterator[Check]:
    """Yield what the login may need of these, and what contradicts itself."""
    if needs_dpop:
        algorithms = document.lists["dpop_signing_alg_values_supported"]
        yield algorithm_check("server.dpop", algorithms, "server", "RFC 9449 §5.1")
    protected = document.lists["protected_resources"]
    if protected is not None:
        yield _protected_resources_check(protected, resource)
    yield from signature_check(document.members, "server", "RFC 8414 §2.1")


def _s256_check(document: _Document, *, assumed: bool) -> Check:
    """Return whether the server lists the challenge method S256.

    One that lists nothing may honour it all the same, as Microsoft Entra ID and AWS Cognito do. One that
    lists something else has said that it does not.

    Args:
        assumed: whether the user goes on if it lists nothing.
    """
    member, check = "code_challenge_methods_supported", requirement(CheckId.SERVER_S256)
    actual = document.stated(member)
    if "S256" in (document.lists[member] or ()):
        return check.passed(actual)
    if actual:
        return check.failed(actual, "unsupported")
    if assumed:
        return check.warned("not stated; S256 is sent all the same, because you chose so")
    return check.failed("not stated", "unstated")


def _iss_check(value: JsonValue) -> Check:
    check = requirement("server.iss_parameter")
    if value is True:
        return check.passed("true")
    if value in (None, False):
        return check.noticed("not supported; state and the recorded token endpoint bind the answer")
    return check.warned(quoted_value(value, "malformed"))


def _pushed_check(document: _Document) -> Iterator[Check]:
    """Yield whether pushed requests can be sent, where they have to be or an endpoint is named."""
    endpoint = document.urls["pushed_authorization_request_endpoint"]
    stated = document.members.get("pushed_authorization_request_endpoint")
    required = document.members.get("require_pushed_authorization_requests") is True
    if not required and (stated is None or endpoint is not None):
        return
    check = requirement("server.pushed_authorization_requests")
    actual = quoted_value(stated, "unusable", missing="none")
    if endpoint is not None:
        yield check.passed(endpoint.text)
    elif required:
        yield check.failed(actual)
    else:
        yield check.warned(actual)


def _protected_resources_check(protected: tuple[str, ...], resource: str) -> Check:
    check = requirement("server.protected_resources", resource=resource)
    if any(same_resource(resource, other) for other in protected):
        return check.passed(resource)
    return check.failed(f"{len(protected)} others: {', '.join(protected[:3])}"[:500], overridable=True)

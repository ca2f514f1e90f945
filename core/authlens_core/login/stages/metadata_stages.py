"""Stages 2 and 3: which servers does the resource trust (RFC 9728), and what can its server do (RFC 8414)?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.cloudflare.team import is_team_host
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import (
    PlannedRequest,
    StageResult,
    diagnosed,
    parted,
    places_tried,
    unanswered,
)
from authlens_core.oauth.discovery.issuer import metadata_urls, moves_on
from authlens_core.oauth.discovery.resource_metadata import (
    ResourceMetadata,
    metadata_request,
    read_resource_metadata,
)
from authlens_core.oauth.discovery.server_metadata import ServerMetadata, read_server_metadata
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Check, CheckId, Diagnosis, Requirement, Severity, requirement
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.formats.error_response import is_document, members_of
from authlens_core.values.login_options import OPTIONS
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url, UrlRefused, parse_url, same_site

_SPEC = "RFC 9728 §3"
_TOO_MANY: Final = 429
# Where an origin may have server metadata.
_PLACES: Final = 2


class ResourceMetadataStage:
    """Fetches the metadata document from the first candidate that has one."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the GET of the next candidate, or None when one answered or none is left."""
        if sent and not _not_here(sent[-1], guessed=facts.metadata_guessed):
            return None
        places = facts.metadata_candidates
        if len(sent) < len(places):
            return PlannedRequest(metadata_request(places[len(sent)]), Purpose.RESOURCE_METADATA)
        return _origin_request(facts, len(sent) - len(places))

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the document and choose the authorization server."""
        exchanges, legacy = parted(exchanges, Purpose.SERVER_METADATA)
        if not exchanges:
            return _at_origin(facts, _missing(facts, exchanges))
        last = exchanges[-1]
        if last.complete_response is None:
            return unanswered(facts, last, "resource_metadata.answer")
        if _not_here(last, guessed=facts.metadata_guessed):
            answers = [e.response for e in legacy[:_PLACES] if e.response is not None]
            is_published = facts.metadata_guessed and not all(map(moves_on, answers))
            check = _missing(facts, exchanges, legacy)
            if is_published or facts.options.legacy_paths:
                check = _origin_check(facts, is_published=is_published)
            # The places of server metadata came last; what is quoted is the answer of the resource.
            return _at_origin(facts, check, diagnosed(Stage.RESOURCE_METADATA, facts, (check,), exchanges))
        reading = read_resource_metadata(
            last.complete_response,
            requested=facts.resource_url,
            loopback_http=facts.loopback_http,
            accepted=_accepted(facts, last.complete_response),
        )
        if reading.value is None:
            return StageResult(facts, reading.checks)
        return _choose_server(facts, reading.value, list(reading.checks))


def _accepted(facts: Facts, response: Response) -> str | None:
    """Return the resource that the user takes: in this login, or always at the server that is named."""
    if facts.options.resource is not None:
        return facts.options.resource
    servers = members_of(response).get("authorization_servers")
    issuer = servers[0] if isinstance(servers, list) and servers else None
    decided = dict(facts.remembered.get(issuer, ())) if isinstance(issuer, str) else {}
    resource = decided.get("resource")
    return resource if isinstance(resource, str) else None


def _origin_request(facts: Facts, turn: int) -> PlannedRequest | None:
    """Return the GET of server metadata at the origin, as of MCP 2025-03-26, at last of its login page."""
    issuer = _legacy(facts).issuer
    places = () if issuer is None else (*metadata_urls(issuer), replace(issuer, path=_PAGE))
    if turn >= len(places):
        return None
    # The user named this origin, so it may be in a private network, unlike one that a server names.
    return PlannedRequest(metadata_request(places[turn]), Purpose.SERVER_METADATA, server_supplied=False)


def _origin_check(facts: Facts, *, is_published: bool) -> Check:
    origin = facts.resource_url.origin
    actual = f"nothing; {origin} publishes server metadata and is used as the authorization server"
    chosen = f"nothing; {origin} is used as the authorization server, as you chose"
    return _document_requirement(facts, origin).warned(actual if is_published else chosen)


def _not_here(exchange: Exchange, *, guessed: bool) -> bool:
    """Whether the document is not at this place and the next is tried.

    A client error or a redirect to a login page says so; at a place that was guessed, so does a page that is
    not JSON. Too many requests (429) says nothing about the place.
    """
    response = exchange.response
    if response is None or response.status == _TOO_MANY:
        return False
    # Single-page applications answer every path with 200 and their page.
    is_page = guessed and response.status < 300 and not is_document(response)
    return is_page or 300 <= response.status < 500


def _missing(facts: Facts, exchanges: Sequence[Exchange], legacy: Sequence[Exchange] = ()) -> Check:
    tried = places_tried(exchanges)
    actual = f"nothing at {tried}" if tried else "nowhere to look"
    if legacy:
        actual = f"{actual}; at its origin: {places_tried(legacy)}"
    result = _result_at_origin(legacy)
    server = "ISSUER" if result in ("", "nowhere") else facts.resource_url.origin
    return _document_requirement(facts, server).failed(actual, result, overridable=True)


def _document_requirement(facts: Facts, server: str) -> Requirement:
    """Return the check, with the documents that a resource has to publish whose issuer is `server`."""
    origin, places = facts.resource_url.origin, facts.metadata_candidates
    document = {"resource": facts.resource_url.text, "authorization_servers": [server]}
    return requirement(
        CheckId.METADATA_FOUND,
        origin=origin,
        place=places[0].text if places else "",
        document=json.dumps(document),
        server_document=_server_document(origin, origin),
    )


def _result_at_origin(legacy: Sequence[Exchange]) -> str:
    """Return what the origin is as a server of MCP 2025-03-26; empty if the answers do not say."""
    if not legacy:
        return ""
    last = legacy[-1]
    if len(legacy) <= _PLACES:
        response = last.complete_response
        is_published = response is not None and response.status == 200 and is_document(response)
        return "at_origin" if is_published else ""
    if last.status == _NOT_FOUND:
        return "nowhere"
    # A resource that guards all its paths answers 401 there, too.
    return "old_server" if last.status != 401 and _is_there(last, legacy[:_PLACES]) else ""


def _legacy(facts: Facts) -> Facts:
    """MCP servers of 2025-03-26 have no resource metadata: their origin is the authorization server."""
    origin = facts.resource_url.origin
    issuer = facts.url(origin)
    return facts if issuer is None else facts.at_issuer(issuer, origin)


def _at_origin(facts: Facts, check: Check, cause: Diagnosis | None = None) -> StageResult:
    """Return the result where the origin itself is the authorization server, which no document names."""
    new, preferred = _legacy(facts), facts.options.issuer
    checks = [check, *_trust(facts, new)]
    if preferred not in (None, new.issuer_identifier):
        actual = f"{preferred} is not; it names none"
        checks.append(requirement(CheckId.METADATA_SERVER).failed(actual, "not_named"))
    return StageResult(new, tuple(checks), diagnosis=cause)


def _choose_server(facts: Facts, metadata: ResourceMetadata, checks: list[Check]) -> StageResult:
    servers = metadata.authorization_servers
    # RFC 9728 §7.6 leaves the choice to the client; with several, `_choice` asks the user first.
    preferred = facts.options.issuer
    chosen = preferred if preferred in servers else servers[0]
    spec = "RFC 9728 §2"
    display_facts = [Fact(FactId.RESOURCE, metadata.resource, spec, "what this resource calls itself")]
    for server in servers:
        note = "chosen" if server == chosen else "also named"
        display_facts.append(Fact(FactId.AUTHORIZATION_SERVERS, server, spec, note))
    if metadata.scopes_supported:
        display_facts.append(Fact(FactId.SCOPES_SUPPORTED, metadata.scopes_supported, spec))
    issuer: Url | None
    try:
        issuer = parse_url(chosen, loopback_http=facts.loopback_http, allow_query=False)
    except UrlRefused as refused:
        issuer = None
        checks.append(requirement("resource_metadata.issuer_url").failed(f"{chosen}: {refused}"))
    new = replace(facts, resource_metadata=metadata).at_issuer(issuer, chosen)
    # First that the server is another than last time: a yes to the first of several has to know it.
    checks += [*_trust(facts, new), _choice(preferred, servers)]
    if new.options != facts.options:
        checks.append(_remembered(new, chosen))
    return StageResult(new, tuple(checks), tuple(display_facts))


def _remembered(facts: Facts, chosen: str) -> Check:
    flags = (OPTIONS[name].flag for name, _ in facts.remembered[chosen])
    return requirement("resource_metadata.remembered").noticed(
        f"{', '.join(flags)}, as you chose with --remember"
    )


def _trust(facts: Facts, new: Facts) -> Iterator[Check]:
    """Yield whether the server of `new` may get what this login sends, if the user did not name it."""
    identifier, earlier, issuer = new.issuer_identifier, facts.earlier_issuer, new.issuer
    if issuer is None or identifier is None or identifier == facts.options.issuer:
        return
    # At the login of a user, the resource may have chosen the server.
    is_first = facts.flow.is_by_program and not facts.earlier_by_program
    if is_first and not same_site(issuer, facts.resource_url):
        check = requirement("resource_metadata.issuer_needed", site=facts.resource_url.authority)
        yield check.failed(identifier)
        return
    if earlier in (None, identifier):
        return
    # Whole, because two tenants of one host are two servers.
    check = requirement("resource_metadata.server_changed", earlier=earlier, now=identifier)
    if new.options.sends_what_owner_gave:
        yield check.failed(identifier, overridable=True, host=issuer.host)
    else:
        yield check.warned(identifier)


def _choice(preferred: str | None, servers: tuple[str, ...]) -> Check:
    check = requirement(CheckId.METADATA_SERVER)
    if preferred not in (None, *servers):
        return check.failed(f"{preferred} is not; it names {', '.join(servers)}", "not_named")
    if preferred is None and len(servers) > 1:
        cure = f"Continue to use the first, {servers[0]}."
        return check.failed(", ".join(servers), "several", cure=cure, overridable=True)
    return check.passed(preferred or servers[0])


_LEGACY_PATHS: Final = "/authorize, /token and /register"
_PAGE: Final = "/authorize"
_NOT_FOUND: Final = 404


class ServerMetadataStage:
    """Asks the candidate places in order and judges the first document found."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the GET of the next candidate after a client error, and at last that of a default path."""
        if facts.issuer is None:
            return None
        if sent and (sent[-1].complete_response is None or not moves_on(sent[-1].complete_response)):
            return None
        candidates = metadata_urls(facts.issuer)
        if len(sent) < len(candidates):
            return PlannedRequest(metadata_request(candidates[len(sent)]), Purpose.SERVER_METADATA)
        # A server that no document names is offered in any case: it is the origin that the user gave.
        unasked = facts.resource_metadata is not None and not facts.options.legacy_paths
        if len(sent) > len(candidates) or not unasked:
            return None
        page = replace(facts.issuer, path=_PAGE)
        return PlannedRequest(Request("GET", page.text, Headers()), Purpose.SERVER_METADATA)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the document found, check the four requirements, and keep the endpoints."""
        if facts.issuer is None or not exchanges:
            return StageResult(facts, (_no_document("there is no authorization server to ask"),))
        places = len(metadata_urls(facts.issuer))
        exchanges, probes = exchanges[:places], exchanges[places:]
        last = exchanges[-1]
        if last.complete_response is None:
            return StageResult(facts, (_no_document(last.no_answer.cause, last.no_answer.cure),))
        if moves_on(last.complete_response):
            return _default_paths(facts, facts.issuer, exchanges, probes)
        machine = facts.flow.grant_type if facts.flow.is_by_program else None
        reading = read_server_metadata(
            last.complete_response,
            issuer=facts.issuer_identifier or facts.issuer.text,
            # Access prints its issuer without a scheme; of any other server this would be another issuer.
            schemeless_issuer=is_team_host(facts.issuer.host) or _is_stated_team(facts, facts.issuer),
            resource=facts.resource or facts.resource_url.text,
            loopback_http=facts.loopback_http and facts.issuer.is_loopback,
            needs_registration=machine is None
            and facts.options.client_id is None
            and facts.options.client_metadata_url is None,
            needs_dpop=facts.needs_dpop,
            machine=machine,
            accepted_issuer=facts.accepted_issuer,
            assume_pkce=facts.options.assume_pkce if facts.flow.is_by_link else None,
        )
        if reading.value is None:
            return StageResult(facts, reading.checks)
        return StageResult(
            replace(facts, server_metadata=reading.value),
            reading.checks,
            _display_facts(reading.value, by_user=machine is None),
        )


def _is_stated_team(facts: Facts, issuer: Url) -> bool:
    """Return whether a loopback issuer is the team domain that the resource metadata states.

    Only the emulator has a team on loopback; any other server there has to name itself in full.
    """
    stated = facts.resource_metadata.document.get("team_domain") if facts.resource_metadata else None
    return issuer.is_loopback and stated == issuer.origin.partition("://")[2]


def _default_paths(
    facts: Facts, issuer: Url, exchanges: Sequence[Exchange], probes: Sequence[Exchange]
) -> StageResult:
    """Return the endpoints of MCP 2025-03-26 if the user chose them, else the failure that may offer them.

    Args:
        issuer: the server, which published no metadata in `exchanges`.
        probes: the request to its default page; they are offered where that is answered otherwise.
    """
    actual = f"nothing at {places_tried(exchanges)}"
    chosen, origin = facts.options.legacy_paths, issuer.origin
    identifier = facts.issuer_identifier or origin
    there = next((probe for probe in probes if _is_there(probe, exchanges)), None)
    if not chosen and facts.resource_metadata is not None and there is None:
        check = _no_document(actual)
        diagnosis = diagnosed(Stage.SERVER_METADATA, facts, (check,), exchanges)
        return StageResult(facts, (check,), diagnosis=diagnosis)
    if there is not None:
        actual = f"{actual}; {there.request.url} answers ({there.status})"
    check = requirement(
        CheckId.SERVER_DOCUMENT,
        "server.default_paths",
        paths=_LEGACY_PATHS,
        issuer=origin,
        place=exchanges[0].request.url,
        document=_server_document(identifier, origin),
    ).judged(
        Severity.WARNING if chosen else Severity.FAILURE,
        f"{actual}; {_LEGACY_PATHS} of {origin} are used instead" if chosen else actual,
        "offered",
        overridable=not chosen,
    )
    if not (chosen or CheckId.SERVER_DOCUMENT in facts.approved):
        cause = f"{origin} publishes no server metadata, so nothing says where its endpoints are."
        return StageResult(facts, (check,), (), Diagnosis("default_paths", cause, check.cure, (actual,)))
    # MCP 2025-03-26 names these paths as the fallback, at the root of the server.
    metadata = ServerMetadata(identifier, f"{origin}{_PAGE}", f"{origin}/token", f"{origin}/register")
    facts = replace(facts, server_metadata=metadata)
    return StageResult(facts, (check,), _display_facts(metadata, by_user=True))


def _server_document(issuer: str, origin: str) -> str:
    """Return the metadata that a server with default paths has to publish (RFC 8414 §2)."""
    return json.dumps(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{origin}{_PAGE}",
            "token_endpoint": f"{origin}/token",
            "registration_endpoint": f"{origin}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
    )


def _is_there(probe: Exchange, elsewhere: Sequence[Exchange]) -> bool:
    """Return whether a page is at a default path: the server answers otherwise than where nothing is."""
    status = probe.status or _NOT_FOUND
    return status < 500 and status not in (_NOT_FOUND, *(exchange.status for exchange in elsewhere))


def _no_document(actual: str, cure: str = "") -> Check:
    return requirement(CheckId.SERVER_DOCUMENT).failed(
        actual,
        cure=cure or "Ask the owner of the resource whether authorization_servers names the right server.",
    )


# What a login without a user has no use for.
_OF_USERS: Final = (
    FactId.AUTHORIZATION_ENDPOINT,
    FactId.REGISTRATION_ENDPOINT,
    FactId.CODE_CHALLENGE_METHODS_SUPPORTED,
)


def _display_facts(metadata: ServerMetadata, *, by_user: bool) -> tuple[Fact, ...]:
    spec = "RFC 8414 §2"
    pairs = (
        (FactId.ISSUER, metadata.stated_issuer),
        (FactId.AUTHORIZATION_ENDPOINT, metadata.authorization_endpoint),
        (FactId.TOKEN_ENDPOINT, metadata.token_endpoint),
        (FactId.REGISTRATION_ENDPOINT, metadata.registration_endpoint),
        (FactId.REVOCATION_ENDPOINT, metadata.revocation_endpoint),
        (FactId.GRANT_TYPES_SUPPORTED, metadata.grant_types_supported),
        (FactId.CODE_CHALLENGE_METHODS_SUPPORTED, metadata.code_challenge_methods_supported),
        (FactId.TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED, metadata.token_endpoint_auth_methods_supported),
    )
    return tuple(Fact(name, value, spec) for name, value in pairs if by_user or name not in _OF_USERS)

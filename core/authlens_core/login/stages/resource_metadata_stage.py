"""Stage 2: which servers does the resource trust (RFC 9728)?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import (
    PlannedRequest,
    StageResult,
    diagnosed,
    parted,
    places_tried,
    unanswered,
)
from authlens_core.login.stages.server_metadata_stage import NOT_FOUND, PAGE, is_there, server_document
from authlens_core.oauth.discovery.issuer import metadata_urls, moves_on
from authlens_core.oauth.discovery.resource_metadata import (
    ResourceMetadata,
    metadata_request,
    read_resource_metadata,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Check, CheckId, Diagnosis, Requirement, requirement
from authlens_core.values.exchange import Exchange, Purpose, Response
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
    places = () if issuer is None else (*metadata_urls(issuer), replace(issuer, path=PAGE))
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
        server_document=server_document(origin, origin),
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
    if last.status == NOT_FOUND:
        return "nowhere"
    # A resource that guards all its paths answers 401 there, too.
    return "old_server" if last.status != 401 and is_there(last, legacy[:_PLACES]) else ""


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

"""Stage 3: what can the authorization server do (RFC 8414), and what if it does not say so?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.cloudflare.team import is_team_host
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import (
    PlannedRequest,
    StageResult,
    diagnosed,
    places_tried,
)
from authlens_core.oauth.discovery.issuer import metadata_urls, moves_on
from authlens_core.oauth.discovery.resource_metadata import (
    metadata_request,
)
from authlens_core.oauth.discovery.server_metadata import ServerMetadata, read_server_metadata
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Check, CheckId, Diagnosis, Severity, requirement
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request
from authlens_core.values.formats.error_response import is_document, members_of
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url

_LEGACY_PATHS: Final = "/authorize, /token and /register"
PAGE: Final = "/authorize"
NOT_FOUND: Final = 404


class ServerMetadataStage:
    """Asks the candidate places in order and judges the first document found."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the GET of the next candidate after a client error; at last of what an owner may have meant.

        That is a default path, and the document of the origin where the issuer has a path of its own.
        """
        if facts.issuer is None:
            return None
        candidates = metadata_urls(facts.issuer)
        response = sent[-1].complete_response if sent else None
        if sent and (response is None or (len(sent) <= len(candidates) and not moves_on(response))):
            return None
        if len(sent) < len(candidates):
            return PlannedRequest(metadata_request(candidates[len(sent)]), Purpose.SERVER_METADATA)
        # A server that no document names is offered in any case: it is the origin that the user gave.
        unasked = facts.resource_metadata is not None and not facts.options.legacy_paths
        root = replace(facts.issuer, path="/")
        others = (replace(root, path=PAGE), *(() if facts.issuer.path == "/" else metadata_urls(root)[:1]))
        if not unasked or len(sent) >= len(candidates) + len(others):
            return None
        url = others[len(sent) - len(candidates)]
        return PlannedRequest(Request("GET", url.text, Headers()), Purpose.SERVER_METADATA)

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
    there = next((probe for probe in probes[:1] if is_there(probe, exchanges)), None)
    root_name = _name_at_root(probes[1:])
    if root_name and not chosen:
        return _named_otherwise(facts, f"{actual}; {probes[1].request.url} answers", identifier, root_name)
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
        document=server_document(identifier, origin),
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
    metadata = ServerMetadata(identifier, f"{origin}{PAGE}", f"{origin}/token", f"{origin}/register")
    return StageResult(
        replace(facts, server_metadata=metadata), (check,), _display_facts(metadata, by_user=True)
    )


def _name_at_root(probes: Sequence[Exchange]) -> str:
    """Return what the server calls itself in the document of its origin; empty if there is none."""
    response = probes[0].complete_response if probes else None
    name = members_of(response).get("issuer") if response is not None and is_document(response) else None
    return name if isinstance(name, str) else ""


def _named_otherwise(facts: Facts, actual: str, identifier: str, name: str) -> StageResult:
    """Return the failure where the resource names a path of a server that has its metadata at the origin."""
    stated = safe_line(name, NAME)
    check = requirement(
        CheckId.SERVER_DOCUMENT, "server.named_otherwise", identifier=identifier, stated=stated
    ).failed(actual)
    cause = f"The resource names {identifier} as its server, and that server calls itself {stated}."
    return StageResult(facts, (check,), (), Diagnosis("named_otherwise", cause, check.cure, (actual,)))


def server_document(issuer: str, origin: str) -> str:
    """Return the metadata that a server with default paths has to publish (RFC 8414 §2)."""
    return json.dumps(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{origin}{PAGE}",
            "token_endpoint": f"{origin}/token",
            "registration_endpoint": f"{origin}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
    )


def is_there(probe: Exchange, elsewhere: Sequence[Exchange]) -> bool:
    """Return whether a page is at a default path: the server answers otherwise than where nothing is."""
    status = probe.status or NOT_FOUND
    return status < 500 and status not in (NOT_FOUND, *(exchange.status for exchange in elsewhere))


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

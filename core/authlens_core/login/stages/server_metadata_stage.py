"""Stage 3: where are the server's endpoints, and what can it do? (RFC 8414)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from authlens_core.cloudflare.team import is_team_host
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, places_tried
from authlens_core.oauth.discovery.resource_metadata import metadata_request
from authlens_core.oauth.discovery.server_metadata import (
    ServerMetadata,
    metadata_urls,
    moves_on,
    read_server_metadata,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.flow import UserPart
from authlens_core.values.check import Check, CheckId, failed, warned
from authlens_core.values.diagnosis import Diagnosis
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import step
from authlens_core.values.url import Url

_LEGACY_PATHS: Final = "/authorize, /token and /register"


class ServerMetadataStage:
    """Asks the candidate places in order and judges the first document found."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the GET of the next candidate; only a client error moves on to the next."""
        if facts.issuer is None:
            return None
        if sent and (sent[-1].answer is None or not moves_on(sent[-1].answer)):
            return None
        candidates = metadata_urls(facts.issuer)
        if len(sent) >= len(candidates):
            return None
        return PlannedRequest(metadata_request(candidates[len(sent)]), Purpose.SERVER_METADATA)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the document found, check the four requirements, and keep the endpoints."""
        if facts.issuer is None or not exchanges:
            return StageResult(facts, (_no_document("there is no authorization server to ask"),))
        last = exchanges[-1]
        if last.answer is None:
            return StageResult(facts, (_no_document(last.no_answer.cause, last.no_answer.cure),))
        if moves_on(last.answer):
            return _default_paths(facts, places_tried(exchanges))
        machine = facts.flow.grant_type if facts.flow.user_part is UserPart.NOTHING else None
        reading = read_server_metadata(
            last.answer,
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
            assume_pkce=facts.options.assume_pkce if facts.flow.user_part is UserPart.LINK else None,
        )
        if reading.value is None:
            return StageResult(facts, reading.checks)
        return StageResult(
            replace(facts, server_metadata=reading.value),
            reading.checks,
            _shown(reading.value, by_user=machine is None),
        )


def _is_stated_team(facts: Facts, issuer: Url) -> bool:
    """Return whether a loopback issuer is the team domain that the resource metadata states.

    Only the emulator has a team on loopback; any other server there has to name itself in full.
    """
    stated = facts.resource_metadata.document.get("team_domain") if facts.resource_metadata else None
    return issuer.is_loopback and stated == issuer.origin.partition("://")[2]


def _default_paths(facts: Facts, tried: str) -> StageResult:
    """Return the endpoints of MCP 2025-03-26 if the user chose them, else the failure that offers them.

    They are offered only if the resource names no authorization server: its own origin is asked then.
    """
    issuer = facts.issuer_identifier
    if facts.resource_metadata is not None or issuer is None:
        return StageResult(facts, (_no_document(f"nothing at {tried}"),))
    chosen = facts.options.legacy_paths
    make = warned if chosen else failed
    seen = f"nothing at {tried}"
    check = make(
        CheckId.SERVER_DOCUMENT,
        "The authorization server publishes its metadata.",
        f"{seen}; {_LEGACY_PATHS} of {issuer} are used instead" if chosen else seen,
        why="Unpublished endpoints are a guess: a wrong one could get your code.",
        spec="MCP 2025-03-26, Authorization",
        cure=step(
            f"For an old MCP server, continue with {_LEGACY_PATHS} of {issuer}",
            "authlens login URL --legacy-paths",
        ),
        overridable=not chosen,
    )
    if not (chosen or CheckId.SERVER_DOCUMENT in facts.approved):
        cause = f"{issuer} publishes no server metadata, and the resource names no other server."
        return StageResult(facts, (check,), (), Diagnosis("default_paths", cause, check.cure, (seen,)))
    # MCP 2025-03-26 names these paths as the fallback.
    metadata = ServerMetadata(issuer, f"{issuer}/authorize", f"{issuer}/token", f"{issuer}/register")
    return StageResult(replace(facts, server_metadata=metadata), (check,), _shown(metadata, by_user=True))


def _no_document(seen: str, cure: str = "") -> Check:
    return failed(
        CheckId.SERVER_DOCUMENT,
        "The authorization server publishes its metadata.",
        seen,
        why="Endpoints are never guessed: a guess could send the code to the wrong server.",
        spec="RFC 8414 §3",
        cure=cure or "Ask the owner of the resource whether authorization_servers names the right server.",
    )


# What a login without a user has no use for.
_OF_USERS: Final = frozenset(
    {
        FactId.AUTHORIZATION_ENDPOINT,
        FactId.REGISTRATION_ENDPOINT,
        FactId.CODE_CHALLENGE_METHODS_SUPPORTED,
    }
)


def _shown(metadata: ServerMetadata, *, by_user: bool) -> tuple[Fact, ...]:
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

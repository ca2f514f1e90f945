"""Asking the resources whether credentials of any kind work now, with counts by the layer that answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from authlens_core.access.protection import NETWORK
from authlens_core.credentials.inventory.cloudflared_probe import probe_cloudflared
from authlens_core.credentials.inventory.inventory import InventoryEntry
from authlens_core.credentials.inventory.service_token_probe import probe_service_token
from authlens_core.credentials.lifecycle.probe_grant import probe_grant
from authlens_core.credentials.lifecycle.probe_result import THIS_MACHINE, ProbeResult, failed_probe
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.lifecycle.refresh_result import RefreshOptions, RefreshOutcome
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.errors import AuthlensError, LoginNeeded
from authlens_core.wire.client import Wire


async def probe(credentials: Credentials, wire: Wire, entry: InventoryEntry) -> ProbeResult:
    """Ask the resource whether one credential works; an error becomes its result."""
    try:
        match entry.source:
            case Grant() as grant:
                return await _probe_grant(credentials, wire, grant)
            case ServiceToken(token_id=token_id):
                return (await probe_service_token(credentials, wire, token_id)).result
            case token:
                return await probe_cloudflared(credentials, wire, token, entry.url or None)
    except AuthlensError as error:
        return failed_probe(error)


async def _probe_grant(credentials: Credentials, wire: Wire, grant: Grant) -> ProbeResult:
    """Ask with the access token; with a new one, once, if the resource refused it as invalid."""
    done = await probe_grant(credentials, wire, grant.grant_id)
    refused = done.refused_token
    if refused is None or done.grant.state is not GrantState.LIVE or not done.grant.has_refresh_token:
        return done.result
    fresh = await refresh(credentials, wire, grant.grant_id, RefreshOptions(refused=refused))
    if fresh.outcome is RefreshOutcome.LOGIN_NEEDED:
        return replace(
            done.result,
            summary=f"{done.result.summary} {fresh.summary}",
            cure=fresh.cure,
            error_type=LoginNeeded,
            trace=fresh.trace,
        )
    # The refusal is the result; that a refresh could not help either is shown by the grant.
    if fresh.outcome not in (RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED):
        return done.result
    result = (await probe_grant(credentials, wire, grant.grant_id)).result
    return replace(
        result,
        summary=(f"The resource refused the old access token, so authlens got a new one. {result.summary}"),
    )


def count_results(results: Iterable[ProbeResult]) -> str:
    """Return how many work and who answered the others: `31 work · 4 refused, by origin`."""
    found = tuple(results)
    works = sum(one.good for one in found)
    layers = Counter((one.layer, one.accepted is False) for one in found if not one.good)
    parts = [f"{works} {'works' if works == 1 else 'work'}"]
    for (layer, refused), count in sorted(layers.items()):
        parts.append(f"{count} {'refused' if refused else 'unclear'}, {_by(layer)}")
    return " · ".join(parts)


def _by(layer: str) -> str:
    if layer == NETWORK:
        return "no response"
    return "not sent" if layer == THIS_MACHINE else f"from {layer}"

"""Asking the resources whether credentials work now: one of any kind, or many, with counts by layer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from authlens_core.credentials.inventory.cloudflared_probe import prove_cloudflared
from authlens_core.credentials.inventory.inventory import Holding
from authlens_core.credentials.inventory.service_token_test import try_service_token
from authlens_core.credentials.lifecycle.concurrent_map import AT_ONCE, each
from authlens_core.credentials.lifecycle.probe_grant import prove
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.lifecycle.refresh_result import RefreshOutcome
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.errors import AuthlensError, LoginNeeded, NetworkFailure, Refused, ServerMisconfigured
from authlens_core.trace.record import Trace
from authlens_core.wire.client import Wire

__all__ = ["Probed", "counted", "probe", "probe_all"]

HERE = "this machine"
"""The layer of a probe that was not sent: the keyring or a file here was in the way."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of asking a resource with one credential. Every text is safe to show.

    Attributes:
        holding: which credential, as it was before.
        accepted: True and False are the resource's word; None where nobody said either.
        layer: who answered: `Cloudflare Access`, `Cloudflare WAF`, `origin` or `network`; `this machine`
            where nothing was sent.
        summary: what was found, one sentence.
        cure: what to do about it, or the empty string.
        exit_code: what a command ends with that asked this alone; see `AuthlensError`.
        trace: what was sent and what came back; None where nothing was.
    """

    holding: Holding
    accepted: bool | None
    layer: str
    summary: str
    cure: str = ""
    exit_code: int = 0
    trace: Trace | None = None


async def probe(
    credentials: Credentials, wire: Wire, holding: Holding, *, now: Callable[[], datetime] = utc_now
) -> Probed:
    """Ask the resource whether one credential works; an error becomes its result."""
    try:
        return await _probe(credentials, wire, holding, now)
    except AuthlensError as error:
        return Probed(holding, None, HERE, error.cause, error.cure, error.exit_code)


async def _probe(
    credentials: Credentials, wire: Wire, holding: Holding, now: Callable[[], datetime]
) -> Probed:
    match holding.source:
        case Grant() as grant:
            return await _probe_grant(credentials, wire, holding, grant, now)
        case ServiceToken(token_id=token_id):
            said = (await try_service_token(credentials, wire, token_id, now=now)).said
        case token:
            said = await prove_cloudflared(credentials, wire, token, holding.url or None, now=now)
    code = 0 if said.error is None else said.error.exit_code
    return Probed(holding, said.accepted, said.answer.layer, said.summary, said.cure, code, said.trace)


async def _probe_grant(
    credentials: Credentials, wire: Wire, holding: Holding, grant: Grant, now: Callable[[], datetime]
) -> Probed:
    """Ask with the access token; with a new one, once, where the resource refused it as invalid."""
    done = await prove(credentials, wire, grant.grant_id, now=now)
    renewed = ""
    if done.stale is not None and done.grant.state is GrantState.LIVE and done.grant.has_refresh_token:
        fresh = await refresh(credentials, wire, grant.grant_id, refused=done.stale, now=now)
        if fresh.outcome is RefreshOutcome.LOGIN_NEEDED:
            words = f"{done.summary} {fresh.summary}"
            return Probed(
                holding, False, done.answer.layer, words, fresh.cure, LoginNeeded.exit_code, fresh.trace
            )
        if fresh.outcome in (RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED):
            renewed = "It refused the old access token, so a new one was fetched. "
            done = await prove(credentials, wire, grant.grant_id, now=now)
    code = 0 if done.accepted else _code(accepted=done.accepted, layer=done.answer.layer)
    words = f"{renewed}{done.summary}"
    return Probed(holding, done.accepted, done.answer.layer, words, done.cure, code, done.trace)


def _code(*, accepted: bool | None, layer: str) -> int:
    if accepted is False:
        return Refused.exit_code
    return NetworkFailure.exit_code if layer == "network" else ServerMisconfigured.exit_code


async def probe_all(
    credentials: Credentials,
    wire: Wire,
    holdings: Iterable[Holding],
    *,
    at_once: int = AT_ONCE,
    heard: Callable[[Probed], None] = lambda _probed: None,
    stop: asyncio.Event | None = None,
    now: Callable[[], datetime] = utc_now,
) -> tuple[Probed, ...]:
    """Probe many credentials, `at_once` at the same time; see `each`."""

    async def one(holding: Holding) -> Probed:
        return await probe(credentials, wire, holding, now=now)

    return await each(holdings, one, at_once=at_once, heard=lambda _holding, probed: heard(probed), stop=stop)


def counted(results: Iterable[Probed]) -> str:
    """Return how many work and who answered the others: `31 work · 4 not, said by origin · 2 no answer`."""
    found = tuple(results)
    works = sum(probed.accepted is True for probed in found)
    layers = Counter(
        (probed.layer, probed.accepted is False) for probed in found if probed.accepted is not True
    )
    parts = [f"{works} {'works' if works == 1 else 'work'}"]
    for (layer, refused), count in sorted(layers.items()):
        parts.append(f"{count} {'refused' if refused else 'unclear'}, {_said(layer)}")
    return " · ".join(parts)


def _said(layer: str) -> str:
    if layer == "network":
        return "no answer from the network"
    return "not sent by this machine" if layer == HERE else f"said by {layer}"

"""Refresh, revoke and probe what is stored, one credential or many, and replace secrets of service tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.cloudflare.service_token_headers import ServiceTokenPair
from authlens_core.credentials.lifecycle.action_result import (
    ActionResult,
    ProbeResult,
    Refreshed,
    RefreshOutcome,
    Revoked,
    failed_action,
    failed_probe,
)
from authlens_core.credentials.lifecycle.background_refresh import BackgroundRefresh
from authlens_core.credentials.lifecycle.cloudflared_target import probe_cloudflared
from authlens_core.credentials.lifecycle.inventory import InventoryEntry
from authlens_core.credentials.lifecycle.probe_call import call_resource, note_probe, probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions
from authlens_core.credentials.lifecycle.refresh import refresh as refresh_stored
from authlens_core.credentials.lifecycle.request_headers import token_fields
from authlens_core.credentials.lifecycle.revoke import PROOF_SECONDS, proof_pauses
from authlens_core.credentials.lifecycle.revoke import revoke as revoke_stored
from authlens_core.credentials.records.grant import Grant, utc_now
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import AuthlensError, LoginNeeded, StateUnusable
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import Secret
from authlens_core.values.settings import Settings
from authlens_core.wire.client import Wire

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

__all__ = [
    "ActionResult",
    "BackgroundRefresh",
    "Grant",
    "InventoryEntry",
    "LoginNeeded",
    "ProbeResult",
    "Refreshed",
    "Revoked",
    "ServiceTokenPair",
    "ServiceTokenProbe",
    "background_refresh",
    "for_each",
    "probe",
    "probe_service_token",
    "refresh",
    "replace_service_token",
    "revoke",
]

# How many credentials are acted on at once: more gain little, because a keyring answers one call at a time,
# and a server may limit what it takes for a flood.
_AT_ONCE: Final = 6
# Seconds before each new attempt to store tokens that only this process holds.
_SAVE_PAUSES: Final = (0.5, 2.0)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def for_each(
    items: Iterable[_Item],
    act: Callable[[_Item], Awaitable[_Result]],
    *,
    at_once: int = _AT_ONCE,
    on_result: Callable[[_Item, _Result], None] = lambda _item, _result: None,
    stop: asyncio.Event | None = None,
) -> tuple[_Result, ...]:
    """Act on every item, some at a time, and return the results in the order of the items.

    Args:
        act: such as `refresh`; what it raises ends everything.
        stop: when it is set nothing more is started; what was started ends first, as it may have been sent.

    Returns:
        The results of what was started: fewer than items where it was stopped.
    """
    numbered = enumerate(items)
    results: dict[int, _Result] = {}

    async def worker() -> None:
        # All workers take from one iterator, so each item is done once.
        for number, item in numbered:
            if stop is not None and stop.is_set():
                return
            results[number] = await act(item)
            on_result(item, results[number])

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return tuple(results[number] for number in sorted(results))


# -- refresh -----------------------------------------------------------------------------------------------


async def refresh(session: Session, grant: Grant, *, despite_unknown: bool = False) -> ActionResult:
    """Get a new access token for a grant, however long its token lasts; `Refreshed` if it could be tried.

    New tokens that the store did not take are stored again after a pause: the old ones may be spent.

    Args:
        despite_unknown: send the refresh token although it may be spent.
    """
    options = RefreshOptions(force=True, despite_unknown=despite_unknown)
    try:
        done = await refresh_stored(session.credentials, session.wire, grant.grant_id, options)
    except AuthlensError as error:
        return failed_action(error)
    return await _save_again(session.credentials, done)


async def _save_again(credentials: Credentials, done: Refreshed) -> Refreshed:
    for pause in _SAVE_PAUSES if done.outcome is RefreshOutcome.STORE_FAILED else ():
        await asyncio.sleep(pause)
        with suppress(AuthlensError):
            return Refreshed(
                outcome=RefreshOutcome.REFRESHED,
                summary="Refreshed; stored on the second attempt.",
                trace=done.trace,
                grant=await credentials.save(done.grant, done.secrets),
                secrets=done.secrets,
            )
    return done


def background_refresh(
    session: Session,
    settings: Callable[[], Settings],
    on_result: Callable[[Grant, ActionResult], None],
) -> BackgroundRefresh:
    """Return what refreshes every grant of a session in time, while its `run()` is awaited.

    Args:
        settings: asked again and again: whether to refresh at all, and when a token is due.
        on_result: called with the grant as it was before each attempt, and its result.
    """
    return BackgroundRefresh(session.credentials, session.wire, on_result=on_result, settings=settings)


# -- revoke ------------------------------------------------------------------------------------------------


async def revoke(
    session: Session,
    grant: Grant,
    *,
    waiting: Callable[[float], None] = lambda _seconds: None,
    wait: float = PROOF_SECONDS,
) -> ActionResult:
    """Revoke a grant at its server, verify that, and remove it here; `Revoked` if it could be tried.

    Args:
        waiting: called with the seconds that it may take, where the resource still accepts the token.
        wait: how many seconds such a resource is asked again.
    """
    pauses = proof_pauses(wait)
    try:
        return await revoke_stored(
            session.credentials, session.wire, grant.grant_id, waiting=waiting, pauses=pauses
        )
    except AuthlensError as error:
        return failed_action(error)


# -- probe -------------------------------------------------------------------------------------------------


async def probe(session: Session, entry: InventoryEntry) -> ProbeResult:
    """Ask the resource whether a credential works, of whatever kind."""
    try:
        match entry.source:
            case Grant() as grant:
                return await _probe_login(session, grant)
            case ServiceToken() as token:
                return (await probe_service_token(session, token)).result
            case file:
                url = entry.url or None
                return await probe_cloudflared(session.credentials, session.wire, file, url)
    except AuthlensError as error:
        return failed_probe(error)


async def _probe_login(session: Session, grant: Grant) -> ProbeResult:
    """Ask with the access token; with a new one, once, if the resource refused it as invalid."""
    credentials, wire = session.credentials, session.wire
    done = await probe_grant(credentials, wire, grant.grant_id)
    refused = done.refused_token
    if refused is None or not done.grant.can_refresh:
        return done.result
    refreshed = await refresh_stored(credentials, wire, grant.grant_id, RefreshOptions(refused=refused))
    if refreshed.outcome is RefreshOutcome.LOGIN_NEEDED:
        return replace(
            done.result,
            summary=f"{done.result.summary} {refreshed.summary}",
            cure=refreshed.cure,
            error_type=LoginNeeded,
            trace=refreshed.trace,
        )
    # The refusal is the result; that a refresh could not help either is shown by the grant.
    if refreshed.outcome not in (RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED):
        return done.result
    result = (await probe_grant(credentials, wire, grant.grant_id, is_new=True)).result
    return replace(
        result,
        summary=f"The resource refused the old access token, so authlens got a new one. {result.summary}",
    )


# -- service tokens ----------------------------------------------------------------------------------------


class ServiceTokenProbe(Struct, frozen=True):
    """A service token after a probe.

    Attributes:
        stored: whether the secret that was sent is the stored one.
    """

    token: ServiceToken
    result: ProbeResult
    stored: bool = True


async def probe_service_token(session: Session, token: ServiceToken) -> ServiceTokenProbe:
    """Call the resource with the stored secret of a token, and note the verdict; an error is a result."""
    credentials = session.credentials
    try:
        known, secret = await credentials.service_tokens.load(token.token_id)
        result = await _call(session.wire, known, secret)
    except AuthlensError as error:
        return ServiceTokenProbe(token, failed_probe(error))
    return ServiceTokenProbe(_note(credentials, known, result), result)


async def replace_service_token(
    session: Session,
    changed: ServiceToken,
    secret: Secret,
    *,
    anyway: bool = False,
) -> ServiceTokenProbe:
    """Replace the stored secret by a new one, after the resource has accepted that.

    Args:
        changed: the token with what else is new: its client id, its expiry.
        anyway: store it although the resource did not accept it; the old one is gone then.

    Raises:
        LoginNeeded: there is no such token.
        UsageError: the pair cannot be right; nothing was sent.
        NoSecretStore: it could not be stored; the old secret stays.
    """
    credentials, tokens = session.credentials, session.credentials.service_tokens
    known = tokens.get(changed.token_id)
    tokens.refuse_shape(changed, secret)
    result = await _call(session.wire, changed, secret)
    if not result.accepted and not anyway:
        credentials.traces.keep(changed.token_id, result.trace)
        words = "the resource did not accept the new secret"
        credentials.record(AccessKind.SERVICE_TOKEN_UNCHANGED, changed.token_id, words)
        return ServiceTokenProbe(known, result, stored=False)
    stored = await tokens.save(changed, secret)
    return ServiceTokenProbe(_note(credentials, stored, result), result)


async def _call(wire: Wire, token: ServiceToken, secret: Secret) -> ProbeResult:
    return await call_resource(
        wire,
        token.url,
        token_fields(token, secret),
        secret=secret,
        method=token.method,
        purpose=Purpose.SERVICE_TOKEN,
    )


def _note(credentials: Credentials, token: ServiceToken, result: ProbeResult) -> ServiceToken:
    """Note a probe; its result counts, with or without a note of it."""
    at = utc_now()
    noted = token.tested(at, result.outcome, result.summary)
    with suppress(StateUnusable):
        stored = credentials.service_tokens.note_test(token.token_id, at, result.outcome, result.summary)
        noted = stored or noted
    note_probe(credentials, token.token_id, result)
    return noted

"""`authlens refresh`: a new access token for one credential or for all."""

from __future__ import annotations

import asyncio
import shlex
from argparse import Namespace
from typing import Final

from authlens_core.credentials.lifecycle.concurrent_map import each
from authlens_core.credentials.lifecycle.refresh import Refreshed, RefreshOutcome, refresh
from authlens_core.credentials.records.grant import Grant, describe
from authlens_core.errors import AuthlensError
from authlens_core.session import Session
from authlens_tui.cli.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.session import moment, open_session
from authlens_tui.cli.terminal.output import answer_json, say
from authlens_tui.words.durations import in_words

__all__ = ["refresh_credentials"]

_CODES: Final = {
    RefreshOutcome.LOGIN_NEEDED: 4,
    RefreshOutcome.UNKNOWN: 4,
    RefreshOutcome.REFUSED: 5,
    RefreshOutcome.TRANSIENT: 6,
    RefreshOutcome.STORE_FAILED: 9,
}
_SAVE_PAUSES: Final = (0.5, 2.0)  # seconds before each new attempt to keep what only this process holds

Result = tuple[int, dict[str, object]]


async def refresh_credentials(arguments: Namespace) -> int:
    """Refresh one credential or all; the exit code is the highest of the results."""
    async with open_session() as session:
        await session.credentials.recover()
        grants = grants_or_other_kind(session.credentials, arguments, Wanted.REFRESH)
        results = await each(grants, lambda grant: _refresh(session, grant, again=arguments.again))
    if not results:
        say("No credentials on this machine.")
    if arguments.json:
        answer_json([as_json for _, as_json in results])
    return max((code for code, _ in results), default=0)


async def _refresh(session: Session, grant: Grant, *, again: bool) -> Result:
    """Refresh one grant; an error becomes its result, so that the others still have their turn."""
    try:
        result = await refresh(
            session.credentials, session.wire, grant.grant_id, force=True, despite_unknown=again
        )
        kept = await _keep_unsaved(session, result)
    except AuthlensError as error:
        _tell(grant, good=False, summary=error.cause, cure=error.cure)
        return error.exit_code, _as_json(grant, "failed", error.cause, error.cure)
    outcome, summary, cure = result.outcome, result.summary, result.cure
    if kept:
        outcome, summary, cure = RefreshOutcome.REFRESHED, "Refreshed; kept at the second attempt.", ""
    elif outcome is RefreshOutcome.UNKNOWN:
        url = shlex.quote(grant.resource_url)
        cure = f"Try once more, which may end this login: authlens refresh --again {url}. Or log in again."
    code = _CODES.get(outcome, 0)
    if code == 0:
        summary = f"{summary} {_lasts(result.grant)}"
    _tell(grant, good=code == 0, summary=summary, cure=cure)
    return code, _as_json(result.grant, outcome.value, summary, cure)


async def _keep_unsaved(session: Session, result: Refreshed) -> bool:
    """Try again to store new tokens that the store did not take: the old ones may be spent."""
    if result.unsaved is None:
        return False
    for pause in _SAVE_PAUSES:
        await asyncio.sleep(pause)
        try:
            await session.credentials.save(result.grant, result.unsaved)
        except AuthlensError:
            continue
        return True
    return False


def _lasts(grant: Grant) -> str:
    left = describe(grant).remaining_seconds
    return "The server did not say how long it lasts." if left is None else f"It lasts {in_words(left)}."


def _tell(grant: Grant, *, good: bool, summary: str, cure: str) -> None:
    say(f"{'✔' if good else '✖'} {grant.resource_url}: {summary}")
    if cure:
        say(f"  → {cure}")


def _as_json(grant: Grant, outcome: str, summary: str, cure: str) -> dict[str, object]:
    return {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": outcome,
        "summary": summary,
        "cure": cure,
        "expires_at": moment(grant.expires_at),
    }

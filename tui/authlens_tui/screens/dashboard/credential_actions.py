"""Act on the selected credential: refresh, probe, revoke or forget it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final

from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.desk.credentials import InventoryEntry
from authlens_core.desk.forget import ForgottenCredentials, forget
from authlens_core.desk.lifecycle import ActionResult, probe, refresh, revoke
from authlens_core.values.errors import AuthlensError
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.results import Result, ResultsScreen
from authlens_tui.screens.dashboard.sent_requests import SentRequests
from authlens_tui.words.forgotten import what_stays_valid, where_secrets_are_left
from authlens_tui.words.outcomes import with_validity

_MAY_BE_SPENT: Final = frozenset({GrantState.UNKNOWN, GrantState.INTERRUPTED})
_REFRESH_AGAIN: Final = (
    "The result of the last refresh is unknown. If the server replaced the refresh token, sending the old "
    "one again may end this login. Then you log in again."
)
_REVOKE: Final = (
    "The server ends the refresh token and the access token. authlens calls the resource to verify that it "
    "refuses them, and only then removes them here. To use the resource again, log in again."
)
_FORGET: Final = (
    "The tokens are not revoked: they stay valid at the server until they expire. To end them, "
    "revoke instead (v). Until you quit, z restores what was forgotten, but not its recorded requests."
)
_FORGET_OF_ACCESS: Final = (
    "The service token stays valid at Access. To end it, revoke it in Zero Trust. Until you quit, z "
    "restores it here."
)
_UNDO: Final = "z undoes this until you quit."
_NO_UNDO: Final = "This cannot be undone: its secrets could not be read safely."
_RESTORED: Final = "Its secrets were read back. Its recorded requests stay deleted."

_Action = Callable[[InventoryEntry], Coroutine[Any, Any, None]]


class CredentialActions:
    """Runs one action at a time for each credential and reports its result."""

    def __init__(self, context: DashboardContext, sent: SentRequests) -> None:
        self._context = context
        self._sent = sent
        self._forgotten = ForgottenCredentials()

    def refresh(self) -> None:
        """Refresh the selected credential; ask first if its refresh token may be spent."""
        entry = self._context.selected
        if entry is None or entry.grant is None or entry.grant.state not in _MAY_BE_SPENT:
            self._start(entry, "refreshing", self._refresh)
            return
        self._context.confirm(
            "Try the refresh again?",
            _REFRESH_AGAIN,
            "Try again",
            lambda it: self._start(it, "refreshing", partial(self._refresh, despite_unknown=True)),
        )

    def probe(self) -> None:
        self._start(self._context.selected, "probing", self._probe)

    def revoke(self) -> None:
        self._context.confirm(
            "Revoke at the server?", _REVOKE, "Revoke", lambda it: self._start(it, "revoking", self._revoke)
        )

    def forget(self) -> None:
        """Remove the selected credential from this machine, after a question."""
        entry = self._context.selected
        is_service_token = entry is not None and entry.service_token is not None
        words = _FORGET_OF_ACCESS if is_service_token else _FORGET
        self._context.confirm(
            "Forget on this machine?", words, "Forget", lambda it: self._start(it, "forgetting", self._forget)
        )

    async def _refresh(self, entry: InventoryEntry, *, despite_unknown: bool = False) -> None:
        grant = grant_of(entry)
        result = await refresh(self._context.session, grant, despite_unknown=despite_unknown)
        self._report(entry, with_validity(result))

    async def _revoke(self, entry: InventoryEntry) -> None:
        def waiting(seconds: float) -> None:
            self._context.say(
                f"The server confirmed the revocation. {entry.title} still accepts the "
                f"token; asking again for up to {seconds:.0f} s …"
            )

        result = await revoke(self._context.session, grant_of(entry), waiting=waiting)
        if not result.good:
            self._report(entry, result)
            return
        result = replace(result, cure=f"{result.cure} Press I on the dashboard for the requests.".strip())
        self._report(entry, result)
        if self._context.is_current:  # the row is gone, so the dashboard cannot show what verified it
            proof = Result(entry.title, True, " ".join(result.details), result.cure)
            self._context.show(ResultsScreen("Revoked; access token verified", result.summary, [proof]))

    async def _probe(self, entry: InventoryEntry) -> None:
        result = await probe(self._context.session, entry)
        if not result.good:
            result = replace(result, summary=f"Answered by {result.layer}: {result.summary}")
        self._report(entry, result)

    async def _forget(self, entry: InventoryEntry) -> None:
        session = self._context.session
        forgotten = await forget(session, entry.entry_id, self._forgotten)
        undo = _UNDO if self._forgotten.last == entry.entry_id else _NO_UNDO
        left = where_secrets_are_left(forgotten.left, session.credentials.store.place)
        words = f"Removed from this machine. {what_stays_valid(forgotten)} {undo} {left}"
        self._context.say(words.rstrip(), good=True)

    @property
    def can_undo(self) -> bool:
        """Whether something was forgotten that can be stored again."""
        return bool(self._forgotten.last)

    def undo_forget(self) -> None:
        self._context.run(self._undo_forget(), group="action", description="undo forget")

    async def _undo_forget(self) -> None:
        try:
            restored = await self._forgotten.restore(self._context.session)
        except AuthlensError as error:
            self._context.say(f"Not restored: {error.cause} {error.cure}", good=False)
        else:
            url = restored.resource_url if isinstance(restored, Grant) else restored.url
            self._context.say(f"{url} is stored again. {_RESTORED}", good=True)
        self._context.changed(reread=True)

    def _start(self, entry: InventoryEntry | None, doing: str, action: _Action) -> None:
        if entry is None:
            self._context.say("Select a credential first, or press n for a new login.")
        elif not self._context.is_busy(entry):
            self._context.begin(doing, (entry,))
            self._context.say(f"{doing.capitalize()} {entry.title} …")
            self._context.run(self._perform(entry, action), group="action", description="act on a credential")

    async def _perform(self, entry: InventoryEntry, action: _Action) -> None:
        try:
            await action(entry)
        except AuthlensError as error:
            self._context.say(str(error), good=False)
        finally:
            self._context.end((entry,))

    def _report(self, entry: InventoryEntry, result: ActionResult) -> None:
        self._sent.note(entry.entry_id, result.trace)
        self._context.say(" ".join((result.summary, *result.details, result.cure)), good=result.good)


def grant_of(entry: InventoryEntry) -> Grant:
    """Return the grant of a row whose action applies to grants alone.

    Raises:
        ValueError: it is another kind of credential.
    """
    if entry.grant is None:
        raise ValueError("only a grant can be refreshed or revoked")
    return entry.grant

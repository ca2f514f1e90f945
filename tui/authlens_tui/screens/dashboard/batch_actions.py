"""Act on every credential shown: progress, a way to stop, a list of results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from authlens_core.credentials.inventory.inventory import Holding
from authlens_core.credentials.inventory.probe import count_results, probe
from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.lifecycle.concurrent_map import concurrent_map
from authlens_core.credentials.lifecycle.refresh import refresh_one
from authlens_core.credentials.lifecycle.revoke import revoke_one
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.wire.client import Wire
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.credential_actions import grant_of
from authlens_tui.screens.dashboard.keys import applies
from authlens_tui.screens.dashboard.messages import MoveWanted
from authlens_tui.screens.dashboard.results import Result, ResultsScreen
from authlens_tui.screens.dashboard.sent_requests import SentRequests
from authlens_tui.screens.verbs import Verb

_REVOKE_ALL: Final = (
    "Each server ends the refresh token and the access token. authlens calls each resource to verify that it "
    "refuses them, and only then removes them here. What a server does not confirm stays stored, marked. To "
    "use the resources again, log in to each."
)
_NAMED: Final = 5  # credentials that a question lists
_Action = Callable[[Credentials, Wire, Grant], Awaitable[ActionResult]]


class BatchActions:
    """Runs one batch at a time.

    Args:
        shown: returns the credentials that the filter lets through.
    """

    def __init__(
        self, context: DashboardContext, sent: SentRequests, shown: Callable[[], Sequence[Holding]]
    ) -> None:
        self._context = context
        self._sent = sent
        self._shown = shown
        self._stopping: asyncio.Event | None = None
        self._progress: tuple[str, int, int] = ("", 0, 0)

    @property
    def is_running(self) -> bool:
        return self._stopping is not None

    def stop(self) -> bool:
        """Start nothing more of the running batch; return whether there was one."""
        if self._stopping is None:
            return False
        self._stopping.set()
        self._context.say("Stopping after the requests already sent …")
        return True

    def move(self) -> None:
        """Ask for another store for all secrets, unless an action uses one of them now."""
        if self.is_running or self._context.busy:
            self._context.say("Another action is still running. Move the secrets when it is done.")
        else:
            self._context.post(MoveWanted())

    # -- probe -----------------------------------------------------------------------------------------

    def probe_all(self) -> None:
        holdings = self._those(Verb.PROBE)
        if self._may_begin(holdings, Verb.PROBE):
            stop = self._begin("probing", holdings)
            self._context.run(self._probe_all(holdings, stop), group="batch", description="probe all")

    async def _probe_all(self, holdings: list[Holding], stop: asyncio.Event) -> None:
        session = self._context.session
        try:
            found = await concurrent_map(
                holdings,
                lambda one: probe(session.credentials, session.wire, one),
                on_result=self._one_done,
                stop=stop,
            )
        finally:
            self._end(holdings)
        results = [
            Result(holding.title, result.accepted, f"{result.layer}: {result.summary}", result.cure)
            for holding, result in zip(holdings, found, strict=False)
        ]
        self._report("Probed", results, len(holdings), count_results(found))

    # -- refresh and revoke ----------------------------------------------------------------------------

    def refresh_all(self) -> None:
        holdings = [
            one
            for one in self._those(Verb.REFRESH)
            if one.grant and one.grant.has_refresh_token and one.grant.state is GrantState.LIVE
        ]
        if self._may_begin(holdings, Verb.REFRESH):
            self._start(("Refreshed", "refreshed"), "refreshing", holdings, refresh_one)

    def revoke_all(self) -> None:
        """Revoke every login shown, after a question with their number and names."""
        holdings = self._those(Verb.REVOKE)
        if not self._may_begin(holdings, Verb.REVOKE):
            return

        async def question() -> None:
            if await self._context.answer(_revoke_question(holdings)) and self._may_begin(
                holdings, Verb.REVOKE
            ):
                self._start(("Revoked", "revoked and verified"), "revoking", holdings, revoke_one)

        self._context.ask(question)

    def _start(self, words: tuple[str, str], doing: str, holdings: list[Holding], action: _Action) -> None:
        stop = self._begin(doing, holdings)
        self._context.run(
            self._do_all(words, holdings, stop, action), group="batch", description="act on all"
        )

    async def _do_all(
        self, words: tuple[str, str], holdings: list[Holding], stop: asyncio.Event, action: _Action
    ) -> None:
        title, good = words
        session = self._context.session
        try:
            found = await concurrent_map(
                holdings,
                lambda one: action(session.credentials, session.wire, grant_of(one)),
                on_result=self._one_done,
                stop=stop,
            )
        finally:
            self._end(holdings)
        results = [
            Result(
                holding.url.removeprefix("https://"),
                result.good,
                " ".join((result.summary, *result.details)),
                result.cure,
            )
            for holding, result in zip(holdings, found, strict=False)
        ]
        right = sum(result.good for result in found)
        self._report(title, results, len(holdings), f"{right} {good} · {len(found) - right} failed")

    # -- progress --------------------------------------------------------------------------------------

    def _those(self, verb: Verb) -> list[Holding]:
        busy = self._context.busy
        return [one for one in self._shown() if applies(verb, one) and one.holding_id not in busy]

    def _may_begin(self, holdings: Sequence[Holding], verb: Verb) -> bool:
        if self.is_running:
            self._context.say("Another action is still running. Esc stops it.")
        elif not holdings:
            self._context.say(f"Nothing here to {verb}.")
        return bool(holdings) and not self.is_running

    def _begin(self, doing: str, holdings: Sequence[Holding]) -> asyncio.Event:
        self._stopping = asyncio.Event()
        self._progress = doing, 0, len(holdings)
        self._context.begin(doing, holdings)
        self._say_progress()
        return self._stopping

    def _one_done(self, holding: Holding, result: ActionResult) -> None:
        self._sent.note(holding.holding_id, result.trace)
        self._context.busy.pop(holding.holding_id, None)
        doing, count, whole = self._progress
        self._progress = doing, count + 1, whole
        self._say_progress()

    def _say_progress(self) -> None:
        doing, count, whole = self._progress
        if self._stopping is not None and not self._stopping.is_set():
            self._context.say(f"{doing.capitalize()} {count} of {whole} … Esc stops it.")

    def _end(self, holdings: Sequence[Holding]) -> None:
        self._stopping = None
        self._context.end(holdings)

    def _report(self, title: str, results: Sequence[Result], wanted: int, counts: str) -> None:
        left = wanted - len(results)
        summary = f"{counts} · {left} not started" if left else counts
        self._context.say(f"{title}: {summary}", good=all(result.good for result in results) and not left)
        if self._context.is_current:
            self._context.show(ResultsScreen(title, summary, results))


def _revoke_question(holdings: Sequence[Holding]) -> ConfirmScreen:
    count = "the one login" if len(holdings) == 1 else f"all {len(holdings)} logins"
    names = "\n".join(f"  {one.title}" for one in holdings[:_NAMED])
    more = f"\n  … and {len(holdings) - _NAMED} more" if len(holdings) > _NAMED else ""
    return ConfirmScreen(
        f"Revoke {count} shown here?", f"{names}{more}\n\n{_REVOKE_ALL}", f"Revoke {len(holdings)}"
    )

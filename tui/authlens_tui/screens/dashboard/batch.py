"""What the dashboard does to every credential that it shows: progress, a way to stop, a list of results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from textual import work
from textual.message import Message

from authlens_core.credentials.inventory.inventory import Holding
from authlens_core.credentials.inventory.probe import Probed, counted, probe_all
from authlens_core.credentials.lifecycle.batch import Ended, refresh_all, revoke_all
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard.keys import applies
from authlens_tui.screens.dashboard.results import Result, ResultsScreen
from authlens_tui.screens.dashboard.token import DashboardToken

__all__ = ["DashboardBatch"]

_REVOKE_ALL = (
    "Each server ends the refresh token and the access token; authlens calls each resource to see it refuse, "
    "and only then removes them here. What a server does not confirm is kept and marked. To use the "
    "resources again you have to log in to each."
)
Heard = Callable[[Ended], None]
_Many = Callable[[Sequence[Grant], Heard, asyncio.Event], Awaitable[tuple[Ended, ...]]]


class DashboardBatch(DashboardToken):
    """The actions on all credentials that are shown."""

    class MoveWanted(Message, namespace="dashboard_screen"):
        """The person wants to keep all secrets in another place."""

    _stopping: asyncio.Event | None = None
    _progress: tuple[str, int, int] = ("", 0, 0)

    @property
    def shown(self) -> Sequence[Holding]:
        """The credentials that the filter lets through; for those that derive from this."""
        return ()

    @property
    def is_under_way(self) -> bool:
        """True while something is done to many credentials."""
        return self._stopping is not None

    def stop_running(self) -> bool:
        """Begin nothing more of what is under way; tell whether something was."""
        if self._stopping is None:
            return False
        self._stopping.set()
        self.say("Stopping: what was sent is waited for.")
        return True

    def _those(self, action: str) -> list[Holding]:
        return [one for one in self.shown if applies(action, one) and one.holding_id not in self._busy]

    def action_move(self) -> None:
        """Ask for another place for all secrets, when nothing is under way that holds one of them."""
        if self.is_under_way or self._busy:
            self.say("Something is under way: wait for it, then move the secrets.")
        else:
            self.post_message(self.MoveWanted())

    # -- probe -----------------------------------------------------------------------------------------

    def action_probe_all(self) -> None:
        """Ask every resource whether its credential works."""
        holdings = self._those("probe")
        if self._may_begin(holdings, "probe"):
            self._probe_all(holdings, self._begin("probing", holdings))

    @work(group="batch", description="probe all")
    async def _probe_all(self, holdings: list[Holding], stop: asyncio.Event) -> None:
        def heard(probed: Probed) -> None:
            self.note_trace(probed.holding.holding_id, probed.trace)
            self._one_done(probed.holding.holding_id)

        try:
            found = await probe_all(
                self._session.credentials, self._session.wire, holdings, heard=heard, stop=stop
            )
        finally:
            self._end(holdings)
        results = [
            Result(probed.holding.title, probed.accepted, f"{probed.layer}: {probed.summary}", probed.cure)
            for probed in found
        ]
        self._tell("Probed", results, len(holdings), counted(found))

    # -- refresh and revoke ----------------------------------------------------------------------------

    def action_refresh_all(self) -> None:
        """Refresh every login that is shown."""
        holdings = [one for one in self._those("refresh") if one.grant and one.grant.has_refresh_token]
        holdings = [one for one in holdings if one.grant and one.grant.state is GrantState.LIVE]
        credentials, wire = self._session.credentials, self._session.wire
        if self._may_begin(holdings, "refresh"):
            self._do_all(
                ("Refreshed", "refreshed"),
                holdings,
                self._begin("refreshing", holdings),
                lambda grants, heard, stop: refresh_all(credentials, wire, grants, heard=heard, stop=stop),
            )

    def action_revoke_all(self) -> None:
        """Revoke every login that is shown, after a question that says how many those are."""
        holdings = self._those("revoke")
        credentials, wire = self._session.credentials, self._session.wire
        if not self._may_begin(holdings, "revoke"):
            return

        async def question() -> None:
            count = "the one login" if len(holdings) == 1 else f"all {len(holdings)} logins"
            title = f"Revoke {count} shown here?"
            names = "\n".join(f"  {one.title}" for one in holdings[:5])
            more = f"\n  … and {len(holdings) - 5} more" if len(holdings) > 5 else ""
            words = f"{names}{more}\n\n{_REVOKE_ALL}"
            yes = await self.app.push_screen_wait(ConfirmScreen(title, words, f"Revoke {len(holdings)}"))
            if yes and self._may_begin(holdings, "revoke"):
                self._do_all(
                    ("Revoked", "revoked with proof"),
                    holdings,
                    self._begin("revoking", holdings),
                    lambda grants, heard, stop: revoke_all(credentials, wire, grants, heard=heard, stop=stop),
                )

        self.ask(question)

    @work(group="batch", description="act on all")
    async def _do_all(
        self, words: tuple[str, str], holdings: list[Holding], stop: asyncio.Event, many: _Many
    ) -> None:
        done, good = words

        def heard(ended: Ended) -> None:
            self.note_trace(ended.grant.grant_id, ended.trace)
            self._one_done(ended.grant.grant_id)

        try:
            found = await many([one.grant for one in holdings if one.grant is not None], heard, stop)
        finally:
            self._end(holdings)
        results = [
            Result(ended.grant.resource_url.removeprefix("https://"), ended.good, ended.summary, ended.cure)
            for ended in found
        ]
        right = sum(ended.good for ended in found)
        self._tell(done, results, len(holdings), f"{right} {good} · {len(found) - right} not")

    # -- how far it is ---------------------------------------------------------------------------------

    def _may_begin(self, holdings: Sequence[Holding], verb: str) -> bool:
        if self.is_under_way:
            self.say("Something is under way already. Esc stops it.")
        elif not holdings:
            self.say(f"There is nothing here to {verb}.")
        return bool(holdings) and not self.is_under_way

    def _begin(self, doing: str, holdings: Sequence[Holding]) -> asyncio.Event:
        self._stopping = asyncio.Event()
        self._progress = doing, 0, len(holdings)
        self._busy |= {holding.holding_id: doing for holding in holdings}
        self._say_progress()
        self.refresh_bindings()
        self.show_now()
        return self._stopping

    def _one_done(self, holding_id: str) -> None:
        self._busy.pop(holding_id, None)
        doing, count, whole = self._progress
        self._progress = doing, count + 1, whole
        self._say_progress()

    def _say_progress(self) -> None:
        doing, count, whole = self._progress
        if self._stopping is not None and not self._stopping.is_set():
            self.say(f"{doing.capitalize()} {count} of {whole} … Esc stops it.")

    def _end(self, holdings: Sequence[Holding]) -> None:
        self._stopping = None
        for holding in holdings:
            self._busy.pop(holding.holding_id, None)
        self.refresh_bindings()
        self.show_now(anew=True)

    def _tell(self, title: str, results: Sequence[Result], wanted: int, counts: str) -> None:
        left = wanted - len(results)
        summary = f"{counts} · {left} not begun" if left else counts
        self.say(f"{title}: {summary}", good=all(result.good for result in results) and not left)
        if self.is_current:
            self.app.push_screen(ResultsScreen(title, summary, results))

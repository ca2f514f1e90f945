"""Act on every credential shown: progress, a way to stop, a list of results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from textual.app import ComposeResult

from authlens_core.desk.credentials import Grant
from authlens_core.desk.lifecycle import (
    ActionResult,
    InventoryEntry,
    ProbeResult,
    for_each,
    probe,
    refresh,
    revoke,
)
from authlens_core.desk.session import Session
from authlens_core.values.fix import Fix
from authlens_tui.screens.dashboard.context import DashboardContext, MoveWanted
from authlens_tui.screens.dashboard.keys import applies
from authlens_tui.screens.dashboard.listing import Listing
from authlens_tui.screens.dashboard.sent_requests import SentRequests
from authlens_tui.screens.dialog import DIALOG_STYLES, ConfirmScreen, Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import Line, Tone, line
from authlens_tui.widgets.key_binding import keys
from authlens_tui.words.outcomes import count_results

_REVOKE_ALL: Final = (
    "Each server ends the refresh token and the access token. authlens calls each resource to verify that it "
    "refuses them, and only then removes them here. What a server does not confirm stays stored, marked. To "
    "use the resources again, log in to each."
)
# Credentials that a question lists: with more, the words below them would be off the screen.
_NAMED: Final = 5
_Done = TypeVar("_Done", bound=ActionResult)


class Result(NamedTuple):
    """One credential's result: its resource, whether it went well (None: no one can say), and the words."""

    resource: str
    good: bool | None
    sentence: str
    cure: str | Fix = ""


_SIGNS = {True: ("✔ ", Tone.GOOD), False: ("✖ ", Tone.BAD), None: ("? ", Tone.WARNING)}


class ResultsScreen(Dialog[None]):
    """Lists results, those that need someone first."""

    CSS_PATH = [DIALOG_STYLES, Path(__file__).with_name("batch_actions.tcss")]  # noqa: RUF012 - Textual declares it
    BINDINGS = keys("results")

    def __init__(self, title: str, summary: str, results: Sequence[Result]) -> None:
        super().__init__()
        self._title = title
        self._summary = summary
        # False and None before True: what needs someone comes first.
        self._results = sorted(results, key=lambda result: (result.good is True, result.resource))

    def body(self) -> ComposeResult:
        with DialogBox(self._title, wide=True):
            yield Static(Content(self._summary), id="results-summary")
            yield DocumentView(_lines(self._results), id="results")

    def on_mount(self) -> None:
        self.query_one("#results", DocumentView).focus()


def _lines(results: Iterable[Result]) -> Iterable[Line]:
    for result in results:
        yield line(_SIGNS[result.good], (result.resource, Tone.NAME))
        yield line(f"  {result.sentence}", hang=2, by_words=True)
        if result.cure and result.good is not True:
            yield line((f"  → {result.cure}", Tone.NOTE), hang=4, by_words=True)


class _Report(NamedTuple):
    """The outcome of a batch: one result for each credential, and how many of each kind."""

    title: str
    results: Sequence[Result]
    counts: str


class BatchActions:
    """Runs one batch at a time, on the credentials that the filter lets through."""

    def __init__(self, context: DashboardContext, sent: SentRequests, listing: Listing) -> None:
        self._context = context
        self._sent = sent
        self._listing = listing
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
            self._context.screen.post_message(MoveWanted())

    # -- what is done to all ---------------------------------------------------------------------------

    def probe_all(self) -> None:
        if entries := self._ready("probe"):
            self._start("probing", entries, probe, _probes)

    def refresh_all(self) -> None:
        if entries := self._ready("refresh", lambda grant: grant.can_refresh):
            self._start("refreshing", entries, _refresh, partial(_results, "Refreshed", "refreshed"))

    def revoke_all(self) -> None:
        """Revoke every login shown, after a question with their number and names."""

        def answered(agreed: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            if agreed:
                verified = partial(_results, "Revoked", "revoked and verified")
                self._start("revoking", entries, _revoke, verified)

        if entries := self._ready("revoke"):
            self._context.screen.app.push_screen(_revoke_question(entries), answered)

    def _ready(self, name: str, of_login: Callable[[Grant], bool] = lambda _: True) -> list[InventoryEntry]:
        """Return the listed credentials that `name` applies to now; show why if there are none."""
        if self.is_running:
            self._context.say("Another action is still running. Esc stops it.")
            return []
        entries = [
            entry
            for entry in self._listing.matching
            if applies(f"selected.{name}", entry)
            and (entry.grant is None or of_login(entry.grant))
            and entry.entry_id not in self._context.busy
        ]
        if not entries:
            self._context.say(f"Nothing here to {name}.")
        return entries

    def _start(
        self,
        doing: str,
        entries: list[InventoryEntry],
        action: Callable[[Session, InventoryEntry], Awaitable[_Done]],
        report: Callable[[Sequence[tuple[InventoryEntry, _Done]]], _Report],
    ) -> None:
        # One for each batch: a stop that comes late must not end the next one.
        self._stopping = stop = asyncio.Event()
        self._progress = doing, 0, len(entries)
        self._context.begin(doing, entries)
        self._say_progress()

        async def do_all() -> None:
            session = self._context.session
            try:
                results = await for_each(
                    entries,
                    lambda entry: action(session, entry),
                    on_result=self._one_done,
                    stop=stop,
                )
            finally:
                self._stopping = None
                self._context.end(entries)
            # Where it was stopped, there are fewer results than credentials, in the same order.
            self._report(report(list(zip(entries, results, strict=False))), len(entries))

        self._context.run(do_all())

    # -- progress --------------------------------------------------------------------------------------

    def _one_done(self, entry: InventoryEntry, result: ActionResult) -> None:
        self._sent.note(entry.entry_id, result.trace)
        self._context.busy.pop(entry.entry_id, None)
        doing, count, whole = self._progress
        self._progress = doing, count + 1, whole
        self._say_progress()

    def _say_progress(self) -> None:
        doing, count, whole = self._progress
        if self._stopping is not None and not self._stopping.is_set():
            self._context.say(f"{doing.capitalize()} {count} of {whole} … Esc stops it.")

    def _report(self, report: _Report, total: int) -> None:
        unstarted = total - len(report.results)
        summary = f"{report.counts} · {unstarted} not started" if unstarted else report.counts
        good = all(result.good for result in report.results) and not unstarted
        self._context.say(f"{report.title}: {summary}", good=good)
        self._context.show(ResultsScreen(report.title, summary, report.results))


def _refresh(session: Session, entry: InventoryEntry) -> Awaitable[ActionResult]:
    return refresh(session, entry.require_grant())


def _revoke(session: Session, entry: InventoryEntry) -> Awaitable[ActionResult]:
    return revoke(session, entry.require_grant())


def _probes(outcomes: Sequence[tuple[InventoryEntry, ProbeResult]]) -> _Report:
    results = [
        Result(entry.title, result.accepted, f"{result.layer}: {result.summary}", result.cure)
        for entry, result in outcomes
    ]
    return _Report("Probed", results, count_results([result for _, result in outcomes]))


def _results(title: str, good: str, outcomes: Sequence[tuple[InventoryEntry, ActionResult]]) -> _Report:
    results = [
        Result(
            entry.url.removeprefix("https://"),
            result.good,
            " ".join((result.summary, *result.details)),
            result.cure,
        )
        for entry, result in outcomes
    ]
    right = sum(result.good for _, result in outcomes)
    return _Report(title, results, f"{right} {good} · {len(outcomes) - right} failed")


def _revoke_question(entries: Sequence[InventoryEntry]) -> ConfirmScreen:
    count = "the one login" if len(entries) == 1 else f"all {len(entries)} logins"
    names = "\n".join(f"  {entry.title}" for entry in entries[:_NAMED])
    more = f"\n  … and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return ConfirmScreen(
        f"Revoke {count} shown here?", f"{names}{more}\n\n{_REVOKE_ALL}", f"Revoke {len(entries)}"
    )

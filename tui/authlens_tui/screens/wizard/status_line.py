"""The line under the stage: what happened, and which key leads on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from textual.timer import Timer

from authlens_core.desk.log_in import Login, Outcome, StageRecord
from authlens_tui.screens.wizard.stage_pane import StagePane
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.status_words import (
    STEP_UP,
    authenticated_words,
    cancelled_words,
    device_words,
    experiment_words,
    failed_words,
    marks,
    next_words,
    running_words,
    tampered_words,
    wrap_between_keys,
)
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.record.record_lines import Tab

_TALL, _LARGE = 32, 50  # rows
_NOTE_SECONDS: Final = 10.0
_AROUND = 4  # cells: border and padding


class StatusLine(Static):
    """Shows the status of `login`, below the changes made on purpose."""

    def __init__(self, login: Login, runner: StageRunner, store_name: str) -> None:
        super().__init__(id="verdict")
        self._login = login
        self._runner = runner
        self._store_name = store_name
        self._words = Content()
        self._note: Content | None = None
        self._note_alone = False
        self._note_timer: Timer | None = None

    @property
    def depends_on_the_clock(self) -> bool:
        return self.has_class("-done")

    def show(self, pane: StagePane, *, keep_note: bool = False) -> None:
        """Show the state of the login; remove the note unless `keep_note`, for the same state."""
        login, failed = self._login, self._runner.failed
        last = login.trace.records[-1] if login.trace.records else None
        now, rows = datetime.now(UTC), self.app.size.height
        authenticated = False
        # What waits for the user comes first: the link and the code are on the screen while their stage runs.
        if pane.panel.url:
            text = pane.panel.words(player=pane.can_play())
        elif pane.code_is_shown:
            text = device_words(polling=login.running is not None, player=pane.can_play())
        elif login.running is not None:
            text = running_words(login.running, login.flow)
        elif failed is not None:
            text = self._outcome_words(failed, pane)
        elif login.position is not None:
            planned = None if pane.stage is login.position else pane.planned
            text = next_words(login.position, planned, login.flow, self.app.size.width - _AROUND)
        elif last is not None and last.stage not in login.flow.stages:
            text = self._outcome_words(last, pane)
        elif login.tampered:
            text = tampered_words(login.facts, now)
        else:
            authenticated = True
            text = authenticated_words(
                login.facts,
                login.trace,
                self._store_name,
                now,
                width=self.app.size.width - _AROUND,
                brief=rows < _TALL,
            )
        self._words = text
        if not keep_note:
            self._note = None
        self.set_class(authenticated, "-done")
        self._update()

    def _outcome_words(self, record: StageRecord, pane: StagePane) -> Content:
        """Return the outcome of a stage that did not pass, or that came after the login."""
        if record.outcome is Outcome.CANCELLED:
            return cancelled_words(record)
        if (ended := experiment_words(record)) is not None:
            return ended
        if record.outcome is Outcome.PASSED:
            return tampered_words(self._login.facts, datetime.now(UTC))
        rows, is_selected = self.app.size.height, pane.stage is record.stage
        above = is_selected and pane.record_view.tab in (Tab.OVERVIEW, Tab.CHECKS)
        on_tab = is_selected and rows < _TALL
        text = failed_words(
            record, pane.record_view.fixes(), brief=rows < _LARGE, told_above=above, told_on_tab=on_tab
        )
        return Content.assemble(text, "\n", STEP_UP) if self._login.steps_up else text

    def drop_note(self) -> None:
        if self._note is not None:
            self._note = None
            self._update()

    def show_note(self, note: Content, *, alone: bool) -> None:
        """Show a note above the words, or `alone` where a row more is a row less for the link."""
        self._note, self._note_alone = note, alone
        # The timer of an earlier note would take this one away too soon.
        if self._note_timer is not None:
            self._note_timer.stop()
        self._note_timer = self.set_timer(_NOTE_SECONDS, self.drop_note)
        self._update()

    def _update(self) -> None:
        mark = marks(self._login)
        status = () if self._note is not None and self._note_alone else (self._words,)
        note = () if self._note is None else (self._note,)
        lines = Content("\n").join([*((mark,) if mark else ()), *note, *status])
        self.update(wrap_between_keys(lines, max(1, self.app.size.width - _AROUND)))

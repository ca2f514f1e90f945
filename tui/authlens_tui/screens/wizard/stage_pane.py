"""The selected stage: what it is for, its record or the link, and what it teaches."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from authlens_core.desk.log_in import Login, Stage, StageRecord
from authlens_core.trace.arrows import Arrow
from authlens_core.trace.record import Exchange, Request, RunningStage, UserPart
from authlens_tui.screens.wizard.demo_login import DemoLogin, Player
from authlens_tui.screens.wizard.lesson import LessonScreen, lesson_words
from authlens_tui.screens.wizard.link import AuthorizationLink, QrScreen
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.wizard_messages import LinkChanged
from authlens_tui.terminal.browser import open_browser, why_no_browser
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.authorization.device_panel import DevicePanel
from authlens_tui.widgets.authorization.qr_code import QrCodeWanted
from authlens_tui.widgets.record.record_lines import StageSnapshot
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.stepper import stages_of

_EXTENSION: Final = 300.0  # seconds that one key press gives the browser
# What is said while a browser starts, and if none does.
_OPEN_LINK: Final = (
    "Opening the link in your browser. Or press c to copy it.",
    "No browser could be started here. Press c to copy the link and open it elsewhere.",
)
_OPEN_PAGE: Final = (
    "Opening the page in your browser.",
    "No browser could be started here. Open the page on any device.",
)
_SCANNED: Final = "Enter the code there, if the page does not show it already."


class StagePane(Vertical):
    """Shows one stage of `login`: before, during and after its run."""

    app = getters.app(TerminalApp)
    switcher = getters.query_one("#switcher", ContentSwitcher)
    record_view = getters.query_one(RecordView)
    panel = getters.query_one(AuthorizationLink)

    device = getters.query_one(DevicePanel)

    def __init__(self, login: Login, runner: StageRunner, demo: DemoLogin) -> None:
        super().__init__(id="stage")
        self._login = login
        self._runner = runner
        self._demo = demo
        self._sending: Request | None = None
        self._exchanged: tuple[Exchange, ...] = ()
        self._signed_in_at = ""
        self._qr: QrScreen | None = None
        self.stage = Stage.DETECTION

    def compose(self) -> ComposeResult:
        with ContentSwitcher(id="switcher", initial="record"):
            yield RecordView(id="record")
            yield AuthorizationLink(self._login)
            yield DevicePanel(id="device")
        yield Static(id="teach-below")

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the list: those of the login, and what was run after it."""
        return stages_of(self._login.flow, self._login.trace, self._login.running)

    @property
    def planned(self) -> Request | None:
        """The next request: that of authlens, or the link that the browser opens."""
        planned, link = self._login.planned(), self._login.planned_link()
        if link is not None:
            return Request("GET", link)
        return planned.request if planned else None

    @property
    def record_is_shown(self) -> bool:
        return self.switcher.current == "record"

    @property
    def link_is_shown(self) -> bool:
        return bool(self.panel.url) and self.switcher.current == "panel"

    @property
    def code_is_shown(self) -> bool:
        return self.switcher.current == "device"

    @property
    def replacement(self) -> Widget | None:
        if self.record_is_shown:
            return None
        return self.device if self.code_is_shown else self.panel

    def _waits_for(self, stage: Stage) -> str:
        """Return the panel for `stage`: the record, the link, or the code."""
        if self.panel.url and stage is Stage.AUTHORIZATION:
            return "panel"
        login, running = self._login, self._login.running
        if login.flow.user_part is not UserPart.CODE or login.facts.device is None:
            return "record"
        # The code is entered while the exchange asks for the tokens, and before that.
        asks = login.position is Stage.EXCHANGE and self._runner.failed is None
        where = Stage.EXCHANGE if running is Stage.EXCHANGE else Stage.AUTHORIZATION
        return "device" if asks and stage is where else "record"

    def show(self, stage: Stage) -> None:
        """Show one stage: its record, its progress, or the request it would send."""
        self.stage = stage
        current = self._waits_for(stage)
        if current == "device":
            self.device.show(self._login.facts)
            self.device.tick(datetime.now(UTC))
        self.switcher.current = current
        if self._demo.plays:
            self.play()
        self._show_record(stage)
        flow, below = self._login.flow, self.query_one("#teach-below", Static)
        below.border_title = f"Lesson: {flow.info(stage).title}"
        below.update(lesson_words(stage, flow, in_full=False))

    def _show_record(self, stage: Stage) -> None:
        position, record = self._login.position, self._login.trace.latest(stage)
        here = self._login.flow.position(position)
        runs = self._login.running is stage
        ended = record is not None and (self.stages.index(stage) < here or self._is_latest(record))
        # There is time to read before a stage runs, and while the browser is away. Set once: each change has
        # Textual match every rule against every widget of the screen.
        self.screen.set_class(not self.record_is_shown if runs else not ended, "-ahead")
        if runs and (underway := self.underway) is not None:
            self._view(underway)
        elif record is not None and ended:
            self._view(record)
        else:
            is_next, grant_type = stage is position, self._login.flow.grant_type
            planned = self.planned if is_next else None
            self._view(StageSnapshot(stage, planned=planned, ahead=not is_next, grant_type=grant_type))

    def _view(self, stage: StageRecord | RunningStage | StageSnapshot) -> None:
        trace = self._login.trace
        self.record_view.show(trace.records, stage, trace.undone(self._login.position))

    def _is_latest(self, record: StageRecord) -> bool:
        """Return whether the record is of a stage that did not pass, or of one after the login."""
        return record is self._runner.failed or record.stage not in self._login.flow.stages

    @property
    def which_attempt(self) -> str:
        """Return the number of the attempt, if it is not the last one at the stage."""
        record = self.record_view.record
        attempts = [attempt for attempt in self._login.trace.records if attempt.stage is self.stage]
        if record is None or not attempts or record is attempts[-1]:
            return ""
        position = next((number for number, attempt in enumerate(attempts, 1) if attempt is record), 0)
        return f" (attempt {position} of {len(attempts)})" if position else ""

    # -- what the login reports ------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what was sent: another stage has started, or the last one has ended."""
        self._sending, self._exchanged = None, ()

    def send(self, request: Request) -> None:
        self._sending = request
        self._show_progress()

    def receive(self, exchange: Exchange) -> None:
        self._sending = None
        self._exchanged = (*self._exchanged, exchange)
        self._show_progress()

    def _show_progress(self) -> None:
        self.device.show_asked(len(self._exchanged))
        underway = self.underway
        if underway is not None and underway.stage is self.stage:
            self._view(underway)

    @property
    def underway(self) -> RunningStage | None:
        """The progress of the running stage; None if none runs."""
        login = self._login
        if login.running is None:
            return None
        return RunningStage(login.running, self._exchanged, self._sending, login.flow.grant_type)

    # -- signing in ------------------------------------------------------------------------------------

    @property
    def _page(self) -> str:
        """The URL where the user signs in now: the page for the code, or the link; empty if nothing waits."""
        return self.device.url if self.code_is_shown else self.panel.url

    def can_open(self) -> bool:
        return bool(self._page) and why_no_browser(self.app.environ) is None

    def can_play(self) -> bool:
        return self._demo.player is not None and self._page not in ("", self._signed_in_at)

    def play(self) -> None:
        """Let the demo sign in with the link, or approve the code."""
        if self._demo.player is not None and self.can_play():
            self._sign_in(self._demo.player, self._page)

    def play_later(self) -> None:
        """Show why the demo cannot sign in now, and when it can."""
        flow = self._login.flow
        if flow.is_by_program:
            sentence = "No user signs in here: this is the login of a program."
        else:
            stage = flow.numbered(Stage.AUTHORIZATION)
            sentence = f"s signs in for you while the login waits at {stage}. n runs the next stage."
        self.notify(sentence, markup=False)

    def can_play_later(self) -> bool:
        return self._demo.player is not None and not self.can_play() and not self._login.finished

    @work(group="play", description="sign in for the user")
    async def _sign_in(self, player: Player, page: str) -> None:
        # Before the wait, so that the key is not offered twice for one page.
        self._signed_in_at = page
        played = await player(page)
        # Meanwhile the login may have continued, or the user cancelled and got another link.
        if self._page != page:
            return
        self.notify(played.sentence, markup=False, title="Demo sign-in")
        if not played.completed:
            self._signed_in_at = ""
        self.panel.page = self._login.wait.page = played.page
        self.post_message(LinkChanged())

    def open(self) -> None:
        """Open the link, or the page for the code, in a browser of this machine."""
        page, loop = self._page, asyncio.get_running_loop()
        opening, failed = _OPEN_PAGE if self.code_is_shown else _OPEN_LINK

        def report() -> None:
            if self.is_running and self._page == page:  # it may take long
                self.notify(failed, severity="warning", markup=False)

        def from_thread() -> None:  # in the thread that waits for the opener
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(report)

        if open_browser(page, self.app.environ, failed=from_thread):
            self.notify(opening, markup=False)
        else:
            report()

    @on(QrCodeWanted)
    def _show_qr_code(self, message: QrCodeWanted) -> None:
        message.stop()
        self._qr = QrScreen(message.url, *((_SCANNED,) if self.code_is_shown else ()))
        self.app.push_screen(self._qr, self._qr_code_closed)

    def _qr_code_closed(self, whole: bool | None) -> None:  # noqa: FBT001 - Textual's callback
        self._qr = None
        if whole and self.link_is_shown:
            self.panel.action_alone()

    @on(AuthorizationPanel.LinkWithdrawn)
    def _close_qr_code(self, message: AuthorizationPanel.LinkWithdrawn) -> None:
        message.stop()
        if self._qr is not None:
            self._qr.finish()

    def take_paste(self) -> None:
        self.panel.take_paste()

    def can_take_paste(self) -> bool:
        return self.link_is_shown

    def extend(self) -> None:
        self._login.wait.extend(_EXTENSION)

    def can_extend(self) -> bool:
        return bool(self.panel.url)

    def reveal(self) -> None:
        self.record_view.toggle_reveal()

    def can_reveal(self) -> bool:
        return self.record_is_shown and self.record_view.has_secrets

    def lesson(self) -> None:
        self.app.push_screen(LessonScreen(self.stage, self._login.flow))

    def tick(self) -> None:
        self.panel.tick()
        if self.code_is_shown:
            self.device.tick(datetime.now(UTC))

    def open_arrow(self, arrow: Arrow) -> None:
        records = self._login.trace.records
        if arrow.record_index < len(records):
            self._view(records[arrow.record_index])
        self.record_view.show_exchange(arrow.exchange_index, reply=arrow.reply)

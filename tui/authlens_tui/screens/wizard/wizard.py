"""The wizard: a login one stage at a time, with everything that goes over the wire."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.events import Paste
from textual.screen import Screen
from textual.widgets import TabbedContent

from authlens_core.desk.log_in import Login, Stage, StageRecord, Trace
from authlens_core.trace.events import (
    AnswerIgnored,
    AuthorizationReady,
    DeadlineMoved,
    Event,
    ExchangeEnded,
    ExchangeStarted,
    StageEnded,
    StageStarted,
    TunnelTested,
)
from authlens_core.values.secret import MASK
from authlens_tui.screens.fix_keys import FixKeys
from authlens_tui.screens.wizard.demo_login import DemoLogin, EndCard
from authlens_tui.screens.wizard.lesson import lesson_words
from authlens_tui.screens.wizard.stage_pane import StagePane
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.status_line import StatusLine
from authlens_tui.screens.wizard.tools import WizardTools
from authlens_tui.screens.wizard.wizard_messages import (
    LinkChanged,
    LoginChanged,
    RunEnded,
    Then,
    WizardClosed,
)
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.diagram_view import SmallDiagram
from authlens_tui.widgets.record.reading_area import ReadingArea
from authlens_tui.widgets.record.record_messages import ArrowChosen
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.stepper import Stepper, steps_of
from authlens_tui.widgets.title_bar import TitleBar, without_https

_NO_DEMO: Final = DemoLogin()
_NARROW, _SHORT = 100, 16  # cells and rows, as the app's breakpoints


class WizardScreen(ActionChecks, Screen[None]):
    """Shows one login; all it knows of the login is its record and its events.

    Args:
        demo: what a login of the demo has besides.
    """

    app = getters.app(TerminalApp)

    CSS_PATH = "wizard.tcss"
    BINDINGS = keys("wizard")

    title_bar = getters.query_one(TitleBar)
    area = getters.query_one(ReadingArea)
    stepper = getters.query_one(Stepper)
    pane = getters.query_one(StagePane)
    record_view = getters.query_one(RecordView)
    small = getters.query_one(SmallDiagram)
    status = getters.query_one(StatusLine)

    def __init__(self, login: Login, store_name: str, demo: DemoLogin = _NO_DEMO) -> None:
        super().__init__(classes="" if demo.player is None else "-demo")
        self.login = login
        self._way = demo.name or without_https(login.facts.resource_url.text)
        self.runner = StageRunner(self, login)
        self.tools = WizardTools(self, login, self.runner, demo)
        self._store_name = store_name
        self._demo = demo
        self.card = EndCard(demo.ending)

    def compose(self) -> ComposeResult:
        yield TitleBar(self._way, store_name=self._store_name)
        with ReadingArea(id="wizard"):
            with Vertical(id="side"):
                yield Stepper()
                yield SmallDiagram(id="small")
            yield StagePane(self.login, self.runner, self._demo)
            with VerticalScroll(id="teach", can_focus=False):
                yield Static(id="teach-words")
        yield StatusLine(self.login, self.runner, self._store_name)
        yield self.card
        yield KeyFooter()

    def on_mount(self) -> None:
        self.record_view.fixes = lambda: FixKeys.on(self, self.login.position) if self.runner.failed else str
        self.login.watch(self._on_event)
        self.set_interval(1.0, self.tick)
        self.show_stage(self.login.flow.stages[0])
        self.on_resize()
        if self._demo.plays:
            self.runner.run_all()

    async def on_unmount(self) -> None:
        """Free the port and stop what runs."""
        await self.login.aclose()

    def on_resize(self) -> None:
        """Fold the list of stages into one line, and the words into fewer, where there is no room."""
        # The screen has its size after the first frame, which would have another layout.
        size = self.app.size
        folded = size.width < _NARROW or size.height < _SHORT
        self.set_class(folded, "-folded")
        self.stepper.set_class(folded, "-line")
        self._show_end()
        self.status.show(self.pane, keep_note=True)

    def stop_running(self) -> bool:
        """Cancel the running stage; return whether there was one."""
        running = self.login.running is not None
        if running:
            self.runner.cancel()
        return running

    # -- what the login and the parts report -----------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        # Not through the queue: any program can cause thousands of these, before which no key would come.
        if isinstance(event, AnswerIgnored):
            self.pane.panel.ignore(event)
        else:
            self.call_later(self.show_event, event)

    def show_event(self, event: Event) -> None:
        pane = self.pane
        match event:
            case StageStarted(stage):
                pane.begin()
                self.app.stage_name = self.login.flow.info(stage).title  # for a crash report
                self._show_next(stage)
                self._focus_code()
            case ExchangeStarted(_, request):
                pane.send(request)
            case ExchangeEnded(_, exchange):
                pane.receive(exchange)
            case AuthorizationReady() as ready:
                pane.panel.begin(ready)
                self.show_stage(Stage.AUTHORIZATION)
                self.set_focus(self.pane.panel)  # at once: an answer that is here already takes it away again
                self.status.show(pane)
            case TunnelTested(family):
                self.pane.panel.show_tunnel(family)
            case DeadlineMoved(seconds):
                self.pane.panel.show_remaining(seconds)
            case StageEnded(record):
                self._ended(record)
        self._draw()
        self.refresh_bindings()

    def _ended(self, record: StageRecord) -> None:
        self.pane.begin()
        self.app.stage_name = ""
        # Before the panel goes: Textual would move the focus to whatever comes next on the screen.
        if self.pane.panel.has_focus_within or self.pane.device.has_focus_within:
            self.stepper.focus()
        self.pane.panel.end()
        self.show_stage(record.stage)
        self._focus_code()
        self.tools.show_results(record)
        self.status.show(self.pane)

    def _focus_code(self) -> None:
        """Let the keys of the code work at once."""
        if self.pane.code_is_shown:
            self.set_focus(self.pane.device)

    def _draw(self) -> None:
        records = self.login.trace.records
        self.small.draw(records, self.pane.underway, self.login.trace.undone(self.login.position))

    @on(LoginChanged)
    def _login_changed(self) -> None:
        self._draw()
        self._show_next(self.login.position or self.login.flow.stages[-1])

    @on(RunEnded)
    def _run_ended(self) -> None:
        self.refresh_bindings()
        if self._demo.plays and self.runner.failed is not None and self.login.steps_up:
            self.runner.retry()

    @on(LinkChanged)
    def _link_changed(self) -> None:
        self.status.show(self.pane)
        self.refresh_bindings()

    @on(TabbedContent.TabActivated)
    def _tab_changed(self) -> None:
        if self.runner.failed is not None:  # the overview of a failure shows its cause itself
            self.status.show(self.pane)

    @on(Stepper.Chosen)
    def _stage_chosen(self, message: Stepper.Chosen) -> None:
        self._show_next(self.pane.stages[message.index])

    @on(ArrowChosen)
    def _arrow_chosen(self, message: ArrowChosen) -> None:
        self.show_stage(message.arrow.stage)
        self.pane.open_arrow(message.arrow)
        self._show_way()

    @property
    def trace(self) -> Trace:
        """The trace so far."""
        return self.login.trace

    # -- what is shown ---------------------------------------------------------------------------------

    def show_stage(self, stage: Stage) -> None:
        login, title = self.login, self.title_bar
        title.tampered = login.tampered
        self.stepper.steps = steps_of(login.flow, login.trace, login.position, login.running)
        self.stepper.selected = self.pane.stages.index(stage)
        self.pane.show(stage)
        self._show_way()
        self._show_end()
        self.area.instead = self.pane.replacement
        self.query_one("#teach").border_title = f"Lesson: {login.flow.info(stage).title}"
        self.query_one("#teach-words", Static).update(lesson_words(stage, login.flow))
        self.refresh_bindings()

    def _show_end(self) -> None:
        self.card.show_end(self.login, self.runner.failed, rows=self.app.size.height)

    def _show_way(self) -> None:
        """End the way in the title with what is shown."""
        pane, title = self.pane, self.login.flow.info(self.pane.stage).title
        self.title_bar.here = f"{pane.stages.index(pane.stage) + 1} {title}{pane.which_attempt}"

    def _show_next(self, stage: Stage) -> None:
        self.show_stage(stage)
        self.status.show(self.pane)

    def tick(self) -> None:
        self.pane.tick()
        if self.status.depends_on_the_clock:
            self.status.show(self.pane, keep_note=True)

    def take_note(self, note: Content) -> None:
        """Show a note in the status, for screens too narrow for a toast."""
        # The note may be older than what has just happened and changes the status.
        self.call_after_refresh(lambda: self.status.show_note(note, alone=not self.pane.record_is_shown))

    # -- what the keys do ------------------------------------------------------------------------------

    def action_act(self, path: str) -> None:
        """Call the method that the key names, such as `runner.next`."""
        attrgetter(path)(self)()

    def leave(self) -> None:
        self._leave(Then.MENU)

    def can_leave(self) -> bool:
        return self.login.running is None

    close = leave

    def can_close(self) -> bool:
        return self.can_leave() and (self.login.finished or not self.login.trace.records)

    def login_anew(self) -> None:
        self._leave(Then.SAME_LOGIN)

    def can_login_anew(self) -> bool:
        return self.card.can_login_anew()

    def next_login(self) -> None:
        self._leave(Then.NEXT_LOGIN)

    def can_next_login(self) -> bool:
        return self.card.can_next_login()

    def focus_stages(self) -> None:
        self.stepper.focus()

    def can_focus_stages(self) -> bool:
        return self.can_leave() and self.record_view.has_focus_within

    def _leave(self, then: Then) -> None:
        self.post_message(WizardClosed(self.login, then))

    def on_key(self) -> None:
        """Drop a note at the next key: what it says has been read."""
        self.status.drop_note()

    def on_paste(self, event: Paste) -> None:
        """Hand what is pasted anywhere to the field that waits for it, whichever stage is shown."""
        if not self.pane.panel.url:
            return
        event.stop()
        if not self.pane.link_is_shown:
            self.show_stage(Stage.AUTHORIZATION)
        self.pane.panel.take_paste(event.text)

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy the link while it is shown, otherwise what the selected stage shows, masked."""
        if self.pane.link_is_shown:
            await self.app.copy(self.pane.panel.url, "The link")
        elif self.pane.code_is_shown:
            await self.app.copy(self.pane.device.user_code, "The code")
        else:
            text = await self.record_view.copied_text()
            note = "Secrets are masked." if MASK in text else ""
            await self.app.copy(text, self.login.flow.info(self.pane.stage).title, note=note)

    def on_screen_suspend(self) -> None:
        self.record_view.mask()

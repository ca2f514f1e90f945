"""The wizard: a login walked one stage at a time, with everything that went over the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static, TabbedContent

from authlens_core.callback.own_screen import why_no_browser
from authlens_core.login.events import (
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
from authlens_core.login.login import Login
from authlens_core.oauth.http_message import Request
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_core.wire.exchange import Exchange
from authlens_tui.screens.wizard.authorization_link import Player, WizardLink
from authlens_tui.screens.wizard.keys import WIZARD_KEYS, login_keys, ways_on
from authlens_tui.screens.wizard.lesson import lesson_words
from authlens_tui.screens.wizard.tampered_words import experiment_words, marks, unkept_words
from authlens_tui.screens.wizard.words import (
    authenticated_words,
    cancelled_words,
    failed_words,
    next_words,
)
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.crash import QuietCrash
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.stepper import Stepper
from authlens_tui.widgets.steps import stages_of, steps_of
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["Player", "WizardScreen"]

_NARROW, _SHORT, _TALL = 100, 16, 32  # cells and rows, as the app's breakpoints
_ROOMY, _LARGE = 24, 50  # rows


class WizardScreen(WizardLink):
    """Shows one login and drives it; all it knows of the login is its record and its events."""

    CSS_PATH = "wizard.tcss"
    HELP = (
        "n runs the next stage, a runs them all. Every request is on the screen before it is sent; "
        "afterwards request and response are there as they really were. Select a stage with the arrow keys "
        "to look at it. e edits what is sent next, i tries an attack, l explains the stage."
    )
    BINDINGS: ClassVar[list[BindingType]] = WIZARD_KEYS

    title_bar = getters.query_one(TitleBar)
    stepper = getters.query_one(Stepper)
    heading = getters.query_one("#heading", Static)
    record_view = getters.query_one(RecordView)
    verdict_line = getters.query_one("#verdict", Static)

    class Happened(Message):
        """The login told something."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    class Left(Message):
        """The person is done with this login."""

    def __init__(
        self, login: Login, store_name: str, *, player: Player | None = None, play: bool = False
    ) -> None:
        super().__init__(login, player)
        self._store_name = store_name
        self._play_unasked = play
        self._ignored: AnswerIgnored | None = None
        self._under_way: Request | None = None
        self._exchanged: tuple[Exchange, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out stepper, the selected stage, and the line that says what to do."""
        yield TitleBar(self._login.facts.resource_url.text, self._store_name)
        with Horizontal(id="wizard"):
            yield Stepper()
            with Vertical(id="stage"):
                yield Static(id="heading")
                with ContentSwitcher(id="switcher", initial="record"):
                    yield RecordView(id="record")
                    yield AuthorizationPanel(id="panel")
                yield Static(id="teach-below")
            with VerticalScroll(id="teach", can_focus=False):
                yield Static(id="teach-words")
        yield Static(id="verdict")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin to watch the login and show its first request."""
        self._login.watch(self._hear)
        self.set_interval(1.0, self._tick)
        self.show_stage(Stage.DETECTION)
        self._say_next()

    def on_resize(self) -> None:
        """Fold the stages into one line, and the words into one sentence, where there is no room."""
        folded = self.size.width < _NARROW or self.size.height < _SHORT
        self.set_class(folded, "-folded")
        self.stepper.set_class(folded, "-line")
        self._show_heading()
        self._say_failure()
        self._say_success()

    @on(TabbedContent.TabActivated)
    def _say_failure(self) -> None:
        """Say why a stage failed wherever the overview of it is not what is shown."""
        failed = self.failed_record()
        if failed is not None:
            self._say_outcome(failed)

    def _hear(self, event: Event) -> None:
        if isinstance(event, AnswerIgnored):
            # Anybody on this machine can cause thousands of these: the next tick shows the last one.
            self._ignored = event
        else:
            self.post_message(self.Happened(event))

    async def on_unmount(self) -> None:
        """Free the port and stop what runs."""
        await self._login.aclose()

    def stop_running(self) -> bool:
        """Cancel the running stage; tell whether there was one."""
        if self._login.running is None:
            return False
        self.action_cancel()
        return True

    # -- what the login tells --------------------------------------------------------------------------

    @on(Happened)
    def _happened(self, message: Happened) -> None:
        match message.event:
            case StageStarted(stage):
                self._began(stage)
            case ExchangeStarted(_, request):
                self._under_way = request
                self._show_progress()
            case ExchangeEnded(_, exchange):
                self._under_way = None
                self._exchanged = (*self._exchanged, exchange)
                self._show_progress()
            case AuthorizationReady() as ready:
                self._show_link(ready)
            case TunnelTested(family):
                self.panel.show_tunnel(family)
            case DeadlineMoved(seconds):
                self.panel.show_remaining(seconds)
            case StageEnded(record):
                self.record_view.show_story(self._login.trace.records)
                self._ended(record)
        self.refresh_bindings()

    def _began(self, stage: Stage) -> None:
        self._under_way, self._exchanged = None, ()
        self._name_stage(STAGE_INFO[stage].title)
        self.show_stage(stage)
        self.say(Content.assemble((f"▶ {STAGE_INFO[stage].title} … ", "bold"), "Esc stops it."))

    def _show_progress(self) -> None:
        """Show how far the running stage is, unless the person looks at another one."""
        if self._login.running is self.shown:
            self.record_view.show_running(self.shown, self._under_way, self._exchanged)

    def _name_stage(self, title: str) -> None:
        """Let a crash report name the stage that was running."""
        if isinstance(self.app, QuietCrash):
            self.app.stage_name = title

    def _show_link(self, ready: AuthorizationReady) -> None:
        self.begin_waiting(ready)
        listener = self._login.wait.listener
        self.panel.show_link(ready, listener.port if listener else None, player=self._player is not None)
        self.panel.show_remaining(ready.seconds)
        self.show_stage(Stage.AUTHORIZATION)
        self.set_focus(self.panel)  # at once: an answer that is here already takes it away again
        self.say_waiting()
        if self._play_unasked:
            self.action_play()

    def _ended(self, record: StageRecord) -> None:
        self._ready = None
        self._under_way, self._exchanged = None, ()
        self._name_stage("")
        if self.panel.has_focus_within:
            self.stepper.focus()
        self.panel.empty()
        self.show_stage(record.stage)
        self.show_results(record)
        if record.outcome is Outcome.PASSED and record.stage in LOGIN_STAGES:
            self._say_next()
        else:
            self._say_outcome(record)

    def _say_outcome(self, record: StageRecord) -> None:
        """Say what became of a stage that did not pass, or that came after the login."""
        ways = ways_on(self._allowed())
        if record.outcome is Outcome.CANCELLED:
            self.say(cancelled_words(record, ways))
        elif (ended := experiment_words(record, ways)) is not None:
            self.say(ended)
        elif record.outcome is Outcome.PASSED:
            self.say(unkept_words(self._login.facts, datetime.now(UTC)))
        else:
            above = self.shown is record.stage and self.record_view.tab is Tab.OVERVIEW
            brief = self.size.height < _LARGE
            self.say(failed_words(record, ways, brief=brief, told_above=above))

    # -- what is shown ---------------------------------------------------------------------------------

    def show_stage(self, stage: Stage) -> None:
        """Show one stage: its record, or the request it would send."""
        self.shown = stage
        self.title_bar.tampered = self._login.tampered
        self._show_heading()
        self.stepper.steps = steps_of(self._login.trace, self._login.position, self._login.running)
        self.stepper.looked_at = self._stages.index(stage)
        waiting = self._ready is not None and stage is Stage.AUTHORIZATION
        self.switcher.current = "panel" if waiting else "record"
        self._show_record(stage)
        self.refresh_bindings()

    def _show_record(self, stage: Stage) -> None:
        """Show what is true of a stage now: how far it is, what it came to, or what it would send."""
        position, record = self._login.position, self._login.trace.latest(stage)
        here = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
        runs = self._login.running is stage
        done = record is not None and (self._stages.index(stage) < here or self._is_latest(record))
        # There is time to read before a stage runs, and while the browser is away. Set once: each change has
        # Textual match every rule against every widget of the screen.
        self.set_class(self._ready is not None if runs else not done, "-ahead")
        if runs:
            self.record_view.show_running(stage, self._under_way, self._exchanged)
        elif record is not None and done:
            self.record_view.show_record(record)
        elif stage is position:
            self.record_view.show_planned(stage, self._planned)
        else:
            self.record_view.show_ahead(stage)

    @property
    def _planned(self) -> Request | None:
        """What goes out next: the request of authlens, or that of the browser, which is the link."""
        planned, link = self._login.planned(), self._login.planned_link()
        return Request("GET", link) if link is not None else planned.request if planned else None

    @property
    def _stages(self) -> tuple[Stage, ...]:
        return stages_of(self._login.trace, self._login.running)

    def _is_latest(self, record: StageRecord) -> bool:
        """Whether the record stands beside the way: a stage that did not pass, or came after the login."""
        return record is self.failed_record() or record.stage not in LOGIN_STAGES

    def _show_heading(self) -> None:
        info = STAGE_INFO[self.shown]
        number = self._stages.index(self.shown) + 1
        self.set_class(self.failed_record() is not None, "-stopped")
        self.heading.border_title = f"{number} {info.title}"
        self.heading.border_subtitle = info.specification
        roomy = self.size.width >= _NARROW and self.size.height >= _TALL
        self.heading.update(Content(f"{info.what} {info.why}" if roomy else info.what))
        for where, lesson in (("#teach", "#teach-words"), ("#teach-below", "#teach-below")):
            self.query_one(where).border_title = f"Lesson: {info.title}"
            in_full = where != lesson
            self.query_one(lesson, Static).update(lesson_words(self.shown, in_full=in_full))

    def _tick(self) -> None:
        if self._ready is None:
            self._say_success()
            return
        self.panel.show_remaining(self._login.wait.remaining)
        if self._ignored is not None:
            self.panel.show_ignored(self._ignored.reason, self._ignored.count)
            self._ignored = None
        self.hear_silence()

    def say(self, words: Content, *, done: bool = False) -> None:
        """Say something in the line under the stage, below what is changed on purpose."""
        mark = marks(self._login)
        self.verdict_line.set_class(done, "-done")
        self.verdict_line.update(Content.assemble(mark, "\n", words) if mark else words)

    def _say_next(self) -> None:
        stage = self._login.position
        if stage is None and self._login.tampered:
            self.say(unkept_words(self._login.facts, datetime.now(UTC)))
        elif stage is None:
            facts, trace, brief = self._login.facts, self._login.trace, self.size.height < _ROOMY
            now = datetime.now(UTC)
            told = authenticated_words(facts, trace, self._store_name, self._way_out, now, brief=brief)
            self.say(told, done=True)
        else:
            self.say(next_words(stage, self._planned, shown=self.shown is stage))

    def _say_success(self) -> None:
        """Say it anew where it stands: the token has a second less, or the words have another room."""
        if self.verdict_line.has_class("-done"):
            self._say_next()

    @property
    def _way_out(self) -> str:
        """Where leaving leads: what the screen beneath calls itself."""
        stack = self.app.screen_stack
        place = stack.index(self) if self in stack else 0
        return str(getattr(stack[place - 1], "PLACE", "the dashboard")) if place else "the dashboard"

    def went_back(self) -> None:
        """Show the stage that is next again."""
        self.show_stage(self._login.position or LOGIN_STAGES[-1])
        self._say_next()

    @on(Stepper.Chosen)
    def _chosen(self, message: Stepper.Chosen) -> None:
        self.show_stage(self._stages[message.index])
        if self._allowed().get("next"):
            self._say_next()
        else:
            self._say_failure()

    # -- what can be done ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something now."""
        allowed = self._allowed().get(str(parameters[0]) if action == "other_way" else action)
        return super().check_action(action, parameters) if allowed is None else allowed

    @property
    def shows_record(self) -> bool:
        """False while the link stands where the record stood."""
        return self.switcher.current == "record"

    @property
    def read_widget(self) -> Widget:
        """What is read now: the document of the open tab, or the link."""
        return super().read_widget if self.shows_record else self.panel

    def _allowed(self) -> dict[str, bool]:
        if not self.is_mounted:
            return {}
        shows_record = self.shows_record
        return {
            **login_keys(self._login, self.failed_record()),
            "play": self.can_play,
            "open": self._ready is not None and why_no_browser(self._environ) is None,
            "extend": self._ready is not None,
            "paste": not shows_record,
            "reveal": shows_record and self.record_view.has_secrets,
            "tab": shows_record,
        }

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy the link while it is shown, otherwise what the selected stage shows, masked."""
        if self._ready is not None and self._link_is_shown:
            await self.app.copy(self._ready.url, "The link")
        else:
            await self.app.copy(await self.record_view.copied_text(), STAGE_INFO[self.shown].title)

    def action_reveal(self) -> None:
        """Show the secrets of the selected stage for a while, or mask them."""
        self.record_view.toggle_reveal()

    def on_screen_suspend(self) -> None:
        """Mask what was revealed when another screen comes before this one."""
        self.record_view.mask()

    def action_tab(self, step: int) -> None:
        """Turn to the next tab, or the one before."""
        self.record_view.show_tab(step)

    def action_dashboard(self) -> None:
        """Leave for the dashboard."""
        self.post_message(self.Left())

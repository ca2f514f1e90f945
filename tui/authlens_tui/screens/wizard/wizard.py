"""The wizard: a login one stage at a time, with everything that goes over the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Paste
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static, TabbedContent

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
from authlens_core.login.other_ways import OtherWay
from authlens_core.oauth.http_message import Request
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_core.wire.exchange import Exchange
from authlens_tui.screens.copy_menu import copy_menu_wanted
from authlens_tui.screens.wizard.authorization_link import AuthorizationLink, Player
from authlens_tui.screens.wizard.keys import WIZARD_KEYS, Verb, login_keys, ways_on
from authlens_tui.screens.wizard.lesson import lesson_words
from authlens_tui.screens.wizard.messages import Left, LinkChanged, LoginChanged, LoginEvent, RunEnded
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.status_line import StatusLine
from authlens_tui.screens.wizard.tampered_words import experiment_words, unkept_words
from authlens_tui.screens.wizard.tools import WizardTools
from authlens_tui.screens.wizard.words import (
    authenticated_words,
    cancelled_words,
    failed_words,
    next_words,
    running_words,
)
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.reading_area import ReadingArea
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.stepper import Stepper
from authlens_tui.widgets.steps import stages_of, steps_of
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["Player", "WizardScreen"]

_NARROW, _SHORT, _TALL = 100, 16, 32  # cells and rows, as the app's breakpoints
_ROOMY, _LARGE = 24, 50  # rows


class WizardScreen(Screen[None]):
    """Shows one login; all it knows of the login is its record and its events.

    Args:
        login: the login, which this screen closes when it goes.
        store_name: where the tokens will be stored.
        player: signs in for the user in the demo; None elsewhere.
        play: true to let it sign in as soon as there is a link.
    """

    app = getters.app(TerminalApp)
    _copy_menu_wanted = copy_menu_wanted

    CSS_PATH = "wizard.tcss"
    HELP = (
        "n runs the next stage, a runs them all. Every request is shown before it is sent; afterwards you "
        "see request and response as they went over the wire. Select a stage with the arrow keys. e edits "
        "what is sent next, i tries an attack, l explains the stage."
    )
    BINDINGS: ClassVar[list[BindingType]] = WIZARD_KEYS

    title_bar = getters.query_one(TitleBar)
    area = getters.query_one(ReadingArea)
    stepper = getters.query_one(Stepper)
    heading = getters.query_one("#heading", Static)
    switcher = getters.query_one("#switcher", ContentSwitcher)
    record_view = getters.query_one(RecordView)
    link = getters.query_one(AuthorizationLink)
    panel = getters.query_one(AuthorizationPanel)
    status = getters.query_one(StatusLine)

    def __init__(
        self, login: Login, store_name: str, *, player: Player | None = None, play: bool = False
    ) -> None:
        super().__init__(classes="" if player is None else "-demo")
        self.login = login
        self.runner = StageRunner(self, login)
        self.tools = WizardTools(self, login, self.runner)
        self.shown = Stage.DETECTION
        self._store_name = store_name
        self._player = player
        self._play_at_once = play
        self._sending: Request | None = None
        self._exchanged: tuple[Exchange, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out the list of stages, the selected stage, and the status."""
        yield TitleBar(self.login.facts.resource_url.text, self._store_name)
        with ReadingArea(id="wizard"):
            yield Stepper()
            with Vertical(id="stage"):
                yield Static(id="heading")
                with ContentSwitcher(id="switcher", initial="record"):
                    yield RecordView(id="record")
                    yield AuthorizationLink(
                        self.login, self._player, play_at_once=self._play_at_once, id="panel"
                    )
                yield Static(id="teach-below")
            with VerticalScroll(id="teach", can_focus=False):
                yield Static(id="teach-words")
        yield StatusLine(self.login, id="verdict")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Watch the login and show its first request."""
        self._verbs = self._all_verbs()
        self.login.watch(self._on_event)
        self.set_interval(1.0, self.tick)
        self.show_stage(Stage.DETECTION)
        self._show_status()

    async def on_unmount(self) -> None:
        """Free the port and stop what runs."""
        await self.login.aclose()

    def on_resize(self) -> None:
        """Fold the list of stages into one line, and the words into fewer, where there is no room."""
        folded = self.size.width < _NARROW or self.size.height < _SHORT
        self.set_class(folded, "-folded")
        self.stepper.set_class(folded, "-line")
        self._show_heading()
        self._show_status(keep_note=True)

    def stop_running(self) -> bool:
        """Cancel the running stage; return whether there was one."""
        running = self.login.running is not None
        if running:
            self.runner.cancel()
        return running

    # -- what the login reports ------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if isinstance(event, AnswerIgnored):
            self.link.ignore(event)
        else:
            self.post_message(LoginEvent(event))

    @on(LoginEvent)
    def _login_event(self, message: LoginEvent) -> None:
        match message.event:
            case StageStarted(stage):
                self._sending, self._exchanged = None, ()
                self.app.stage_name = STAGE_INFO[stage].title  # for a crash report
                self.show_stage(stage)
                self._show_status()
            case ExchangeStarted(_, request):
                self._sending = request
                self._show_progress()
            case ExchangeEnded(_, exchange):
                self._sending = None
                self._exchanged = (*self._exchanged, exchange)
                self._show_progress()
            case AuthorizationReady() as ready:
                self.link.begin(ready)
                self.show_stage(Stage.AUTHORIZATION)
                self.set_focus(self.panel)  # at once: an answer that is here already takes it away again
                self._show_status()
            case TunnelTested(family):
                self.panel.show_tunnel(family)
            case DeadlineMoved(seconds):
                self.panel.show_remaining(seconds)
            case StageEnded(record):
                self._ended(record)
        self.refresh_bindings()

    def _show_progress(self) -> None:
        """Show the progress of the running stage, unless another one is selected."""
        if self.login.running is self.shown:
            self.record_view.show_running(self.shown, self._sending, self._exchanged)

    def _ended(self, record: StageRecord) -> None:
        self._sending, self._exchanged = None, ()
        self.app.stage_name = ""
        if self.panel.has_focus_within:
            self.stepper.focus()
        self.link.end()
        self.record_view.show_story(self.login.trace.records)
        self.show_stage(record.stage)
        self.tools.show_results(record)
        self._show_status()

    @on(LoginChanged)
    def _show_next_stage(self) -> None:
        self.show_stage(self.login.position or LOGIN_STAGES[-1])
        self._show_status()

    @on(RunEnded)
    def _run_ended(self) -> None:
        self.refresh_bindings()

    @on(LinkChanged)
    def _link_changed(self) -> None:
        self._show_status()
        self.refresh_bindings()

    # -- what is shown ---------------------------------------------------------------------------------

    def show_stage(self, stage: Stage) -> None:
        """Show one stage: its record, its progress, or the request it would send."""
        self.shown = stage
        self.title_bar.tampered = self.login.tampered
        self._show_heading()
        self.stepper.steps = steps_of(self.login.trace, self.login.position, self.login.running)
        self.stepper.looked_at = self._stages.index(stage)
        waiting = bool(self.link.url) and stage is Stage.AUTHORIZATION
        self.switcher.current = "panel" if waiting else "record"
        self.area.instead = self.panel if waiting else None
        self._show_record(stage)
        self.refresh_bindings()

    def _show_record(self, stage: Stage) -> None:
        position, record = self.login.position, self.login.trace.latest(stage)
        here = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
        runs = self.login.running is stage
        done = record is not None and (self._stages.index(stage) < here or self._is_latest(record))
        # There is time to read before a stage runs, and while the browser is away. Set once: each change has
        # Textual match every rule against every widget of the screen.
        self.set_class(bool(self.link.url) if runs else not done, "-ahead")
        if runs:
            self.record_view.show_running(stage, self._sending, self._exchanged)
        elif record is not None and done:
            self.record_view.show_record(record)
        elif stage is position:
            self.record_view.show_planned(stage, self._planned)
        else:
            self.record_view.show_ahead(stage)

    @property
    def _planned(self) -> Request | None:
        """What is sent next: the request of authlens, or that of the browser, which is the link."""
        planned, link = self.login.planned(), self.login.planned_link()
        return Request("GET", link) if link is not None else planned.request if planned else None

    @property
    def _stages(self) -> tuple[Stage, ...]:
        return stages_of(self.login.trace, self.login.running)

    def _is_latest(self, record: StageRecord) -> bool:
        """Whether the record is of a stage that did not pass, or of one after the login."""
        return record is self.runner.failed or record.stage not in LOGIN_STAGES

    def _show_heading(self) -> None:
        info = STAGE_INFO[self.shown]
        self.set_class(self.runner.failed is not None, "-stopped")
        self.heading.border_title = f"{self._stages.index(self.shown) + 1} {info.title}"
        self.heading.border_subtitle = info.specification
        roomy = self.size.width >= _NARROW and self.size.height >= _TALL
        self.heading.update(Content(f"{info.what} {info.why}" if roomy else info.what))
        for where, lesson in (("#teach", "#teach-words"), ("#teach-below", "#teach-below")):
            self.query_one(where).border_title = f"Lesson: {info.title}"
            self.query_one(lesson, Static).update(lesson_words(self.shown, in_full=where != lesson))

    @on(Stepper.Chosen)
    def _stage_chosen(self, message: Stepper.Chosen) -> None:
        self.show_stage(self._stages[message.index])
        self._show_status()

    @on(RecordView.ExchangeChosen)
    def _exchange_chosen(self, message: RecordView.ExchangeChosen) -> None:
        """Open the exchange of an arrow, even if its stage was retried since."""
        records = self.login.trace.records
        self.show_stage(message.stage)
        if message.record_index < len(records):
            self.record_view.show_record(records[message.record_index])
        self.record_view.show_exchange(message.exchange_index, reply=message.reply)

    def tick(self) -> None:
        """Bring what depends on the clock up to date."""
        self.link.tick()
        if self.status.has_class("-done"):
            self._show_status(keep_note=True)

    # -- what the status says --------------------------------------------------------------------------

    def take_note(self, note: Content) -> None:
        """Show a note in the status, for screens too narrow for a toast."""
        # The note may be older than what has just happened and changes the status.
        self.call_after_refresh(lambda: self.status.show_note(note, alone=self._link_is_shown))

    @on(TabbedContent.TabActivated)
    def _tab_changed(self) -> None:
        if self.runner.failed is not None:  # the overview of a failure shows its cause itself
            self._show_status()

    def _show_status(self, *, keep_note: bool = False) -> None:
        position, running = self.login.position, self.login.running
        last = self.login.trace.records[-1] if self.login.trace.records else None
        done = False
        if self.link.url:
            words = self.link.words
        elif running is not None:
            words = running_words(running)
        elif (failed := self.runner.failed) is not None:
            words = self._outcome_words(failed)
        elif position is not None:
            brief = self.size.width if self.size.height < _TALL else None
            words = next_words(position, self._planned, shown=self.shown is position, width=brief)
        elif last is not None and last.stage not in LOGIN_STAGES:
            words = self._outcome_words(last)
        elif self.login.tampered:
            words = unkept_words(self.login.facts, datetime.now(UTC))
        else:
            done, brief_words = True, self.size.height < _ROOMY
            facts, trace = self.login.facts, self.login.trace
            words = authenticated_words(facts, trace, self._store_name, datetime.now(UTC), brief=brief_words)
        self.status.show(words, done=done, keep_note=keep_note)

    def _outcome_words(self, record: StageRecord) -> Content:
        """Say how a stage ended that did not pass, or that came after the login."""
        ways = ways_on(self._allowed())
        if record.outcome is Outcome.CANCELLED:
            return cancelled_words(record, ways)
        if (ended := experiment_words(record, ways)) is not None:
            return ended
        if record.outcome is Outcome.PASSED:
            return unkept_words(self.login.facts, datetime.now(UTC))
        above = self.shown is record.stage and self.record_view.tab is Tab.OVERVIEW
        return failed_words(record, ways, brief=self.size.height < _LARGE, told_above=above)

    # -- what the keys do ------------------------------------------------------------------------------

    def _all_verbs(self) -> Mapping[Verb, Callable[[], object]]:
        runner, tools, link, record = self.runner, self.tools, self.link, self.record_view
        return {
            Verb.NEXT: runner.next,
            Verb.RUN_ALL: runner.run_all,
            Verb.RETRY: runner.retry,
            Verb.OVERRIDE: runner.override,
            Verb.ANOTHER_PORT: runner.another_port,
            Verb.PASTE_ONLY: runner.paste_only,
            Verb.OTHER_HOST: runner.other_host,
            Verb.BACK: runner.back,
            Verb.CANCEL: runner.cancel,
            Verb.EXTEND: runner.extend,
            Verb.EDIT: tools.edit,
            Verb.WHAT_IF: tools.what_if,
            Verb.EXPORT: tools.export,
            Verb.LESSON: lambda: tools.lesson(self.shown),
            Verb.CLOUDFLARED: lambda: tools.other_way(OtherWay.CLOUDFLARED),
            Verb.SERVICE_TOKEN: lambda: tools.other_way(OtherWay.SERVICE_TOKEN),
            Verb.OPEN: link.open,
            Verb.PLAY: link.play,
            Verb.PASTE: link.paste,
            Verb.REVEAL: record.toggle_reveal,
            Verb.NEXT_TAB: lambda: record.show_tab(1),
            Verb.PREVIOUS_TAB: lambda: record.show_tab(-1),
            Verb.LEAVE: lambda: self.post_message(Left()),
        }

    def action_act(self, verb: str) -> None:
        """Do what a key is for."""
        self._verbs[Verb(verb)]()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something now."""
        if action != "act" or not self.is_mounted:
            return True
        return self._allowed().get(Verb(str(parameters[0])), True)

    def _allowed(self) -> dict[Verb, bool]:
        waiting, record_shown = bool(self.link.url), self.switcher.current == "record"
        return {
            **login_keys(self.login, self.runner.failed),
            Verb.PLAY: self.link.can_play,
            Verb.OPEN: self.link.can_open,
            Verb.EXTEND: waiting,
            Verb.PASTE: not record_shown,
            Verb.REVEAL: record_shown and self.record_view.has_secrets,
            Verb.NEXT_TAB: record_shown,
            Verb.PREVIOUS_TAB: record_shown,
        }

    @property
    def _link_is_shown(self) -> bool:
        return bool(self.link.url) and self.switcher.current == "panel"

    def on_paste(self, event: Paste) -> None:
        """Hand what is pasted anywhere to the field that waits for it."""
        if self._link_is_shown:
            event.stop()
            self.link.paste(event.text)

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy the link while it is shown, otherwise what the selected stage shows, masked."""
        if self._link_is_shown:
            await self.app.copy(self.link.url, "The link")
        else:
            await self.app.copy(await self.record_view.copied_text(), STAGE_INFO[self.shown].title)

    def on_screen_suspend(self) -> None:
        """Mask what was revealed when another screen comes on top."""
        self.record_view.mask()

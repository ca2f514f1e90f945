"""The wizard: a login walked one stage at a time, with everything that went over the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Literal

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Static

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
from authlens_core.login.verdict import why
from authlens_core.safe_text import safe_line
from authlens_core.secret import Secret
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_tui.browser import may_open_browser, open_browser
from authlens_tui.durations import in_words
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.widgets.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.record_view import RecordView
from authlens_tui.widgets.stepper import Stepper
from authlens_tui.widgets.steps import steps_of
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["Player", "WizardScreen"]

Player = Callable[[str], Awaitable[str]]
"""Plays the person at the emulator: takes the link, returns what became of it in a sentence."""

_EXTENSION = 300.0
_NARROW, _SHORT, _TALL = 100, 16, 32  # cells and rows, as the app's breakpoints
_REVEALED_FOR = 20.0  # seconds until revealed secrets are masked again


class WizardScreen(Screen[None]):
    """Shows one login and drives it; all it knows of the login is its record and its events."""

    CSS_PATH = "wizard.tcss"
    HELP = (
        "n runs the next stage, a runs them all. Every request is on the screen before it is sent; "
        "afterwards request and response are there as they really were. Select a stage with the arrow keys "
        "to look at it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "Next", id="wizard.next", tooltip="Run the next stage"),
        Binding("a", "run_all", "Run all", id="wizard.all", tooltip="Run the stages until one needs you"),
        Binding("s", "play", "Sign in for me", id="wizard.play", tooltip="The demo plays the person"),
        Binding("o", "open", "Open", id="wizard.open", tooltip="Open the link in a browser"),
        Binding("plus", "extend", "+5 min", id="wizard.extend", tooltip="Give the browser more time"),
        Binding(
            "g", "override", "Go on anyway", id="wizard.override", tooltip="In spite of the failed check"
        ),
        Binding("t", "retry", "Retry", id="wizard.retry", tooltip="Run the failed stage again"),
        Binding("w", "another_port", "Other port", id="wizard.port", tooltip="Use any free port instead"),
        Binding("h", "other_host", "Other host", id="wizard.host", tooltip="localhost or 127.0.0.1"),
        Binding("b", "back", "Back", id="wizard.back", tooltip="Take the facts of one stage earlier"),
        Binding("c", "copy", "Copy", id="wizard.copy", tooltip="Copy the link, or what is shown"),
        Binding(
            "x", "reveal", "Reveal", id="wizard.reveal", tooltip="Show or mask the secrets of this stage"
        ),
        Binding(
            "right_square_bracket", "tab(1)", "Tab", key_display="]", id="wizard.tab", tooltip="Next tab"
        ),
        Binding(
            "left_square_bracket",
            "tab(-1)",
            "Tab before",
            id="wizard.tab_back",
            tooltip="Tab before",
            show=False,
        ),
        Binding("escape", "cancel", "Cancel", id="wizard.cancel", tooltip="Stop what runs"),
        Binding("d", "dashboard", "Dashboard", id="wizard.dashboard", tooltip="Leave this login"),
    ]

    stepper = getters.query_one(Stepper)
    heading = getters.query_one("#heading", Static)
    panel = getters.query_one("#panel", AuthorizationPanel)
    record_view = getters.query_one(RecordView)
    switcher = getters.query_one("#switcher", ContentSwitcher)
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
        super().__init__()
        self._login = login
        self._store_name = store_name
        self._player = player
        self._play_unasked = play
        self._ready: AuthorizationReady | None = None
        self._shown: Stage = Stage.DETECTION

    @property
    def login(self) -> Login:
        """The login that is walked here."""
        return self._login

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
        yield Static(id="verdict")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to watch the login and show its first request."""
        self._login.watch(self._hear)
        self.set_interval(1.0, self._tick)
        self.show_stage(Stage.DETECTION)
        self._say_next()

    def on_resize(self) -> None:
        """Fold the stages into one line, and the words into one sentence, where there is no room."""
        self.stepper.set_class(self.size.width < _NARROW or self.size.height < _SHORT, "-line")
        self._show_heading()

    def _hear(self, event: Event) -> None:
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
                self.show_stage(stage)
                self._say(Content(f"{STAGE_INFO[stage].title} …"))
            case ExchangeStarted(stage, request):
                self.record_view.show_request(stage, request)
            case ExchangeEnded(stage, exchange):
                self.record_view.show_exchange(stage, exchange)
            case AuthorizationReady() as ready:
                self._show_link(ready)
            case AnswerIgnored(reason, count):
                self.panel.show_ignored(reason, count)
            case TunnelTested(family):
                self.panel.show_tunnel(family)
            case DeadlineMoved(seconds):
                self.panel.show_remaining(seconds)
            case StageEnded(record):
                self._ended(record)
        self.refresh_bindings()

    def _show_link(self, ready: AuthorizationReady) -> None:
        self._ready = ready
        listener = self._login.wait.listener
        self.panel.show_link(ready, listener.port if listener else None, player=self._player is not None)
        self.panel.show_remaining(ready.seconds)
        self.switcher.current = "panel"
        self._say(Content("Sign in with the browser; this screen goes on by itself when you are back."))
        if self._play_unasked:
            self.action_play()

    def _ended(self, record: StageRecord) -> None:
        self._ready = None
        self.show_stage(record.stage)
        if record.outcome is Outcome.PASSED and self._login.position is not None:
            self._say_next()
        elif record.outcome is Outcome.PASSED:
            self._say_authenticated()
        elif record.outcome is Outcome.CANCELLED:
            self._say(Content.assemble(("– Cancelled. ", "bold"), "t runs the stage again."))
        else:
            self._say_failed(record)

    # -- what is shown ---------------------------------------------------------------------------------

    def show_stage(self, stage: Stage) -> None:
        """Show one stage: its record, or the request it would send."""
        self._shown = stage
        self._show_heading()
        self.stepper.steps = steps_of(self._login.trace, self._login.position, self._login.running)
        self.stepper.looked_at = LOGIN_STAGES.index(stage)
        record = self._login.trace.latest(stage)
        waiting = self._ready is not None and stage is Stage.AUTHORIZATION
        self.switcher.current = "panel" if waiting else "record"
        if record is not None and self._login.running is not stage:
            self.record_view.show_record(record)
        elif stage is self._login.position:
            planned = self._login.planned()
            self.record_view.show_planned(stage, planned.request if planned else None)
        else:
            self.record_view.show_planned(stage, None)
        self.refresh_bindings()

    def _show_heading(self) -> None:
        info = STAGE_INFO[self._shown]
        self.heading.border_title = f"{info.number} {info.title}"
        self.heading.border_subtitle = info.specification
        roomy = self.size.width >= _NARROW and self.size.height >= _TALL
        self.heading.update(Content(f"{info.what} {info.why}" if roomy else info.what))

    def _tick(self) -> None:
        if self._ready is not None:
            self.panel.show_remaining(self._login.wait.remaining)

    def _say(self, words: Content) -> None:
        self.verdict_line.update(words)

    def _say_next(self) -> None:
        stage = self._login.position
        if stage is not None:
            info = STAGE_INFO[stage]
            self._say(
                Content.assemble(
                    "Next: ",
                    (f"{info.number} {info.title}", "bold"),
                    ". Press ",
                    ("n", "bold $text-primary"),
                    " to run it, ",
                    ("a", "bold $text-primary"),
                    " to run all.",
                )
            )

    def _say_authenticated(self) -> None:
        expires_at = self._login.facts.expires_at
        lasts = (expires_at - datetime.now(UTC)).total_seconds() if expires_at else 0
        left = f" The token lasts {in_words(lasts)}." if lasts > 0 else ""
        self._say(
            Content.assemble(
                ("✔ Authenticated. ", "bold $text-success"),
                f"The resource accepts the token; it is kept in: {safe_line(self._store_name, 60)}.{left} ",
                ("d", "bold $text-primary"),
                " opens the dashboard.",
            )
        )

    def _say_failed(self, record: StageRecord) -> None:
        reason = why(record)
        if reason is None:
            return
        self._say(
            Content.assemble(
                (f"✖ {STAGE_INFO[record.stage].title} failed. ", "bold $text-error"),
                Content(reason.cause),
                ("\n→ ", "bold"),
                Content(reason.cure or "Press t to try again."),
            )
        )

    @on(Stepper.Chosen)
    def _chosen(self, message: Stepper.Chosen) -> None:
        self.show_stage(LOGIN_STAGES[message.index])

    # -- what can be done ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show only the keys that do something now."""
        allowed = self._allowed().get(action)
        return True if allowed is None else allowed

    def _allowed(self) -> dict[str, bool]:
        running = self._login.running is not None
        waiting = self._ready is not None
        failed = self._failed_record()
        names = {check.name for check in failed.failures} if failed else set()
        idle = not running and not self._login.finished
        return {
            "next": idle and failed is None,
            "run_all": idle and failed is None,
            "play": waiting and self._player is not None,
            "open": waiting and may_open_browser(self._environ),
            "extend": waiting,
            "override": failed is not None and any(check.overridable for check in failed.failures),
            "retry": idle and failed is not None,
            "another_port": "registration.port" in names,
            "other_host": failed is not None
            and failed.stage is Stage.REGISTRATION
            and not names & {"registration.port"},
            "back": not running and self._login.position is not Stage.DETECTION,
            "cancel": running,
            "dashboard": not running,
        }

    @property
    def _environ(self) -> dict[str, str]:
        return dict(getattr(self.app, "environ", {}))

    def _failed_record(self) -> StageRecord | None:
        stage = self._login.position
        record = self._login.trace.latest(stage) if stage is not None else None
        unresolved = record is not None and record is self._login.trace.records[-1]
        return record if record and unresolved and record.outcome is not Outcome.PASSED else None

    @work(exclusive=True, group="login", exit_on_error=False, description="run one stage")
    async def action_next(self) -> None:
        """Run the next stage."""
        if not self._login.finished:
            await self._login.step()

    @work(exclusive=True, group="login", exit_on_error=False, description="run all stages")
    async def action_run_all(self) -> None:
        """Run the stages until one fails or all have passed."""
        await self._login.run_all()

    @work(exclusive=True, group="login", exit_on_error=False, description="retry a stage")
    async def action_retry(self) -> None:
        """Run the failed stage again; where a code was used up, begin again at PKCE."""
        await self._login.retry()
        await self._login.step()

    @work(exclusive=True, group="login", exit_on_error=False, description="override a check")
    async def action_override(self) -> None:
        """Go on in spite of the failed check, after a question that names it."""
        record = self._failed_record()
        check = next((c for c in record.failures if c.overridable), None) if record else None
        if check is None:
            return
        seen, cure = safe_line(check.seen, 400), safe_line(check.cure, 400)
        words = f"{check.expected}\nSeen: {seen}\n\n{check.why}\n\n{cure}"
        if await self.app.push_screen_wait(ConfirmScreen("Go on in spite of this check?", words, "Go on")):
            await self._login.override(check.name)

    def action_another_port(self) -> None:
        """Let the operating system choose a free port, which is a new redirect URI."""
        options = self._login.facts.options
        self._login.use(replace(options, port=0))
        self.action_retry()

    def action_other_host(self) -> None:
        """Change between localhost and 127.0.0.1: Access has a switch for each."""
        options = self._login.facts.options
        other: Literal["localhost", "127.0.0.1"] = (
            "127.0.0.1" if options.redirect_host == "localhost" else "localhost"
        )
        self._login.use(replace(options, redirect_host=other))
        self.notify(f"The redirect URI is now http://{other}:…; registering it.", markup=False)
        self.action_retry()

    def action_back(self) -> None:
        """Take the facts of one stage earlier."""
        self._login.back()
        stage = self._login.position or LOGIN_STAGES[-1]
        self.show_stage(stage)
        self._say_next()

    @work(exclusive=True, group="cancel", exit_on_error=False, description="cancel the stage")
    async def action_cancel(self) -> None:
        """Stop what runs."""
        await self._login.cancel()

    def action_extend(self) -> None:
        """Give the browser five minutes more."""
        self._login.wait.extend(_EXTENSION)

    def action_open(self) -> None:
        """Open the link in a browser of this machine."""
        if self._ready is None:
            return
        opened = open_browser(self._ready.url, self._environ)
        words = (
            "The browser was asked to open the link. If nothing appears, copy it with c."
            if opened
            else "No browser could be started here. Copy the link with c and open it elsewhere."
        )
        self.notify(words, markup=False)

    @work(exclusive=True, group="play", exit_on_error=False, description="play the person")
    async def action_play(self) -> None:
        """Let the demo sign in, over real HTTP, as a browser would."""
        if self._ready is not None and self._player is not None:
            self.notify(await self._player(self._ready.url), markup=False, title="The demo's person")

    @work(exclusive=True, group="copy", exit_on_error=False, description="copy")
    async def action_copy(self) -> None:
        """Copy the link while it is shown, otherwise what the selected stage shows, masked."""
        copy = getattr(self.app, "copy", None)
        if not callable(copy):
            return
        if self._ready is not None:
            await copy(self._ready.url, "The link")
        else:
            await copy(self.record_view.as_text(), STAGE_INFO[self._shown].title)

    def action_reveal(self) -> None:
        """Show the secrets of the selected stage for a while, or mask them."""
        if self.record_view.toggle_reveal():
            self.set_timer(_REVEALED_FOR, self.record_view.mask)

    def action_tab(self, step: int) -> None:
        """Turn to the next tab, or the one before."""
        self.record_view.show_tab(step)

    def action_dashboard(self) -> None:
        """Leave for the dashboard."""
        self.post_message(self.Left())

    @on(AuthorizationPanel.Pasted)
    def _pasted(self, message: AuthorizationPanel.Pasted) -> None:
        self._take_paste(message.text)

    def _take_paste(self, text: Secret) -> None:
        if not self._login.wait.waiting:
            return
        response = self._login.paste(text)
        if response.code is None and response.error is None:
            check = response.checks[-1]
            self.panel.show_refused_paste(f"That is not it: {check.seen}. {check.cure}")

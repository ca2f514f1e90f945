"""The opening of the demo: one login plays itself, arrow by arrow; any key ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from textual import getters, work
from textual.app import ComposeResult
from textual.events import Key
from textual.screen import Screen
from textual.timer import Timer

from authlens_core.desk.log_in import AuthorizationReady, Event, Login, Trace
from authlens_core.trace.arrows import messages
from authlens_tui.screens.wizard.demo_login import Player
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.diagram import diagram_lines
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.title_bar import TitleBar

_AROUND: Final = 6  # cells: two of border, two of padding, a scroll bar, the mark of an arrow
_AS_EVERYWHERE: Final = frozenset({"ctrl+c", "ctrl+q", "question_mark"})  # quit, and the help in the footer
_DONE: Final = "You acted once: the sign-in. authlens did the rest. Press any key to choose a login."


class _Growing(DiagramView):
    """Opens no arrow, because any key ends the playback."""

    def can_open_arrow(self) -> bool:
        return False

    def action_open_arrow(self) -> None:
        """Leave a click to the screen."""


class OpeningScreen(Screen[Trace | None]):
    """Runs `login` and draws one arrow after the other; ends with its trace if it was finished.

    Args:
        title: what the login is called.
        player: signs in for the user; no browser is opened.
        close: called at the end, when nothing is sent any more.
    """

    CSS_PATH = "opening.tcss"
    BINDINGS = keys("opening")

    STEP: ClassVar[float] = 0.6
    """Seconds between two arrows: half of what the player takes, because no one has to find a key here."""

    diagram = getters.query_one(DiagramView)
    caption = getters.query_one("#opening-words", Static)

    def __init__(
        self, login: Login, title: str, player: Player, close: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__()
        self._login = login
        self._title = title
        self._player = player
        self._let_go = close
        self.has_ended = False
        """True once nothing more will be sent; some arrows may still have to be drawn."""
        self._shown = 0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar(self._title, note="plays itself · any key ends it")
        yield _Growing()
        yield Static(id="opening-words")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.diagram.label("▶ Playing a login to a simulated server")
        self.diagram.turns_pages = False
        self.diagram.focus()
        self._login.watch(self._on_event)
        self._log_in()
        self._timer = self.set_interval(self.STEP, self.step)
        self._draw()

    async def on_unmount(self) -> None:
        await self._login.aclose()
        await self._let_go()

    @work(exclusive=True, group="login", description="play a login")
    async def _log_in(self) -> None:
        await self._login.run_all()
        self.has_ended = True

    def _on_event(self, event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            self._sign_in(event.url)

    @work(exclusive=True, group="play", description="sign in for the user")
    async def _sign_in(self, url: str) -> None:
        await self._player(url)

    def step(self) -> None:
        """Draw the next arrow, once the login has come to it; stop after the last one."""
        if self._shown < len(messages(self._login.trace.records)):
            self._shown += 1
            self._draw()
        elif self.has_ended and self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        records, width = self._login.trace.records, self.size.width - _AROUND
        drawn = messages(records)[: self._shown]
        # Only what is known as secret to the redactor is masked, and an arrow has paths and names alone.
        lines = diagram_lines(records, width, count=self._shown)
        self.diagram.show(lines, keep_place=True)
        self.diagram.point_at(drawn[-1].record_index if drawn else None, end=True)
        if self._timer is None and self._login.finished:
            self.diagram.label("✔ Logged in")
            self.caption.update(Content.assemble(("✔ ", "bold $text-success"), _DONE))
        elif drawn:
            stage = drawn[-1].stage
            info, flow = self._login.flow.info(stage), self._login.flow
            self.caption.update(Content.assemble((flow.numbered(stage), "bold"), f"  {info.what}"))

    def on_key(self, event: Key) -> None:
        """End at any key, and give it no other meaning."""
        if event.key not in _AS_EVERYWHERE:
            event.stop()
            self.action_end()

    def on_click(self) -> None:
        self.action_end()

    def action_end(self) -> None:
        if self.is_current:
            self.dismiss(self._login.trace if self._login.finished else None)

"""The sequence diagram as a player: one arrow after the other; an attacked login beside the honest one."""

from __future__ import annotations

from typing import ClassVar, Final

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.timer import Timer

from authlens_core.trace.record import Trace
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.diagram import diagram_lines
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.record.record_lines import redactor_of
from authlens_tui.widgets.record.record_messages import ArrowChosen, ArrowMarked
from authlens_tui.widgets.title_bar import TitleBar

_NARROW: Final = 50  # cells of a diagram
_AROUND: Final = 6  # cells: two of border, two of padding, a scroll bar, the mark of an arrow


class PlayerScreen(Screen[None]):
    """Steps through the arrows of `trace`; opens the exchange of an arrow on top of it.

    Args:
        start: the record, and the exchange in it, whose arrow is marked first; the first one without.
    """

    CSS_PATH = "player.tcss"
    BINDINGS = keys("player")

    STEP: ClassVar[float] = 1.2
    """Seconds for which an arrow is marked while it plays, at the usual speed."""
    SPEEDS: ClassVar[tuple[float, ...]] = (0.25, 0.5, 1, 2, 4)

    def __init__(self, trace: Trace, *, start: tuple[int, int] | None = None) -> None:
        super().__init__()
        self._trace = trace
        self._start = start
        self._records = trace.records
        self._sides = trace.honest_and_attacked or (tuple(range(len(self._records))),)
        self._playing: Timer | None = None
        self._speed = self.SPEEDS.index(1)
        self._names = ("Honest", "Attacked") if len(self._sides) > 1 else ("Sequence",)
        self._redactor = redactor_of(self._records)

    def compose(self) -> ComposeResult:
        yield TitleBar("Play")
        with Horizontal(id="player"):
            for number in range(len(self._sides)):
                yield DiagramView(id=f"side-{number}")
        yield KeyFooter()

    @property
    def _views(self) -> tuple[DiagramView, ...]:
        return tuple(self.query(DiagramView))

    def on_mount(self) -> None:
        self._show_state()
        self._views[-1].focus()
        if self._start is not None:
            record, exchange = self._start
            sides = zip(self._views, self._sides, strict=True)
            view, side = next(pair for pair in sides if record in pair[1])
            view.point_at(side.index(record), exchange=exchange, end=False)
            view.focus()

    def on_resize(self) -> None:
        width = self.size.width // len(self._sides) - _AROUND
        for view, side in zip(self._views, self._sides, strict=True):
            view.show(list(diagram_lines([self._records[n] for n in side], width, self._redactor)))
        self._show_state()

    # -- playing ---------------------------------------------------------------------------------------

    def action_play(self) -> None:
        if self._playing is not None:
            self._stop()
            return
        self._play()
        self.step()

    def _play(self) -> None:
        self._playing = self.set_interval(self.STEP / self.SPEEDS[self._speed], self.step)

    def action_speed(self, by: int) -> None:
        """Play faster or slower, from the next arrow on."""
        self._speed = max(0, min(self._speed + by, len(self.SPEEDS) - 1))
        if self._playing is not None:
            self._stop()
            self._play()
        self._show_state()

    @on(ArrowMarked)
    def _show_state(self) -> None:
        """Show whether it plays, at which speed, and its position."""
        sign, word = ("❚❚", " paused") if self._playing is None else ("▶", " playing")
        if self._focused_view.size.width < _NARROW:
            word = ""  # in half of a small screen: how far it is says more
        number, count = self._focused_view.position
        state = f" · {sign}{word} · {self.SPEEDS[self._speed]:g}× · {number} of {count}"
        for view, name in zip(self._views, self._names, strict=True):
            view.label(f"{name}{state if view is self._focused_view else ''}")

    def step(self) -> None:
        """Mark the next arrow, and on the other side the first one of the same stage; stop at the end."""
        view = self._focused_view
        before = view.cursor.line
        view.action_scroll_down()
        # The cursor did not move: this was the last arrow.
        if view.cursor.line == before:
            self._stop()
        self._follow(view)

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.stop()
            self._playing = None
            self._show_state()

    @property
    def _focused_view(self) -> DiagramView:
        return next((view for view in self._views if view.has_focus), self._views[-1])

    def _follow(self, moved: DiagramView) -> None:
        """Bring the same stage into view on the other side."""
        arrow = moved.marked
        for view, side in zip(self._views, self._sides, strict=True):
            if view is not moved and arrow is not None:
                places = (n for n, index in enumerate(side) if self._records[index].stage is arrow.stage)
                view.point_at(next(places, None), end=False)

    # -- opening ---------------------------------------------------------------------------------------

    @on(ArrowChosen)
    def _open(self, event: ArrowChosen) -> None:
        event.stop()
        view = self._focused_view
        side = self._sides[self._views.index(view)]
        arrow = replace(event.arrow, record_index=side[event.arrow.record_index])
        self.app.push_screen(TraceScreen(self._trace, opened=arrow))

"""The stages of a login, one under the other, or in one line where there is no room."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from authlens_core.trace.record import Flow, Outcome, Severity, Stage, StageRecord, Trace
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import default_css, keys
from authlens_tui.widgets.record.signs import stage_accent
from authlens_tui.words.times import duration


class StepState(StrEnum):
    """The progress of a stage."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    WARNED = "warned"
    FAILED = "failed"
    CANCELLED = "cancelled"


_SIGNS: Final = {
    StepState.WAITING: ("·", "$quiet"),
    StepState.RUNNING: ("▶", "bold $text-accent"),
    StepState.DONE: ("✔", "$text-success"),
    StepState.WARNED: ("!", "bold $text-warning"),
    StepState.FAILED: ("✖", "bold $text-error"),
    StepState.CANCELLED: ("■", "$quiet"),
}
_OUTCOMES: Final = {Outcome.FAILED: StepState.FAILED, Outcome.CANCELLED: StepState.CANCELLED}
_TIME_WIDTH: Final = 7  # cells
_SHORTEST_NAME: Final = 6  # cells, the blanks before it among them
_OF_A_LOGIN: Final = 10  # its stages, and two that came after it
_NAME_ROOM: Final = 48  # cells of the one-line form that the name of a step, its state and the count may take
_TAMPERED: Final = ("≠ TAMPERED", "bold $text-warning")


class StageStep(Struct, frozen=True):
    """One stage in the list.

    Attributes:
        number: its place, from 1.
        elapsed: the seconds it took, None before it ended.
        tampered: true when something in it was changed on purpose.
        accent: the colour of who is asked; empty for none.
    """

    number: int
    title: str
    state: StepState = StepState.WAITING
    elapsed: float | None = None
    tampered: bool = False
    accent: str = ""


class Stepper(Widget, can_focus=True):
    """Shows the steps; the one being looked at is marked. Sends `Chosen` when a user picks another."""

    ALLOW_MAXIMIZE = False

    BINDINGS = keys("stepper")
    DEFAULT_CSS = default_css(__file__)

    steps: reactive[tuple[StageStep, ...]] = reactive((), layout=True)
    """The steps, in order."""

    selected: reactive[int] = reactive(0)
    """The index of the step whose details are shown."""

    @dataclass(repr=False, eq=False)
    class Chosen(Message):
        """A user wants to look at step `index`."""

        index: int

    def render(self) -> Content:
        """Draw the list, or the one-line form when the class `-line` is set."""
        width = self.content_size.width
        if self.has_class("-line"):
            return self._one_line(width)
        indexes = self._in_view(self.content_size.height)
        return Content("\n").join([self._row(index, width) for index in indexes])

    def _in_view(self, room: int) -> range:
        """Return the steps that fit, around the selected one."""
        # Centred, and moved from there only as far as both ends of the list demand.
        first = max(0, min(self.selected - room // 2, len(self.steps) - room))
        return range(first, min(len(self.steps), first + max(1, room)))

    def _signs_in_view(self, width: int) -> range:
        """Return the steps that have a sign in the one-line form, which also has to fit the name.

        Those of a login always do where they fit at all: how far it is counts for more than its name.
        """
        if len(self.steps) <= _OF_A_LOGIN and 2 * len(self.steps) <= width:
            return range(len(self.steps))
        return self._in_view(max(3, (width - _NAME_ROOM) // 2))

    def _tell_in_border(self) -> None:
        tampered = any(step.tampered for step in self.steps)
        hidden = 0 < self.content_size.height < len(self.steps)
        position = f"{self.selected + 1} of {len(self.steps)}" if hidden else ""
        notes = [Content.styled(*_TAMPERED)] if tampered else []
        notes += [Content(position)] if position else []
        self.border_subtitle = Content(" · ").join(notes) if notes else None

    watch_steps = watch_selected = on_resize = _tell_in_border

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return 1 if self.has_class("-line") else max(1, len(self.steps))

    def action_look(self, by: int) -> None:
        self._choose(self.selected + by)

    def on_click(self, event: Click) -> None:
        spot = event.get_content_offset(self)
        if spot is None:
            return
        if self.has_class("-line"):
            signs = self._signs_in_view(self.content_size.width)
            # Each sign has a blank before it; the ellipsis of steps left out takes two cells more.
            left_out = 2 if signs.start else 0
            index = (spot.x - 1 - left_out) // 2
            if 0 <= index < len(signs):
                self._choose(signs.start + index)
        else:
            self._choose(self._in_view(self.content_size.height).start + spot.y)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self.steps) and index != self.selected:
            self.post_message(self.Chosen(index))

    def _row(self, index: int, width: int) -> Content:
        step, selected = self.steps[index], index == self.selected
        waits = step.state is StepState.WAITING
        bold = selected or step.state is StepState.RUNNING
        style = "$quiet" if waits else ""
        if bold:
            style = "bold"
        took = duration(step.elapsed) if step.elapsed is not None else ""
        mark = "≠ " if step.tampered else ""
        room = max(4, width - 3 - len(str(step.number)) - _TIME_WIDTH) - len(mark)
        title = Content(step.title).truncate(room, ellipsis=True, pad=True)
        row = Content.assemble(
            _SIGNS[step.state],
            (f" {step.number} ", "" if waits else step.accent),
            title.stylize(style),
            (mark, _TAMPERED[1]),
            (f"{took:>{_TIME_WIDTH}}", "$quiet"),
        )
        return Content.of(row.stylize("on $primary 25%")) if selected else row

    def _sign(self, index: int) -> tuple[str, str]:
        """Return the sign of a step in the one-line form, and its style, which shows the focus."""
        sign, style = _SIGNS[self.steps[index].state]
        if index == self.selected:
            focused = "$block-cursor-foreground on $block-cursor-background"
            style = focused if self.has_focus else f"{style} on $primary 35%"
        return f" {sign}", style

    def _one_line(self, width: int) -> Content:
        signs = self._signs_in_view(width)
        before, after = (" …" if more else "" for more in (signs.start, len(self.steps) - signs.stop))
        caption = Content()
        # Half of a sign would say less than nothing.
        if self.selected < len(self.steps) and (width - 2 * len(signs) >= _SHORTEST_NAME or before or after):
            step = self.steps[self.selected]
            caption = Content.assemble(
                *(("  ", _TAMPERED) if any(step.tampered for step in self.steps) else ()),
                (f"  {step.number} {step.title}", "bold"),
                (f"  {step.state}" if step.state is not StepState.WAITING else "", "$quiet"),
                (f"  ({self.selected + 1} of {len(self.steps)})" if before or after else "", "$quiet"),
            )
        whole = Content.assemble((before, "$quiet"), *map(self._sign, signs), (after, "$quiet"), caption)
        return Content.of(whole.truncate(max(1, width), ellipsis=True))


def stages_of(flow: Flow, trace: Trace, running: Stage | None = None) -> tuple[Stage, ...]:
    """Return the stages of a login, including a refresh that an experiment made after it."""
    refreshed = running is Stage.REFRESH or trace.latest(Stage.REFRESH) is not None
    return (*flow.stages, Stage.REFRESH) if refreshed else flow.stages


def steps_of(
    flow: Flow, trace: Trace, position: Stage | None, running: Stage | None
) -> tuple[StageStep, ...]:
    """Return the steps: what has passed, what failed, what runs, what lies ahead.

    A stage lies ahead again, whatever it came to once, when the user went back before it.
    """
    here = flow.position(position)
    last = trace.records[-1] if trace.records else None
    tampered = {record.stage for record in trace.records if record.tampering}

    def step(number: int, stage: Stage) -> StageStep:
        # What was run after the login has no place among its stages, and is past in any case.
        record = trace.latest(stage) if number <= here or stage not in flow.stages else None
        if last is not None and last.stage is stage is position and last.outcome is not Outcome.PASSED:
            record = last
        state, took = (StepState.WAITING, None) if record is None else state_of(record)
        if running is stage:
            state, took = StepState.RUNNING, None
        title, accent = flow.info(stage).title, stage_accent(stage, flow)
        return StageStep(number, title, state, took, tampered=stage in tampered, accent=accent)

    return tuple(step(number, stage) for number, stage in enumerate(stages_of(flow, trace, running), 1))


def state_of(record: StageRecord) -> tuple[StepState, float]:
    """Return the state of a stage that was run, and the seconds to show beside it."""
    passed = StepState.WARNED if record.count(Severity.WARNING) else StepState.DONE
    # Of a stage that waits for a user, the time on the network says more than the wait.
    took = record.network if record.exchanges else record.elapsed
    return _OUTCOMES.get(record.outcome, passed), took

"""Who said what, as a list; a request opens to its parts, which can be pointed at."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.learning.desk.open_lesson import Part, StoryLine
from authlens_tui.screens.learn.lesson_text import hanging
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import keys

_NOTHING = "Nothing was sent yet."


class StoryView(OptionList):
    """Shows the arrows of a world, or the parts of one arrow. Sends `Pointed` when a part is chosen.

    Attributes:
        lines: what is shown.
        opened: the arrow whose parts are shown; 0 for none.
        points: whether a part can be pointed at.
        of: whose requests these are, where that is not plain.
    """

    HELP = "Up and down select an arrow, Enter shows its parts, Esc shows the arrows again."
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/story")

    class Pointed(Message):
        """A part was chosen."""

        def __init__(self, arrow: int, part: Part) -> None:
            super().__init__()
            self.arrow = arrow
            self.part = part

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._parts_of: Callable[[int], tuple[Part, ...]] = lambda _: ()
        self.lines: tuple[StoryLine, ...] = ()
        self.opened = 0
        self.points = False
        self.of = ""
        self._parts: tuple[Part, ...] = ()

    @property
    def arrow(self) -> int:
        """The number of the selected or opened arrow; 0 where there is none."""
        if self.opened or self.highlighted is None or not self.lines:
            return self.opened
        return self.lines[self.highlighted].arrow

    def show(
        self,
        lines: tuple[StoryLine, ...],
        parts: Callable[[int], tuple[Part, ...]],
        *,
        end: bool,
        at: StoryLine | None = None,
    ) -> None:
        """Show what happened: a line, the end, or else the beginning, where an arrow stays open.

        Args:
            parts: returns those of an arrow.
        """
        opened, self._parts_of, self.opened = self.opened, parts, 0
        part = self.highlighted_option.id if opened and self.highlighted_option else None
        self.lines = lines
        self._draw_lines()
        arrows = {line.arrow: number for number, line in enumerate(self.lines) if line.receiver}
        places = list(arrows.values())
        self.highlighted = places[-1 if end else 0] if places else None
        if at is not None:
            self.highlighted = arrows.get(at.arrow, self.highlighted)
            self.call_after_refresh(self.scroll_to_highlight)
        elif end:  # what a server did for the last request is below it
            self.call_after_refresh(self.scroll_end, animate=False)
        if opened and not end and at is None:
            self.open_arrow(opened, part or "")

    def open_arrow(self, arrow: int, part: str = "") -> None:
        """Show the parts of an arrow, from its first one or the named one on."""
        if not (parts := self._parts_of(arrow)):
            return
        self.opened, self._parts = arrow, parts
        meaning = next(line.meaning for line in self.lines if line.arrow == arrow and line.receiver)
        options = [Option(Content.styled(meaning, "$text-accent"), disabled=True)] if meaning else []
        for place, same in groupby(parts, key=lambda one: one.place):
            options.append(Option(Content.styled(place, "bold $text-accent"), disabled=True))
            options += [Option(_part(one), id=one.name) for one in same]
        self.set_options(options)
        names = [option.id for option in options]
        self.highlighted = names.index(part if part in names else parts[0].name)
        self._label()

    def _draw_lines(self) -> None:
        width = self.scrollable_content_region.width or self.size.width - 5
        nothing = Option(Content.styled(_NOTHING, "$quiet"), disabled=True)
        shown = [Option(_line(line, width), disabled=not line.receiver) for line in self.lines]
        self.set_options(shown or [nothing])
        self.can_focus = bool(self.lines)  # Tab leads to no pane in which no key does anything
        self._label()

    def on_resize(self) -> None:
        """Break the lines for the new width; what is selected stays."""
        if not self.opened:
            selected = self.highlighted
            self._draw_lines()
            self.highlighted = selected

    def _label(self) -> None:
        opened = next((line for line in self.lines if line.arrow == self.opened and line.receiver), None)
        told = f"Who said what{f' in {self.of}' if self.of else ''}"
        words = told if opened is None else f"Arrow {opened.arrow}: {opened.words}"
        self.border_title = Content(words)

    @property
    def part(self) -> Part | None:
        """The selected part; None while the arrows are shown."""
        name = self.highlighted_option.id if self.opened and self.highlighted_option else None
        return next((part for part in self._parts if part.name == name), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Open an arrow, or point at a part and go back; otherwise Esc is the screen's."""
        match action:
            case "select":
                return not self.opened
            case "point":
                return bool(self.opened) and self.points
            case "close_arrow":
                return bool(self.opened)
            case "page_down" | "page_up":
                return self.max_scroll_y > 0  # otherwise these turn the pages of the task
        return True

    def action_point(self) -> None:
        self.action_select()

    def action_close_arrow(self) -> None:
        opened, self.opened = self.opened, 0
        self._draw_lines()
        places = [n for n, line in enumerate(self.lines) if line.arrow == opened and line.receiver]
        self.highlighted = places[0] if places else None
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.opened and self.points:
            part = next(part for part in self._parts if part.name == event.option_id)
            self.post_message(self.Pointed(self.opened, part))
        elif self.lines and not self.opened:
            self.open_arrow(self.lines[event.option_index].arrow)
            self.refresh_bindings()


def _line(line: StoryLine, width: int) -> Content:
    """Return a line; a request that is too long for one has its method and path in the next."""
    if not line.receiver:
        return Content.assemble("   ", hanging([Content.styled(line.text, "$quiet")], width, 3))
    ends = f"{line.sender} ──▶ {line.receiver}"
    around = len(line.answer) + 6  # number, blanks and the sign before the answer
    fits = len(ends) + len(line.words) + around + 2 <= width
    # Of a path that is too long, its end says more than its beginning.
    method, _, path = line.words.partition(" ")
    over = 0 if fits else max(0, len(line.words) + around - width)
    asked = f"{method} {f'…{path[over + 1 :]}' if over else path} → "
    aside = hanging([Content.styled(line.aside, "$quiet")], width, 3) if line.aside else ""
    return Content.assemble(
        (f"{line.arrow:>2} ", "bold"),
        (ends, "$text-primary"),
        "  " if fits else "\n   ",
        asked,
        (line.answer, "bold"),
        *(("\n   ", aside) if aside else ()),
    )


def _part(part: Part) -> Content:
    return Content.assemble((part.title, "bold"), "  ", part.value)

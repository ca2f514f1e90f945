"""The next move as a list: options to choose from, switches to turn, or the fields of a move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click, Key
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.learning.desk.open_lesson import Argument, MoveForm
from authlens_core.learning.moves import Move, move_in
from authlens_tui.screens.learn.lesson_text import lesson_text
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import keys

_VERB = "do"
_SEND = "send"
_OPEN = "choose"


class MoveList(OptionList):
    """Sends `Sent` with what was chosen: an option, the switches, or the fields of a form.

    Nothing is chosen for the user where there is a choice.
    """

    HELP = "Up and down select a line, left and right change it, space turns a switch, Enter sends the move."
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/move")

    class Sent(Message):
        """What was chosen: an option, or a move; neither while no switch is on, or a field is open."""

        def __init__(self, option: str, move: Move | None) -> None:
            super().__init__()
            self.option = option
            self.move = move

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._forms: tuple[MoveForm, ...] = ()
        self._chosen: dict[str, str] = {}
        self._switches: Mapping[str, str] = {}
        self._on: list[str] = []
        self._budget = 0

    def offer(self, options: Mapping[str, str]) -> None:
        """Offer options, each with its words; Enter chooses one."""
        self._forms, self._switches, self._on = (), {}, []
        self._show([Option(_option(name, text), id=name) for name, text in options.items()])

    def offer_switches(self, switches: Mapping[str, str], budget: int) -> None:
        """Offer switches, of which at most `budget` are on; the first one goes off for one too many."""
        self._forms, self._switches, self._budget, self._on = (), switches, budget, []
        self._draw()

    def offer_forms(self, forms: Sequence[MoveForm]) -> None:
        """Offer moves, the first of them first; what was chosen before stays where it can."""
        self._forms, self._switches, self._on = tuple(forms), {}, []
        if forms:
            self._draw()
        else:
            self.clear_options()

    @property
    def has_switches(self) -> bool:
        return bool(self._switches)

    def forget(self) -> None:
        """Forget what was chosen: another phase begins."""
        self._forms, self._chosen = (), {}

    def _draw(self) -> None:
        lines = self._switch_lines() if self._switches else self._form_lines()
        send = Option(Content("▶ Send (Enter)"), id=_SEND)
        self._show([*lines, send, *([] if self._switches else [self._meaning()])])

    def _switch_lines(self) -> Iterator[Option]:
        for name, text in self._switches.items():
            sign = "x" if name in self._on else " "
            yield Option(Content.assemble(f"[{sign}] ", lesson_text(text)), id=name)

    @property
    def _form(self) -> MoveForm | None:
        """The form of the move that is chosen; None before."""
        verb = self._verb.chosen(self._chosen)
        return next((form for form in self._forms if form.verb == verb), None)

    @property
    def _verb(self) -> Argument:
        return Argument(_VERB, tuple(form.verb for form in self._forms))

    @property
    def _form_fields(self) -> tuple[Argument, ...]:
        """What can be chosen of a move: which one it is, and what it needs to know."""
        if not self._forms:
            return ()
        return (self._verb, *(self._form.arguments if self._form else ()))

    def _form_lines(self) -> Iterator[Option]:
        for field in self._form_fields:
            choice, more = field.chosen(self._chosen), len(field.choices) > 1
            shown = _OPEN if choice is None else field.shown(choice)
            value = (f"‹ {shown} ›" if more else f"  {shown}", "bold" if more else "")
            yield Option(Content.assemble((f"{field.title:<11}", "$quiet"), value), id=field.name)

    def _meaning(self) -> Option:
        """What the move does, and how it is typed once everything is chosen."""
        form = self._form
        move = form.move(self._chosen) if form else None
        typed = move.text if move and form and move.text != form.verb else ""
        meaning = "\n".join(filter(None, (form.meaning if form else "", typed)))
        return Option(Content.styled(meaning, "$quiet"), disabled=True)

    def _show(self, options: Sequence[Option]) -> None:
        here = self.highlighted_option
        place = None if here is None else here.id
        self.set_options(options)
        names = [option.id for option in options]
        if place is None or place not in names:
            place = self._first_to_change
        self.highlighted = names.index(place) if place in names else 0

    @property
    def _first_to_change(self) -> str:
        """The first line of a move that can be changed; none where another move can be chosen."""
        if len(self._forms) != 1:
            return ""
        return next((field.name for field in self._form_fields if len(field.choices) > 1), _SEND)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer what the lines are made for: to choose, to turn or to change."""
        match action:
            case "select" | "choose":
                return (action == "select") == bool(self._forms or self._switches)
            case "turn":
                return bool(self._switches)
            case "change":
                return any(len(field.choices) > 1 for field in self._form_fields)
            case "page_down" | "page_up":
                return False  # these turn the pages of the task
        return True

    def action_choose(self) -> None:
        self.action_select()

    def action_turn(self) -> None:
        self.action_change(1)

    def on_key(self, event: Key) -> None:
        """Select the option that a letter names."""
        names = [option.id for option in self.options]
        if event.key in names and len(event.key) == 1:
            event.stop()
            event.prevent_default()
            self.highlighted = names.index(event.key)

    def action_change(self, by: int) -> None:
        """Turn the switch, or take the next value of the field."""
        name = None if self.highlighted_option is None else self.highlighted_option.id
        if name is None or name == _SEND:
            return
        if self._switches:
            on = [other for other in self._on if other != name]
            self._on = on if name in self._on else [*on, name][-self._budget :]
        else:
            field = next(field for field in self._form_fields if field.name == name)
            choice = field.chosen(self._chosen)
            start = (-1 if by > 0 else 0) if choice is None else field.choices.index(choice)
            others = {} if name == _VERB else self._chosen
            self._chosen = {**others, name: field.choices[(start + by) % len(field.choices)]}
        self._draw()

    def on_click(self, event: Click) -> None:
        """Change the line that is clicked; a click on the last one sends."""
        line = event.style.meta.get("option")
        if not isinstance(line, int) or not (self._forms or self._switches):
            return
        if self.get_option_at_index(line).id != _SEND:
            event.prevent_default()
            self.highlighted = line
            self.action_change(1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Send what is chosen."""
        event.stop()
        formed = self._form.move(self._chosen) if self._form else None
        move = move_in(f"defend {' '.join(self._on)}") if self._on else formed
        self.post_message(self.Sent("" if self._forms or self._switches else event.option_id or "", move))


def _option(name: str, text: str) -> Content:
    return Content.assemble((f"{name}  " if len(name) == 1 else "", "bold"), lesson_text(text))

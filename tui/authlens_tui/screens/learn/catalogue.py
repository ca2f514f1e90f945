"""The catalogue: lessons and drills in one list, and beside it what the selected one is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from authlens_tui.screens.learn.lesson_text import headed
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_HINT: Final = "Runs inside this program: no account, no network."
_NO_MATCH: Final = "No match. Esc clears the filter."


class CatalogueEntry(NamedTuple):
    """One line of the catalogue.

    Attributes:
        name: its identifier, of all entries.
        mark: how far it is, in signs before its title.
        card: headings and texts about it; a heading can be empty.
        words: others by which it is found.
    """

    name: str
    title: str
    card: tuple[tuple[str, str], ...]
    mark: str = ""
    words: str = ""

    @property
    def text(self) -> str:
        """Everything by which it is found."""
        return " ".join((self.name, self.title, self.words, *(text for _, text in self.card)))


class CatalogueList(NamedTuple):
    """A list of the catalogue, under its heading."""

    title: str
    entries: tuple[CatalogueEntry, ...]


class _Entries(OptionList):
    """The list, which names its key."""

    BINDINGS: ClassVar[list[BindingType]] = keys("learn/entries")


class CatalogueScreen(Screen[None]):
    """Shows lists of what can be done, and calls `start` with the identifier of the one that is chosen.

    Args:
        lists: what there is.
        record: shows what was done so far; None where there is no such thing.
        note: how far it is as a whole.
        open_at: the identifier of the entry that is selected first; the first one if empty.
        title: what the title bar calls it.
    """

    CSS_PATH = "learn.tcss"
    HELP = "The arrow keys select, Enter starts. / finds by words. Esc clears the words, or leaves."
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/catalogue")

    listed = getters.query_one("#entries", OptionList)
    words = getters.query_one("#card-words", HangingText)
    find = getters.query_one("#find", Input)

    def __init__(
        self,
        lists: Sequence[CatalogueList],
        start: Callable[[str], object],
        *,
        record: Callable[[], object] | None = None,
        note: str = "",
        open_at: str = "",
        title: str = "learn",
    ) -> None:
        super().__init__()
        self._lists = tuple(lists)
        self._note = note
        self._record = record
        self._start = start
        self._selected = open_at
        self._title = title

    def compose(self) -> ComposeResult:
        yield TitleBar(self._title, note=_HINT, is_root=True)
        with Horizontal(id="catalogue"):
            with Vertical(id="menu"):
                yield Input(placeholder="Find by words", id="find", compact=True)
                yield _Entries(id="entries", markup=False)
            with VerticalScroll(id="card"):
                yield HangingText(id="card-words")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#menu").border_title = "Catalogue"
        self.find.display = False
        self._list()
        self.listed.focus()

    def show(self, lists: Sequence[CatalogueList], note: str) -> None:
        """Show other lists, such as with other marks; the selection stays."""
        self._lists, self._note = tuple(lists), note
        if self.is_mounted:
            self._list()

    @on(Input.Changed, "#find")
    def _list(self) -> None:
        selected = self._selected
        self.query_one("#menu").border_subtitle = Content(self._note)
        options: list[Option] = []
        best: list[int] = []  # those with the words in the title were meant, rather than in the text
        for shown in self._lists:
            matching = [entry for entry in shown.entries if self._has_words(entry.text)]
            if matching:
                options.append(Option(Content.styled(shown.title, "bold $text-accent"), disabled=True))
            for entry in matching:
                best += [len(options)] if self._has_words(entry.title) else []
                title = Content.assemble((f"{entry.mark} ", "$text-accent"), entry.title)
                options.append(Option(title, id=entry.name))
        self.listed.set_options(options)
        # An index by name: a filter may have left the selected one out.
        places = [number for number, option in enumerate(options) if option.id == selected]
        self.listed.highlighted = next(iter([*places, *best, *range(1, len(options))]), None)
        self._show()

    def _has_words(self, text: str) -> bool:
        return all(word in text.casefold() for word in self.find.value.casefold().split())

    @property
    def matching(self) -> list[str]:
        """The identifiers of the entries that have the words."""
        return [option.id for option in self.listed.options if option.id is not None]

    @property
    def selected(self) -> CatalogueEntry | None:
        option = self.listed.highlighted_option
        name = None if option is None else option.id
        return next((entry for each in self._lists for entry in each.entries if entry.name == name), None)

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        entry = self.selected
        if entry is None:
            self.words.show([Item(Content(_NO_MATCH))])
            return
        self._selected = entry.name
        self.words.show(headed([(entry.title, ""), *entry.card]))
        self.query_one("#card").scroll_home(animate=False)

    @on(Input.Submitted, "#find")
    def _words_typed(self) -> None:
        """Start what alone has the words; of several, leave the choice to the user."""
        if len(self.matching) == 1:
            self.action_start()
        else:
            self.listed.focus()

    @on(OptionList.OptionSelected)
    def action_start(self) -> None:
        if (entry := self.selected) is not None:
            self.listed.focus()  # afterwards a key is no word to find
            self._start(entry.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "record" or self._record is not None

    def action_record(self) -> None:
        if self._record is not None:
            self._record()

    def action_find(self) -> None:
        self.find.value, self.find.display = "", True
        self.find.focus()

    def on_key(self, event: Key) -> None:
        """Leave the arrow keys to the list while words are typed."""
        if self.find.has_focus and event.key in {"up", "down"}:
            event.stop()
            move = self.listed.action_cursor_up if event.key == "up" else self.listed.action_cursor_down
            move()

    def action_leave(self) -> None:
        """Clear the words if there are any, otherwise leave."""
        if self.find.display:
            self.find.value = ""
            self.find.display = False
            self.listed.focus()
        elif any(type(below) is not Screen for below in self.app.screen_stack[:-1]):
            self.app.pop_screen()
        else:
            self.app.exit()

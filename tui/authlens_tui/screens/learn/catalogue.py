"""The catalogue: lessons and drills in one list, and beside it what the selected one is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Input

from authlens_tui.screens.learn.action_list import ActionLine, ActionList
from authlens_tui.screens.learn.lesson_text import headed
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import HangingText
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_HINT: Final = "Runs inside this program: no account, no network."
_NO_MATCH: Final = ("", "No match. Esc clears the filter.")


class CatalogueEntry(NamedTuple):
    """One line of the catalogue.

    Attributes:
        name: its identifier, of all entries.
        group: the heading it is under.
        card: headings and texts about it; a heading can be empty.
        mark: how far it is, in signs before its title.
    """

    name: str
    group: str
    title: str
    card: Sequence[tuple[str, str]]
    mark: str = ""

    @property
    def text(self) -> str:
        """Everything by which it is found."""
        return " ".join((self.name, self.title, *(text for _, text in self.card)))


class _Entries(ActionList):
    """The list, which names its key."""

    BINDINGS = keys("learn/entries")


class CatalogueScreen(Screen[None]):
    """Lists lessons and drills, and calls `start` with the identifier of the chosen one.

    Args:
        entries: returns what there is, with how far each is.
        title: what the title bar calls it.
        quits: whether Esc ends the program.

    Attributes:
        selected: the identifier of the entry that is selected.
    """

    CSS_PATH = "learn.tcss"
    HELP = "The arrow keys select, Enter starts. / finds by words. Esc clears the words, or leaves."
    BINDINGS = keys("learn/catalogue")

    listed = getters.query_one("#entries", ActionList)
    find = getters.query_one("#find", Input)

    def __init__(
        self,
        entries: Callable[[], Sequence[CatalogueEntry]],
        start: Callable[[str], object],
        *,
        selected: str = "",
        title: str = "learn",
        quits: bool = False,
    ) -> None:
        super().__init__()
        self._read = entries
        self._start = start
        self._title = title
        self._quits = quits
        self._entries: Sequence[CatalogueEntry] = ()
        self.selected = selected

    def compose(self) -> ComposeResult:
        yield TitleBar(self._title, note=_HINT, is_root=True)
        with Horizontal(id="catalogue"):
            with Vertical(id="menu"):
                yield Input(placeholder="Find by words", id="find", compact=True)
                yield _Entries(id="entries")
            with VerticalScroll(id="card"):
                yield HangingText(id="card-words")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#menu").border_title = "Catalogue"
        self.find.display = False
        self.listed.focus()

    def on_screen_resume(self) -> None:
        """Show the current progress."""
        self._entries = self._read()
        self._list()

    @on(Input.Changed, "#find")
    def _list(self) -> None:
        matching = self.matching
        titled = [entry.name for entry in matching if self._has_words(entry.title)]
        selected = (
            self.selected if self.selected in [entry.name for entry in matching] else next(iter(titled), "")
        )
        self.listed.show([*self._lines(matching)], selected)
        self._show()

    def _lines(self, entries: Sequence[CatalogueEntry]) -> Iterator[ActionLine]:
        for group, members in groupby(entries, key=lambda entry: entry.group):
            if group:
                yield ActionLine(Content.styled(group, "bold $text-accent"))
            for entry in members:
                mark = Content.styled(f"{entry.mark} " if entry.mark else "", "$text-accent")
                yield ActionLine(Content(entry.title), mark, partial(self._start, entry.name), entry.name)

    def _has_words(self, text: str) -> bool:
        return all(word in text.casefold() for word in self.find.value.casefold().split())

    @property
    def matching(self) -> list[CatalogueEntry]:
        """The entries that have the words."""
        return [entry for entry in self._entries if self._has_words(entry.text)]

    @on(ActionList.OptionHighlighted)
    def _show(self) -> None:
        """Show the card of the selected entry."""
        name = self.listed.key
        card = [_NO_MATCH]
        for entry in self.matching:
            if entry.name == name:
                self.selected, card = name, [(entry.title, ""), *entry.card]
        self.query_one("#card-words", HangingText).show(headed(card))
        self.query_one("#card").scroll_home(animate=False)

    @on(Input.Submitted, "#find")
    def _words_typed(self) -> None:
        self.listed.focus()

    def action_find(self) -> None:
        self.find.value, self.find.display = "", True
        self.find.focus()

    def action_leave(self) -> None:
        """Clear the words if there are any, otherwise leave."""
        if self.find.display:
            self.find.value, self.find.display = "", False
            self.listed.focus()
        elif self._quits:
            self.app.exit()
        else:
            self.app.pop_screen()

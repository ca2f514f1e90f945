"""The help screen: the keys that work now, the words in use, and what to do when something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.events import Click
from textual.screen import ModalScreen, Screen

from authlens_core.values.word_files import words
from authlens_tui.screens.palette import PaletteEntry, in_words, possible_actions
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

_WRONG: Final = (
    "A refused login: the Checks tab shows what was expected, what was seen and which setting fixes it.",
    "authlens doctor checks keyring, browser, port, TLS and proxy on this machine.",
    "To report a bug, say what you did and attach the exported session: it is redacted.",
    "After a crash, attach the printed lines: they contain no secrets.",
)
_TITLE: Final = "bold $text-primary"
_HEADING: Final = "bold $text-accent"


def keys_items(actions: Sequence[PaletteEntry]) -> Iterator[Item]:
    """Yield the keys under their headings as a table: key, name, meaning."""
    scopes = [(scope, list(_rows(list(group)))) for scope, group in groupby(actions, lambda each: each.scope)]
    rows = [row for _, group in scopes for row in group]
    keys = max((cell_len(row.keys) for row in rows), default=0)
    # What has no meaning of its own may be as long as it likes.
    names = max((cell_len(row.name) for row in rows if row.meaning), default=0)
    for scope, group in scopes:
        yield Item(Content.styled(scope.value, _HEADING))
        for row in group:
            key = Content.assemble((f"{row.keys:>{keys}}", _TITLE), "  ")
            if row.meaning:
                head = Content.assemble(key, f"{row.name:<{names}}  ")
                yield Item(Content.styled(row.meaning, "$quiet"), head, keys + names + 4)
            else:
                yield Item(Content(row.name), key, keys + 2)
        yield Item(Content())


class _Row(NamedTuple):
    keys: str
    name: str
    meaning: str


def _rows(actions: Sequence[PaletteEntry]) -> Iterator[_Row]:
    """Yield a row for each key; the tabs, which have a number each, share one."""
    numbered = [action for action in actions if action.keys.isdecimal()]
    for action in actions:
        if action not in numbered:
            yield _Row(action.keys, *in_words(action.name, action.meaning))
        elif action is numbered[0]:
            keys = f"{action.keys}–{numbered[-1].keys}" if len(numbered) > 1 else action.keys
            yield _Row(keys, ", ".join(each.name for each in numbered), "")


def glossary_items() -> Iterator[Item]:
    yield Item(Content.styled("Terms", _HEADING))
    terms = words("help")["terms"]
    room = max(map(len, terms)) + 2
    for word, meaning in terms.items():
        yield Item(Content(meaning), Content.styled(word, _TITLE), room)


def wrong_items() -> Iterator[Item]:
    yield Item(Content.styled("When something is wrong", _HEADING))
    for advice in _WRONG:
        yield Item(Content(advice), Content.styled("·", _TITLE), 2)


@runtime_checkable
class Explained(Protocol):
    """A screen whose help depends on what it shows."""

    def help_words(self) -> str:
        """Return the help for the current state."""


def help_of(kind: type[DOMNode]) -> str:
    """Return the help of a class of screens or widgets: its own, or that of a class that it is made from."""
    screens = words("help")["screens"]
    texts = (vars(each).get("HELP") or screens.get(each.__name__, "") for each in kind.__mro__)
    return next(filter(None, texts), "")


def _help_of(nodes: Iterable[DOMNode]) -> str:
    texts = (node.help_words() if isinstance(node, Explained) else help_of(type(node)) for node in nodes)
    return next(filter(None, texts), "")


class HelpScreen(ModalScreen[None]):
    """Shows the help for the screen underneath."""

    CSS_PATH = "help.tcss"
    TITLE = "Help"
    BINDINGS = keys("help")

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        # Taken now: the user asks about what had the focus when the key was pressed.
        focused = about.focused
        self._actions = possible_actions(about)
        self._help = _help_of((about,) if focused is None else focused.ancestors_with_self)

    def compose(self) -> ComposeResult:
        with Vertical(id="help-box"):
            with VerticalScroll(id="help"):
                with Vertical(id="help-keys"):
                    yield Static(Content(self._help), id="help-words")
                    yield HangingText(keys_items(self._actions))
                with Vertical(id="help-glossary"):
                    yield HangingText(glossary_items())
                    yield HangingText(wrong_items())
            yield KeyFooter()

    def on_mount(self) -> None:
        page = self.query_one("#help", VerticalScroll)
        page.border_title = "Help"
        page.border_subtitle = "ctrl+p searches the actions of this screen"
        self.query_one("#help-words").display = bool(self._help)
        page.focus()

    def on_click(self, event: Click) -> None:
        if event.widget is self:
            self.dismiss(None)

    def action_words(self) -> None:
        self.query_one("#help-glossary").scroll_visible(animate=False, top=True)

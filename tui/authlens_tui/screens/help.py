"""The help screen: the keys that work now, the words in use, and what to do when something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar, Final, NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.events import Click
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from authlens_tui.screens.palette import PaletteEntry, in_words, possible_actions
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

# The words that the screens use, each in one sentence.
GLOSSARY: Final[tuple[tuple[str, str], ...]] = (
    ("resource", "The page, API or MCP server that you want to reach. It accepts access tokens."),
    ("origin", "Scheme, host and port of a URL; also the resource's own server behind Cloudflare."),
    ("authorization server", "Signs users in and issues tokens for resources that trust it."),
    ("issuer, iss", "The authorization server's name, an https URL. Compared exactly."),
    ("client", "The program that asks for access for you: here, authlens."),
    ("public client", "A client that cannot keep a secret, because anyone can download it."),
    ("challenge", "WWW-Authenticate in a 401: what kind of credential the resource requires."),
    ("metadata", "A JSON document in which a resource or a server describes itself."),
    ("registration", "How a client gets its client_id from a server it has never met."),
    ("redirect URI", "Where the server sends the browser back to: a port of this machine."),
    ("PKCE", "Binds the code to the program that started the login, by a secret and its hash."),
    ("state", "A random value that comes back with the code; shows which login it belongs to."),
    ("code", "A receipt from the browser. Works once, within minutes, and only with the PKCE secret."),
    ("access token", "Gives access to the resource for a short time. Anyone who has it can use it."),
    ("bearer", "A token that works for anyone who holds it."),
    ("refresh token", "Gets new access tokens without a browser. Sent only to the server."),
    ("grant", "The result of a login: both tokens and their details."),
    ("live", "A credential whose token has not expired, as far as is known here."),
    ("probe", "One call of the resource, to see whether it accepts the credential."),
    ("scope", "What a token may be used for, in the server's own words."),
    ("JWT", "A token that can be read: header, claims, signature. Reading does not verify it."),
    ("Managed OAuth", "Cloudflare Access acting as authorization server for an application."),
    ("service token", "A credential for programs at Cloudflare Access; no sign-in."),
    ("keyring", "The secret store of the operating system. authlens stores tokens there."),
    ("redacted", "Shown or saved with a mask instead of each secret."),
    ("MCP", "Model Context Protocol: how coding agents reach tools on a server."),
    ("fingerprint", "A few letters computed from a secret: compare two secrets without showing them."),
)

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
    yield Item(Content.styled("Words", _HEADING))
    room = max(len(word) for word, _ in GLOSSARY) + 2
    for word, meaning in GLOSSARY:
        yield Item(Content(meaning), Content.styled(word, _TITLE), room)


def wrong_items() -> Iterator[Item]:
    yield Item(Content.styled("When something is wrong", _HEADING))
    for words in _WRONG:
        yield Item(Content(words), Content.styled("·", _TITLE), 2)


@runtime_checkable
class Explained(Protocol):
    """A screen whose help depends on what it shows."""

    def help_words(self) -> str:
        """Return the help for what is shown now."""


def _help_of(nodes: Iterable[DOMNode]) -> str:
    helps = (
        node.help_words() if isinstance(node, Explained) else node.HELP
        for node in nodes
        if isinstance(node, Widget)
    )
    return next((words for words in helps if words), "")


class HelpScreen(ModalScreen[None]):
    """Shows the help for the screen underneath."""

    CSS_PATH = "help.tcss"
    TITLE = "Help"
    BINDINGS: ClassVar[list[BindingType]] = keys("help")

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

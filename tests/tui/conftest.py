"""What the tests of the screens share: quick scrolling, and programs of a few lines on a real terminal."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final

import pytest
from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

from support.screens import waits_until_settled
from support.terminal import Terminal, terminal

__all__ = ["parsed_once"]


@contextmanager
def parsed_once() -> Iterator[None]:
    """Let all apps share what they parse, as long as text, place and variables of a sheet are the same."""
    shared: defaultdict[frozenset[tuple[str, str]], dict[tuple[Any, ...], Any]] = defaultdict(dict)
    begin, change = Stylesheet.__init__, Stylesheet.set_variables

    def parses_for(sheet: Stylesheet, variables: dict[str, str]) -> None:
        sheet._parse_cache = shared[frozenset(variables.items())]  # type: ignore[assignment]

    def begin_shared(sheet: Stylesheet, *, variables: dict[str, str] | None = None) -> None:
        begin(sheet, variables=variables)
        parses_for(sheet, variables or {})

    def change_shared(sheet: Stylesheet, variables: dict[str, str]) -> None:
        sheet._parse_cache = LRUCache(1)  # the change empties it, and others share the one before
        change(sheet, variables)
        parses_for(sheet, variables)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "__init__", begin_shared)
        patch.setattr(Stylesheet, "set_variables", change_shared)
        yield


_APP: Final = """
import sys
from textual.app import ComposeResult
from textual.binding import Binding
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.app.base_app import BaseApp

class Shown(BaseApp):
    BINDINGS = [Binding("k", "say('key arrived')"), Binding("c", "copy_canary"), Binding("!", "fail")]
    def compose(self) -> ComposeResult:
        yield Static(Content("ready"), id="said")
    def action_say(self, words: str) -> None:
        self.query_one("#said", Static).update(Content(words))
    async def action_copy_canary(self) -> None:
        await self.copy("copied text", "The text")
    def action_fail(self) -> None:
        fail(self)

def fail(app):
    canary = "c4n4ry-" + "local"
    raise ValueError("c4n4ry-" + "message " + canary)

{more}

app = Shown()
app.run()
sys.exit(app.return_code or 0)
"""

RunApp = Callable[..., AbstractAsyncContextManager[Terminal]]


@pytest.fixture(scope="session", autouse=True)
def style_sheets() -> Iterator[None]:
    with parsed_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def idle() -> Iterator[None]:
    with waits_until_settled():
        yield


@pytest.fixture
def run_app() -> RunApp:
    """Run the shell with one line on it in a terminal; `more` is code that comes before it starts."""

    def run(more: str = "", *, columns: int = 120, rows: int = 40) -> AbstractAsyncContextManager[Terminal]:
        code = _APP.replace("{more}", more)
        return terminal([sys.executable, "-c", code], columns=columns, rows=rows)

    return run

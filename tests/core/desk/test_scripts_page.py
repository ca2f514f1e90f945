"""docs/scripts.md: every example runs, in the order of the page, and every function of the desk is on it."""

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.desk.log_in import Options, start_login
from authlens_core.desk.session import Session, open_session
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.values.store_kind import StoreKind
from authlens_lab.emulator import PlayResult, play_person
from authlens_lab.emulator.fixture import RunningEmulator

PAGE = Path(__file__).parents[3] / "docs" / "scripts.md"
DESK = Path(__file__).parents[3] / "core" / "authlens_core" / "desk"


@pytest.fixture
def access() -> Iterator[RunningEmulator]:
    """A simulated Access in a thread: examples with a synchronous client block the event loop."""
    running = RunningEmulator()
    yield running
    running.stop()


def examples(url: str) -> Iterator[CodeType]:
    """Yield the examples for a resource, each with the numbers of its lines on the page."""
    text = PAGE.read_text(encoding="utf-8").replace("https://wiki.example.com/mcp", url)
    for match in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
        lines = "\n" * text.count("\n", 0, match.start(1)) + match[1]
        yield compile(lines, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


class User:
    """Opens each link that an example prints, and logs in before an example that needs it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.printed: list[str] = []
        self._playing: list[asyncio.Task[PlayResult]] = []

    def print(self, *words: object) -> None:
        self.printed.append(" ".join(map(str, words)))
        if words and words[0] == "Open":
            self._open(str(words[1]))

    def _open(self, link: str) -> None:
        self._playing.append(asyncio.ensure_future(play_person(link)))

    async def log_in(self, session: Session) -> None:
        if session.credentials.find(self.url) is not None:
            return

        def watch(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                self._open(event.url)

        login = start_login(session, self.url, Options(port=0))
        login.watch(watch)
        await login.run_all()
        await login.aclose()


@pytest.mark.timeout(60)
async def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: RunningEmulator
) -> None:
    monkeypatch.setenv("AUTHLENS_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("AUTHLENS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    first = await Credentials.on(store_at(StoreKind.FILE, create=True))
    first.remember_place()
    await first.aclose()
    user = User(access.resource_url)
    names: dict[str, Any] = {"print": user.print, "URL": user.url}
    for example in examples(user.url):
        async with open_session() as session:
            await user.log_in(session)
        work = eval(example, names)
        if inspect.iscoroutine(work):
            await work
    assert any("Open" in line for line in user.printed)
    assert not any("Bearer ey" in line for line in user.printed)


def public_functions(module: Path) -> set[str]:
    """Return the functions in `__all__` of a module, or all that start with no underscore."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = {node.name for node in tree.body if isinstance(node, kinds)}
    listed = re.search(r"^__all__ = \[(.*?)\]", module.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if listed is not None:
        return functions & set(re.findall(r'"(\w+)"', listed[1]))
    return {name for name in functions if not name.startswith("_")}


@pytest.mark.parametrize("module", sorted(DESK.glob("[!_]*.py")), ids=lambda module: module.stem)
def test_every_function_of_the_desk_is_on_the_page(module: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {name for name in public_functions(module) if name not in page} == set()

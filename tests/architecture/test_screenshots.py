"""The pictures: made by `python screenshots/make.py` alone, and of the program as it is now."""

import asyncio
import hashlib
import importlib.util
import json
import sys
import time
from difflib import unified_diff
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from textual.app import App, ComposeResult
from textual.events import Key

from authlens_tui.terminal.measured import Static
from support.screens import waits_until_settled

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
AGAIN: Final = "run python screenshots/make.py"


def manifest() -> dict[str, Any]:
    held: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return held


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """Load the program that makes the pictures."""
    spec = importlib.util.spec_from_file_location("screenshots_make", FOLDER / "make.py")
    if spec is None or spec.loader is None:
        pytest.fail("screenshots/make.py is gone")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_no_picture_is_drawn_or_changed_by_hand() -> None:
    """The files are those that the manifest names, byte by byte."""
    found = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
        if path.suffix == ".png"
    }
    assert found == {name: entry["sha256"] for name, entry in manifest().items()}, AGAIN


class LateApp(App[int]):
    """Draws its words when a thread is done, as authlens draws what it masks and lays out."""

    def compose(self) -> ComposeResult:
        yield Static("early")

    async def on_key(self) -> None:
        self.run_worker(self._show())

    async def _show(self) -> None:
        await asyncio.to_thread(time.sleep, 0.25)
        self.query_one(Static).update("late")


async def test_a_picture_waits_for_what_is_still_to_be_drawn(make: ModuleType) -> None:
    """A screen that stays the same for a while is not finished."""
    app = LateApp()
    with waits_until_settled():
        async with app.run_test() as pilot:
            app.post_message(Key("a", "a"))
            await make.Scene(app, pilot).until(lambda: True)
            assert "late" in make.text_of(app)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_pictures_show_the_program_as_it_is_now(make: ModuleType) -> None:
    """Every walk is walked again; what is written on the screens is what the manifest holds."""
    with waits_until_settled():
        now = make.written(asyncio.run(make.taken()))
    held = {name: entry["text"] for name, entry in manifest().items()}
    assert now.keys() == held.keys(), AGAIN
    stale = [name for name, text in now.items() if text != held[name]]
    changed = "\n".join(
        line for name in stale for line in unified_diff(held[name], now[name], name, "now", n=0)
    )
    assert not stale, (
        f"they show a program of before; look at the difference, then {AGAIN} {' '.join(stale)}\n{changed}"
    )

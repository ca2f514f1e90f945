"""The demo for someone who has seen only the screen: each key is pressed because the screen names it."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from support.terminal import Terminal, terminal

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
_AUTHLENS: Final = str(Path(sys.executable).with_name("authlens"))
_FRAMES: Final = re.compile(r"[│╭╮╰╯─▏▅▆▇▄▃▂▁]+")
_CALLED: Final = {"⏎": "enter", "esc": "escape", "space": " "}


def _words(screen: Terminal) -> str:
    """Return the screen as one line, without its frames: a sentence may be broken anywhere."""
    return " ".join(_FRAMES.sub(" ", screen.text()).split())


async def _press(screen: Terminal, before: str, after: str = "") -> None:
    named = re.compile(rf"{re.escape(after)} ([^\s·]|esc|space) ?{re.escape(before)}(?!\w)")
    await screen.wait_until(lambda: bool(named.search(_words(screen))), f"a key for {after or before!r}")
    screen.press(*(_CALLED.get(key, key) for key in named.findall(_words(screen))[-1:]))


async def _reads(screen: Terminal, words: str) -> None:
    await screen.wait_until(lambda: words in _words(screen), repr(words))


async def test_a_stranger_logs_in_breaks_the_login_repairs_it_compares_and_saves(
    tmp_path: Path, machine: Mapping[str, str]
) -> None:
    env = {**machine, "AUTHLENS_REDUCED_MOTION": ""}
    command = (_AUTHLENS, "demo", "--port", "0")
    async with terminal(command, env=env, columns=80, rows=24, cwd=tmp_path) as screen:
        await _reads(screen, "any key ends it")
        screen.press(" ")
        await _press(screen, "Start")
        await _press(screen, "PKCE")
        await _press(screen, "All")
        await _press(screen, ": the demo signs in for you", after="press")
        await _reads(screen, "demo › A normal login › 8 Access")
        await _press(screen, "new drill: No WWW-Authenticate header")
        await _press(screen, "It asks the login server")
        await _press(screen, "All")
        await _reads(screen, "Resource metadata failed")
        await _press(screen, ".", after="you can be the owner: press")
        await _reads(screen, "You are the owner of wiki.localhost")
        await _press(screen, "Switch")
        await _reads(screen, "[✔] Managed OAuth")
        await _press(screen, "Run again")
        await _press(screen, "All")
        await _press(screen, ": the demo signs in for you", after="press")
        await _reads(screen, "✔ Authenticated.")
        await _reads(screen, "Your trace shows c")  # what was shown before the repair stays
        await _press(screen, "compare")
        await _reads(screen, "› Compare")
        await _reads(screen, "Same results until 2 Resource metadata.")
        await _press(screen, "Back")
        await _press(screen, "save")
        await _reads(screen, "Every secret is replaced by a fingerprint")
        screen.press("enter")
        await _reads(screen, "Written to")
    assert list(tmp_path.glob("*.authlens.json"))

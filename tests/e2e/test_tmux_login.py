"""A login inside tmux: the connection drops in the middle of the wait, comes back, and the login goes on."""

from __future__ import annotations

import base64
import os
import re
import sys
from pathlib import Path

import pytest

from support.needs import program
from support.person import Person
from support.terminal import Tmux, terminal, tmux

pytestmark = pytest.mark.e2e

DEMO = (str(Path(sys.executable).with_name("authlens")), "demo", "--port", "0")
COPIED = re.compile(rb"\x1b\]52;[a-z]*;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)")
SIZES = ((80, 24), (20, 5), (132, 43), (40, 12), (200, 60), (60, 8), (100, 30))


async def wait_for_the_browser(screen: Tmux) -> None:
    """Walk to the link."""
    await screen.wait_for("The plain login")
    await screen.press("Enter")
    await screen.wait_for("Press n to run it")
    await screen.press("a")
    await screen.wait_for("Waiting for the browser")


async def test_detached_in_the_wait_and_attached_elsewhere_the_login_completes(tmp_path: Path) -> None:
    """Issue 5: a copy reaches the terminal outside with tmux's own settings; sizes change as they like."""
    async with tmux(DEMO, tmp_path) as screen:
        await screen.run("set-option", "-g", "set-clipboard", "external")
        await wait_for_the_browser(screen)
        attach = (program("tmux"), "-S", str(tmp_path / "t"), "attach-session")
        env = {name: value for name, value in os.environ.items() if name != "TMUX"} | {"LC_ALL": "C.UTF-8"}
        async with terminal(attach, env=env, columns=120, rows=40) as first:
            await first.wait_for("Waiting for the browser")
            first.press("c")
            await first.wait_until(lambda: COPIED.search(first.raw) is not None, "copy outside")
            copied = COPIED.search(first.raw)
            assert copied is not None
            link = base64.b64decode(copied[1]).decode()
            assert await screen.wait_for_copied(lambda held: held.strip() == link)
            await first.wait_for(f"Copied {len(link)} characters to tmux")
            await screen.run("detach-client")
            await first.wait_for_exit()
        async with terminal(attach, env=env, columns=80, rows=24) as second:
            await second.wait_for("Waiting for the browser")
            # What a terminal that was rebuilt may send: a legacy mouse report that is no UTF-8.
            os.write(second._master, b"\x1b[M\xff\xff\xff")
            for columns, rows in SIZES * 3:
                second.resize(columns, rows)
            second.resize(100, 40)
            await second.wait_for("Waiting for the browser")
            async with Person() as person:
                await person.authorize(link)
            await second.wait_for("Authenticated")
            await screen.press("q")


async def test_the_answer_comes_while_nobody_is_attached(tmp_path: Path) -> None:
    """Issue 5: the login does not need a terminal to look at it."""
    async with tmux(DEMO, tmp_path) as screen:
        await wait_for_the_browser(screen)
        await screen.press("c")
        link = await screen.wait_for_copied(lambda text: "code_challenge=" in text)
        async with Person() as person:
            await person.authorize(link)
        await screen.wait_for("Authenticated")

"""The link in a real terminal: copied, scanned, shown on one line outside the full screen."""

import asyncio
import base64
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.person import Person
from support.preloaded import Preloaded
from support.server_process import ended
from support.terminal import Terminal, begin_demo, callback_port, link_shown, plain_link, terminal
from support.verb_process import file_keyring

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
TESTS = Path(__file__).parents[1]
DEMO = ("demo", "--port", "0")
OVER_SSH = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 22"}
LEFT, ENTERED = b"\x1b[?1049l", b"\x1b[?1049h"
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")


async def link_in(screen: Terminal) -> str:
    """Walk to the link; return it."""
    await begin_demo(screen)
    screen.press("a")
    await screen.wait_for("Waiting")
    return await link_shown(screen)


async def test_over_ssh_the_link_is_copied_by_the_terminal(program: Preloaded) -> None:
    """OSC 52 on the wire, the whole link, and how many characters is said. No browser is offered."""
    async with terminal(DEMO, env={**os.environ, **OVER_SSH, "DISPLAY": ":0"}, forked_from=program) as screen:
        link = await link_in(screen)
        assert not COPIED.search(screen.raw)
        assert "open in the browser of this machine" not in screen.text()
        screen.press("c")
        await screen.wait_for(f"Sent {len(link)} characters to your terminal")
        copied = COPIED.search(screen.raw)
        assert copied is not None
        assert base64.b64decode(copied[1]).decode() == link
        screen.press("Y")
        await screen.wait_until(lambda: len(COPIED.findall(screen.raw)) == 2, "a second copy")
        line = base64.b64decode(COPIED.findall(screen.raw)[1]).decode()
        assert re.fullmatch(r"ssh -N -L (\d+):localhost:\1 -L (\d+):localhost:\2 \S+@198\.51\.100\.7", line)


async def test_the_rows_of_a_wrapped_link_are_one_hyperlink(program: Preloaded) -> None:
    """A terminal joins rows into one link (OSC 8) by their `id` alone, which must be the same on each."""
    async with terminal(DEMO, columns=80, rows=24, forked_from=program) as screen:
        link = await link_in(screen)
        screen.resize(60, 24)
        screen.resize(80, 24)
        pieces = re.compile(rb"\x1b\]8;([^;\x07\x1b]*);" + re.escape(link.encode()) + rb"(?:\x1b\\|\x07)")
        await screen.wait_until(lambda: len(pieces.findall(screen.raw)) > 4, "rows of the link")
        assert len(set(pieces.findall(screen.raw))) == 1
        assert re.fullmatch(rb"id=[0-9a-f]+", pieces.findall(screen.raw)[0])
        screen.press("q")


@pytest.mark.parametrize("by", ["enter", "answer"])
async def test_the_link_on_one_line_of_the_ordinary_screen(by: str, program: Preloaded) -> None:
    """The full screen is left, nothing is drawn meanwhile, and Enter or the answer leads back."""
    async with terminal(DEMO, columns=80, rows=24, forked_from=program) as screen:
        link = await link_in(screen)
        screen.press("U")
        await screen.wait_for("Press Enter to return to the full screen")
        left = screen.raw.rindex(LEFT)
        assert f"\r\n{link}\r\n".encode() in screen.raw[left:]
        if by == "enter":
            before = len(screen.raw)
            screen.send("code=not-to-be-shown\r")
            await screen.wait_until(lambda: ENTERED in screen.raw[before:], "full screen")
            assert b"not-to-be-shown" not in screen.raw
            await screen.wait_for("Waiting")
        else:
            async with Person() as person:
                await person.authorize(link)
            await screen.wait_for("Authenticated")
        between = bytes(screen.raw[left + len(LEFT) : screen.raw.rindex(ENTERED)])
        assert b"\x1b[?2026h" not in between
        if by == "enter":
            screen.press("escape")
            await screen.wait_for("Authorization stopped.")
        screen.press("q")
        await screen.wait_for_exit()
        assert "still waiting" not in screen.text()
        assert "code_challenge" not in screen.text()


async def test_a_signal_while_the_link_stands_alone_ends_in_good_order(program: Preloaded) -> None:
    """The terminal is ordinary already, and the exit code tells which signal it was."""
    async with terminal(DEMO, columns=80, rows=24, forked_from=program) as screen:
        await link_in(screen)
        screen.press("U")
        await screen.wait_for("Press Enter to return to the full screen")
        screen.process.terminate()
        assert await screen.wait_for_exit() == 143
        assert screen.raw.rindex(LEFT) > screen.raw.rindex(ENTERED)
        assert "Traceback" not in screen.text()


@asynccontextmanager
async def plain_login(folder: Path, settings: Sequence[str], *options: str) -> AsyncIterator[Terminal]:
    """Run `authlens login` over SSH on a terminal with `settings`, at an emulator of its own."""
    env = {**file_keyring(folder), **OVER_SSH}
    async with terminal((AUTHLENS, "emulator")) as served:
        await served.wait_for("http://")
        resource = re.search(r"http://\S+", served.text())
        assert resource is not None
        command = ("env", *settings, AUTHLENS, "login", resource[0], *options)
        async with terminal(command, env=env) as screen:
            await screen.wait_for("paste it here and press Enter")
            await screen.wait_for("Waiting 300 seconds")
            yield screen


async def test_a_plain_login_offers_the_same_ways_without_unicode(tmp_path: Path) -> None:
    """The link whole on a line, test page, ssh line, escape, and a wrapped paste."""
    settings = ("LC_ALL=C", "NO_COLOR=1")
    async with plain_login(tmp_path, settings, "--port", "0") as screen:
        link = plain_link(screen)
        port = callback_port(link)
        assert f"ssh -N -L {port}:localhost:{port} " in screen.text()
        assert "~C" in screen.text()
        async with Person() as person:
            answer = await person._browser.get(f"http://localhost:{port}/test")
            assert "The tunnel works" in answer.text
            await screen.wait_for("the test page was reached over IPv")
            callback = await person.callback_url(link)
        screen.send(f"{callback[:60]}\r{callback[60:]}\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        assert screen.raw.isascii()


async def test_a_plain_login_on_a_dumb_terminal_with_no_port_at_all(tmp_path: Path) -> None:
    """Nothing is bound, nothing steers the terminal, and the paste ends the wait."""
    async with plain_login(tmp_path, ("TERM=dumb",), "--paste-only") as screen:
        assert "No port is open here" in screen.text()
        link = plain_link(screen)
        # The sign-in page is on this machine: it alone is forwarded.
        page = urlsplit(link).port
        assert screen.text().count("-L ") == 1
        assert f"ssh -N -L {page}:localhost:{page} " in screen.text()
        async with Person() as person:
            callback = await person.callback_url(link)
        screen.send(f"{urlsplit(callback).query}\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        assert b"\x1b" not in screen.raw


async def test_with_nowhere_to_paste_paste_only_is_refused_before_anything_is_sent() -> None:
    """A wait that nobody can end is not begun."""
    process = await asyncio.create_subprocess_exec(
        *(AUTHLENS, "login", "https://wiki.example/", "--paste-only"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await ended(process)
    assert process.returncode == 2
    assert b"needs a terminal to paste" in words

"""Leaving, in whatever way: the bytes put the terminal back, the port is free, the code says what it was."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.person import Person
from support.preloaded import Preloaded
from support.terminal import Terminal, begin_demo, callback_port, left_on, link_shown, plain_link, terminal
from support.verb_process import authlens, file_keyring

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
ENTERED = b"\x1b[?1049h"
SECRET = "c4n4ry-secret"

FAILS = f"""
import sys
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.wizard.wizard import WizardScreen

def fail(self):
    token = "{SECRET[:6]}" + "{SECRET[6:]}"
    raise ValueError(token, self.login.trace)

WizardScreen.action_copy = fail
app = AuthlensApp(workspace=DemoWorkspace(port=0))
app.run()
sys.exit(app.return_code or 0)
"""


def link_of(screen: Terminal) -> str:
    return next(link for link in screen.links() if "response_type=" in link)


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port, on either loopback address."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            if probe.connect_ex((address, port)) == 0:
                return False
    return True


async def walk_to(screen: Terminal, state: str) -> None:
    """Bring the demo to a state: the menu, the dashboard, the wizard, the wait, or the link alone."""
    if state == "menu":
        await screen.wait_for("A normal login")
        return
    if state == "dashboard":
        await screen.wait_for("A normal login")
        screen.press("escape")
        await screen.wait_for("No credentials in this demo yet")
        return
    await begin_demo(screen)
    if state == "wizard":
        return
    screen.press("a")
    await screen.wait_for("Waiting")
    await link_shown(screen)
    if state == "link":
        screen.press("U")
        await screen.wait_for("Press Enter to return to the full screen")


@asynccontextmanager
async def demo(program: Preloaded, state: str) -> AsyncIterator[Terminal]:
    async with terminal(("demo", "--port", "0"), columns=100, rows=30, forked_from=program) as screen:
        await walk_to(screen, state)
        yield screen


def all_is_well(screen: Terminal, port: int | None) -> None:
    """Require that nothing of the program is left: on the terminal, in its settings, on the port."""
    assert ENTERED in screen.raw
    assert left_on(screen.raw) == []
    assert screen.collects_lines()
    assert b"Traceback" not in screen.raw
    assert port is None or is_free(port)


@pytest.mark.parametrize(
    ("state", "number", "code"),
    [
        ("menu", signal.SIGHUP, 129),
        ("dashboard", signal.SIGTERM, 143),
        ("wizard", signal.SIGINT, 130),
        ("wizard", signal.SIGTERM, 143),
        ("wizard", signal.SIGHUP, 129),
        ("wait", signal.SIGTERM, 143),
        ("link", signal.SIGHUP, 129),
        ("wait", signal.SIGQUIT, 131),
        ("wait", signal.SIGUSR1, 138),
        ("dashboard", signal.SIGALRM, 142),
    ],
)
async def test_a_signal_in_any_state(
    state: str, number: signal.Signals, code: int, program: Preloaded
) -> None:
    """Exit code 128 + n, and nothing is left switched on."""
    async with demo(program, state) as screen:
        port = callback_port(link_of(screen)) if state in ("wait", "link") else None
        os.kill(screen.process.pid, number)
        assert await screen.wait_for_exit() == code
        all_is_well(screen, port)


async def test_q_in_the_wait_leaves_with_0(program: Preloaded) -> None:
    """The person's own way out, with a terminal that reports sizes and the mouse in pixels."""
    async with demo(program, "wait") as screen:
        port = callback_port(link_of(screen))
        screen.write(b"\x1b[?2048;2$y")  # the answer of such a terminal to what it was asked
        await screen.wait_until(lambda: b"\x1b[?2048h" in screen.raw, "resize reports")
        screen.press("q")
        await screen.wait_for("A login is waiting. Leave?")
        screen.press("y")
        assert await screen.wait_for_exit() == 0
        all_is_well(screen, port)


async def test_a_crash_in_the_wait_shows_no_value_and_frees_the_port() -> None:
    """H170: code 1, where it was, an identifier; no local variable, no message."""
    async with terminal([sys.executable, "-c", FAILS], columns=100, rows=30) as screen:
        await screen.wait_for("Next: ")
        screen.press("a")
        await screen.wait_for("Waiting")
        port = callback_port(await link_shown(screen))
        screen.press("c")
        assert await screen.wait_for_exit() == 1
        all_is_well(screen, port)
        said = bytes(screen.raw).rpartition(b"\x1b[?1049l")[2].decode()
        assert "because of a bug" in said
        assert re.search(r"report [0-9a-f]{8}", said)
        assert "(ValueError)" in said
        assert SECRET not in said
        assert "state" not in said.replace("in the stage", "")


@pytest.mark.parametrize("state", ["dashboard", "wait", "link"])
async def test_a_terminal_that_goes_away(state: str, program: Preloaded) -> None:
    """H166: no process lives on that reads nothing for ever, and the port is free."""
    async with demo(program, state) as screen:
        port = callback_port(link_of(screen)) if state != "dashboard" else None
        screen.hang_up()
        assert await screen.wait_for_exit() == 129
        assert port is None or is_free(port)


async def stopped(screen: Terminal) -> None:
    status = Path(f"/proc/{screen.process.pid}/stat")
    await screen.wait_until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "stop")


@pytest.mark.parametrize("by", ["signal", "ctrl+z"])
async def test_stopped_and_continued_in_the_wait(by: str, program: Preloaded) -> None:
    """H166: the shell has its terminal meanwhile; after `fg` all is drawn anew and the answer is taken."""
    async with demo(program, "wait") as screen:
        if by == "signal":
            os.kill(screen.process.pid, signal.SIGTSTP)
        else:
            screen.press("ctrl+z")
        await stopped(screen)
        await screen.wait_until(lambda: left_on(screen.raw) == [], "the terminal as it was")
        assert screen.collects_lines()
        screen.resize(90, 28)
        before = len(screen.raw)
        os.kill(screen.process.pid, signal.SIGCONT)
        await screen.wait_until(lambda: b"Waiting" in screen.raw[before:], "repaint")
        assert "alternate screen on" in left_on(screen.raw)
        async with Person() as person:
            await person.authorize(link_of(screen))
        await screen.wait_for("Authenticated")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
        all_is_well(screen, None)


async def test_stopped_and_continued_while_the_link_stands_alone(program: Preloaded) -> None:
    """The full screen does not come back by itself, and Enter still leads to it."""
    async with demo(program, "link") as screen:
        screen.press("ctrl+z")
        await stopped(screen)
        assert screen.collects_lines()
        before = len(screen.raw)
        os.kill(screen.process.pid, signal.SIGCONT)
        await asyncio.sleep(0.2)
        assert ENTERED not in screen.raw[before:]
        assert left_on(screen.raw) == []
        screen.press("enter")
        await screen.wait_until(lambda: b"Waiting" in screen.raw[before:], "repaint")
        screen.press("q")
        await screen.wait_for("A login is waiting. Leave?")
        screen.press("y")
        assert await screen.wait_for_exit() == 0
        all_is_well(screen, None)


@pytest.mark.parametrize("how", ["SIGCONT alone", "SIGSTOP first"])
async def test_continued_without_having_been_told_to_stop(how: str, program: Preloaded) -> None:
    """Nobody left the full screen: it is taken back and drawn anew, with one reader, and q still leaves."""
    async with demo(program, "dashboard") as screen:
        raw_mode = screen.settings()
        before = len(screen.raw)
        if how == "SIGSTOP first":
            os.kill(screen.process.pid, signal.SIGSTOP)
            await stopped(screen)
            screen.cook()
        os.kill(screen.process.pid, signal.SIGCONT)
        # The words may be those of a paint from before the stop.
        await screen.wait_until(lambda: screen.settings() == raw_mode, "raw mode")
        await screen.wait_until(lambda: b"No credentials in this demo" in screen.raw[before:], "repaint")
        assert ENTERED not in screen.raw[before:]
        assert {"mouse on", "bracketed paste on", "cursor off"} <= set(left_on(screen.raw))
        screen.press("q")
        assert await screen.wait_for_exit() == 0
        all_is_well(screen, None)


async def test_terminated_after_a_stop_that_gave_no_warning(program: Preloaded) -> None:
    """What is restored is what was there before the program, not what SIGSTOP found."""
    async with demo(program, "wait") as screen:
        port = callback_port(link_of(screen))
        before = len(screen.raw)
        os.kill(screen.process.pid, signal.SIGSTOP)
        await stopped(screen)
        os.kill(screen.process.pid, signal.SIGCONT)
        await screen.wait_until(lambda: b"Waiting" in screen.raw[before:], "repaint")
        os.kill(screen.process.pid, signal.SIGTERM)
        assert await screen.wait_for_exit() == 143
        all_is_well(screen, port)


async def test_sizes_and_mouse_bytes_in_a_storm(program: Preloaded) -> None:
    """H166: legacy reports of every byte, cut anywhere, among sizes down to 1 by 1; nothing is typed."""
    async with demo(program, "wait") as screen:
        screen.press("\x16")  # stray bytes would be typed into the field for the pasted address
        reports = b"".join(b"\x1b[M" + bytes((32 + n % 68, n % 256, 255 - n % 256)) for n in range(0, 512, 3))
        for start in range(0, len(reports), 7):
            screen.write(reports[start : start + 7])
            if start % 70 == 0:
                screen.resize(1 + start % 131, 1 + start % 47)
        screen.resize(100, 30)
        await screen.wait_for("Waiting")
        async with Person() as person:
            callback = await person.callback_url(link_of(screen))
        screen.send(f"\x1b[200~{callback}\x1b[201~\r")
        await screen.wait_for("Authenticated")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
        all_is_well(screen, None)


@asynccontextmanager
async def plain_wait(program: Preloaded, folder: Path, *prefix: str) -> AsyncIterator[Terminal]:
    """Run `authlens login` up to the wait, at an emulator of its own."""
    env = file_keyring(folder)
    async with terminal(("emulator",), forked_from=program) as served:
        await served.wait_for("http://")
        resource = re.search(r"http://\S+", served.text())
        assert resource is not None
        login: Sequence[str] = (*prefix, AUTHLENS, "login", resource[0], "--port", "0", "--no-browser")
        async with terminal(login, env=env) as screen:
            await screen.wait_for("Waiting 300 seconds")
            yield screen


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
        (signal.SIGQUIT, 131),
        (signal.SIGUSR1, 138),
        (None, 129),
    ],
)
async def test_a_signal_in_the_wait_of_a_plain_login(
    number: signal.Signals | None, code: int, tmp_path: Path, program: Preloaded
) -> None:
    """The echo is on, the port is free, the code tells, no login is kept; None: the terminal goes away."""
    async with plain_wait(program, tmp_path) as screen:
        port = callback_port(plain_link(screen))
        assert not screen.collects_lines()
        if number is None:
            screen.hang_up()
        elif number == signal.SIGINT:
            screen.press("ctrl+c")
        else:
            os.kill(screen.process.pid, number)
        assert await screen.wait_for_exit() == code
        assert number is None or screen.collects_lines()
        assert number is None or "Stopped." in screen.text()
        assert left_on(screen.raw) == []
        assert is_free(port)
        assert not re.search(rb"Traceback", screen.raw)
    assert (await authlens(file_keyring(tmp_path), "list", "--json")).answer == "[]\n"


async def test_ctrl_backslash_in_the_wait_of_a_plain_login(tmp_path: Path, program: Preloaded) -> None:
    """The terminal's other way to end a program leaves its echo on as well."""
    async with plain_wait(program, tmp_path) as screen:
        port = callback_port(plain_link(screen))
        screen.write(b"\x1c")
        assert await screen.wait_for_exit() == 131
        assert screen.collects_lines()
        assert is_free(port)

"""The shell on a real terminal: leaves in good order, survives odd input, writes nothing it should not."""

import fcntl
import inspect
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from textual.app import App

from authlens_core.values.errors import UsageError
from authlens_core.values.store_kind import StoreKind
from authlens_tui.app.base_app import BaseApp
from authlens_tui.cli.full_screen import require_terminal
from authlens_tui.terminal.crash import crash_report
from authlens_tui.terminal.driver import InputDecoder
from authlens_tui.terminal.terminal_app import refuse_recording
from authlens_tui.words.outcomes import after_a_crash
from support.terminal import TAKE_TERMINAL, Terminal, terminal
from support.waiting import PATIENCE

RunApp = Callable[..., AbstractAsyncContextManager[Terminal]]
LEFT = b"\x1b[?1049l"
ENTERED = b"\x1b[?1049h"


def left_in_good_order(screen: Terminal) -> bool:
    raw = bytes(screen.raw)
    return raw.rfind(LEFT) > raw.rfind(ENTERED) >= 0 and raw.rfind(b"\x1b[?1003l") > raw.rfind(b"\x1b[?1003h")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGQUIT, 131)],
)
async def test_a_signal_ends_the_app_with_the_terminal_restored(
    run_app: RunApp, number: signal.Signals, code: int
) -> None:
    """Exit code 128 + n, the alternate screen left, mouse reporting off."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        os.kill(screen.process.pid, number)
        assert await screen.wait_for_exit() == code
        assert left_in_good_order(screen)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_a_key_ends_the_app_well(run_app: RunApp, key: str) -> None:
    """Some terminals keep ctrl+q for themselves, so q leaves too."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        screen.press(key)
        assert await screen.wait_for_exit() == 0
        assert left_in_good_order(screen)


async def test_ctrl_c_twice_leaves_and_once_does_not(run_app: RunApp) -> None:
    """H163: the first cancels or explains, the second leaves with 130."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        screen.press("ctrl+c")
        await screen.wait_for("again")
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130


async def test_f12_gives_the_mouse_to_the_terminal_and_takes_it_back(run_app: RunApp) -> None:
    """So that the terminal's own selection works; the modes say who has it."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        assert b"\x1b[?1000l" not in screen.raw
        screen.send("\x1b[24~")
        await screen.wait_for("F12 takes it back")
        assert screen.raw.rindex(b"\x1b[?1000l") > screen.raw.rindex(b"\x1b[?1000h")
        screen.send("\x1b[24~")
        await screen.wait_for("The app has the mouse")
        assert screen.raw.rindex(b"\x1b[?1000h") > screen.raw.rindex(b"\x1b[?1000l")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
        assert left_in_good_order(screen)


def test_a_terminal_that_is_gone_ends_the_app() -> None:
    """H166: tty gone. The process must not live on, reading nothing for ever."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, b"\x28\x00\x78\x00\x00\x00\x00\x00")
    code = "import sys; from authlens_tui.app.base_app import BaseApp as A; a = A(); a.run(); sys.exit(a.return_code)"  # noqa: E501
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TAKE_TERMINAL, sys.executable, "-c", code],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(slave)
    seen, deadline = b"", time.monotonic() + PATIENCE
    while ENTERED not in seen and time.monotonic() < deadline:
        seen += os.read(master, 65_536)
    os.close(master)
    try:
        assert process.wait(PATIENCE) == 129
    finally:
        process.kill()
        process.wait()


async def test_legacy_mouse_bytes_do_not_stop_the_app(run_app: RunApp) -> None:
    """A rebuilt terminal reports the mouse in X10 form, whose bytes are not UTF-8."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        for report in (b"\x1b[M\xe0\xa9\xc1", b"\x1b[M #\xff", b"\xff\xfe", b"\x1b[M\x80"):
            os.write(screen._master, report)
        os.write(screen._master, b"\x80\x80")  # completes the report that was cut in two
        screen.press("k")
        await screen.wait_for("key arrived")
        screen.press("q")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize("sequence", [b"\x1b[99999999999;1u", b"\x1b[1114112;5u", b"\x1b[?2048;9$y"])
async def test_impossible_key_sequences_do_not_stop_the_app(run_app: RunApp, sequence: bytes) -> None:
    """A number that is no character is dropped, and the next key still arrives."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        os.write(screen._master, sequence)
        screen.press("k")
        await screen.wait_for("key arrived")


async def test_a_crash_shows_no_value_and_no_local_variable(run_app: RunApp) -> None:
    """Textual would print the locals of every frame, and exit with 0."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        screen.press("!")
        assert await screen.wait_for_exit() == 1
        assert b"c4n4ry-local" not in screen.raw
        assert b"c4n4ry-message" not in screen.raw
        assert b"ValueError" in screen.raw
        assert b"report" in screen.raw
        assert left_in_good_order(screen)


COMPOSING = """
def compose(self):
    fail(self)
    yield
Shown.compose = compose
"""
IN_A_WORKER = """
async def work_and_fail(self):
    fail(self)
Shown.on_mount = lambda self: self.run_worker(work_and_fail(self), description="fails")
"""


@pytest.mark.parametrize("more", [COMPOSING, IN_A_WORKER], ids=["while composing", "in a worker"])
async def test_a_crash_before_the_first_paint_or_in_a_worker_shows_no_value(
    run_app: RunApp, more: str
) -> None:
    """A worker's error comes wrapped; what is wrapped is what is named."""
    async with run_app(more) as screen:
        assert await screen.wait_for_exit() == 1
        assert b"c4n4ry" not in screen.raw
        assert b"ValueError" in screen.raw


def test_textual_still_has_the_places_that_the_crash_path_overrides() -> None:
    """Guard: if Textual renames one of these, locals would be printed again without anybody noticing."""
    for name in ("_handle_exception", "_fatal_error", "_print_error_renderables", "_close_messages_no_wait"):
        assert callable(getattr(App, name)), name
    assert "_fatal_error()" in inspect.getsource(App._handle_exception)
    assert "show_locals=True" in inspect.getsource(App._fatal_error)
    assert "_exit_renderables" in inspect.getsource(App._print_error_renderables)


def test_a_crash_report_names_the_stage_and_our_own_places() -> None:
    """Enough to find the mistake: type, stage, place, an id; no message."""
    try:
        refuse_recording({"TEXTUAL_LOG": "c4n4ry"})
    except UsageError as error:
        report = crash_report(error, "Exchange")
    assert "UsageError" in report
    assert "in the stage Exchange" in report
    assert "authlens_tui/terminal/terminal_app.py:" in report
    assert "would record" not in report


def test_a_crash_report_calls_nothing_safe_that_was_in_memory_only() -> None:
    """What ends with the program is not called kept; without any place, nothing is said of it."""
    kept, lost = map(after_a_crash, (StoreKind.KEYRING, StoreKind.MEMORY))
    assert "safe in the keyring. Please report" in crash_report(ValueError(), stored=kept)
    assert "they are lost here" in crash_report(ValueError(), stored=lost)
    for words in (lost, ""):
        assert "safe" not in crash_report(ValueError(), stored=words)


@pytest.mark.parametrize("name", ["TEXTUAL", "TEXTUAL_LOG", "TEXTUAL_SCREENSHOT", "TEXTUAL_DEBUG"])
def test_an_environment_that_records_the_screen_is_refused(name: str) -> None:
    """The variables would record screen, log or keys to a file."""
    with pytest.raises(UsageError, match=name):
        BaseApp({name: "1"})


async def test_textual_writes_no_picture_of_the_screen() -> None:
    """Its screenshot masks nothing: its command is gone, and the action behind it refuses."""
    app = BaseApp({})
    async with app.run_test() as pilot:
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert "Screenshot" not in titles
        assert "Theme" in titles
        assert app.deliver_screenshot() is None
        await pilot.pause()


async def test_no_color_leaves_the_app_working(run_app: RunApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and a terminal of 16 colours are no reason to stop."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "standard")
    async with run_app() as screen:
        await screen.wait_for("ready")
        screen.press("q")
        assert await screen.wait_for_exit() == 0


async def test_the_app_starts_in_a_very_small_terminal(run_app: RunApp) -> None:
    async with run_app(columns=20, rows=5) as screen:
        await screen.wait_for("ready")
        screen.resize(1, 1)
        screen.resize(120, 40)
        screen.press("q")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize("cut", range(13))
def test_the_decoder_gives_the_same_text_however_the_bytes_are_cut(cut: int) -> None:
    """Reads end anywhere: within an introducer, a report, a character. A report stays six characters."""
    data = "aü".encode() + b"\x1b[M\xe0\xa9\xc1" + "€b".encode()
    decoder = InputDecoder()
    text = decoder.feed(data[:cut]) + decoder.feed(data[cut:])
    assert text == "aü\x1b[M\xe0\xa9\xc1€b"


@pytest.mark.parametrize("value", ["", "colourful"])
def test_a_colour_system_that_textual_does_not_know_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Textual stops with a KeyError where the variable is set but empty."""
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", value)
    monkeypatch.setenv("AUTHLENS_PLAIN", "1")
    with pytest.raises(UsageError):
        require_terminal("authlens login URL")
    assert "TEXTUAL_COLOR_SYSTEM" not in os.environ


LEFT_OVER = """
import select, signal, sys
from authlens_tui.terminal import quiet_terminal

def waits(seconds):
    return bool(select.select([0], [], [], seconds)[0])

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
assert quiet_terminal._quieten(0)
print("quiet", flush=True)
signal.sigwait([signal.SIGUSR1])
print("came" if waits(20) else "nothing came", flush=True)
quiet_terminal.restore()
print("left" if waits(0.2) else "nothing left", flush=True)
"""


async def test_what_is_left_of_a_paste_is_thrown_away_on_the_way_out() -> None:
    """A shell would run it as a command, and keep it in its history."""
    async with terminal([sys.executable, "-c", LEFT_OVER]) as screen:
        await screen.wait_for("quiet")
        assert not screen.collects_lines()
        screen.send("rm -r something\r")
        os.kill(screen.process.pid, signal.SIGUSR1)
        await screen.wait_for("nothing left")
        assert "nothing came" not in screen.text()
        assert await screen.wait_for_exit() == 0
        assert screen.collects_lines()
        assert "rm -r" not in screen.text()

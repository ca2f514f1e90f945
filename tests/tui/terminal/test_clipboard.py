"""A copy says where the text went, and never goes to the wrong clipboard."""

import asyncio
import base64
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

import pytest

from authlens_tui.terminal import clipboard
from authlens_tui.terminal.clipboard import Copied, CopyWay, NotCopied, copy_text, fill, osc52
from support.terminal import Terminal
from support.waiting import PATIENCE, runs, wait_until

LOCAL = {"DISPLAY": ":0"}
SECRET = "c4n4ry-token"
Copying: TypeAlias = Callable[..., Awaitable[tuple[Copied, list[str]]]]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> Copying:
    """Copies to clipboards of the test; returns the result and what was written to the terminal."""

    async def copy(
        text: str,
        environ: Mapping[str, str],
        system: Callable[[str], None] = lambda text: None,
        tmux: Callable[[str], None] = lambda text: None,
    ) -> tuple[Copied, list[str]]:
        monkeypatch.setattr(clipboard, "fill", lambda _environ, _limit, text: system(text))
        monkeypatch.setattr(clipboard, "_load_tmux_buffer", lambda _environ, text: tmux(text))
        written: list[str] = []
        return await copy_text(text, environ, written.append), written

    return copy


async def test_on_the_persons_own_machine_the_system_takes_it(copied: Copying) -> None:
    """Pyperclip's way, and nothing goes to the terminal."""
    taken: list[str] = []
    result, written = await copied(SECRET, LOCAL, taken.append)
    assert (result.way, taken, written) == (CopyWay.SYSTEM, [SECRET], [])


@pytest.mark.parametrize("environ", [{}, {"SSH_CONNECTION": "a b c d", "DISPLAY": ":10"}])
async def test_over_ssh_and_without_a_display_the_terminal_is_asked(
    environ: dict[str, str], copied: Copying
) -> None:
    """Pyperclip would fill the remote machine's clipboard, or raise."""

    def never(text: str) -> None:
        raise AssertionError

    result, written = await copied(SECRET, environ, never)
    assert result.way is CopyWay.TERMINAL
    assert written == [f"\x1b]52;c;{base64.b64encode(SECRET.encode()).decode()}\x07"]
    assert str(len(SECRET)) in result.sentence


async def test_the_sentence_never_holds_the_text(copied: Copying) -> None:
    """A toast stays on the screen; the text may be a token."""
    for environ in (LOCAL, {}):
        result, _ = await copied(SECRET, environ)
        assert SECRET not in repr(result)


async def test_a_clipboard_program_that_fails_gives_way_to_the_terminal(copied: Copying) -> None:
    """Absence of a clipboard program is ordinary."""

    def fails(text: str) -> None:
        raise RuntimeError(text)

    result, written = await copied(SECRET, LOCAL, fails)
    assert (result.way, len(written)) == (CopyWay.TERMINAL, 1)
    assert result.sentence.startswith("The clipboard of this machine could not be used. Sent 12 characters")


@pytest.mark.slow
async def test_a_clipboard_program_that_hangs_is_given_two_seconds(copied: Copying) -> None:
    """And the thread it hangs in does not hold the process."""
    release = threading.Event()

    def hangs(text: str) -> None:
        release.wait(2 * PATIENCE)

    async with asyncio.timeout(PATIENCE):
        result, written = await copied(SECRET, LOCAL, hangs)
    hanging = [thread for thread in threading.enumerate() if thread.name == "clipboard"]
    release.set()
    assert (result.way, len(written)) == (CopyWay.TERMINAL, 1)
    assert hanging
    assert all(thread.daemon for thread in hanging)


async def test_a_text_too_long_for_a_terminal_is_said_not_to_be_copied(copied: Copying) -> None:
    """Several terminals drop long ones without a word."""
    result, written = await copied("x" * 100_000, {})
    assert (result.way, written) == (CopyWay.NONE, [])
    assert "Not copied" in result.sentence


def test_tmux_gets_it_both_ways() -> None:
    """Tmux takes OSC 52 itself, or hands the wrapped one on; which, its settings decide."""
    sequence = osc52("hi", {"TMUX": "/tmp/t"})
    assert sequence == "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"


def test_screen_gets_it_in_pieces_it_accepts() -> None:
    """GNU screen refuses device control strings above 256 bytes."""
    sequence = osc52("x" * 1000, {"STY": "1"})
    assert sequence is not None
    pieces = [piece.removeprefix("\x1bP") for piece in sequence.split("\x1b\\") if piece]
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 252
    assert "".join(pieces) == osc52("x" * 1000, {})


async def test_nothing_is_copied_without_a_key(
    run_app: Callable[..., AbstractAsyncContextManager[Terminal]],
) -> None:
    """No OSC 52 in the byte stream until a person pressed the key."""
    async with run_app() as screen:
        await screen.wait_for("ready")
        assert b"]52;" not in screen.raw
        screen.press("c")
        await screen.wait_for("Sent 11 characters")
        assert b"\x1b]52;c;" + base64.b64encode(b"copied text") in screen.raw


async def test_in_tmux_the_multiplexer_itself_is_asked_first(copied: Copying) -> None:
    """By its own settings tmux drops OSC 52 of a program; only the one for a passthrough goes beside it."""
    taken: list[str] = []
    result, written = await copied(SECRET, {"TMUX": "/tmp/t,1,0"}, tmux=taken.append)
    assert (result.way, taken) == (CopyWay.TMUX, [SECRET])
    assert [sequence[:7] for sequence in written] == ["\x1bPtmux;"]
    assert SECRET not in repr(result)


async def test_a_tmux_that_does_not_answer_gives_way_to_the_sequences(copied: Copying) -> None:
    """An old tmux, or none on the path."""

    def fails(text: str) -> None:
        raise FileNotFoundError

    result, written = await copied("hi", {"TMUX": "/tmp/t,1,0"}, tmux=fails)
    assert (result.way, written) == (CopyWay.TERMINAL, [osc52("hi", {"TMUX": "x"})])


@pytest.mark.parametrize("name", ["TMUX", "STY"])
async def test_in_a_multiplexer_both_clipboards_are_asked(name: str, copied: Copying) -> None:
    """The person may have attached from elsewhere since the session began."""
    taken: list[str] = []
    result, written = await copied(SECRET, {**LOCAL, name: "x"}, taken.append)
    assert taken == [SECRET]
    assert len(written) == 1
    assert "clipboard of this machine" in result.sentence


@pytest.fixture
def xclip(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Put an `xclip` of a few lines into the path; return the environment of its machine."""

    def put(script: str) -> dict[str, str]:
        program = tmp_path / "xclip"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", **LOCAL}

    return put


async def test_a_clipboard_program_that_took_the_text_is_believed(
    xclip: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    """The whole way: a child of ours, pyperclip in it, the program, its exit code."""
    written: list[str] = []
    environ = xclip(f"cat > {tmp_path}/clipboard")
    result = await copy_text("wörter", environ, written.append)
    assert (result.way, written) == (CopyWay.SYSTEM, [])
    assert (tmp_path / "clipboard").read_text("utf-8") == "wörter"


async def test_the_exit_code_of_a_clipboard_program_is_heeded_and_its_complaint_is_not_shown(
    xclip: Callable[[str], dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    """What it says would stand over the screen; pyperclip looks at neither."""
    written: list[str] = []
    environ = xclip("cat > /dev/null; echo 'Error: cannot open display' >&2; exit 1")
    result = await copy_text("words", environ, written.append)
    assert (result.way, len(written)) == (CopyWay.TERMINAL, 1)
    assert "could not be used" in result.sentence
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_clipboard_program_that_hangs_is_ended(
    xclip: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    """It must not fill the clipboard after another way was said to have been taken."""
    environ = xclip(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    with pytest.raises(NotCopied):
        fill(environ, 4.0, "words")
    number = int((tmp_path / "pid").read_text())
    wait_until(lambda: not runs(number), "the end of the program")

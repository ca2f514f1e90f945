"""A hostile server in a real terminal: what it says is shown as text, and the terminal obeys none of it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.hostile_server import answer, hostile_server
from support.terminal import terminal

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
CLIPBOARD = b"\x1b]52;c;aG9zdGlsZQ==\x07"
TITLE = b"\x1b]0;hostile\x07"
CLEAR = b"\x1b[2J\x1b[31m"
BODY = b'{"note": "lone \\ud800 surrogate, \\u001b]52;c;aG9zdGlsZQ==\\u0007 and \\u202e reversed"}'


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
async def test_what_a_hostile_server_says_is_shown_and_never_obeyed(
    keyring_machine: Mapping[str, str], columns: int, rows: int
) -> None:
    """Markup in the reason phrase, escape sequences in fields, a lone surrogate in the body."""
    said = answer(
        f"401 OK[/foo][@click=app.quit]{CLIPBOARD.decode()}",
        f"X-Note: {CLIPBOARD.decode()}{TITLE.decode()}{CLEAR.decode()}",
        "Content-Type: application/json",
        body=BODY,
    )
    async with (
        hostile_server(*said) as server,
        terminal(
            [AUTHLENS, server.url, "--port", "0"], env=keyring_machine, columns=columns, rows=rows
        ) as screen,
    ):
        await screen.wait_for("Next: ")
        screen.press("n")
        await screen.wait_for("401")
        screen.press("]")
        screen.press("]")
        await screen.wait_for("OK[/foo][@click=app.quit]")
        await screen.wait_for("ud800")
        assert r"\e]52;c;aG9zdGlsZQ==" in screen.text()
        screen.press("q")
        assert await screen.wait_for_exit() == 0

    assert [bad for bad in (CLIPBOARD, TITLE, CLEAR, b"\xe2\x80\xae") if bad in screen.raw] == []

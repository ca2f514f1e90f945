"""A login is killed in the wait: the next start says so, and a key takes it up again."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from support.person import Person
from support.terminal import Terminal, plain_link, terminal

pytestmark = pytest.mark.e2e

AUTHLENS = str(Path(sys.executable).with_name("authlens"))


async def full_screen_link(screen: Terminal) -> str:
    """Wait for the link on the full screen; return it."""
    await screen.wait_until(lambda: any("response_type=" in link for link in screen.links()), "link")
    return next(link for link in screen.links() if "response_type=" in link)


def of(link: str, name: str) -> str:
    """Return one parameter of a link."""
    return parse_qs(urlsplit(link).query)[name][0]


async def test_killed_in_the_wait_and_taken_up_with_a_key(machine: dict[str, str], resource: str) -> None:
    """Which login, where; the same client and port, another state; then nothing is left."""
    login = (AUTHLENS, "login", resource, "--port", "0", "--no-browser")
    async with terminal(login, env=machine) as screen:
        await screen.wait_for("Waiting 300 seconds")
        before = plain_link(screen)
        os.kill(screen.process.pid, signal.SIGKILL)
        await screen.wait_for_exit()

    (note,) = Path(machine["AUTHLENS_HOME"]).glob("unfinished/*.json")
    assert of(before, "state") not in note.read_text()
    assert of(before, "code_challenge") not in note.read_text()

    async with terminal((AUTHLENS,), env=machine) as screen:
        await screen.wait_for(f"A login to {resource} was interrupted at 6 Authorization")
        await screen.wait_for("Press u")
        screen.press("u")
        again = await full_screen_link(screen)
        for name in ("client_id", "redirect_uri"):
            assert of(again, name) == of(before, name)
        assert of(again, "state") != of(before, "state")
        async with Person() as person:
            await person.authorize(again)
        await screen.wait_for("Authenticated")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
    assert list(Path(machine["AUTHLENS_HOME"]).glob("unfinished/*")) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGHUP, "(the connection was lost)"), (signal.SIGTERM, "(it received SIGTERM)")],
)
async def test_the_next_plain_login_says_what_was_interrupted(
    number: signal.Signals, words: str, machine: dict[str, str], resource: str
) -> None:
    """Once, with the reason; Ctrl-C is the person's own doing and is not told."""
    login = (AUTHLENS, "login", resource, "--port", "0", "--no-browser")
    async with terminal(login, env=machine) as screen:
        await screen.wait_for("Waiting 300 seconds")
        assert "was interrupted" not in screen.text()
        os.kill(screen.process.pid, number)
        await screen.wait_for_exit()
    async with terminal(login, env=machine, columns=200) as screen:
        await screen.wait_for("Waiting 300 seconds")
        assert f"A login to {resource} was interrupted at 6 Authorization" in screen.text()
        assert words in screen.text()
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130
    assert list(Path(machine["AUTHLENS_HOME"]).glob("unfinished/*")) == []


async def test_the_full_screen_that_lost_its_connection_is_told_in_the_next_one(
    machine: dict[str, str], resource: str
) -> None:
    """On the dashboard under a wizard for another resource, too, once that one is left."""
    async with terminal((AUTHLENS, resource, "--port", "0"), env=machine) as screen:
        await screen.wait_for("Next: ")
        for number in (1, 2, 3):
            screen.press("n")
            await screen.wait_for(f"✔ {number}")
        screen.press("n")
        await screen.wait_for("✔ 4")
        os.kill(screen.process.pid, signal.SIGHUP)
        assert await screen.wait_for_exit() == 129
    async with terminal((AUTHLENS, f"{resource}other"), env=machine) as screen:
        await screen.wait_for("Next: ")
        screen.press("d")
        await screen.wait_for("was interrupted at 5 PKCE")
        assert "(the connection was lost)" in re.sub(r"\s+", " ", screen.text())
        screen.press("q")
        assert await screen.wait_for_exit() == 0
    assert list(Path(machine["AUTHLENS_HOME"]).glob("unfinished/*")) == []

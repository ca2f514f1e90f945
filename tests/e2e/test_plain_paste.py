"""Pasting on a plain terminal: lines and what is said of them, and a shell that stops and moves the job."""

import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.values.user_screen import UserScreen
from e2e.fake_browser import beside_a_fake_browser, what_was_opened
from support.needs import program
from support.person import Person
from support.terminal import Terminal, plain_link, terminal

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
OFFER = "paste it here and press Enter"
REFUSED = "Not the callback address"


@asynccontextmanager
async def plain_login(machine: Mapping[str, str], resource: str) -> AsyncIterator[Terminal]:
    """Run a plain login up to the wait."""
    command = (AUTHLENS, "login", resource, "--port", "0", "--no-browser")
    async with terminal(command, env=machine, columns=200, rows=60) as screen:
        await screen.wait_for("Waiting 300 seconds")
        yield screen


@asynccontextmanager
async def job_control(machine: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run bash with job control, which hands the terminal from job to job."""
    env = {**machine, "PS1": "shell> ", "HISTFILE": os.devnull}
    async with terminal((program("bash"), "--norc", "--noprofile", "-i"), env=env, columns=200) as screen:
        await screen.wait_for("shell>")
        yield screen


def login_line(resource: str) -> str:
    return f"{shlex.quote(AUTHLENS)} login {resource} --port 0 --no-browser"


async def callback_of(screen: Terminal) -> str:
    """Sign in somewhere else; return the address that the browser ends on."""
    async with Person() as person:
        return await person.callback_url(plain_link(screen))


def told(screen: Terminal, words: str, times: int) -> bool:
    return screen.raw.decode(errors="replace").count(words) == times


async def paste_and_finish(screen: Terminal, callback: str) -> None:
    """Paste the address; it must not be shown, and ends the login."""
    screen.send(f"{callback}\r")
    await screen.wait_for("Authenticated.")
    code = re.search(r"code=([^&]+)", callback)
    assert code is not None
    assert code[1].encode() not in screen.raw


async def test_after_ctrl_z_and_fg_it_is_read_and_not_shown(machine: dict[str, str], resource: str) -> None:
    """The shell has its terminal meanwhile; then it is said anew what can be pasted."""
    async with job_control(machine) as screen:
        screen.send(f"{login_line(resource)}\r")
        await screen.wait_for("Waiting 300 seconds")
        callback = await callback_of(screen)
        for already in (1, 2):
            screen.press("ctrl+z")
            await screen.wait_until(partial(told, screen, "Stopped", already), "the shell")
            screen.send("fg\r")
            await screen.wait_until(partial(told, screen, OFFER, already + 1), "offer")
        await paste_and_finish(screen, callback)


async def test_begun_in_the_background_and_brought_to_the_foreground(
    machine: dict[str, str], resource: str
) -> None:
    """Bash sends no signal to a job that runs already; what to do is said in the meantime."""
    async with job_control(machine) as screen:
        screen.send(f"{login_line(resource)} &\r")
        await screen.wait_for("bring this job to the foreground: fg")
        await screen.wait_for("Waiting 300 seconds")
        callback = await callback_of(screen)
        assert told(screen, OFFER, 0)
        screen.send("fg\r")
        await screen.wait_until(partial(told, screen, OFFER, 1), "offer")
        await paste_and_finish(screen, callback)


async def test_moved_to_the_background_it_lets_go_and_still_takes_the_browsers_answer(
    machine: dict[str, str], resource: str
) -> None:
    """After `bg` the keys are the shell's; the login goes on."""
    async with job_control(machine) as screen:
        screen.send(f"{login_line(resource)}\r")
        await screen.wait_for("Waiting 300 seconds")
        screen.press("ctrl+z")
        await screen.wait_for("Stopped")
        screen.send("bg\r")
        screen.send("echo still $((40 + 2))\r")
        await screen.wait_for("still 42")
        async with Person() as person:
            await person.authorize(plain_link(screen))
        await screen.wait_for("Authenticated.")


async def test_ctrl_d_ends_nothing_and_says_so(machine: dict[str, str], resource: str) -> None:
    """What is pasted afterwards is read, and not shown."""
    async with plain_login(machine, resource) as screen:
        callback = await callback_of(screen)
        screen.press("ctrl+d")
        await screen.wait_for("Ctrl-D does not stop the login")
        assert not screen.collects_lines()
        await paste_and_finish(screen, callback)
        assert await screen.wait_for_exit() == 0


async def test_a_wrapped_paste_is_judged_when_it_is_whole(machine: dict[str, str], resource: str) -> None:
    """No piece of it is refused before the rest is there, even if the last line is ended late."""
    async with plain_login(machine, resource) as screen:
        callback = await callback_of(screen)
        screen.send(f"{callback[:30]}\r{callback[30:60]}\r{callback[60:]}")
        screen.send("\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        assert REFUSED not in screen.text()


async def test_thousands_of_lines_are_refused_once(machine: dict[str, str], resource: str) -> None:
    """Somebody pasted a file; then the right address comes, and nothing of the file stands before it."""
    async with plain_login(machine, resource) as screen:
        callback = await callback_of(screen)
        await screen.send_at_length("".join(f"junk number {n}\r" for n in range(3_000)))
        await screen.wait_for(REFUSED)
        await paste_and_finish(screen, callback)
        assert told(screen, REFUSED, 1)


async def test_each_paste_is_refused_for_its_own_reason(machine: dict[str, str], resource: str) -> None:
    """The words are about what was pasted just now, and not about that and what came before."""
    async with plain_login(machine, resource) as screen:
        callback = await callback_of(screen)
        state = re.search(r"state=([^&]+)", callback)
        assert state is not None
        screen.send(f"{callback.replace(state[1], 'another')}\r")
        await screen.wait_for("That answer belongs to another login (its state differs).")
        screen.send("https://elsewhere.example/\r")
        await screen.wait_for("an address without an answer in it")
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130


async def test_enter_alone_opens_the_browser_of_this_machine_and_nothing_does_before(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """On a key press. What is pasted with its line end is no such press."""
    env = beside_a_fake_browser(tmp_path, machine)
    async with terminal((AUTHLENS, "login", resource, "--port", "0"), env=env, columns=200) as screen:
        await screen.wait_for("Waiting 300 seconds")
        screen.send("nonsense\r\n")
        await screen.wait_for(REFUSED)
        assert what_was_opened(tmp_path) == ""
        screen.press("enter")
        if UserScreen(env).why_no_browser is None:
            await screen.wait_until(lambda: "code_challenge=" in what_was_opened(tmp_path), "browser")
        await paste_and_finish(screen, await callback_of(screen))
        opened = what_was_opened(tmp_path).splitlines()
        assert len(opened) == (1 if UserScreen(env).why_no_browser is None else 0)


async def test_a_code_alone_is_refused_with_the_command_that_takes_it(
    machine: dict[str, str], resource: str
) -> None:
    """The command is followed word for word; the code is not shown there either."""
    async with plain_login(machine, resource) as screen:
        screen.send("a1b2c3\r")
        await screen.wait_for("--any-state")
        [found] = re.findall(rf"authlens (login {re.escape(resource)} .*--any-state)", screen.text())
    async with terminal((AUTHLENS, *shlex.split(found)), env=machine, columns=200, rows=60) as screen:
        await screen.wait_for("Waiting 300 seconds")
        [code] = parse_qs(urlsplit(await callback_of(screen)).query)["code"]
        screen.send(f"{code}\r")
        await screen.wait_for("Authenticated.")
        assert "accepted because you chose so" in " ".join(screen.text().split())
        assert code.encode() not in screen.raw

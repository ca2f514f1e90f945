"""The full-screen app in a real terminal: what is drawn, what keys do, and what is left behind."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.person import Person
from support.server_process import ServerProcess, ended
from support.terminal import Terminal, begin_demo, terminal

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?2004l")


"""The ordinary screen, a cursor, and no reports of mouse and paste any more."""


async def authorize_in(screen: Terminal) -> None:
    await screen.wait_until(lambda: bool(_links(screen)), "link")
    async with Person() as person:
        await person.authorize(_links(screen)[-1])


def _links(screen: Terminal) -> list[str]:
    """The links to the server; the one that tries the way back leads to the listener."""
    return [link for link in screen.links() if "redirect_uri=" in link]


async def leave(screen: Terminal) -> None:
    screen.press("q")
    assert await screen.wait_for_exit() == 0
    assert [mode for mode in RESTORED if mode not in screen.raw] == []


async def token_of(keyring_machine: Mapping[str, str], url: str) -> tuple[int, str]:
    """Ask the command line for the token of a resource; return exit code and answer."""
    process = await asyncio.create_subprocess_exec(
        *(AUTHLENS, "token", url),
        env=keyring_machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    answer, _ = await ended(process)
    return process.returncode or 0, answer.decode().strip()


DEMO = (AUTHLENS, "demo", "--port", "0")


async def test_the_demo_opens_with_a_login_that_plays_itself() -> None:
    """Unless the user wants no motion; a key leads to the menu, and nothing else happens."""
    async with terminal(DEMO, env={**os.environ, "AUTHLENS_REDUCED_MOTION": ""}) as screen:
        await screen.wait_for("6 Authorization")
        assert "any key ends it" in screen.text()
        screen.press("q")
        await screen.wait_for("Which one sends")
        screen.press("\x11")
        assert await screen.wait_for_exit() == 0


async def test_a_login_stage_by_stage() -> None:
    """`n` runs one stage; the list at the side says what has passed."""
    async with terminal(DEMO) as screen:
        await begin_demo(screen)
        for stage in ("1 Detection", "2 Resource metadata", "3 Server metadata", "4 Registration", "5 PKCE"):
            screen.press("n")
            await screen.wait_for(f"✔ {stage}")
        screen.press("n")
        await authorize_in(screen)
        await screen.wait_for("✔ 6 Authorization")
        screen.press("n")
        await screen.wait_for("✔ 7 Exchange")
        screen.press("n")
        await screen.wait_for("Authenticated")
        await leave(screen)


async def test_a_login_at_a_real_provider_is_kept_and_revoked(
    keyring_machine: Mapping[str, str], oidc_provider: ServerProcess
) -> None:
    """From the URL to a token in the keyring, and from the dashboard to its end, without a secret shown."""
    url = oidc_provider.resource
    async with terminal([AUTHLENS, url, "--port", "0"], env=keyring_machine) as screen:
        await screen.wait_for("Next: ")
        screen.press("a")
        await authorize_in(screen)
        await screen.wait_for("Authenticated")
        code, token = await token_of(keyring_machine, url)
        assert code == 0
        assert token.encode() not in screen.raw

        screen.press("d")
        await screen.wait_for("Credentials")
        await screen.wait_for(url)
        screen.press("v")
        await screen.wait_for("Revoke at the server?")
        screen.press("y")
        await screen.wait_for("No credentials left.")
        assert (await token_of(keyring_machine, url))[0] == 4
        screen.press("escape")  # the verification of the revocation
        await screen.wait_for("N New")
        await leave(screen)

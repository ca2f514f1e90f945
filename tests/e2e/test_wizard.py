"""The full-screen app in a real terminal: what is drawn, what keys do, and what is left behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.keyring_session import keyring_session
from support.person import Person
from support.server_process import ServerProcess, ended
from support.terminal import Terminal, terminal

pytestmark = pytest.mark.e2e

AUTHLENS = str(Path(sys.executable).with_name("authlens"))
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?2004l")
"""The ordinary screen, a cursor, and no reports of mouse and paste any more."""


@pytest.fixture
def machine() -> Iterator[Mapping[str, str]]:
    """A person's machine: a home and an unlocked keyring."""
    with keyring_session() as environment:
        yield environment


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


async def token_of(machine: Mapping[str, str], url: str) -> tuple[int, str]:
    """Ask the command line for the token of a resource; return exit code and answer."""
    process = await asyncio.create_subprocess_exec(
        *(AUTHLENS, "token", url),
        env=machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    answer, _ = await ended(process)
    return process.returncode or 0, answer.decode().strip()


async def test_a_login_at_a_real_provider_is_kept_and_revoked(
    machine: Mapping[str, str], oidc_provider: ServerProcess
) -> None:
    """From the URL to a token in the keyring, and from the dashboard to its end, without a secret shown."""
    url = oidc_provider.resource
    async with terminal([AUTHLENS, url, "--port", "0"], env=machine) as screen:
        await screen.wait_for("Next: ")
        screen.press("a")
        await authorize_in(screen)
        await screen.wait_for("Authenticated")
        code, token = await token_of(machine, url)
        assert code == 0
        assert token.encode() not in screen.raw

        screen.press("d")
        await screen.wait_for("Credentials")
        await screen.wait_for(url)
        screen.press("v")
        await screen.wait_for("Revoke at the server?")
        screen.press("y")
        await screen.wait_for("No credentials left.")
        assert (await token_of(machine, url))[0] == 4
        screen.press("escape")  # the verification of the revocation
        await screen.wait_for("N New")
        await leave(screen)

"""The command line as it is installed: real processes, a real terminal, a real keyring, real servers."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.person import Person
from support.server_process import ServerProcess
from support.terminal import Terminal, plain_link, terminal
from support.verb_process import authlens

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))


async def link_in(screen: Terminal) -> str:
    await screen.wait_for("Waiting 300 seconds")
    return plain_link(screen)


@pytest.fixture(params=["emulator", "oidc_provider"])
def resource(request: pytest.FixtureRequest) -> str:
    """A resource behind `authlens emulator`, and one behind a server that others wrote."""
    if request.param == "emulator":
        url: str = request.getfixturevalue("lasting_resource")
        return url
    server: ServerProcess = request.getfixturevalue(request.param)
    return server.resource


async def log_in(keyring_machine: Mapping[str, str], resource: str) -> None:
    """Log in through a terminal, with a person at a browser elsewhere on this keyring_machine."""
    async with terminal(
        [AUTHLENS, "login", resource, "--no-browser", "--port", "0"], env=keyring_machine
    ) as screen:
        async with Person() as person:
            await person.authorize(await link_in(screen))
        await screen.wait_for("Authenticated")
        assert await screen.wait_for_exit() == 0


async def test_login_token_list_refresh_revoke(keyring_machine: Mapping[str, str], resource: str) -> None:
    """The life of a credential, each step a process of its own: nothing but the keyring joins them."""
    await log_in(keyring_machine, resource)

    first = await authlens(keyring_machine, "token", resource)
    assert (first.code, first.words) == (0, "")
    assert len(first.answer.split()) == 1

    listed = json.loads((await authlens(keyring_machine, "list", "--json")).answer)
    assert [entry["resource_url"] for entry in listed] == [resource]
    assert first.answer.strip() not in json.dumps(listed)

    refreshed = await authlens(keyring_machine, "refresh", resource)
    assert refreshed.code == 0, refreshed.words
    second = await authlens(keyring_machine, "token", resource)
    assert second.answer != first.answer

    revoked = await authlens(keyring_machine, "revoke", resource)
    assert revoked.code == 0, revoked.words
    gone = await authlens(keyring_machine, "token", resource)
    assert (gone.code, gone.answer) == (4, "")


async def test_without_a_keyring_nothing_is_begun(keyring_machine: Mapping[str, str], resource: str) -> None:
    """Exit code 9 before the first request: nobody earns tokens that cannot be kept."""
    bare = {name: value for name, value in keyring_machine.items() if name != "DBUS_SESSION_BUS_ADDRESS"}

    refused = await authlens(bare, "login", resource, "--no-browser", "--port", "0")

    assert refused.code == 9, refused.words
    assert "Traceback" not in refused.words

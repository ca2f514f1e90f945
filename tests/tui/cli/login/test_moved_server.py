"""A resource that names another authorization server than last time: a yes is for the host that it names."""

import shlex
from collections.abc import Iterator
from typing import Final

import pytest

from authlens_lab.emulator import Emulator
from authlens_lab.emulator.profile import Profile
from support.command_line import CommandLine, commands_in, fixes_in
from support.needs import free_port

CHANGED: Final = "resource_metadata.server_changed"
FLOWS: Final = {
    "machine": (Profile.MACHINE, ["--machine", "client-credentials"]),
    "link": (Profile.GENERIC, []),
    "device": (Profile.GENERIC, ["--device"]),
}


@pytest.fixture
def served(line: CommandLine, flow: str) -> Iterator[Emulator]:
    served = Emulator(FLOWS[flow][0])
    line.beside(served.start())
    yield served
    line.beside(served.stop())


@pytest.mark.parametrize("flow", FLOWS)
def test_a_yes_without_the_host_is_refused_and_the_option_with_it_is_printed(
    line: CommandLine, served: Emulator, flow: str
) -> None:
    port, client = free_port(), "machine-basic"
    options = [*FLOWS[flow][1], "--port", str(port)]
    if flow == "machine":
        options = FLOWS[flow][1]
        line.variables["AUTHLENS_CLIENT_SECRET"] = served.machines.secret
    else:
        client, _ = served.register_client(f"http://localhost:{port}/callback")
    words = ["login", served.resource_url, "--client-id", client, *options]
    assert line.run(*words).code == 0
    served.move_authorization_server()
    for more in ([], ["--yes", CHANGED], ["--yes", f"{CHANGED}=other.example"]):
        refused = line.run(*words, *more)
        assert refused.code == 7, refused.words
        [command] = [one for one in commands_in(fixes_in(refused)) if "--yes" in one]
        assert command.endswith(f"--yes {CHANGED}=localhost")
    approved = line.run(*shlex.split(command)[1:])
    assert f"because of --yes {CHANGED}=localhost" in approved.words

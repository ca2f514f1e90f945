"""What a refusal of `authlens curl` tells you to do works, word for word."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import UsageError
from authlens_lab.emulator import Emulator
from support.needs import program
from support.server_process import child, ended
from support.verb_process import authlens, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
COMMAND = re.compile(r"authlens (?:curl|headers) .+")


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[tuple[dict[str, str], str]]:
    """A machine with a credential for the page of an emulator, and `authlens` on its path."""
    program("curl")
    bin_directory = Path(sys.executable).parent
    environ = machine_in(tmp_path) | {"PATH": f"{bin_directory}:{os.environ['PATH']}"}
    async with Emulator(faults=("service-auth-only",)) as emulator:
        url, (client_id, secret) = emulator.resource_url, emulator.service_token
        await authlens(environ, "service-token", "add", url, "--client-id", client_id, typed=secret)
        yield environ, url


@pytest.mark.parametrize("option", ["-D", "-v", "--resolve", "-k"])
async def test_each_command_in_a_refusal_works(option: str, machine: tuple[dict[str, str], str]) -> None:
    environ, url = machine
    refused = await authlens(environ, "curl", url, "--", option)
    assert (refused.code, refused.answer) == (2, "")
    with pytest.raises(UsageError) as raised:
        read_request([option], url)
    (command,) = COMMAND.findall(str(raised.value.cure))
    assert command in " ".join(refused.words.split())
    async with child(
        *(program("bash"), "-c", command), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, err = await ended(process)
    assert (process.returncode, bool(out)) == (0, True), (command, err)

"""What a refusal of `authlens curl` tells you to do works, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authlens_core.emulator import Emulator
from authlens_core.grammars.curl_options import STAYS_BEHIND, NotPassedOn
from support.child_process import child, ended
from support.hostile_server import LocalAuthority
from support.needs import program
from support.verb_process import authlens, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

COMMAND = re.compile(r"((?:[A-Z_]+=\S+ )?(?:authlens curl|curl) .+?)(?= {5}|$)")
WITHOUT_A_COMMAND = {NotPassedOn.ADDRESS, NotPassedOn.PROTOCOL, NotPassedOn.UNKNOWN}


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


@pytest.mark.parametrize("reason", [one for one in NotPassedOn if one not in WITHOUT_A_COMMAND])
async def test_each_command_in_a_refusal_works(
    reason: NotPassedOn, machine: tuple[dict[str, str], str], tmp_path: Path
) -> None:
    environ, url = machine
    (tmp_path / "ca.pem").write_text(LocalAuthority().pem)
    option = next(name for name, why in STAYS_BEHIND.items() if why is reason)
    refused = await authlens(environ, "curl", url, "--", f"--{option}")
    assert (refused.code, refused.answer) == (2, "")
    shown = reason.instead.format(url=url)
    # Each command has a line of its own, behind an arrow.
    assert shown.split() == [word for word in refused.words.split() if word != "→"][-len(shown.split()) :]
    commands = COMMAND.findall(shown)
    assert commands, shown
    for command in commands:
        line = command.replace("/path/to/ca.pem", str(tmp_path / "ca.pem"))
        async with child(
            *(program("bash"), "-c", line), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            out, err = await ended(process)
        assert (process.returncode, bool(out)) == (0, True), (line, err)

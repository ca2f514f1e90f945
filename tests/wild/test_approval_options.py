"""`login --yes CHECK`: the failed check that it names is approved, and no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.wild_process import Ended, LoginProcess, machine_with_file_store
from support.wild_server import Place, WildServer, member, wild_server

ELSEWHERE = member("resource", "{stranger}/")
BOUND = 30.0


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine whose secrets go to a plain file."""
    return machine_with_file_store(tmp_path / "home")


async def _login(machine: dict[str, str], server: WildServer, *options: str) -> Ended:
    return await LoginProcess(machine, server, options).run(BOUND)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4")
async def test_only_the_check_that_is_named_is_approved(machine: dict[str, str]) -> None:
    """H111: a token for another resource; the cure names the option that approves it."""
    async with wild_server(Place.TOKEN, ELSEWHERE) as server:
        refused = await _login(machine, server, "--yes", "detection.protection")
        assert refused.code == 7, refused.words
        option = refused.events[-1]["cure"].partition("add --yes ")[2].rstrip(".")
        assert option.startswith("token.")

        approved = await _login(machine, server, "--yes", option)
        assert approved.code == 0, approved.words
        assert f"--yes {option}" in approved.words

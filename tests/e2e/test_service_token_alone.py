"""A service token from the command line alone: what `authlens emulator` prints is all that is needed."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from support.verb_process import authlens, machine_in, running
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("mode", [(), ("--strict",)], ids=["classic", "strict"])
async def test_it_is_added_tested_and_used_in_both_modes(tmp_path: Path, mode: tuple[str, ...]) -> None:
    """The verdict, the fields for a request, and a wrong secret that is told."""
    machine = machine_in(tmp_path)
    async with running(os.environ, "emulator", "--fault", "service-auth-only", *mode) as emulator:
        url, words = emulator.first, ""
        assert emulator.process.stderr is not None
        while "with the secret" not in words:
            line = await asyncio.wait_for(emulator.process.stderr.readline(), PATIENCE)
            assert line, words
            words += line.decode()
        client_id = re.findall(r"[0-9a-f]{32}\.access", words)[0]
        secret = re.findall(r"with the secret (\S+)", words)[0]
        add = ("service-token", "add", "--client-id", client_id, url)
        done = await authlens(machine, *add, typed=f"{secret}\n")
        assert (done.code, secret in done.words) == (0, False), done.words
        done = await authlens(machine, "headers", url)
        assert (done.code, json.loads(done.answer)["CF-Access-Client-Secret"]) == (0, secret)
        done = await authlens(machine, "curl", url, "--", "-s")
        assert (done.code, "origin" in done.answer or "hello" in done.answer.lower()) == (0, True), (
            done.answer
        )
        wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
        done = await authlens(machine, "service-token", "replace", url, typed=f"{wrong}\n")
        assert (done.code, wrong in done.words) == (5, False), done.words
        done = await authlens(machine, "headers", url)
        assert json.loads(done.answer)["CF-Access-Client-Secret"] == secret

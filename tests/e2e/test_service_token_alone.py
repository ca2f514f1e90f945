"""A service token from the command line alone: what `authlens emulator` prints is all that is needed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

AUTHLENS = (sys.executable, "-m", "authlens_tui")
SECONDS = 60.0
TESTS = Path(__file__).parents[1]


async def run(environ: dict[str, str], *arguments: str, typed: str = "") -> tuple[int, str, str]:
    """Run one command to its end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *AUTHLENS, *arguments, env=environ, stdin=pipe, stdout=pipe, stderr=pipe
    )
    answer, words = await asyncio.wait_for(process.communicate(typed.encode()), SECONDS)
    return process.returncode or 0, answer.decode(), words.decode()


@pytest.mark.parametrize("mode", [(), ("--strict",)], ids=["classic", "strict"])
async def test_it_is_added_tested_and_used_in_both_modes(tmp_path: Path, mode: tuple[str, ...]) -> None:
    """The verdict, the fields for a request, and a wrong secret that is told."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(tmp_path / "keyring.json"),
        "AUTHLENS_HOME": str(tmp_path / "state"),
    }
    emulator = await asyncio.create_subprocess_exec(
        *AUTHLENS,
        *("emulator", "--fault", "service-auth-only", *mode),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert emulator.stdout is not None
    assert emulator.stderr is not None
    try:
        url = (await asyncio.wait_for(emulator.stdout.readline(), SECONDS)).decode().strip()
        words = ""
        while "with the secret" not in words:
            line = await asyncio.wait_for(emulator.stderr.readline(), SECONDS)
            assert line, words
            words += line.decode()
        client_id = re.findall(r"[0-9a-f]{32}\.access", words)[0]
        secret = re.findall(r"with the secret (\S+)", words)[0]
        add = ("service-token", "add", "--client-id", client_id, url)
        code, _, said = await run(environ, *add, typed=f"{secret}\n")
        assert (code, secret in said) == (0, False), said
        code, answer, _ = await run(environ, "headers", url)
        assert (code, json.loads(answer)["CF-Access-Client-Secret"]) == (0, secret)
        code, answer, _ = await run(environ, "curl", url, "--", "-s")
        assert (code, "origin" in answer or "hello" in answer.lower()) == (0, True), answer
        wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
        code, _, said = await run(environ, "service-token", "replace", url, typed=f"{wrong}\n")
        assert (code, wrong in said) == (5, False), said
        code, answer, _ = await run(environ, "headers", url)
        assert json.loads(answer)["CF-Access-Client-Secret"] == secret
    finally:
        emulator.terminate()
        await asyncio.wait_for(emulator.communicate(), SECONDS)

"""`authlens store`: everything moves from a real keyring to the encrypted file and back, and stays usable."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import file_path
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from support.grants import grant
from support.keyring_session import keyring_session
from support.terminal import terminal
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
URL = "https://wiki.example.com/mcp"
PASSPHRASE = "correct horse battery"
AUTHLENS = (sys.executable, "-c", "from authlens_tui.cli.main import main; main()")


def _run(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*AUTHLENS, *arguments]
    return subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        start_new_session=True,
    )


async def _log_in(environ: Mapping[str, str], state: Path) -> None:
    now = utc_now()
    kept = replace(grant(), resource_url=URL, refreshed_at=now, expires_at=now + timedelta(hours=1))
    credentials = Credentials.open(KeyringStore(environ=environ, limit=PATIENCE), state)
    await credentials.save(kept, GrantSecrets(Secret("access-canary"), Secret("refresh-canary")))
    await credentials.aclose()


async def test_everything_moves_to_the_encrypted_file_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One action; scripts give the passphrase by a file, people on the terminal."""
    state, words = tmp_path / "state", tmp_path / "passphrase"
    words.touch(0o600)
    words.write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("AUTHLENS_HOME", str(state))
    with keyring_session() as session:
        plain = {**session, "AUTHLENS_HOME": str(state)}
        scripted = {**plain, "AUTHLENS_PASSPHRASE_FILE": str(words)}
        await _log_in(plain, state)

        moved = _run(scripted, "store", "--move", "encrypted-file", "--json")
        assert moved.returncode == 0, moved.stderr
        assert json.loads(moved.stdout) == {
            "store": "encrypted-file",
            "logins": [URL],
            "service_tokens": [],
            "failed": [],
            "damaged": [],
            "left_in": [],
        }
        assert b"canary" not in file_path(StoreKind.ENCRYPTED_FILE).read_bytes()
        assert _run(plain, "store").stdout.startswith("encrypted-file, ")

        given = _run(scripted, "token", URL)
        assert given.stdout == "access-canary\n", given.stderr
        nobody = _run(plain, "token", URL)
        assert (nobody.returncode, nobody.stdout) == (9, "")
        assert "no terminal to ask for the passphrase" in nobody.stderr
        assert _run(plain, "list").returncode == 0

        async with terminal([*AUTHLENS, "token", URL], columns=120, env=plain) as screen:
            await screen.wait_for("(not shown):")
            screen.send("something else\n")
            await screen.wait_for("Wrong passphrase")
            await screen.wait_until(lambda: screen.text().count("(not shown):") == 2, "the second question")
            screen.send(f"{PASSPHRASE}\n")
            await screen.wait_for("access-canary")
            assert await screen.wait_for_exit() == 0
            assert PASSPHRASE.encode() not in screen.raw

        back = _run(scripted, "store", "--move", "keyring")
        assert back.returncode == 0, back.stderr
        assert _run(plain, "token", URL).stdout == "access-canary\n"
        assert json.loads(file_path(StoreKind.ENCRYPTED_FILE).read_text())["entries"] == {}


def test_a_plain_file_is_confirmed_and_memory_is_no_place_to_move_to(tmp_path: Path) -> None:
    """Plain words first, and nothing happens unasked."""
    environ = {**os.environ, "AUTHLENS_HOME": str(tmp_path / "state")}
    for arguments, words in (
        (("--move", "file"), "not protected"),
        (("--move", "memory"), "would be gone"),
    ):
        refused = _run(environ, "store", *arguments)
        assert refused.returncode == 2
        assert words in refused.stderr
    assert not (tmp_path / "state" / "secrets.plain.json").exists()
    assert _run(environ, "store", "--move", "file", "--yes").returncode == 0
    assert _run(environ, "store").stdout.startswith("file, ")

"""`authlens token` prints a stored token without loading the rest of the program."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import grant
from support.waiting import PATIENCE

BACKEND = """
import json, os, pathlib, time
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    path = pathlib.Path(os.environ["KEYRING_FILE"])
    def _read(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}
    def get_password(self, service, username):
        time.sleep(float(os.environ.get("KEYRING_PAUSE", "0")))
        return self._read().get(service)
    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self._read(), service: password}))
    def delete_password(self, service, username):
        self.path.write_text(json.dumps({k: v for k, v in self._read().items() if k != service}))
"""

Keep = Callable[..., Awaitable[Grant]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "pausing.py").write_text(BACKEND)
    return {
        **os.environ,
        "AUTHLENS_HOME": str(tmp_path / "state"),
        "KEYRING_FILE": str(tmp_path / "keyring.json"),
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "pausing.Keyring",
    }


@pytest.fixture
def keep(environ: dict[str, str]) -> Keep:
    async def make(**change: Any) -> Grant:
        state = Path(environ["AUTHLENS_HOME"])
        credentials = Credentials.open(KeyringStore(environ=environ), state)
        moment = utc_now()
        new = replace(
            grant(), obtained_at=moment, refreshed_at=moment, expires_at=moment + timedelta(hours=1), **change
        )
        kept = await credentials.save(new, GrantSecrets(Secret("access-" + "x" * 2_000), Secret("refresh")))
        await credentials.aclose()
        return kept

    return make


def run(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "authlens_tui", *words)
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )


async def test_a_stored_token_is_printed(environ: dict[str, str], keep: Keep) -> None:
    kept = await keep()
    done = run(environ, "token", kept.resource_url)
    assert (done.returncode, done.stdout) == (0, "access-" + "x" * 2_000 + "\n")


@pytest.mark.parametrize(
    "change",
    [
        {"state": GrantState.REVOCATION_FAILED},
        {"state": GrantState.UNKNOWN, "attempts": 1},
    ],
)
async def test_what_is_not_plain_is_left_to_the_whole_program(
    environ: dict[str, str], keep: Keep, change: dict[str, Any]
) -> None:
    kept = await keep()
    credentials = Credentials.open(KeyringStore(environ=environ), Path(environ["AUTHLENS_HOME"]))
    credentials.update(replace(kept, **change))
    await credentials.aclose()
    short, whole = (run(environ, "token", *more, kept.resource_url) for more in ((), ("--min-ttl", "60")))
    assert (short.returncode, short.stdout) == (whole.returncode, whole.stdout)
    assert short.stderr == whole.stderr


@pytest.mark.parametrize(("stored", "edited"), [("DPoP", "Bearer"), ("Bearer", "DPoP")])
async def test_a_type_that_was_edited_in_the_index_gets_no_token(
    environ: dict[str, str], keep: Keep, stored: str, edited: str
) -> None:
    """H325: in the short way and in the whole program."""
    kept = await keep(token_type=stored)
    credentials = Credentials.open(KeyringStore(environ=environ), Path(environ["AUTHLENS_HOME"]))
    credentials.update(replace(kept, token_type=edited))
    await credentials.aclose()
    done = run(environ, "token", kept.resource_url)
    assert (done.returncode, done.stdout) == (4, "")
    assert "changed outside authlens" in done.stderr


async def test_a_url_that_no_login_covers_gets_no_token(environ: dict[str, str], keep: Keep) -> None:
    kept = await keep()
    other = kept.resource_url.replace("https://", "https://other.")
    done = run(environ, "token", other)
    assert (done.returncode, done.stdout) == (4, "")


@pytest.mark.slow
async def test_a_keyring_that_hangs_is_left_after_its_bound(environ: dict[str, str], keep: Keep) -> None:
    kept = await keep()
    done = run({**environ, "KEYRING_PAUSE": "30"}, "token", kept.resource_url)
    assert (done.returncode, done.stdout) == (9, "")
    assert "did not answer within 3 seconds" in done.stderr

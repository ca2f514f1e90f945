"""State directories with credentials in them, and the environment that makes authlens use one."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import NOW, grant

TESTS: Final = Path(__file__).parents[2]
FIRST_URL: Final = "https://host-0.example.com/mcp"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of one installation, with a keyring that answers as fast as a file is read."""
    # An installed program has its bytecode; a variable that forbids it would time the compiler.
    left_out = ("AUTHLENS", "SSH_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **kept,
        "AUTHLENS_HOME": str(home / "state"),
        "HOME": str(home),
        "FAKE_KEYRING": str(home / "keyring.json"),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH")))),
        "BROWSER": "true",
    }


def filled(home: Path, credentials: int) -> dict[str, str]:
    """Fill an installation: the first grant with its secrets in the keyring, the others as rows only."""
    env = environment(home)
    state = home / "state"
    state.mkdir(parents=True, mode=0o700)
    asyncio.run(_fill(state, env, credentials))
    return env


async def _fill(state: Path, env: dict[str, str], count: int) -> None:
    shift = utc_now() - NOW
    credentials = Credentials.open(KeyringStore(environ=env), state)
    try:
        others = []
        for number in range(count):
            one = grant(f"host-{number}", minutes=600 + number / 100)
            one = replace(
                one,
                obtained_at=one.obtained_at + shift,
                refreshed_at=one.refreshed_at + shift,
                expires_at=None if one.expires_at is None else one.expires_at + shift,
                issuer=f"https://team{number % 9}.cloudflareaccess.com",
                has_refresh_token=not number % 2,
            )
            if number == 0:
                await credentials.save(one, GrantSecrets(Secret("a" * 72), Secret("r" * 72)))
                continue
            if number % 2:  # half of the rows have seconds on their clocks
                one = replace(one, expires_at=utc_now() + timedelta(seconds=600 + number))
            others.append(replace(one, generation=1))
        with credentials.index.writing():
            for one in others:
                LOGINS.put(credentials.index, one.grant_id, one, 1)
    finally:
        await credentials.aclose()

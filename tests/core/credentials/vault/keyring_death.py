"""A program that saves a grant and kills itself at one step: `keyring_death.py STATE PLACE STEP N`.

It is run by tests in a process of its own. Standard input holds the passphrase of the encrypted file.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.state.locks import Locks
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from support.waiting import PATIENCE

NEW = GrantSecrets(Secret("n" * 3_000), Secret("new-refresh"))


async def main(state: Path, place: StoreKind, step: SaveStep, left: int) -> None:
    """Save, and die at the step."""

    def die(now: SaveStep) -> None:
        nonlocal left
        left -= now is step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    os.environ["AUTHLENS_HOME"] = str(state)
    store = store_at(place, passphrase=Secret(sys.stdin.read()), limit=PATIENCE)
    credentials = Credentials(Index(state / "index.sqlite3"), store, Locks(state), on_step=die)
    (old,) = credentials.list()
    await credentials.save(replace(old, scope="new"), NEW)
    sys.exit("it did not die")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), StoreKind(sys.argv[2]), SaveStep(sys.argv[3]), int(sys.argv[4])))

"""A program that saves a grant and kills itself at one step: `keyring_death.py STATE PLACE STEP N`.

It is run by tests in a process of its own. Standard input holds the passphrase of the encrypted file.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from authlens_core.credentials.generations import Step
from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.index import Index
from authlens_core.credentials.lock import Locks
from authlens_core.credentials.model import GrantSecrets
from authlens_core.credentials.open_store import store_at
from authlens_core.credentials.place import Place
from authlens_core.secret import Secret

NEW = GrantSecrets(Secret("n" * 3_000), Secret("new-refresh"))


async def main(state: Path, place: Place, step: Step, left: int) -> None:
    """Save, and die at the step."""

    def die(now: Step) -> None:
        nonlocal left
        left -= now is step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    store = store_at(place, passphrase=Secret(sys.stdin.read()), directory=state)
    credentials = Credentials(Index(state / "index.sqlite3"), store, Locks(state), on_step=die)
    (old,) = credentials.list()
    await credentials.save(replace(old, scope="new"), NEW)
    sys.exit("it did not die")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Place(sys.argv[2]), Step(sys.argv[3]), int(sys.argv[4])))

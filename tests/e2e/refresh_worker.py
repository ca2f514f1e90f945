"""A program that asks for a valid token whenever it is told to: `refresh_worker.py STATE PLACE URL`.

The first line of standard input is the passphrase of the encrypted file. Each other one is a command and the
time that the clock shows: `go` asks for a token; `again` refreshes although the outcome of the last refresh
is unknown, as a person may. Each is answered by one line of JSON.
"""

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh, usable_token
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.values.errors import AuthlensError
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_core.wire.client import Wire
from support.waiting import PATIENCE


async def _do(command: str, at: datetime, credentials: Credentials, wire: Wire, url: str) -> dict[str, str]:
    if command == "again":
        grant = credentials.list()[0]
        result = await refresh(
            credentials, wire, grant.grant_id, RefreshOptions(despite_unknown=True), now=lambda: at
        )
        return {"outcome": result.outcome.value}
    try:
        token = (await usable_token(credentials, wire, credentials.covering(url), now=lambda: at)).token
    except AuthlensError as error:
        return {"error": type(error).__name__, "words": str(error)}
    return {"token": token.reveal()}


async def main(state: Path, place: StoreKind, url: str) -> None:
    """Answer commands until standard input ends."""
    passphrase = Secret(sys.stdin.readline().rstrip("\n"))
    os.environ["AUTHLENS_HOME"] = str(state)
    store = store_at(place, passphrase=passphrase, limit=PATIENCE)
    credentials = Credentials.open(store, state)
    await credentials.load(credentials.list()[0].grant_id)
    async with Wire() as wire:
        print(json.dumps({}), flush=True)  # noqa: T201 - the answer
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, _, moment = line.strip().partition(" ")
            answer = await _do(command, datetime.fromisoformat(moment), credentials, wire, url)
            print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
    await credentials.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), StoreKind(sys.argv[2]), sys.argv[3]))

"""SIGKILL at every step of a write: the grant is the old one or the new one, never neither."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.store import encrypted_file
from authlens_core.credentials.store.file_keyring import EntryFile
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.credentials.vault.open_store import file_path, store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from core.credentials.vault import keyring_death
from core.credentials.vault.keyring_death import NEW
from support.grants import make_grant
from support.keyring_session import keyring_session
from support.waiting import PATIENCE

PASSPHRASE = Secret("correct horse battery")
OLD = GrantSecrets(Secret("o" * 3_000), Secret("old-refresh"))
DEATHS = [(step, n) for step in SaveStep for n in ((1, 2, 4) if step is SaveStep.ENTRY_WRITTEN else (1,))]
AFTER_THE_SWITCH = (SaveStep.SWITCHED, SaveStep.OLD_DELETED)


def _die(state: Path, place: StoreKind, step: SaveStep, occurrence: int, environ: Mapping[str, str]) -> None:
    command = [sys.executable, keyring_death.__file__, str(state), place, step, str(occurrence)]
    environ = {**environ, "PYTHONPATH": str(Path(keyring_death.__file__).parents[3])}
    ended = subprocess.run(
        command, env=environ, input=PASSPHRASE.reveal(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


async def _every_death(state: Path, place: StoreKind, environ: Mapping[str, str]) -> None:
    """Save the old one, die while the new one replaces it, and look; at every step in turn."""
    keyring = KeyringStore(environ=environ, limit=PATIENCE) if place is StoreKind.KEYRING else None
    store = keyring or store_at(place, passphrase=PASSPHRASE, create=True, limit=PATIENCE)
    credentials = Credentials.open(store, state)
    saved = await credentials.save(make_grant(), OLD)
    for step, occurrence in DEATHS:
        _die(state, place, step, occurrence, environ)
        grant, found = await credentials.load(saved.grant_id)
        new = step in AFTER_THE_SWITCH
        assert (grant.scope, found) == (("new", NEW) if new else (None, OLD)), (step, occurrence)
        saved = await credentials.save(make_grant(), OLD)
        assert credentials.index.leftovers() == ()
    await credentials.aclose()


CHANGE = """
import itertools, os, signal, sys
from pathlib import Path
from authlens_core.credentials.store.file_keyring import EntryFile

calls = itertools.count()

def dying(name):
    real = getattr(os, name)
    def call(*given, **named):
        if next(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    setattr(os, name, call)

for name in ("open", "fdopen", "fsync", "replace", "close"):
    dying(name)
with EntryFile(Path(sys.argv[1]), "test").changing() as content:
    content.entries["a"] = "new" * 100
    content.entries["b"] = "new"
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", [StoreKind.ENCRYPTED_FILE, StoreKind.FILE])
async def test_a_file_has_the_old_or_the_new_grant_after_a_kill_at_any_step(
    place: StoreKind, state: Path
) -> None:
    """H175: the helper may be in the middle of a write of its own; what a kill left is swept."""
    if place is StoreKind.ENCRYPTED_FILE:
        # A cheap key: sixteen of them are made here.
        encrypted_file.EncryptedFileKeyring(file_path(place)).create(PASSPHRASE, 2**14)
    await _every_death(state, place, os.environ)
    left = {path.name for path in state.iterdir()} - {"locks"}
    assert left == {"index.sqlite3", file_path(place).name, f"{file_path(place).name}.lock"}


@pytest.mark.e2e
async def test_the_secret_service_has_the_old_or_the_new_grant_after_a_kill_at_any_step(state: Path) -> None:
    """H175: the same with a real keyring."""
    with keyring_session() as environ:
        await _every_death(state, StoreKind.KEYRING, environ)


@pytest.mark.parametrize("call", range(16))
def test_the_file_itself_is_the_old_or_the_new_after_a_kill_at_any_step(state: Path, call: int) -> None:
    """H175: the draft takes its place whole, the lock goes with its holder, the next write tidies.

    The child kills itself before a call of the operating system: the first, the second, and so on.
    """
    path = state / "entries.json"
    old, new = {"a": "old"}, {"a": "new" * 100, "b": "new"}
    with EntryFile(path, "test").changing() as content:
        content.entries.update(old)
    words = [sys.executable, "-c", CHANGE, str(path), str(call)]
    ended = subprocess.run(words, capture_output=True, timeout=PATIENCE)
    assert ended.returncode in (-signal.SIGKILL, 0), ended.stderr
    found = EntryFile(path, "test").read().entries
    assert found in ((new,) if ended.returncode == 0 else (old, new))
    with EntryFile(path, "test").changing() as content:
        content.entries["c"] = "next"
    assert EntryFile(path, "test").read().entries == {**found, "c": "next"}
    assert {entry.name for entry in state.iterdir()} == {"entries.json", "entries.json.lock"}

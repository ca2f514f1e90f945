"""The same with a real Secret Service."""

import asyncio
from pathlib import Path

import pytest

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import open_store
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.secret import Secret
from support.grants import make_grant
from support.keyring_session import keyring_session
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e


async def test_a_grant_is_kept_by_the_secret_service_and_gone_when_forgotten(state: Path) -> None:
    """Chosen by itself, by class, after the probe; what is stored outlives the helper."""
    secrets = GrantSecrets(Secret("a" * 3_000), Secret("refresh"))
    with keyring_session() as environ:
        first = await open_store(KeyringStore(environ=environ, limit=PATIENCE))
        assert (first.store.name, first.notes) == ("Secret Service", ())
        credentials = Credentials.open(first.store, state)
        saved = await credentials.save(make_grant(), secrets)
        await credentials.aclose()
        second = await open_store(KeyringStore(environ=environ, limit=PATIENCE), probe=False)
        credentials = Credentials.open(second.store, state)
        assert await credentials.load(saved.grant_id) == (saved, secrets)
        assert await credentials.forget(saved.grant_id)
        assert await second.store.get(f"authlens:{saved.grant_id}:{saved.generation}:0") is None
        await credentials.aclose()


async def test_many_programs_at_once_do_not_bring_gnome_keyring_down() -> None:
    """It aborts when the first call of a connection overtakes the note of its caller: we greet it first."""
    with keyring_session() as environ:
        stores = [KeyringStore(environ=environ, limit=PATIENCE) for _ in range(12)]

        async def work(store: KeyringStore, number: int) -> None:
            for turn in range(15):
                entry, value = f"authlens:{number}:{turn}:0", Secret(f"{number} {turn}")
                await store.set(entry, value)
                assert await store.get(entry) == value
                await store.delete(entry)

        try:
            await asyncio.gather(*(work(store, number) for number, store in enumerate(stores)))
        finally:
            for store in stores:
                await store.aclose()


async def test_a_locked_secret_service_is_a_typed_error_in_time() -> None:
    """Whether it refuses or waits for a prompt, the program hears of it within three seconds."""
    with keyring_session(unlocked=False) as environ:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(NoSecretStore) as caught:
                await open_store(KeyringStore(environ=environ))
        assert caught.value.cure

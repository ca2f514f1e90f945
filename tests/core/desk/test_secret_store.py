"""All secrets in one store, and leftovers deleted from every store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import erase_left
from authlens_core.credentials.vault.open_store import remembered_place, store_at
from authlens_core.desk.session import OpenedStore, Session, move_secrets, records_by_store
from authlens_core.values.errors import SecretStoreDenied
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from support.grants import grant
from support.keyring_backends import FakeKeyring

SECRETS = GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0"))
PASSPHRASE = Secret("correct horse battery")


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    """A keyring that every store opened here uses."""
    keyring = FakeKeyring(tmp_path / "keyring.json")
    for name, value in keyring.environ("DeniedKeyring").items():
        monkeypatch.setenv(name, value)
    return keyring


@asynccontextmanager
async def at(place: StoreKind, **options: Any) -> AsyncIterator[Credentials]:
    """Lend credentials on a place, on the ordinary state directory."""
    credentials = Credentials.open(store_at(place, **options))
    try:
        yield credentials
    finally:
        await credentials.aclose()


async def never_asked() -> OpenedStore:
    raise AssertionError("nothing comes from the encrypted file")


async def _refuse(_store: object, _entry: str) -> None:
    raise SecretStoreDenied("The keyring is locked.", "Unlock it.")


async def test_secrets_from_two_stores_are_moved_to_a_third_which_is_used_from_now_on(
    keyring: FakeKeyring, private_environment: Path
) -> None:
    async with at(StoreKind.KEYRING) as first, at(StoreKind.FILE) as second:
        await first.save(replace(grant(), grant_id="a"), SECRETS)
        await second.save(replace(grant(), grant_id="b"), SECRETS)
    async with at(StoreKind.ENCRYPTED_FILE, passphrase=PASSPHRASE, create=True) as target:
        assert records_by_store(Session(None, target)) == {StoreKind.KEYRING: 1, StoreKind.FILE: 1}
        report = await move_secrets(Session(None, target), never_asked)
        assert (len(report.logins), report.failed, report.left) == (2, (), ())
        assert [(await target.load(name))[1] for name in "ab"] == [SECRETS, SECRETS]
        assert records_by_store(Session(None, target)) == {StoreKind.ENCRYPTED_FILE: 2}
    assert remembered_place() is StoreKind.ENCRYPTED_FILE
    assert keyring.entries() == {}


async def test_an_encrypted_file_is_unlocked_before_anything_is_moved(
    keyring: FakeKeyring, private_environment: Path
) -> None:
    async with at(StoreKind.ENCRYPTED_FILE, passphrase=PASSPHRASE, create=True) as encrypted:
        await encrypted.save(replace(grant(), grant_id="a"), SECRETS)
    async with at(StoreKind.FILE) as other:
        await other.save(replace(grant(), grant_id="b"), SECRETS)

    async def wrong() -> OpenedStore:
        raise SecretStoreDenied("Wrong passphrase.", "Try again.")

    async def unlocked() -> OpenedStore:
        return OpenedStore(store_at(StoreKind.ENCRYPTED_FILE, passphrase=PASSPHRASE))

    async with at(StoreKind.KEYRING) as target:
        with pytest.raises(SecretStoreDenied):
            await move_secrets(Session(None, target), wrong)
        assert records_by_store(Session(None, target)) == {StoreKind.ENCRYPTED_FILE: 1, StoreKind.FILE: 1}
        assert len((await move_secrets(Session(None, target), unlocked)).logins) == 2
        assert records_by_store(Session(None, target)) == {StoreKind.KEYRING: 2}


async def test_a_session_in_memory_is_moved_too(keyring: FakeKeyring, private_environment: Path) -> None:
    memory = Credentials.memory()
    await memory.save(replace(grant(), grant_id="a"), SECRETS)
    async with at(StoreKind.FILE) as target:
        assert (
            len((await move_secrets(Session(None, target), never_asked, in_use=Session(None, memory))).logins)
            == 1
        )
        assert (await target.load("a"))[1] == SECRETS
    await memory.aclose()


async def test_leftovers_are_deleted_from_a_store_that_is_not_open(
    keyring: FakeKeyring, private_environment: Path
) -> None:
    async with at(StoreKind.KEYRING) as first:
        await first.save(replace(grant(), grant_id="a"), SECRETS)
    async with at(StoreKind.FILE) as other:
        assert not await other.forget("a")
        assert keyring.entries() != {}
        assert await erase_left(other) == ()
    assert keyring.entries() == {}


async def test_a_move_deletes_leftovers_of_a_store_that_could_not_be_reached_before(
    keyring: FakeKeyring, private_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at(StoreKind.KEYRING) as first:
        await first.save(replace(grant(), grant_id="a"), SECRETS)
    async with at(StoreKind.FILE) as other:
        await other.forget("a")
        with monkeypatch.context() as patch:
            patch.setattr("authlens_core.credentials.store.keyring_store.KeyringStore.delete", _refuse)
            assert await erase_left(other) == (StoreKind.KEYRING,)
        assert (await move_secrets(Session(None, other), never_asked)).failed == ()
    assert keyring.entries() == {}

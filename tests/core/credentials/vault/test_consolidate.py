"""Everything in one store, and what is not wanted any more deleted from all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.store.secret_store import SecretStoreDenied
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.consolidate import consolidate, erase_left, kept, left_words
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import remembered_place, store_at
from authlens_core.secret import Secret


@pytest.fixture
def own_keyring(keyring: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A keyring that every store opened here uses."""
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


async def test_what_is_in_two_stores_is_brought_to_a_third(
    own_keyring: Any, make_grant: Any, secrets: GrantSecrets, private_environment: Path
) -> None:
    """Each is opened in turn; the third is remembered."""
    async with at(StoreKind.KEYRING) as first, at(StoreKind.FILE) as second:
        await first.save(make_grant(grant_id="a"), secrets)
        await second.save(make_grant(grant_id="b"), secrets)
    password = Secret("correct horse battery")
    async with at(StoreKind.ENCRYPTED_FILE, passphrase=password, create=True) as target:
        assert kept(target) == {StoreKind.KEYRING: 1, StoreKind.FILE: 1}
        report = await consolidate(target, at)
        assert (len(report.logins), report.failed, report.swept) == (2, (), True)
        assert [(await target.load(name))[1] for name in "ab"] == [secrets, secrets]
        assert kept(target) == {StoreKind.ENCRYPTED_FILE: 2}
    assert remembered_place() is StoreKind.ENCRYPTED_FILE
    assert own_keyring.entries() == {}


async def test_a_session_in_memory_comes_along(
    own_keyring: Any, make_grant: Any, secrets: GrantSecrets, private_environment: Path
) -> None:
    """It was kept nowhere until now."""
    memory = Credentials.memory()
    await memory.save(make_grant(grant_id="a"), secrets)
    async with at(StoreKind.FILE) as target:
        assert len((await consolidate(target, at, memory=memory)).logins) == 1
        assert (await target.load("a"))[1] == secrets
    await memory.aclose()


async def test_what_is_forgotten_is_deleted_from_the_store_that_is_not_open(
    own_keyring: Any, make_grant: Any, secrets: GrantSecrets, private_environment: Path
) -> None:
    """Deleting needs neither its passphrase nor that it is the one in use."""
    async with at(StoreKind.KEYRING) as first:
        await first.save(make_grant(grant_id="a"), secrets)
    async with at(StoreKind.FILE) as other:
        assert not await other.forget("a")
        assert own_keyring.entries() != {}
        assert await erase_left(other) == ()
    assert own_keyring.entries() == {}


async def test_what_cannot_be_deleted_is_said_by_place_and_goes_when_the_store_answers(
    own_keyring: Any, make_grant: Any, secrets: GrantSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store that holds it is named, and the next time it can be reached nothing stays."""
    async with at(StoreKind.KEYRING) as first:
        await first.save(make_grant(grant_id="a"), secrets)
    async with at(StoreKind.FILE) as other:
        await other.forget("a")
        with monkeypatch.context() as patch:
            patch.setattr("authlens_core.credentials.store.keyring_store.KeyringStore.delete", _refuse)
            left = await erase_left(other)
        assert left == (StoreKind.KEYRING,)
        words = left_words(left, StoreKind.FILE)
        assert "in the keyring, which cannot be reached" in words
        assert "not in the plain file" in words
        assert (await consolidate(other, at)).failed == ()
    assert own_keyring.entries() == {}


async def _refuse(_store: object, _entry: str) -> None:
    raise SecretStoreDenied("The keyring is locked.", "Unlock it.")


def test_where_nothing_is_left_nothing_is_said() -> None:
    """And of the store that is open it is said that it did not answer."""
    assert left_words((), StoreKind.KEYRING) == ""
    assert left_words((StoreKind.KEYRING,), StoreKind.KEYRING).startswith("The keyring could not be reached")

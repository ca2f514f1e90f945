"""Undo of forget: from memory into the store and back, and never over something newer."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.store.secret_store import MemoryStore, SecretStoreFailed
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.desk.forget import ForgottenCredentials, forget
from authlens_core.desk.session import Session
from authlens_core.values.errors import UsageError
from authlens_core.values.secret import Secret
from support.grants import NOW, grant, keep, put
from support.open_databases import owned

SECRETS = GrantSecrets(Secret("access-canary"), Secret("refresh-canary"), Secret("client-canary"))
TOKEN = ServiceToken("service-1", "https://ci.example.com/", f"{'0' * 32}.access", NOW, label="ci")


class Failing(MemoryStore):
    """A store that takes nothing while it is told so; beside it is an index in a file."""

    persistent = True
    fails = False

    async def set(self, name: str, secret: Secret) -> None:
        if self.fails:
            raise SecretStoreFailed("The store is closed.", "Open it.")
        await super().set(name, secret)


async def test_a_forgotten_grant_is_restored_with_every_secret() -> None:
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    saved = await credentials.save(grant(), SECRETS)
    await forget(Session(None, credentials), saved.grant_id, forgotten)
    assert credentials.list() == ()
    assert forgotten.last == saved.grant_id
    restored = await forgotten.restore(Session(None, credentials))
    loaded, secrets = await credentials.load(saved.grant_id)
    assert loaded == restored
    assert replace(loaded, generation=saved.generation) == saved
    assert secrets == SECRETS
    assert [event.kind for event in credentials.index.events(limit=2)] == ["restored", "forgotten"]


async def test_a_forgotten_service_token_is_restored() -> None:
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    saved = await credentials.service_tokens.save(TOKEN, Secret("a" * 64))
    await forget(Session(None, credentials), TOKEN.token_id, forgotten)
    await forgotten.restore(Session(None, credentials))
    loaded, secret = await credentials.service_tokens.load(TOKEN.token_id)
    assert replace(loaded, generation=saved.generation) == saved
    assert secret == Secret("a" * 64)


async def test_the_one_forgotten_last_is_restored_first() -> None:
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    await keep(credentials, grant("a"), grant("b"))
    for name in ("id-a", "id-b"):
        await forget(Session(None, credentials), name, forgotten)
    found = [await forgotten.restore(Session(None, credentials)) for _ in range(2)]
    assert [one.grant_id for one in found if isinstance(one, Grant)] == ["id-b", "id-a"]
    assert forgotten.last == ""
    with pytest.raises(UsageError, match="nothing to restore"):
        await forgotten.restore(Session(None, credentials))


async def test_two_undos_at_once_restore_two_credentials() -> None:
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    await keep(credentials, grant("a"), grant("b"))
    for name in ("id-a", "id-b"):
        await forget(Session(None, credentials), name, forgotten)
    await asyncio.gather(
        forgotten.restore(Session(None, credentials)), forgotten.restore(Session(None, credentials))
    )
    assert {one.grant_id for one in credentials.list()} == {"id-a", "id-b"}


async def test_a_newer_login_is_not_replaced() -> None:
    """Somebody logged in again: its tokens are the ones that work."""
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    await keep(credentials, grant())
    await forget(Session(None, credentials), "id-wiki", forgotten)
    newer = GrantSecrets(Secret("newer-canary"))
    await credentials.save(grant(), newer)
    with pytest.raises(UsageError, match="stored again"):
        await forgotten.restore(Session(None, credentials))
    assert (await credentials.load("id-wiki"))[1] == newer
    assert forgotten.last == ""


async def test_a_store_that_fails_leaves_it_restorable(tmp_path: Path) -> None:
    store, forgotten = Failing(), ForgottenCredentials()
    credentials = Credentials.open(store, tmp_path)
    await keep(credentials, grant())
    await forget(Session(None, credentials), "id-wiki", forgotten)
    store.fails = True
    with pytest.raises(SecretStoreFailed):
        await forgotten.restore(Session(None, credentials))
    store.fails = False
    await forgotten.restore(Session(None, credentials))
    assert (await credentials.load("id-wiki"))[1].access_token == Secret("access-canary")
    await credentials.aclose()


async def test_a_grant_whose_secrets_are_gone_is_forgotten_for_good() -> None:
    """There is nothing to restore it from."""
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    put(credentials.index, replace(grant(), generation=1), 1)
    await forget(Session(None, credentials), "id-wiki", forgotten)
    assert credentials.list() == ()
    assert forgotten.last == ""


async def test_a_grant_that_is_being_refreshed_is_forgotten_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refresh token in memory would be spent."""
    monkeypatch.setattr("authlens_core.desk.forget._REFRESH_BOUND", 0.0)
    credentials, forgotten = owned(Credentials.memory()), ForgottenCredentials()
    await keep(credentials, grant())
    async with credentials.locks.hold(*refresh_lock(grant()), purpose="refreshing"):
        await forget(Session(None, credentials), "id-wiki", forgotten)
    assert credentials.list() == ()
    assert forgotten.last == ""


async def test_no_file_holds_what_was_forgotten(tmp_path: Path) -> None:
    """Until it is restored it is in memory alone."""
    credentials, forgotten = Credentials.open(Failing(), tmp_path), ForgottenCredentials()
    await keep(credentials, grant())
    await forget(Session(None, credentials), "id-wiki", forgotten)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"id-wiki" in held  # the history
    assert b"canary" not in held
    assert b"canary" not in repr(vars(forgotten)).encode()
    await credentials.aclose()

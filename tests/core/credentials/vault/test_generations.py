"""Secrets are replaced whole or not at all, wherever the program dies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import (
    MemoryStore,
    SecretStoreFailed,
    SecretStoreTimeout,
    keyring_too_slow,
)
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.state.locks import Locks
from authlens_core.values.errors import NoLogin, NoSecretStore
from authlens_core.values.secret import Secret
from support.grants import make_grant
from support.open_databases import owned

Open = Callable[..., Credentials]
NEW = GrantSecrets(Secret("n" * 3_000), Secret("new-refresh"))


class Died(Exception):
    """The program ended here."""


def dies_at(step: SaveStep, occurrence: int = 1) -> Callable[[SaveStep], None]:
    """Return a hook that raises at the given occurrence of a step."""
    left = [occurrence]

    def hook(now: SaveStep) -> None:
        if now is step:
            left[0] -= 1
            if left[0] == 0:
                raise Died(step)

    return hook


async def test_a_number_is_never_used_again(open_credentials: Open, secrets: GrantSecrets) -> None:
    """A write that outlives its program must not fall on what another one has stored since."""
    old = await open_credentials().save(make_grant(), secrets)
    dying = open_credentials(on_step=dies_at(SaveStep.BEGUN))
    with pytest.raises(Died):
        await dying.save(old, NEW)
    (begun,) = dying.index.leftovers()
    survivor = open_credentials()
    assert await survivor.generations.sweep()
    assert (await survivor.save(old, NEW)).generation > begun.generation
    await survivor.forget(old.grant_id)
    assert (await survivor.save(old, NEW)).generation > begun.generation + 1


DEATHS = [(step, n) for step in SaveStep for n in ((1, 2, 3) if step is SaveStep.ENTRY_WRITTEN else (1,))]


@pytest.mark.parametrize(("step", "occurrence"), DEATHS)
async def test_a_death_at_any_step_leaves_the_old_or_the_new(
    open_credentials: Open, secrets: GrantSecrets, step: SaveStep, occurrence: int
) -> None:
    """H175: the facts and the secrets that are read afterwards belong together."""
    old = await open_credentials().save(make_grant(), secrets)
    dying = open_credentials(on_step=dies_at(step, occurrence))
    with pytest.raises(Died):
        await dying.save(replace(old, scope="new"), NEW)
    grant, found = await open_credentials().load(old.grant_id)
    switched = step in (SaveStep.SWITCHED, SaveStep.OLD_DELETED)
    assert (grant.scope, found) == (("new", NEW) if switched else (None, secrets))


@pytest.mark.parametrize(("step", "occurrence"), DEATHS)
async def test_what_a_death_leaves_in_the_store_is_swept_by_the_next_save(
    open_credentials: Open,
    store: Any,
    secrets: GrantSecrets,
    step: SaveStep,
    occurrence: int,
) -> None:
    """H175: orphans go, and only orphans."""
    old = await open_credentials().save(make_grant(), secrets)
    with pytest.raises(Died):
        await open_credentials(on_step=dies_at(step, occurrence)).save(old, NEW)
    after = open_credentials()
    last = await after.save(old, secrets)
    assert set(store.entries) == {sealed.entry_name(old.grant_id, last.generation, 0)}
    assert after.index.leftovers() == ()


async def test_generations_only_grow(open_credentials: Open, secrets: GrantSecrets) -> None:
    """A generation that a crash began is not begun again: its entries may be half there."""
    first = await open_credentials().save(make_grant(), secrets)
    with pytest.raises(Died):
        await open_credentials(on_step=dies_at(SaveStep.READ_BACK)).save(first, NEW)
    assert (await open_credentials().save(first, NEW)).generation == first.generation + 2


class Corrupting(MemoryStore):
    """Gives back a different value than was stored."""

    async def get(self, entry: str) -> Secret | None:
        value = await super().get(entry)
        return None if value is None else Secret(value.reveal()[:-1] + "?")


class Mistaken(MemoryStore):
    """Gives back a whole and valid value that is another's."""

    async def get(self, entry: str) -> Secret | None:
        return sealed.split(Secret("{}"), entry.split(":")[1], int(entry.split(":")[2]))[0]


class Failing(MemoryStore):
    """Fails at the given call, counting every call."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self.left = fails_at

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise SecretStoreFailed("broken")

    async def get(self, entry: str) -> Secret | None:
        self._count()
        return await super().get(entry)

    async def set(self, entry: str, value: Secret) -> None:
        self._count()
        await super().set(entry, value)

    async def delete(self, entry: str) -> None:
        self._count()
        await super().delete(entry)


async def test_a_store_that_gives_back_something_else_is_noticed_before_the_switch(
    secrets: GrantSecrets,
) -> None:
    """Read back, compared, and only then switched."""
    credentials = owned(Credentials(Index(None), Corrupting(), Locks(None)))
    with pytest.raises(SecretStoreFailed, match="lost a value"):
        await credentials.save(make_grant(), secrets)
    assert credentials.list() == ()


async def test_a_store_that_gives_back_anothers_value_is_noticed(secrets: GrantSecrets) -> None:
    """The comparison is with what was written, not with itself."""
    credentials = owned(Credentials(Index(None), Mistaken(), Locks(None)))
    with pytest.raises(SecretStoreFailed, match="a different value"):
        await credentials.save(make_grant(), secrets)
    assert credentials.list() == ()


@pytest.mark.parametrize("fails_at", range(1, 12))
async def test_a_store_that_fails_at_any_call_loses_nothing(secrets: GrantSecrets, fails_at: int) -> None:
    """H175: an error instead of a death, at every call of the store."""
    store = Failing(10_000)
    credentials = owned(Credentials(Index(None), store, Locks(None)))
    old = await credentials.save(make_grant(), secrets)
    store.left = fails_at
    try:
        await credentials.save(old, NEW)
        expected = NEW
    except NoSecretStore:
        expected = secrets
    store.left = 10_000
    assert (await credentials.load(old.grant_id))[1] == expected
    await credentials.save(old, NEW)
    assert len(store.values) == len(sealed.split(Secret("x" * 3_050), "", 0))


async def test_a_reader_that_overlaps_a_save_gets_one_generation(
    open_credentials: Open, store: Any, secrets: GrantSecrets
) -> None:
    """Another process switches and deletes between our reading the pointer and the entries."""
    writer, reader = open_credentials(), open_credentials()
    old = await writer.save(make_grant(), secrets)
    real = store.get
    done: list[bool] = []

    async def overtaken(entry: str) -> Secret | None:
        if not done:
            done.append(True)
            await writer.save(replace(old, scope="new"), NEW)
        return await real(entry)  # type: ignore[no-any-return]

    store.get = overtaken
    grant, found = await reader.load(old.grant_id)
    assert (grant.scope, found) == ("new", NEW)


@pytest.mark.parametrize("length", [1, 839, 840, 841, 1_000, 1_279, 1_280, 1_281, 16_384])
async def test_tokens_of_any_length_fit_under_the_limit_of_windows(
    open_keyring: Callable[..., KeyringStore], keyring: Any, state: Path, length: int
) -> None:
    """V-10, H174: 2,560 bytes of UTF-16 an entry, and a service name of its own for each."""
    store = open_keyring("WindowsKeyring")
    index = Index(state / "index.sqlite3")
    credentials = Credentials(index, store, Locks(state))
    secrets = GrantSecrets(Secret("t" * length), Secret("r" * length))
    saved = await credentials.save(make_grant(), secrets)
    assert (await credentials.load(saved.grant_id))[1] == secrets
    assert max(len(value) for value in keyring.entries().values()) <= sealed.ENTRY_LIMIT
    index.close()


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=5_000), st.integers(1, 10**6))
def test_split_keeps_every_character_and_the_limit(text: str, generation: int) -> None:
    entries = [entry.reveal() for entry in sealed.split(Secret(text), "key", generation)]
    assert entries
    assert all(len(entry) <= sealed.ENTRY_LIMIT for entry in entries)
    assert "".join(entries).endswith(text)


@pytest.mark.parametrize("damage", ["cut", "swapped", "gone", "foreign", "not json"])
async def test_damaged_secrets_are_noticed(credentials: Credentials, store: Any, damage: str) -> None:
    """H143: the manifest says what belongs together; the login can be made again."""
    saved = await credentials.save(make_grant(), NEW)
    names = [sealed.entry_name(saved.grant_id, saved.generation, n) for n in range(3)]
    entries = store.entries
    match damage:
        case "cut":
            entries[names[2]] = Secret(entries[names[2]].reveal()[:-1])
        case "swapped":
            entries[names[0]], entries[names[1]] = entries[names[1]], entries[names[0]]
        case "gone":
            del entries[names[1]]
        case "foreign":
            entries[names[0]] = Secret(
                entries[names[0]].reveal().replace('"generation": 1', '"generation": 7')
            )
        case _:
            entries[names[0]] = Secret("[1]")
    with pytest.raises(sealed.SecretsDamaged) as caught:
        await credentials.load(saved.grant_id)
    assert "Log in again" in str(caught.value.cure)
    assert isinstance(saved, Grant)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_store_that_is_too_slow_is_asked_once_more(
    open_credentials: Open, secrets: GrantSecrets, times: int
) -> None:
    """A busy machine makes a keyring slow; one that hangs is given up."""
    credentials = open_credentials()
    saved = await credentials.save(make_grant(), secrets)
    read, left = credentials.store.get, [times]

    async def slow(entry: str) -> Secret | None:
        if left[0]:
            left[0] -= 1
            raise keyring_too_slow("the keyring", 3.0)
        return await read(entry)

    credentials.store.get = slow  # type: ignore[method-assign]
    if times == 1:
        assert (await credentials.load(saved.grant_id))[1] == secrets
    else:
        with pytest.raises(SecretStoreTimeout):
            await credentials.load(saved.grant_id)


async def test_a_login_beside_the_address_is_named(credentials: Credentials, saved: Grant) -> None:
    """Seen-newcomers B10: `/nope` beside a login for `/mcp`."""
    origin = "/".join(saved.resource_url.split("/")[:3])
    with pytest.raises(NoLogin) as beside:
        credentials.covering(f"{origin}/nope-of-none")
    assert f"Did you mean {saved.resource_url}?" in str(beside.value.cure)
    with pytest.raises(NoLogin) as elsewhere:
        credentials.covering("https://nothing-stored.example/nope")
    assert "Did you mean" not in str(elsewhere.value.cure)

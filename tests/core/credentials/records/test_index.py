"""The index: no secret in it, and readable whatever happened to it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.index import Index, IndexReadOnly
from authlens_core.credentials.records.record_json import record_from_json, to_json
from authlens_core.credentials.records.schema import SCHEMA_VERSION
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.errors import StateUnusable, UsageError
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from support.grants import make_grant

Open = Callable[..., Credentials]


async def test_no_secret_is_in_any_byte_of_the_state_directory(credentials: Credentials, state: Path) -> None:
    """V-9: neither tokens nor client secrets, in no file, journal included."""
    grant = make_grant(has_refresh_token=True)
    for n in range(20):
        secrets = GrantSecrets(
            Secret(f"access-canary-{n}"), Secret("refresh-canary"), Secret("client-canary")
        )
        grant = await credentials.save(grant, secrets)
    await credentials.clients.remember(
        "https://as.example",
        Client(
            "id",
            "http://localhost:8400/callback",
            "client_secret_post",
            Secret("client-canary"),
            registration_access_token=Secret("management-canary"),
        ),
    )
    await credentials.forget(grant.grant_id)
    found = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "index.sqlite3" for path in found)
    assert found
    assert all(b"canary" not in path.read_bytes() for path in found)


def test_a_record_comes_back_whole() -> None:
    grant = make_grant(scope="a \x1b[2J", note="n", state=GrantState.UNKNOWN, generation=7)
    assert record_from_json(Grant, to_json(grant), 7) == grant


def test_text_that_is_not_unicode_is_refused_before_it_is_stored() -> None:
    """An argument in another encoding becomes half of a surrogate pair, which no JSON can hold."""
    with pytest.raises(UsageError, match="not valid Unicode"):
        to_json(make_grant(scope="caf\udce9"))


@given(st.text(max_size=300))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    """H143: nothing else is raised by whatever stands in the file."""
    try:
        record_from_json(Grant, text, 1)
    except (ValueError, RecursionError):
        return
    pytest.fail("arbitrary text was taken for a grant")


async def test_a_damaged_record_is_set_apart(
    credentials: Credentials, secrets: GrantSecrets, state: Path
) -> None:
    """H143: the others stay usable; the damaged one can be forgotten."""
    good = await credentials.save(make_grant(grant_id="good"), secrets)
    for name, record in [("bad", "{"), ("worse", '{"grant_id": 1}'), ("none", "[]")]:
        await credentials.save(make_grant(grant_id=name), secrets)
        with sqlite3.connect(state / "index.sqlite3") as raw:
            raw.execute("UPDATE grants SET record = ? WHERE grant_id = ?", (record, name))
        raw.close()
    assert credentials.list() == (good,)
    assert set(credentials.index.grants()[1]) == {"bad", "worse", "none"}
    with pytest.raises(StateUnusable, match="damaged"):
        await credentials.load("bad")
    for name in credentials.index.grants()[1]:
        assert await credentials.forget(name)
    assert credentials.index.grants()[1] == ()


async def test_a_newer_index_is_shown_and_not_changed(
    open_credentials: Open, secrets: GrantSecrets, state: Path
) -> None:
    """H181: two versions share the store; the older one only reads."""
    saved = await open_credentials().save(make_grant(), secrets)
    with sqlite3.connect(state / "index.sqlite3") as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    newer = open_credentials()
    assert newer.list() == (saved,)
    assert (await newer.load(saved.grant_id))[1] == secrets
    with pytest.raises(IndexReadOnly, match="newer authlens"):
        await newer.save(saved, secrets)
    with pytest.raises(IndexReadOnly):
        await newer.forget(saved.grant_id)


def test_an_index_of_an_unreleased_version_is_refused_with_what_to_delete(state: Path) -> None:
    """No code reads its tables, and it is nobody's mistake."""
    path = state / "index.sqlite3"
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    raw.close()
    written = path.read_bytes()
    with pytest.raises(StateUnusable, match="before the first release") as refused:
        Index(path)
    assert "Delete" in str(refused.value.cure)
    assert path.read_bytes() == written


async def test_what_is_listed_follows_every_write_of_this_and_other_programs(
    open_credentials: Open, secrets: GrantSecrets
) -> None:
    """The parsed rows are kept only while nobody writes."""
    here, there = open_credentials(), open_credentials()
    assert here.list() == ()
    saved = await there.save(make_grant(), secrets)
    assert here.list() == (saved,)
    assert here.list() is here.list()
    changed = here.update(replace(saved, note="ours"))
    assert here.list() == there.list() == (changed,)
    await there.forget(saved.grant_id)
    assert here.list() == ()


async def test_an_update_of_an_older_generation_returns_what_is_stored(
    open_credentials: Open, secrets: GrantSecrets
) -> None:
    """Another process refreshed the login meanwhile: its record stays."""
    here, there = open_credentials(), open_credentials()
    older = await here.save(make_grant(), secrets)
    newer = await there.save(older, secrets)
    assert newer.generation != older.generation
    assert here.update(replace(older, note="late")) == newer
    assert here.list() == (newer,)


@pytest.mark.parametrize("content", [b"not a database at all " * 100, b"SQLite format 3\0" + b"\xff" * 200])
def test_a_file_that_is_no_index_is_refused_in_words(state: Path, content: bytes) -> None:
    """H177: said, with what to do, and not overwritten."""
    path = state / "index.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StateUnusable, match="cannot be used"):
        Index(path)
    assert path.read_bytes() == content


async def test_a_full_disk_keeps_what_was_there(credentials: Credentials, secrets: GrantSecrets) -> None:
    """H177: the write is refused with a reason, and the old grant stays readable."""
    old = await credentials.save(make_grant(), secrets)
    pages = credentials.index.connection.execute("PRAGMA page_count").fetchone()[0]
    credentials.index.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateUnusable, match="full"):
        await credentials.save(make_grant(scope="x" * 100_000), secrets)
    assert (await credentials.load(old.grant_id))[1] == secrets


@pytest.mark.slow
def test_another_process_that_writes_for_long_is_an_error_in_time(state: Path) -> None:
    """The index never blocks the program for longer than its bound."""
    path = state / "index.sqlite3"
    index = Index(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnusable, match="locked"):
        index.add_event("x", "y")
    other.execute("ROLLBACK")
    other.close()
    index.add_event("x", "y")
    index.close()


async def test_another_keyring_than_last_time_is_said(
    open_credentials: Open, secrets: GrantSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that seem gone are often in the other keyring."""
    credentials = open_credentials()
    assert credentials.note_store() == ""
    await credentials.save(make_grant(), secrets)
    assert credentials.note_store() == ""
    monkeypatch.setattr(type(credentials.store), "name", "KWallet")
    assert "stored in memory only, but KWallet is open" in open_credentials().note_store()


@pytest.mark.parametrize(
    ("here", "way"),
    [
        (StoreKind.ENCRYPTED_FILE, "To move them here: authlens store --move encrypted-file"),
        (StoreKind.FILE, "To move them here: authlens store --move file --yes"),
        (StoreKind.MEMORY, "This session cannot use them."),
    ],
)
async def test_a_login_that_is_stored_elsewhere_is_said_with_a_command_that_moves_it(
    open_credentials: Open,
    secrets: GrantSecrets,
    monkeypatch: pytest.MonkeyPatch,
    here: StoreKind,
    way: str,
) -> None:
    credentials = open_credentials()
    there = next(kind for kind in StoreKind if kind is not here)
    monkeypatch.setattr(type(credentials.store), "place", there)
    await credentials.save(make_grant(), secrets)
    monkeypatch.setattr(type(credentials.store), "place", here)
    note = credentials.note_store()
    assert note.startswith(f"1 login is stored in {there.words}, but ")
    assert note.endswith(way)


def test_opening_an_index_of_the_present_version_writes_nothing(tmp_path: Path) -> None:
    """Another process may hold the write lock at that moment, and each write costs several fdatasync."""
    path = tmp_path / "index.sqlite3"
    Index(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    before = path.read_bytes()

    Index(path).close()

    holder.execute("ROLLBACK")
    holder.close()
    assert path.read_bytes() == before

"""The encrypted and the plain file: private, whole, and honest about what is wrong with them."""

import asyncio
import json
import os
import resource
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.credentials.store import encrypted_file as passphrases
from authlens_core.credentials.store.encrypted_file import EncryptedFileKeyring
from authlens_core.credentials.store.file_keyring import (
    EntryFile,
    FileKeyring,
    FileKeyringError,
)
from authlens_core.credentials.store.keyring_process import ALLOWED
from authlens_core.credentials.store.keyring_store import FileStore, KeyringStore, StoreDamaged
from authlens_core.credentials.store.secret_store import SecretStoreFailed, SecretStoreTimeout
from authlens_core.credentials.vault.open_store import file_path, open_store, remembered_place, store_at
from authlens_core.values.errors import NoSecretStore, PassphraseNeeded, WrongPassphrase
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

PASSPHRASE = Secret("correct horse battery")
ENTRY = "authlens:grant:1:0"
Open = Callable[..., FileStore]


@pytest.fixture
def encrypted(state: Path) -> Path:
    path = file_path(StoreKind.ENCRYPTED_FILE)
    EncryptedFileKeyring(path).create(PASSPHRASE, 2**14)
    return path


@pytest.fixture
async def open_file(state: Path) -> AsyncIterator[Open]:
    """Open the file stores of the state directory; they are closed at the end."""
    stores: list[FileStore] = []

    def make(
        place: StoreKind = StoreKind.ENCRYPTED_FILE, passphrase: Secret | None = PASSPHRASE, **options: Any
    ) -> FileStore:
        store = store_at(place, passphrase=passphrase, **options)
        assert isinstance(store, FileStore)
        stores.append(store)
        return store

    yield make
    for store in stores:
        await store.aclose()


@pytest.mark.parametrize("place", [StoreKind.ENCRYPTED_FILE, StoreKind.FILE])
async def test_what_one_program_keeps_another_one_reads(
    encrypted: Path, state: Path, open_file: Open, place: StoreKind
) -> None:
    """Written, read back by a second helper, deleted; nobody else may read the file."""
    await open_file(place).set(ENTRY, Secret("token-canary ü"))
    other = open_file(place)
    assert await other.get(ENTRY) == Secret("token-canary ü")
    path = file_path(place)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"token-canary" in path.read_bytes()) is (place is StoreKind.FILE)
    await other.delete(ENTRY)
    await other.delete(ENTRY)
    assert await open_file(place).get(ENTRY) is None


async def test_a_new_file_is_made_only_when_that_was_asked_for(
    state: Path, open_file: Open, key_derivation_cost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is gone is said; another in its place would hide that every token is gone."""
    monkeypatch.setattr(passphrases, "COST", key_derivation_cost)
    with pytest.raises(StoreDamaged, match="is missing"):
        await open_file().open()
    with pytest.raises(WrongPassphrase, match="needs 8 characters"):
        await open_file(passphrase=Secret("short"), create=True).open()
    assert (await open_file(create=True).open()).name == StoreKind.ENCRYPTED_FILE.words
    header = json.loads(file_path(StoreKind.ENCRYPTED_FILE).read_text())["header"]
    assert header["n"] == key_derivation_cost >= 2**17


async def test_a_wrong_passphrase_is_told_from_a_damaged_file(encrypted: Path, open_file: Open) -> None:
    """The first can be typed again; the second cannot be cured by typing."""
    with pytest.raises(WrongPassphrase):
        await open_file(passphrase=Secret("another passphrase")).get(ENTRY)
    whole = encrypted.read_text()
    for old, new in (('"n": 16384', '"n": 32768'), ('"check": "', '"check": "A'), ("{", "")):
        encrypted.write_text(whole.replace(old, new, 1))
        with pytest.raises(StoreDamaged, match=r"damaged|changed"):
            await open_file().get(ENTRY)


@pytest.mark.parametrize("cost", [2**30, 2**13, 3, "16384", True])
def test_a_file_cannot_ask_for_any_amount_of_memory(encrypted: Path, cost: object) -> None:
    header, _ = passphrases.new_header(PASSPHRASE, 2**14)
    header["n"] = cost
    header["sha256"] = passphrases._digest(header)
    with pytest.raises(FileKeyringError, match="header is damaged"):
        passphrases.derive(header, PASSPHRASE)


async def test_an_entry_opens_in_its_own_place_alone(encrypted: Path, open_file: Open) -> None:
    """The service is bound in: an entry that was moved, changed or cut is damaged, the others stand."""
    store = open_file()
    for name in ("a", "b", "c", "d"):
        await store.set(name, Secret(f"value of {name}"))
    with EntryFile(encrypted, EncryptedFileKeyring.format).changing() as content:
        entries = content.entries
        entries["a\nauthlens"] = entries["b\nauthlens"]
        entries["c\nauthlens"] = entries["c\nauthlens"][:-8]
    for name in ("a", "c"):
        with pytest.raises(StoreDamaged, match="was changed or is damaged"):
            await store.get(name)
    assert await store.get("d") == Secret("value of d")


async def test_each_write_has_a_nonce_of_its_own(encrypted: Path, open_file: Open) -> None:
    seen = set()
    store = open_file()
    for _ in range(5):
        await store.set(ENTRY, Secret("same"))
        seen.add(json.loads(encrypted.read_text())["entries"][f"{ENTRY}\nauthlens"])
    assert len(seen) == 5


async def test_another_helper_needs_no_second_passphrase(encrypted: Path, open_file: Open) -> None:
    """The key is kept in the program; the passphrase is not, once there is a key."""
    store = open_file()
    await store.set(ENTRY, Secret("kept"))
    assert store._passphrase is None
    store._let_go()
    assert await store.get(ENTRY) == Secret("kept")


async def test_without_a_passphrase_entries_can_only_be_deleted(encrypted: Path, open_file: Open) -> None:
    """To forget a login nothing has to be read."""
    await open_file().set(ENTRY, Secret("kept"))
    locked = open_file(passphrase=None)
    with pytest.raises(PassphraseNeeded):
        await locked.get(ENTRY)
    with pytest.raises(PassphraseNeeded):
        await locked.set(ENTRY, Secret("other"))
    await locked.delete(ENTRY)
    assert await open_file().get(ENTRY) is None


async def test_programs_that_write_at_once_lose_nothing(encrypted: Path, open_file: Open) -> None:
    """The lock is held from reading to replacing."""
    stores = [open_file() for _ in range(4)]

    async def write(number: int) -> None:
        for turn in range(10):
            await stores[number].set(f"{number}:{turn}", Secret("x"))

    await asyncio.gather(*map(write, range(4)))
    assert len(json.loads(encrypted.read_text())["entries"]) == 40


async def test_a_file_of_a_newer_version_is_left_alone(encrypted: Path, open_file: Open) -> None:
    """H181."""
    encrypted.write_text(encrypted.read_text().replace('"version": 1', '"version": 2'))
    before = encrypted.read_bytes()
    with pytest.raises(SecretStoreFailed, match="newer authlens"):
        await open_file().set(ENTRY, Secret("x"))
    assert encrypted.read_bytes() == before


@pytest.mark.parametrize("where", ["link", "readable"])
async def test_a_link_is_refused_and_a_readable_file_made_private(
    state: Path, tmp_path: Path, open_file: Open, where: str
) -> None:
    """H177, V-9."""
    path = file_path(StoreKind.FILE)
    if where == "link":
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SecretStoreFailed):
            await open_file(StoreKind.FILE).set(ENTRY, Secret("x"))
        assert not (tmp_path / "elsewhere").exists()
        return
    path.touch(0o644)
    path.write_text('{"format": "authlens plain file", "version": 1, "header": {}, "entries": {}}')
    await open_file(StoreKind.FILE).get(ENTRY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_another_program_that_writes_for_long_is_an_error_in_time(state: Path, open_file: Open) -> None:
    """And no reading waits for it."""
    store = open_file(StoreKind.FILE)
    await store.set(ENTRY, Secret("old"))
    with EntryFile(file_path(StoreKind.FILE), "authlens plain file").changing():
        assert await store.get(ENTRY) == Secret("old")
        with pytest.raises(SecretStoreTimeout, match="being written by another"):
            await store.set(ENTRY, Secret("new"))


def test_a_disk_that_is_full_leaves_the_old_file(state: Path) -> None:
    """H177: the write is refused with its reason, and nothing lies about."""
    backend = FileKeyring(file_path(StoreKind.FILE))
    backend.set_password("a", "authlens", "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        with pytest.raises(FileKeyringError, match="too large"):
            backend.set_password("a", "authlens", "new" * 200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert backend.get_password("a", "authlens") == "old"
    assert not any("draft" in path.name for path in state.iterdir())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_damaged(data: bytes) -> None:
    """H143: nothing else is raised by whatever stands there."""
    with pytest.raises(FileKeyringError) as refused:
        EntryFile(Path("x"), "authlens plain file")._parsed(data)
    assert refused.value.kind == "damaged"


@given(st.text(), st.text())
def test_any_text_is_sealed_and_opens_for_its_place_alone(value: str, place: str) -> None:
    key = Secret("A" * 43 + "=")
    sealed = passphrases.seal(key, ("entry", place), value)
    assert passphrases.open_sealed(key, ("entry", place), sealed) == value
    with pytest.raises(passphrases.SealBroken):
        passphrases.open_sealed(key, ("entry", place, ""), sealed)


async def test_neither_file_is_ever_chosen_by_itself(encrypted: Path, state: Path) -> None:
    """It lies there, and a program that has no keyring still says that it has none."""
    environ = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    assert remembered_place() is StoreKind.KEYRING
    with pytest.raises(NoSecretStore, match="no operating system keyring"):
        await open_store(KeyringStore(environ=environ))
    assert not any("authlens" in name for name in ALLOWED)


async def test_a_plain_file_says_who_can_read_it_each_time_it_is_opened(state: Path) -> None:
    """In plain words, with its path."""
    opened = await open_store(store_at(StoreKind.FILE))
    await opened.store.aclose()
    assert "readable by you and root" in opened.store.name
    assert str(file_path(StoreKind.FILE)) in opened.notes[0]


def test_the_words_of_an_error_hold_no_passphrase(encrypted: Path) -> None:
    with pytest.raises(FileKeyringError) as caught:
        EncryptedFileKeyring(encrypted).unlock(Secret("passphrase-canary"))
    assert "canary" not in repr(caught.value) + str(caught.value)

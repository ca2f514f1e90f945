"""Moving all secrets from the dashboard: the same choices as on the command line, and what came of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import file_path, remembered_place, store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.screens.dashboard.batch_actions import ResultsScreen
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.store_choice import MoveStoreScreen, StoreChoiceScreen
from support.grants import grant
from support.made_checks import present
from support.screens import press, text_of, until

pytestmark = pytest.mark.slow  # each test plays a whole screen

TESTS = Path(__file__).parents[3]
PASSPHRASE = "correct horse battery"
SECRETS = GrantSecrets(Secret("access-canary"), Secret("refresh-canary"))


@pytest.fixture
def keyring(private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring of the tests; return its file."""
    path = private_environment / "keyring.json"
    for name, value in {
        "PYTHONPATH": str(TESTS),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(path),
    }.items():
        monkeypatch.setenv(name, value)
    return path


async def keep(place: StoreKind, name: str, *, passphrase: str = "") -> None:
    """Keep a login in a place, from another program."""
    store = store_at(place, passphrase=Secret(passphrase) if passphrase else None, create=True)
    credentials = Credentials.open(store)
    now = utc_now()  # an expired login would be refreshed, and its server looked up in the DNS of the machine
    fresh = replace(grant(name), obtained_at=now, refreshed_at=now, expires_at=now + timedelta(hours=1))
    await credentials.save(fresh, SECRETS)
    await credentials.aclose()


async def secrets_in(place: StoreKind, name: str, passphrase: str = "") -> GrantSecrets:
    """Return what a later program finds."""
    credentials = Credentials.open(store_at(place, passphrase=Secret(passphrase) if passphrase else None))
    found = (await credentials.load(f"id-{name}"))[1]
    await credentials.aclose()
    return found


@asynccontextmanager
async def dashboard() -> AsyncIterator[tuple[AuthlensApp, Pilot[int]]]:
    """Open the program on its dashboard."""
    app = AuthlensApp(environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        # The store is opened after the first paint, if it needs no passphrase.
        await until(pilot, lambda: app.session is not None or isinstance(app.screen, StoreChoiceScreen))
        yield app, pilot


async def type_lines(app: AuthlensApp, pilot: Pilot[int], *lines: str) -> None:
    """Type each and press Enter."""
    for line in lines:
        await until(pilot, lambda: isinstance(app.focused, Input))
        focused = app.focused
        assert isinstance(focused, Input)
        focused.value = line
        await pilot.press("enter")


async def ask_to_move(app: AuthlensApp, pilot: Pilot[int]) -> None:
    await pilot.press("M")
    await until(pilot, lambda: isinstance(app.screen, MoveStoreScreen) and bool(app.screen.query("#said")))


async def moved(app: AuthlensApp, pilot: Pilot[int]) -> str:
    await until(pilot, lambda: isinstance(app.screen, ResultsScreen) and bool(app.screen.query("#results")))
    return text_of(app)


async def test_everything_goes_to_an_encrypted_file_and_the_program_goes_on_with_it(keyring: Path) -> None:
    """Its passphrase typed twice; the dashboard says where secrets are, and can use them at once."""
    await keep(StoreKind.KEYRING, "a")
    await keep(StoreKind.FILE, "b")
    async with dashboard() as (app, pilot):
        await ask_to_move(app, pilot)
        await pilot.press("2")
        await type_lines(app, pilot, PASSPHRASE, PASSPHRASE)
        said = await moved(app, pilot)
        assert "2 moved · 0 not. New ones go to the encrypted file." in said
        assert "It is stored in the encrypted file." in said
        await press(pilot, "escape", then="secrets: the encrypted file")
        await press(pilot, "c", "y", then=lambda: not isinstance(app.screen, ResultsScreen))
        assert (await present(app.session).credentials.load("id-a"))[1] == SECRETS
    assert json.loads(keyring.read_text()) == {}
    assert remembered_place() is StoreKind.ENCRYPTED_FILE
    assert await secrets_in(StoreKind.ENCRYPTED_FILE, "b", PASSPHRASE) == SECRETS


async def test_a_plain_file_is_warned_of_and_esc_leaves_everything_as_it_is(keyring: Path) -> None:
    """The same warning as on the command line."""
    await keep(StoreKind.KEYRING, "a")
    async with dashboard() as (app, pilot):
        await ask_to_move(app, pilot)
        await press(pilot, "3", then="A plain file is not protected")
        await press(pilot, "escape", "escape", then=DashboardScreen)
        assert not file_path(StoreKind.FILE).exists()
        await ask_to_move(app, pilot)
        await pilot.press("3", "3")
        assert "1 moved · 0 not" in await moved(app, pilot)
    assert remembered_place() is StoreKind.FILE


async def test_the_passphrase_of_a_file_that_something_comes_from_is_asked_for(keyring: Path) -> None:
    """Before anything is moved; a wrong one is said and asked for again."""
    await keep(StoreKind.KEYRING, "a")
    await keep(StoreKind.ENCRYPTED_FILE, "b", passphrase=PASSPHRASE)
    async with dashboard() as (app, pilot):
        await ask_to_move(app, pilot)
        await press(pilot, "1", then="Some secrets are in the encrypted file")
        await type_lines(app, pilot, "another passphrase")
        await until(pilot, lambda: "Wrong passphrase" in text_of(app))
        await type_lines(app, pilot, PASSPHRASE)
        assert "1 moved · 0 not. New ones go to the keyring." in await moved(app, pilot)
    assert await secrets_in(StoreKind.KEYRING, "b") == SECRETS


async def test_a_session_in_memory_is_kept_after_all(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a keyring is there later, nothing has to be earned anew."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    async with dashboard() as (app, pilot):
        await until(
            pilot, lambda: isinstance(app.screen, StoreChoiceScreen) and bool(app.screen.query("#words"))
        )
        await press(pilot, "3", then=DashboardScreen)
        await present(app.session).credentials.save(grant("a"), SECRETS)
        await ask_to_move(app, pilot)
        await press(pilot, "1", then="There is no usable keyring")
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "support.keyring_backends.FileKeyring")
        await pilot.press("1")
        assert "1 moved · 0 not" in await moved(app, pilot)
        assert [one.grant_id for one in present(app.session).credentials.list()] == ["id-a"]
    assert await secrets_in(StoreKind.KEYRING, "a") == SECRETS


async def test_what_stays_behind_is_named_and_the_old_place_stays_open(
    keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its reason; what was moved is moved."""
    await keep(StoreKind.KEYRING, "a")
    await keep(StoreKind.KEYRING, "b")

    async def refuse(*_: object, **__: object) -> bool:
        from authlens_core.values.errors import SecretStoreDenied

        raise SecretStoreDenied("The keyring is locked.", "Unlock it and try again.")

    async with dashboard() as (app, pilot):
        monkeypatch.setattr("authlens_core.credentials.vault.move._move_record", refuse)
        await ask_to_move(app, pilot)
        await pilot.press("3", "3")
        said = await moved(app, pilot)
        assert "0 moved · 2 not. New ones are stored as before." in said
        assert "It was not moved: The keyring is locked." in said
        assert "→ Unlock it and try again." in said
        assert present(app.session).credentials.store.place is StoreKind.KEYRING
    assert remembered_place() is StoreKind.KEYRING


async def test_what_a_dead_program_left_in_the_store_is_deleted_when_it_is_opened_again(
    keyring: Path,
) -> None:
    """A program on another store could only note it."""
    await keep(StoreKind.KEYRING, "a")
    credentials = Credentials.open(store_at(StoreKind.FILE))
    assert not await credentials.forget("id-a")
    await credentials.aclose()
    async with dashboard() as (_app, pilot):
        await until(pilot, lambda: json.loads(keyring.read_text()) == {})
    await asyncio.sleep(0)

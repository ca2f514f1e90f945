"""Records that cannot be read, as the verbs tell of them: each by its id, with what removes it."""

import asyncio
import json
import shlex
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_tui.cli import main
from support.grants import grant

Captured = pytest.CaptureFixture[str]
TESTS = Path(__file__).parents[2]


async def _fill() -> None:
    credentials = Credentials.open(store_at(StoreKind.KEYRING))
    for name in "abc":
        await credentials.save(grant(name), GrantSecrets(Secret("access"), None))
    token = ServiceToken("service-1", "https://ci.example/", f"{'0' * 32}.access", datetime.now(UTC))
    await credentials.service_tokens.save(token, Secret("a" * 64))
    await credentials.aclose()


@pytest.fixture
def keyring(private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring with three logins and a service token, of which two and the token cannot be read."""
    path = private_environment / "keyring.json"
    for name, value in {
        "PYTHONPATH": str(TESTS),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(path),
    }.items():
        monkeypatch.setenv(name, value)
    asyncio.run(_fill())
    with sqlite3.connect(private_environment / "authlens" / "index.sqlite3") as raw:
        raw.execute("UPDATE grants SET record = '{' WHERE grant_id IN ('id-a', 'id-b')")
        raw.execute("UPDATE service_tokens SET record = '[]'")
    raw.close()
    return path


def test_each_is_named_by_list_in_words_and_as_json(keyring: Path, capsys: Captured) -> None:
    """The ids that doctor speaks of are there."""
    assert main.run(["list", "--json"]) == 0
    out, err = capsys.readouterr()
    found = {one["id"]: (one["kind"], one["state"]) for one in json.loads(out)}
    assert found.pop("id-c")[0] == "oauth"
    assert found == {
        "id-a": ("oauth", "damaged"),
        "id-b": ("oauth", "damaged"),
        "service-1": ("service-token", "damaged"),
    }
    for name in ("id-a", "id-b", "service-1"):
        assert f"authlens forget {name}" in err
    assert main.run(["service-token", "list", "--json"]) == 0
    assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["damaged"]


@pytest.mark.parametrize("table", ["events", "clients"])
def test_a_list_does_without_what_it_does_not_show(table: str, keyring: Path, capsys: Captured) -> None:
    """The history is what is written most, so damage is found there first."""
    with sqlite3.connect(keyring.parent / "authlens" / "index.sqlite3") as raw:
        raw.execute(f"ALTER TABLE {table} RENAME TO damaged")
    raw.close()
    assert main.run(["list", "--json"]) == 0
    assert "id-c" in {listed["id"] for listed in json.loads(capsys.readouterr().out)}


def test_each_is_removed_with_its_secret_by_forget(keyring: Path, capsys: Captured) -> None:
    """Logins and service tokens alike; nothing of them stays in the keyring."""
    for name in ("id-a", "id-b", "service-1"):
        assert main.run(["forget", name]) == 0
    assert "!" not in capsys.readouterr().err
    assert {key.split(":")[1] for key in json.loads(keyring.read_text())} == {"id-c"}
    assert main.run(["list", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ["id-c"]


def test_a_move_tells_of_them_and_leaves_none_of_their_secrets_behind(
    keyring: Path, capsys: Captured
) -> None:
    """In words and as JSON; they can be forgotten from where they are now."""
    assert main.run(["store", "--move", "file", "--yes", "--json"]) == 0
    out, err = capsys.readouterr()
    moved = json.loads(out)
    assert {one["id"] for one in moved["damaged"]} == {"id-a", "id-b", "service-1"}
    assert (moved["failed"], moved["left_in"]) == ([], [])
    assert "1 login and 0 service tokens moved" in err
    assert "cannot be read; its secrets were moved" in err
    assert keyring.read_text() == "{}"
    assert main.run(["forget", "id-a"]) == 0
    assert "!" not in capsys.readouterr().err


def test_what_is_kept_in_another_store_is_deleted_there_or_named(
    keyring: Path, private_environment: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store that is open is not blamed for what another one holds."""
    with sqlite3.connect(private_environment / "authlens" / "index.sqlite3") as raw:
        raw.execute("INSERT OR REPLACE INTO facts VALUES ('place', 'file')")
    raw.close()
    assert main.run(["forget", "id-a"]) == 0
    assert "!" not in capsys.readouterr().err
    assert not any(":id-a:" in key for key in json.loads(keyring.read_text()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    assert main.run(["forget", "id-b"]) == 0
    err = capsys.readouterr().err
    assert "in the keyring, which cannot be reached" in err
    assert "plain file" not in err


def test_a_client_that_cannot_be_read_is_removed_by_the_command_that_names_it(
    keyring: Path, capsys: Captured
) -> None:
    """Issue 24, 2: in words, and as JSON."""
    with sqlite3.connect(keyring.parent / "authlens" / "index.sqlite3") as raw:
        raw.execute("INSERT INTO clients VALUES ('client-1', 1, 0, '{', 'keyring')")
    raw.close()
    assert main.run(["clients", "--json"]) == 0
    [named] = json.loads(capsys.readouterr().out)
    assert named["unreadable"] == "client-1"
    assert main.run(["clients"]) == 0
    assert named["remove"] in capsys.readouterr().err
    assert main.run(shlex.split(named["remove"])[1:]) == 0
    capsys.readouterr()
    assert main.run(["clients", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []

"""The state directory, the place for secrets and interrupted logins, as the doctor sees them."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.desk import doctor
from authlens_core.desk.doctor import look_at_keyring, look_at_state
from authlens_core.values.check import Severity

TESTS = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("FAKE_KEYRING", str(tmp_path / "keyring.json"))


def use(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)


async def test_a_keyring_that_works_is_tried_and_left_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §6: probed by write, read and delete."""
    use(monkeypatch, "support.keyring_backends.FileKeyring")
    finding = await look_at_keyring()

    assert (finding.severity, finding.code) == (Severity.PASS, 0)
    assert "written, read back and deleted" in finding.words
    assert json.loads((tmp_path / "keyring.json").read_text()) == {}


async def test_without_a_keyring_the_code_is_9_and_the_other_places_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, "keyring.backends.null.Keyring")
    finding = await look_at_keyring()

    assert (finding.severity, finding.code) == (Severity.FAILURE, 9)
    assert "stores nothing" in finding.words
    assert "authlens store --move encrypted-file" in str(finding.cure)


async def test_a_keyring_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every wait is bounded: an unlock prompt may stand on a desktop that nobody sees."""
    (tmp_path / "keyring.locked").touch()
    use(monkeypatch, "support.keyring_backends.SlowKeyring")
    monkeypatch.setattr(doctor, "store_at", partial(store_at, limit=1.0))
    finding = await look_at_keyring()

    assert (finding.severity, finding.code) == (Severity.FAILURE, 9)
    assert "did not answer" in finding.words


@pytest.mark.parametrize("there", [True, False])
async def test_an_encrypted_file_is_looked_for_and_not_opened(tmp_path: Path, there: bool) -> None:
    index = Index(tmp_path / "index.sqlite3")
    index.set_fact("place", "encrypted-file")
    index.close()
    if there:
        (tmp_path / "secrets.encrypted.json").touch(mode=0o600)

    finding = await look_at_keyring()

    assert finding.severity is (Severity.PASS if there else Severity.FAILURE)
    assert finding.code == (0 if there else 9)


def test_records_that_cannot_be_read_are_counted_and_named(tmp_path: Path) -> None:
    """Logins and service tokens; each with the id that removes it."""
    index = Index(tmp_path / "index.sqlite3")
    with index.writing() as connection:
        connection.execute("INSERT INTO grants VALUES ('grant-1', 1, 1, '{', 'keyring')")
        connection.execute("INSERT INTO service_tokens VALUES ('service-1', 1, 1, '[]', 'keyring')")
    index.close()

    finding = look_at_state()

    assert finding.severity is Severity.WARNING
    assert "2 records cannot be read: a login (grant-1), a service token (service-1)." in finding.words
    assert "authlens forget ID" in str(finding.cure)


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_state_directory_that_others_may_write_to_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    finding = look_at_state()

    assert (finding.severity, finding.code) == (Severity.FAILURE, 9)
    assert "chmod 700" in str(finding.cure)


def test_an_index_that_is_none_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite3").write_bytes(b"x" * 4096)

    assert (look_at_state().severity, look_at_state().code) == (Severity.FAILURE, 9)

"""Each connection to SQLite has one owner, which closes it: whatever happens to it, none is left open.

The same is checked after every test, by `closed_databases` in tests/conftest.py.
"""

from pathlib import Path
from typing import NoReturn

import pytest

from authlens_core.credentials.records import index as index_module
from authlens_core.credentials.records import traces as traces_module
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.traces import Traces
from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.plain_token import NotPlain, plain_login
from support.open_databases import all_closed


class Persistent(MemoryStore):
    """A store whose records are files."""

    persistent = True


class Interrupted(BaseException):
    """A Ctrl-C; the real one would end the run of the tests."""


def interrupted(*_: object) -> NoReturn:
    raise Interrupted


async def test_closing_credentials_closes_index_and_traces(tmp_path: Path) -> None:
    with all_closed():
        credentials = Credentials.open(Persistent(), tmp_path)
        (tmp_path / "traces.sqlite3").touch()
        credentials.traces.of("a")
        await credentials.aclose()


def test_an_opening_that_is_interrupted_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "version", interrupted)
    monkeypatch.setattr(traces_module, "version", interrupted)
    with all_closed():
        with pytest.raises(Interrupted):
            Index(tmp_path / "index.sqlite3")
        (tmp_path / "traces.sqlite3").touch()
        with pytest.raises(Interrupted):
            Traces(tmp_path / "traces.sqlite3", set).of("a")


def test_the_quick_path_of_token_closes_an_index_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite3").write_bytes(b"no index " * 200)
    with all_closed(), pytest.raises(NotPlain):
        plain_login(tmp_path / "index.sqlite3", "https://wiki.example.com/")

"""The helper of a keyring: its trial leaves little behind, and what is written for no one is taken back."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from authlens_core.credentials.store.keyring_process import (
    _PROBE_NAMES,
    BackendCandidate,
    _Keyring,
    _Lines,
    _ProbeFailed,
    _served,
)


class Shared(KeyringBackend):
    """A keyring that several programs use, each call of which takes a moment."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[str, str] = {}
        self.dies = self.mangles = self.sticks = False

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(0.001)
        value = self.entries.get(service)
        return f"{value} " if value is not None and self.mangles else value

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store, and take the program along where that is wanted."""
        time.sleep(0.001)
        self.entries[service] = password
        if self.dies:
            raise SystemExit

    def delete_password(self, service: str, username: str) -> None:
        if not self.sticks and self.entries.pop(service, None) is None:
            raise PasswordDeleteError


class LetGo(Shared):
    """A keyring that is unlocked when the program has let go of its pipe."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self._pipe = pipe

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store, as soon as the program is gone."""
        os.close(self._pipe)
        super().set_password(service, username, password)


def on(backend: Shared) -> _Keyring:
    keyring = _Keyring()
    keyring.choice = BackendCandidate(backend, "shared", named=False)
    return keyring


def test_what_dies_in_the_trial_does_not_pile_up() -> None:
    """A few names are used again and again, and what stands there hinders nobody."""
    shared = Shared()
    shared.dies = True
    for _ in range(100):
        with pytest.raises(SystemExit):
            on(shared).open(probe=True)
    assert 0 < len(shared.entries) <= _PROBE_NAMES
    shared.dies = False
    for _ in range(100):
        on(shared).open(probe=True)
    assert shared.entries == {}


def test_programs_that_try_at_once_do_not_fail_each_other() -> None:
    """Two may hit on the same name: the one that reads what is not its own tries again."""
    shared = Shared()
    with ThreadPoolExecutor(8) as programs:
        tries = [programs.submit(on(shared).open, probe=True) for _ in range(80)]
        assert [one.exception() for one in tries if one.exception()] == []
    assert shared.entries == {}


@pytest.mark.parametrize(("fault", "words"), [("mangles", "read back"), ("sticks", "is still there")])
def test_a_keyring_that_does_not_keep_or_delete_fails_all_the_same(fault: str, words: str) -> None:
    shared = Shared()
    setattr(shared, fault, True)
    with pytest.raises(_ProbeFailed, match=words):
        on(shared).open(probe=True)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be polled there")
def test_a_value_is_taken_back_before_the_end_of_the_pipe_was_read() -> None:
    """The thread that reads the pipe has not run since the program let go."""
    reading, writing = os.pipe()
    keyring = LetGo(writing)
    with os.fdopen(reading, "rb") as source:
        answer = _served(on(keyring), {"op": "set", "entry": "a", "value": "late"}, _Lines(source))
    assert answer["ok"] is False
    assert keyring.entries == {}


def test_a_value_stays_while_the_program_holds_the_pipe() -> None:
    reading, writing = os.pipe()
    keyring = Shared()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb"):
        answer = _served(on(keyring), {"op": "set", "entry": "a", "value": "in time"}, _Lines(source))
    assert answer["ok"] is True
    assert keyring.entries == {"a": "in time"}

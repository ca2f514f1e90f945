"""Keyring backends that misbehave in the ways real ones do.

They run in authlens's helper process, named by PYTHON_KEYRING_BACKEND, and keep their entries in the JSON
file that FAKE_KEYRING names, so that several processes see the same ones.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

if TYPE_CHECKING:
    from pathlib import Path

WINDOWS_LIMIT = 2_560
SLOW_SECONDS = 60.0


class FileKeyring(KeyringBackend):
    """Works. Without `pathlib`, as those of the operating systems: its memory is measured as theirs."""

    priority = 1

    @property
    def _path(self) -> Path:
        from pathlib import Path

        return Path(os.environ["FAKE_KEYRING"])

    def _read(self) -> dict[str, str]:
        try:
            with open(os.environ["FAKE_KEYRING"], encoding="utf-8") as file:
                return cast("dict[str, str]", json.load(file))
        except FileNotFoundError:
            return {}

    def _write(self, entries: dict[str, str]) -> None:
        path = os.environ["FAKE_KEYRING"]
        draft = f"{os.path.splitext(path)[0]}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        os.replace(draft, path)

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}\n{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service}\n{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Delete, and complain where there is nothing, as real backends do."""
        entries = self._read()
        if entries.pop(f"{service}\n{username}", None) is None:
            raise PasswordDeleteError("no such password")
        self._write(entries)


class WindowsKeyring(FileKeyring):
    """Keeps 2,560 bytes of UTF-16 at most, as Windows does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > WINDOWS_LIMIT:
            raise OSError("(1783, 'CredWrite', 'The stub received bad data')")
        super().set_password(service, username, password)


class SlowKeyring(FileKeyring):
    """Waits for a prompt while the file beside FAKE_KEYRING named .locked is there, a minute at most.

    It makes one named .asked when it begins to wait.
    """

    def _wait(self) -> None:
        locked, until = self._path.with_suffix(".locked"), time.monotonic() + SLOW_SECONDS
        if locked.exists():
            self._path.with_suffix(".asked").touch()
        while locked.exists() and time.monotonic() < until:
            time.sleep(0.02)

    def get_password(self, service: str, username: str) -> str | None:
        self._wait()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._wait()
        super().set_password(service, username, password)


class DeniedKeyring(FileKeyring):
    """Is locked, while the file beside FAKE_KEYRING that ends in .locked is there."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if self._path.with_suffix(".locked").exists():
            raise KeyringLocked("Failed to unlock the collection!")
        super().set_password(service, username, password)


class ForgetfulKeyring(FileKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class TalkativeKeyring(FileKeyring):
    """Prints, asks on standard input, and names the value in its error."""

    def get_password(self, service: str, username: str) -> str | None:
        print("unlocking", service, flush=True)  # noqa: T201
        sys.stdin.readline()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if password.startswith("leak"):
            raise PasswordSetError(f"cannot store {password!r} (-25308)")
        super().set_password(service, username, password)


class DyingKeyring(FileKeyring):
    """Takes its process with it."""

    def get_password(self, service: str, username: str) -> str | None:
        os._exit(3)


TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class FakeKeyring:
    """A keyring of `support.keyring_backends`, and what is in it."""

    path: Path

    def environ(self, backend: str) -> dict[str, str]:
        """Return the environment in which the helper uses `backend`."""
        name = backend if "." in backend else f"support.keyring_backends.{backend}"
        return {
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "PYTHON_KEYRING_BACKEND": name,
            "FAKE_KEYRING": str(self.path),
        }

    def entries(self) -> dict[str, str]:
        found = json.loads(self.path.read_text()) if self.path.exists() else {}
        return {key.partition("\n")[0]: value for key, value in found.items()}

    def lock(self) -> None:
        self.path.with_suffix(".locked").touch()

    def unlock(self) -> None:
        self.path.with_suffix(".locked").unlink()

    def is_asked(self) -> bool:
        return self.path.with_suffix(".asked").exists()

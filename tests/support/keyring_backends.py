"""Keyring backends that misbehave in the ways real ones do.

They run in authlens's helper process, named by PYTHON_KEYRING_BACKEND, and keep their entries in the JSON
file that FAKE_KEYRING names, so that several processes see the same ones.
"""

from __future__ import annotations

import json
import os
import sys
import time
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
        """Return what is stored."""
        return self._read().get(f"{service}\n{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store."""
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
        """Store, if it is short enough."""
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
        """Return what is stored, some time."""
        self._wait()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store, some time."""
        self._wait()
        super().set_password(service, username, password)


class DeniedKeyring(FileKeyring):
    """Is locked, while the file beside FAKE_KEYRING that ends in .locked is there."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse."""
        if self._path.with_suffix(".locked").exists():
            raise KeyringLocked("Failed to unlock the collection!")
        super().set_password(service, username, password)


class ForgetfulKeyring(FileKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Do nothing."""


class TalkativeKeyring(FileKeyring):
    """Prints, asks on standard input, and names the value in its error."""

    def get_password(self, service: str, username: str) -> str | None:
        """Print and ask first."""
        print("unlocking", service, flush=True)  # noqa: T201
        sys.stdin.readline()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store, but not what begins with `leak`."""
        if password.startswith("leak"):
            raise PasswordSetError(f"cannot store {password!r} (-25308)")
        super().set_password(service, username, password)


class DyingKeyring(FileKeyring):
    """Takes its process with it."""

    def get_password(self, service: str, username: str) -> str | None:
        """End the process."""
        os._exit(3)

"""A keyring in a file, which the helper process uses as the keyring of the operating system."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

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
        """Return every entry, by its service name."""
        found = json.loads(self.path.read_text()) if self.path.exists() else {}
        return {key.partition("\n")[0]: value for key, value in found.items()}

    def lock(self) -> None:
        """Make a backend that can be locked be so."""
        self.path.with_suffix(".locked").touch()

    def unlock(self) -> None:
        """Undo `lock`."""
        self.path.with_suffix(".locked").unlink()

    def is_asked(self) -> bool:
        """Return whether a call came while it was locked."""
        return self.path.with_suffix(".asked").exists()

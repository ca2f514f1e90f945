"""A real keyring: what Python's `keyring` does on a Secret Service that a test owns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from support.keyring_session import keyring_session
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e

WRITE = "import keyring, sys; keyring.set_password('authlens test', 'name', sys.stdin.read())"
READ = "import keyring; print(keyring.get_password('authlens test', 'name'))"
BACKEND = "import keyring; print(type(keyring.get_keyring()).__module__)"


def run(code: str, environment: Mapping[str, str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python code in the keyring's environment."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, timeout=PATIENCE
    )


def test_a_secret_written_by_one_process_is_read_by_another() -> None:
    """The choice falls on the Secret Service by itself, and it keeps what it was given."""
    with keyring_session() as environment:
        assert run(BACKEND, environment).stdout.strip() == "keyring.backends.SecretService"
        written = run(WRITE, environment, "s3cret")
        assert written.returncode == 0, written.stderr
        assert run(READ, environment).stdout.strip() == "s3cret"


def test_each_session_has_a_keyring_of_its_own() -> None:
    """Nothing of one test is seen by another."""
    with keyring_session() as first:
        run(WRITE, first, "s3cret")
    with keyring_session() as second:
        assert run(READ, second).stdout.strip() == "None"


def test_a_locked_keyring_refuses() -> None:
    """With nobody to type the password, a locked keyring says so and does not hang."""
    with keyring_session(unlocked=False) as environment:
        refused = run(WRITE, environment, "s3cret")

        assert refused.returncode != 0
        assert "keyring.errors" in refused.stderr

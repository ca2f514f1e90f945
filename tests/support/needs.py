"""What the end-to-end tests need of the machine, and what happens where it is missing."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Final, NoReturn

import pytest

__all__ = ["REQUIRED", "free_port", "needs", "needs_file", "program", "stop"]


REQUIRED = os.environ.get("AUTHLENS_E2E") == "required"
"""True where a missing system package is a failure and not a skip: `.ci/run` says so."""


def needs(*programs: str) -> None:
    """Skip the test where one of the programs is missing; fail it where the end-to-end tests are required."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        stop(f"not installed: {', '.join(missing)}")


def needs_file(path: Path, cure: str) -> None:
    """Skip or fail in the same way where a file is missing; `cure` says how to get it."""
    if not path.exists():
        stop(f"{path.name} is missing: {cure}")


def program(name: str) -> str:
    needs(name)
    return shutil.which(name) or name


def stop(reason: str) -> NoReturn:
    """Skip the test because of what the machine lacks, or fail it where the tests are required."""
    if REQUIRED:
        pytest.fail(f"{reason} (AUTHLENS_E2E=required)", pytrace=False)
    pytest.skip(reason)


_CHOICE: Final = range(20_000, 32_000)
"""Below those that the system gives to connections: one of them would take a port before the program does."""


def free_port() -> int:
    """Return a port of this machine that nobody holds."""
    while True:
        port = secrets.choice(_CHOICE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port

"""What the end-to-end tests need of the machine, and what happens where it is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["REQUIRED", "needs", "needs_file", "program", "stop"]

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
    """Return the full path of a program that the test needs."""
    needs(name)
    return shutil.which(name) or name


def stop(reason: str) -> NoReturn:
    """Skip the test because of what the machine lacks, or fail it where the tests are required."""
    if REQUIRED:
        pytest.fail(f"{reason} (AUTHLENS_E2E=required)", pytrace=False)
    pytest.skip(reason)

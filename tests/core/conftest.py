"""What every test of core may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A private state directory."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path

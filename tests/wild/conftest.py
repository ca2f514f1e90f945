"""What logins at a hostile server share."""

from pathlib import Path

import pytest

from support.wild_process import machine_with_file_store


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    return machine_with_file_store(tmp_path / "home")

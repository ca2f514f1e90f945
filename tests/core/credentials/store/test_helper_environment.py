"""The helper that sees all secrets loads nothing from the current directory."""

from __future__ import annotations

import os

import pytest

from authlens_core.credentials.store.helper_pipes import helper_environment


@pytest.mark.parametrize("path", [".", os.pathsep, f"modules{os.pathsep}."])
def test_a_relative_or_empty_part_of_pythonpath_is_left_out(path: str) -> None:
    assert "PYTHONPATH" not in helper_environment({"PYTHONPATH": path})

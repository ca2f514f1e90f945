"""The version stands twice: where it is read fast, and where packages have it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from authlens_core.values.version import VERSION


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION

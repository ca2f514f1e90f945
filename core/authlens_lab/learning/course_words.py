"""The words of the course that belong to no lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlens_core.values.word_files import words


def course_words(table: str) -> Mapping[Any, Any]:
    """Return one table of `course.toml`; its keys are text, and looked up by the values of rows."""
    tables: Mapping[str, Mapping[Any, Any]] = words("course", "authlens_lab")
    return tables[table]

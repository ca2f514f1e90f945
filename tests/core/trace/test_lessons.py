"""The lessons: one for every stage, short enough to be read, and exact about where they come from."""

from __future__ import annotations

import re

import pytest

from authlens_core.trace.flow import lesson
from authlens_core.trace.record import Stage

_SECTION = re.compile(r"RFC \d{4} §\d+(\.\d+)*")
_FEWEST, _MOST = 80, 190


def test_every_stage_has_a_lesson() -> None:
    """The eight of a login, and what the dashboard does with a grant."""
    assert len({lesson(stage).why for stage in Stage}) == len(Stage)


@pytest.mark.parametrize("stage", Stage)
def test_a_lesson_is_read_in_a_minute(stage: Stage) -> None:
    """Short enough to be read while somebody waits, long enough to say something."""
    text = lesson(stage)
    assert _FEWEST <= len(f"{text.why} {text.without_it}".split()) <= _MOST


@pytest.mark.parametrize("stage", Stage)
def test_a_lesson_names_the_sections_it_stands_on(stage: Stage) -> None:
    """A section, not a whole document, and a sentence on what it says."""
    for section, sentence in lesson(stage).specification:
        assert _SECTION.fullmatch(section)
        assert sentence.endswith(".")

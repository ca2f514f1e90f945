"""The lessons: one for every stage, short enough to be read, and exact about where they come from."""

from __future__ import annotations

import re
from itertools import product

import pytest

from authlens_core.trace.flow import lesson
from authlens_core.trace.record import Stage
from authlens_core.values.stage import GrantType

_SECTION = re.compile(r"RFC \d{4,5} §\d+(\.\d+)*")
_FEWEST, _MOST = 80, 190
EVERY_LESSON = pytest.mark.parametrize(("grant_type", "stage"), list(product(GrantType, Stage)))


def test_every_stage_has_a_lesson() -> None:
    """The eight of a login, and what the dashboard does with a grant."""
    assert len({lesson(stage).why for stage in Stage}) == len(Stage)


@EVERY_LESSON
def test_a_lesson_is_read_in_a_minute(grant_type: GrantType, stage: Stage) -> None:
    """Short enough to be read while somebody waits, long enough to say something."""
    text = lesson(stage, grant_type)
    assert _FEWEST <= len(f"{text.why} {text.without_it}".split()) <= _MOST


@EVERY_LESSON
def test_a_lesson_names_the_sections_it_stands_on(grant_type: GrantType, stage: Stage) -> None:
    """A section, not a whole document, and a sentence on what it says."""
    for section, sentence in lesson(stage, grant_type).specification:
        assert _SECTION.fullmatch(section)
        assert sentence.endswith(".")

"""The lessons that docs/learning.md writes are whole ones."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import get_args

import pytest

from authlens_core.values.errors import LessonRefused
from authlens_lab.emulator import Profile
from authlens_lab.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_lab.emulator.weakness import SWITCHES, Weakness
from authlens_lab.learning.catalogue import new_lesson, read_catalogue
from authlens_lab.learning.claim import LOOT
from authlens_lab.learning.desk.lesson_check import check_lesson
from authlens_lab.learning.row import PREFIXES, WORDS, Source
from authlens_lab.learning.world import PartyName

PAGE = Path(__file__).parents[3] / "docs" / "learning.md"


def test_the_lessons_of_the_page_are_sound(tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").partition("\n## A lesson of your own")[2].partition("\n## ")[0]
    for number, text in enumerate(
        re.findall(r"^```toml\n(format.*?)^```$", section, re.MULTILINE | re.DOTALL)
    ):
        (tmp_path / f"{number}.toml").write_text(text)
    catalogue = read_catalogue(tmp_path)
    assert catalogue.refusals == ()
    checks = [asyncio.run(check_lesson(lesson)) for lesson in catalogue.lessons.values()]
    assert [(one.lesson.name, one.problems, one.warnings) for one in checks] == [
        ("refused", (), ()),
        ("code-twice", (), ()),
    ]
    assert [one.tried for one in checks] == [3, 14]


def test_a_new_lesson_is_the_small_one_of_the_page_under_its_own_name(tmp_path: Path) -> None:
    assert new_lesson("refused") in PAGE.read_text("utf-8")
    (tmp_path / "mine.toml").write_text(new_lesson("my-own"), encoding="utf-8")
    assert list(read_catalogue(tmp_path).lessons) == ["my-own"]
    with pytest.raises(LessonRefused, match="“My own”: an id has 2 to 40"):
        new_lesson("My own")


def test_the_page_names_every_word_that_a_lesson_can_have() -> None:
    """An author has no other list: what the page leaves out has to be guessed."""
    named = set(
        re.findall(r"`([^`\n]+)`", PAGE.read_text("utf-8").partition("\n### The words of a world")[2])
    )
    prefixes = {f"{prefix}.*" for prefix in PREFIXES}
    rows = {field for fields in WORDS.values() for field in fields}
    events = {word for words in WORDS[Source.EVENT].values() for word in words}
    world = {*Profile, *Weakness, *VICTIM_SWITCHES, *SWITCHES, *LOOT, *get_args(PartyName)}
    assert {*world, *prefixes, *rows, *events} <= named

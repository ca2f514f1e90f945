"""The lessons that docs/learning.md writes are whole ones."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from authlens_core.learning.catalogue import read_catalogue
from authlens_core.learning.desk.lesson_check import check_lesson

PAGE = Path(__file__).parents[3] / "docs" / "learning.md"


def test_the_lessons_of_the_page_are_sound(tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").partition("\n## A lesson of your own")[2].partition("\n## ")[0]
    for number, text in enumerate(re.findall(r"^```toml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)):
        (tmp_path / f"{number}.toml").write_text(text)
    catalogue = read_catalogue(tmp_path)
    assert catalogue.refusals == ()
    checks = [asyncio.run(check_lesson(lesson)) for lesson in catalogue.lessons.values()]
    assert [(one.lesson.name, one.problems, one.warnings) for one in checks] == [
        ("refused", (), ()),
        ("code-twice", (), ()),
    ]
    assert [one.tried for one in checks] == [3, 14]

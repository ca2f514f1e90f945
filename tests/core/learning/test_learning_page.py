"""The lesson that docs/learning.md writes is a whole one: its texts are found by following the refusals."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from authlens_core.learning.desk.lesson_check import AuthoredLesson, lessons_at
from authlens_core.values.errors import LessonRefused

PAGE = Path(__file__).parents[3] / "docs" / "learning.md"
TOP = ("can", "cures", "task", "predict", "run", "observe", "break", "repair", "questions")


def block(kind: str) -> str:
    section = PAGE.read_text("utf-8").partition("\n## A lesson of your own")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def written(folder: Path, texts: dict[str, str]) -> AuthoredLesson:
    """Write the words of a lesson, its texts in order, and read it."""
    lines = ["# A code used twice"]
    for name in sorted(texts, key=lambda name: (TOP.index(name.partition("/")[0]), name)):
        *above, own = name.split("/")
        lines.append(f"{'##' + '#' * len(above)} {own}\n{texts[name]}")
    (folder / "lesson.md").write_text("\n".join(lines))
    return lessons_at(folder)[0][0]


def test_a_lesson_is_written_by_the_page_and_the_refusals_of_check(tmp_path: Path) -> None:
    folder = tmp_path / "code-twice"
    folder.mkdir()
    (folder / "lesson.toml").write_text(block("toml"))
    (folder / "solution.json").write_text(block("json"))
    with pytest.raises(LessonRefused, match=r"code-twice/lesson\.md:1:1: the file is missing"):
        lessons_at(folder)
    texts = {"questions": ""}
    while True:
        try:
            lesson = written(folder, texts)
        except LessonRefused as error:
            missing = re.search("the text “(.*)” is missing", str(error))
            if missing is None:
                raise
            texts[missing[1]] = "Words."
        else:
            break
    done = asyncio.run(lesson.check())
    assert (done.problems, done.tried) == ((), 14)

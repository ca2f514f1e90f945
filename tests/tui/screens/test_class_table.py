"""The table of a class: it follows the folder, and what a stranger's file says stays text."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import DataTable

from authlens_core.learning.catalogue import lessons
from authlens_core.learning.class_folder import ClassFolder
from authlens_core.learning.desk.course import Course
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.moves import LoginMove, PredictMove
from authlens_core.learning.progress.record import (
    LessonRecord,
    PracticeNow,
    PracticeRecord,
    RecordedVerdict,
)
from authlens_tui.app.base_app import ScreenApp
from authlens_tui.app.learn import class_app
from authlens_tui.screens.learn import class_table
from authlens_tui.screens.learn.class_table import StudentScreen
from support.screens import text_of, until

LESSON = "stolen-code"


def write(folder: Path, name: str, phase: LessonPhase, tries: int = 1) -> None:
    digest = lessons()[LESSON].digest
    moves = PredictMove(option="a"), LoginMove()
    verdict = RecordedVerdict(False, (LessonPhase.PREDICT,))
    entry = LessonRecord(LESSON, 1, digest, 1, verdict, {phase: tries}, moves=moves)
    record = PracticeRecord.of([entry], now=PracticeNow(LESSON, phase, failing=("break/2",)))
    (folder / f"{name}.json").write_bytes(record.as_bytes())


def row(app: ScreenApp, who: str) -> list[str]:
    return [str(cell).strip() for cell in app.screen.query_one(DataTable).get_row(who)]


async def test_the_table_follows_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(class_table, "POLL", 0.05)
    folder = tmp_path / "class"
    folder.mkdir()
    students = ClassFolder(folder, lambda _, name: name.removesuffix(".json"))
    app = class_app(students, Course())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "No one is here yet." in text_of(app))
        write(folder, "ada", LessonPhase.BREAK)
        write(folder, "grace", LessonPhase.RUN)
        (folder / "mallory.json").write_text('{"exec": 1}')
        await until(pilot, lambda: "mallory.json:1:2: “exec” means nothing here." in text_of(app))
        assert row(app, "ada") == [
            "ada", LESSON, "break", "●○○○○○", "1", "0", "now", ""
        ]  # fmt: skip
        assert "2 fail now: stolen-code, You open Ada's data." in text_of(app)
        write(folder, "ada", LessonPhase.REPAIR, tries=5)
        (folder / "grace.json").unlink()
        await until(pilot, lambda: "students: 1 · stuck: 1" in text_of(app))
        assert (row(app, "ada")[2], row(app, "ada")[-1]) == ("repair", "stuck")

        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StudentScreen))
        assert "2  login" in text_of(app)
        await pilot.press("escape", "m")
        (csv,) = tmp_path.glob("class-*.csv")
        assert csv.read_text().splitlines()[1].startswith("ada,True,,stolen-code,repair,predict,0,5,0,")

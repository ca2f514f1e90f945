"""`authlens learn progress` and `reset`, by what they print."""

import asyncio
import json
import subprocess

import pytest

from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.desk.open_lesson import OpenLesson
from authlens_lab.learning.moves import move_in
from authlens_lab.learning.progress import ProgressFile
from authlens_tui.cli import main

Captured = pytest.CaptureFixture[str]


def predict(name: str) -> None:
    async def made() -> None:
        async with OpenLesson(lessons()[name], ProgressFile.open()) as attempt:
            await attempt.make(move_in("predict a"))

    asyncio.run(made())


def progress(capsys: Captured, name: str) -> dict[str, object]:
    capsys.readouterr()
    assert main.run(["learn", "progress", "--json"]) == 0
    entry: dict[str, object] = next(e for e in json.loads(capsys.readouterr().out) if e["id"] == name)
    return entry


def test_progress_says_where_each_lesson_stopped(capsys: Captured) -> None:
    predict("stolen-code")
    assert main.run(["learn", "hint", "stolen-code", "break", "--step", "2"]) == 0
    capsys.readouterr()
    assert main.run(["learn", "progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[1].split()[2:4], len(lines)) == (["to", "do"], len(lessons()))
    assert " stopped at run · A stolen code" in lines[2]
    entry = progress(capsys, "stolen-code")
    assert (entry["phase"], entry["moves"], entry["hints"]) == ("run", ["predict a"], {"break": 2})


@pytest.mark.parametrize(
    "words", [["stolen-code"], ["--all"], ["stolen-code", "--phase", "predict"]], ids=lambda words: words[-1]
)
def test_a_reset_forgets_the_moves(words: list[str], capsys: Captured) -> None:
    predict("stolen-code")
    assert main.run(["learn", "reset", *words]) == 0
    assert "over" in capsys.readouterr().err
    assert progress(capsys, "stolen-code")["moves"] == []


@pytest.mark.parametrize(
    "words", [[], ["stolen-code", "--all"], ["--all", "--phase", "run"], ["stolen-cod"]], ids=str
)
def test_a_reset_of_nothing_in_particular_is_refused(words: list[str], capsys: Captured) -> None:
    predict("stolen-code")
    assert main.run(["learn", "reset", *words]) == 2
    assert progress(capsys, "stolen-code")["moves"] == ["predict a"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [('\n{"format": 1, "lesson": 3}', 13, "✖ learn.jsonl:2:15: "), (None, 2, "is a directory")],
)
def test_progress_that_cannot_be_read_is_left_and_its_fix_starts_a_new_one(
    content: str | None, code: int, said: str, capsys: Captured
) -> None:
    path = ProgressFile.open().path
    assert path is not None
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    assert main.run(["learn", "progress"]) == code
    seen = capsys.readouterr().err
    assert said in seen
    subprocess.run(" ".join(seen.split()).partition("start a new one: ")[2], shell=True, check=True)
    assert main.run(["learn", "progress"]) == 0
    assert path.with_name("learn.jsonl.old").exists()

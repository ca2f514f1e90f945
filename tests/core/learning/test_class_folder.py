"""A class in a folder: what a student's file says, and what the teacher sees of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from authlens_core.export.redaction import secrets_of
from authlens_core.learning import class_folder
from authlens_core.learning.catalogue import lessons
from authlens_core.learning.class_folder import (
    LARGEST_CLASS_FILE,
    MOST_OF_ONE,
    ClassFile,
    ClassFolder,
    ClassView,
    content,
)
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.moves import LoginMove, PointMove, PredictMove, RedeemMove
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.record import (
    LessonRecord,
    PracticeNow,
    PracticeRecord,
    RecordedVerdict,
    read_record,
)

LESSON = "code-not-key"


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_students_file_says_where_they_are_and_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode 0644 whatever the umask, no credential, and a time between two writes that no machine takes."""
    monkeypatch.setattr(class_folder, "APART", 2_000.0)
    clock, folder = Clock(), tmp_path / "class"
    folder.mkdir()
    shown = ClassFile(folder, clock=clock)
    lesson = lessons()["stolen-code"]
    canaries: set[str] = set()

    async def practise() -> list[PracticeRecord]:
        seen = []
        async with OpenLesson(lesson, ProgressFile(tmp_path / "learn.json"), shown_in=shown) as recorded:
            for move in (PredictMove(option="a"), LoginMove(), PointMove(arrow=1, part="status")):
                await recorded.make(move)
                seen.append(read_record(shown.path.read_bytes(), name="now"))
                clock.now += 1_000
            clock.now += 60_000
            await recorded.make(RedeemMove())
            canaries.update(secret.reveal() for secret in secrets_of(recorded.attempt.outcome().trace()))
        seen.append(read_record(shown.path.read_bytes(), name="now"))
        return seen

    before = os.umask(0o077)
    try:
        first, second, third, last = asyncio.run(practise())
    finally:
        os.umask(before)
    # At the start, then when the time was over, and at last when the attempt was left.
    assert [record.now and record.now.phase for record in (first, second, third)] == [
        LessonPhase.PREDICT, LessonPhase.PREDICT, LessonPhase.OBSERVE
    ]  # fmt: skip
    assert last.now == PracticeNow("stolen-code", LessonPhase.OBSERVE, 62_000, ("break/2",))
    (entry,) = last.lessons
    assert [move.verb for move in entry.moves] == ["predict", "login", "point", "redeem"]
    assert (entry.verdict.ledger, shown.path.stat().st_mode & 0o777) == (None, 0o644)
    assert [path.name for path in folder.iterdir()] == [shown.path.name]
    stored = (tmp_path / "learn.json").read_text() + shown.path.read_text()
    assert (len(canaries) >= 4, [one for one in canaries if one in stored]) == (True, [])


def test_a_class_that_cannot_be_written_stops_no_lesson(tmp_path: Path) -> None:
    shown = ClassFile(tmp_path / "missing")

    async def note() -> str:
        lesson = lessons()[LESSON]
        async with OpenLesson(lesson, ProgressFile(None), shown_in=shown) as recorded:
            await recorded.make(PredictMove(option="a"))
            return recorded.note

    assert asyncio.run(note()).startswith("AUTHLENS_CLASS: the teacher cannot see you, because ")


def record_of(
    *, phase: LessonPhase = LessonPhase.BREAK, tries: int = 1, seconds: int = 0, passed: bool = False
) -> PracticeRecord:
    entry = LessonRecord(
        LESSON, 1, f"sha256:{'0' * 64}", 1, RecordedVerdict(passed, (LessonPhase.PREDICT,)), {phase: tries}
    )
    return PracticeRecord.of([entry], now=PracticeNow(LESSON, phase, seconds, ("break/2",)))


def write(folder: Path, name: str, record: PracticeRecord, *, at: int = 1_000) -> Path:
    path = folder / name
    path.write_bytes(record.as_bytes())
    os.utime(path, (at, at))
    return path


def seen(folder: Path) -> ClassView:
    """Return the class, where the name of a file says whose it is: a test has one account."""
    return ClassFolder(folder, lambda _, name: name.partition("-")[0]).read()


def test_the_newest_file_of_an_owner_counts(tmp_path: Path) -> None:
    write(tmp_path, "ada-1.json", record_of(phase=LessonPhase.RUN), at=2_000)
    write(tmp_path, "ada-2.json", record_of(phase=LessonPhase.REPAIR), at=3_000)
    write(tmp_path, "ada-3.json", record_of(phase=LessonPhase.BREAK), at=1_000)
    write(tmp_path, "grace-1.json", record_of())
    (tmp_path / ".ada-4.json-0011223344556677").write_text("a draft")
    (tmp_path / "notes.txt").write_text("of the teacher")
    view = seen(tmp_path)
    rows = [student.row(0) for student in view.students]
    assert [(row.who, row.phase) for row in rows] == [
        ("ada", LessonPhase.REPAIR), ("grace", LessonPhase.BREAK)
    ]  # fmt: skip
    assert (view.failing(), view.refused) == ((("code-not-key break/2", 2),), ())


@pytest.mark.parametrize(
    ("record", "is_stuck"),
    [
        (record_of(tries=4, seconds=100), False),
        (record_of(tries=5), True),
        (record_of(seconds=470), True),  # and ten more since
        (record_of(seconds=469), False),
        (record_of(tries=9, seconds=900, passed=True), False),
        (PracticeRecord.of([]), False),
    ],
)
def test_who_is_stuck_has_been_in_one_phase_for_long_or_often(
    record: PracticeRecord, is_stuck: bool, tmp_path: Path
) -> None:
    write(tmp_path, "ada-1.json", record)
    student = seen(tmp_path).students[0]
    row = student.row(1_010.9)
    assert (row.stuck, row.idle, student.row(0).idle) == (is_stuck, 10, 0)
    assert not student.row(1_000 + 30 * 60).stuck


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room


def future(path: Path) -> None:
    write(path.parent, path.name, record_of(), at=int(time.time()) + 3_600)


def text(content: str) -> object:
    return lambda path: path.write_text(content)


@pytest.mark.skipif(os.name == "nt", reason="no links, FIFOs and owners")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (link, "1:1: a link, not a regular file."),
        (folder, "1:1: a directory, not a regular file."),
        (fifo, "1:1: a FIFO, not a regular file."),
        (future, "1:1: the file is dated in the future."),
        (large, "1:1: It is larger than 64 KiB."),
        (text(""), "1:1: the file is empty, or its end is missing."),
        (text("[" * 60_000), "1:1: "),
        (text('{"format": 1,\n "exec": "id"}'), "2:2: “exec” means nothing here."),
        (text('{"format": 1, "authlens": "\\u202e", "made_at": ""}'), "1:15: “authlens”: Expected `str`"),
        (text("\x1b]0;owned\x07"), "1:1: no JSON: "),
    ],
)  # fmt: skip
def test_one_hostile_file_is_named_and_ignored(make: object, said: str, tmp_path: Path) -> None:
    write(tmp_path, "ada-1.json", record_of())
    make(tmp_path / "mallory-\x1b[2J.json")  # type: ignore[operator]
    view = seen(tmp_path)
    assert [student.who for student in view.students] == ["ada"]
    (refused,) = view.refused
    assert refused.startswith(f"mallory: mallory-\\e[2J.json:{said}")
    assert refused.isprintable()


def test_thirty_nine_of_forty_are_shown_and_the_hostile_one_is_named(tmp_path: Path) -> None:
    for number in range(39):
        write(tmp_path, f"student{number}-1.json", record_of())
    link(tmp_path / "mallory-1.json")
    shown = seen(tmp_path).as_json(1_000)
    assert (len(shown["students"]), shown["failing"]) == (
        39, [{"claim": "code-not-key break/2", "students": 39}]
    )  # fmt: skip
    assert shown["refused"] == ["mallory: mallory-1.json:1:1: a link, not a regular file."]


def test_many_files_of_one_owner_keep_no_one_else_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of each owner comes first, also where the time of a look is over after two files."""
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds) * 0.4)
    for number in range(MOST_OF_ONE + 1):
        write(tmp_path, f"mallory-{number}.json", record_of(), at=2_000 + number)
    write(tmp_path, "zoe-1.json", record_of())
    view = seen(tmp_path)
    assert [student.who for student in view.students] == ["mallory", "zoe"]
    assert view.refused == ("mallory: 51 files; the newest 50 were looked at.",)


def test_a_folder_with_too_many_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_folder, "MOST_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.json").touch()
    assert "more than 3 files" in seen(tmp_path).refused[0]


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "ada-1.json", record_of())
    folder = ClassFolder(tmp_path, lambda _, name: name.partition("-")[0])
    first = folder.read().students[0].record
    assert folder.read().students[0].record is first
    write(tmp_path, path.name, record_of(tries=2), at=1_001)
    assert folder.read().students[0].row(0).tries == 2


def test_a_record_that_is_too_large_keeps_the_moves_of_the_present_lesson() -> None:
    many = tuple(PointMove(arrow=1, part="x" * 200) for _ in range(64))
    entries = [
        LessonRecord(f"lesson-{n}", 1, f"sha256:{'0' * 64}", 1, RecordedVerdict(passed=True), moves=many)
        for n in range(14)
    ]
    data = content(PracticeRecord.of(entries, now=PracticeNow("lesson-3", LessonPhase.RUN)))
    assert len(data) <= LARGEST_CLASS_FILE
    kept = read_record(data, name="x").lessons
    assert [len(entry.moves) for entry in kept] == [64 if n == 3 else 0 for n in range(14)]
    assert json.loads(data)["now"]["lesson"] == "lesson-3"

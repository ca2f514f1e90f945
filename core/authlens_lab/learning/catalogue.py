"""The lessons and drills of the program, and the lessons of a file or folder that you name, read strictly.

What the emulator and the moves do not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from authlens_core.state.regular_file import read_user_path
from authlens_core.values.errors import FileUnusable, LessonRefused
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.word_files import words
from authlens_lab.emulator import faults_of
from authlens_lab.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_lab.emulator.weakness import Weakness
from authlens_lab.learning.claim import LOOT
from authlens_lab.learning.lesson import LETTERS, CourseLesson, Question
from authlens_lab.learning.moves import MOVES, LessonPhase
from authlens_lab.learning.row import SEATS
from authlens_lab.learning.strict_file import StrictFile, StrictToml, plain_text
from authlens_lab.learning.world import SWITCHES, PartyName

FOLDER: Final = Path(__file__).with_name("lessons")
LARGEST_FILE: Final = 256 * 1024  # bytes
MOST_FILES: Final = 64
_WORDS: Final = (*Weakness, *LOOT, *MOVES, *get_args(PartyName), *SEATS)
_ID_FORM: Final = "an id has 2 to 40 lower-case letters, digits and hyphens"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")


class _LessonFile(StrictFile, frozen=True):
    lessons: tuple[CourseLesson, ...] = field(name="lesson")


class Catalogue(Struct, frozen=True):
    """The lessons of a folder.

    Attributes:
        lessons: by their identifiers, in the order of the files.
        refusals: why each of the other files cannot be used.
    """

    lessons: Mapping[str, CourseLesson]
    refusals: tuple[LessonRefused, ...] = ()


def read_catalogue(root: Path = FOLDER) -> Catalogue:
    """Return every lesson of a folder, or of one file, that can be used.

    Raises:
        LessonRefused: the folder cannot be read.
    """
    lessons: dict[str, CourseLesson] = {}
    refusals: list[LessonRefused] = []
    for path in _files(root):
        try:
            # Without a refused file, or alone, a lesson may need one that is not there.
            is_whole = not refusals and path != root
            lessons |= _read(path, lessons, is_whole=is_whole, built_in=root == FOLDER)
        except LessonRefused as error:
            refusals.append(error)
    return Catalogue(lessons, tuple(refusals))


def _files(root: Path) -> list[Path]:
    if root.suffix == ".toml":
        return [root]
    try:
        paths = sorted(path for path in root.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise LessonRefused(f"{root.name}:1:1: {error.strerror}") from None
    if len(paths) > MOST_FILES:
        raise LessonRefused(f"{root.name}:1:1: {len(paths)} files of lessons, and {MOST_FILES} can be read")
    return paths


def _read(
    path: Path, others: Mapping[str, CourseLesson], *, is_whole: bool, built_in: bool
) -> dict[str, CourseLesson]:
    """Return the lessons of a file.

    Raises:
        LessonRefused: it is not as it has to be; the message has file, line, column and reason.
    """
    try:  # a link, or a device, may have replaced the file meanwhile
        data = read_user_path(path, LARGEST_FILE, display_path=Path("The file"), follow=False)
    except FileUnusable as error:
        raise LessonRefused(f"{path.name}:1:1: {error.cause}") from None
    toml = StrictToml(path.name, plain_text(data, path.name))
    read = dict(others)
    for index, lesson in enumerate(toml.convert(_LessonFile, _WORDS).lessons):
        lesson_path = f".lesson[{index}]"
        toml.require(
            _NAME.fullmatch(lesson.name),
            f"{lesson_path}.id",
            _ID_FORM,
        )
        toml.require(
            lesson.name not in read, f"{lesson_path}.id", f"another lesson has the id “{lesson.name}”"
        )
        for name in lesson.needs if is_whole else ():
            toml.require(name in read, f"{lesson_path}.needs", f"no lesson before it has the id “{name}”")
        _require_whole(toml, lesson_path, lesson)
        _require_names(toml, lesson_path, lesson)
        read[lesson.name] = replace(lesson, number=len(read) + 1, built_in=built_in)
    return {name: lesson for name, lesson in read.items() if name not in others}


def _require_whole(toml: StrictToml, lesson_path: str, lesson: CourseLesson) -> None:
    """Refuse a lesson that lacks a text, a claim or a phase that another part needs."""
    for letter, option in lesson.prediction.options.items():
        path = f"{lesson_path}.predict.{letter}"
        needed = "it has words after a “#”, and then claims"
        toml.require(option and option.sentence, path, needed)
    for phase in lesson.phases:
        for claim in lesson.claims_of(phase):
            needed = "each claim has its words before it, after a “#”"
            toml.require(claim.sentence, f"{lesson_path}.{phase}.claims", needed)
    has_attack = LessonPhase.BREAK in lesson.phases
    has_repair = LessonPhase.REPAIR in lesson.phases
    toml.require(has_attack or not has_repair, f"{lesson_path}.repair", "a repair follows an attack")
    can_draw = has_repair and LessonPhase.OBSERVE in lesson.phases
    toml.require(
        can_draw or not lesson.draws, f"{lesson_path}.fault[0]", "[observe] and [repair] are missing"
    )
    questions = lesson.questions
    ids = {question.name for question in questions}
    is_enough = len(ids) == len(questions) and len(ids) not in {1, 2}
    toml.require(
        is_enough,
        f"{lesson_path}.question[0].id",
        "a lesson has three questions or more, each with its own id",
    )
    for index, question in enumerate(questions):
        table = f"{lesson_path}.question[{index}]"
        one = "the options are a, b and c; one is right"
        toml.require(_has_one_right(question), f"{table}.right", f"{question.name}: {one}")
        is_judged = question.about.is_judged and question.about in lesson.phases
        toml.require(is_judged, f"{table}.about", "a question is about what run, break or repair sent")
    if lesson.drill.group is not None:
        return
    for name in ("can", "cures", "task", "solution"):
        is_there = getattr(lesson, name) or (lesson.draws and name == "solution")
        toml.require(is_there, lesson_path, f"“{name}” is missing")
    toml.require(lesson.run.text, lesson_path, "[run] is missing")
    missing = {*lesson.phases} - {LessonPhase.RUN, *lesson.hints}
    toml.require(
        not missing, f"{lesson_path}.hints", f"three hints are missing for: {', '.join(sorted(missing))}"
    )


def _has_one_right(question: Question) -> bool:
    """Return whether a key says which option is right, or a claim of each does."""
    judged = [bool(option) for option in question.options.values()]
    return question.right in LETTERS and not any(judged) if question.right else all(judged)


def _require_names(toml: StrictToml, lesson_path: str, lesson: CourseLesson) -> None:
    """Refuse names that the emulator does not know; `learn check` finds combinations that make no sense."""
    world = lesson.world
    draws = lesson.draws
    toml.allow(f"{lesson_path}.world.faults", world.faults, faults_of(world.profile))
    for name in world.victim:
        toml.allow(f"{lesson_path}.world.victim.{name}", (name,), VICTIM_SWITCHES)
    for index, fault in enumerate(draws):
        toml.allow(f"{lesson_path}.fault[{index}].name", (fault.fault,), faults_of(fault.profile))
        toml.allow(f"{lesson_path}.fault[{index}].repair", (fault.repair,), lesson.offer)
    toml.allow(f"{lesson_path}.repair.offer", lesson.offer, {*SWITCHES, *(fault.repair for fault in draws)})
    if lesson.attack.causes:
        causes = (
            entry.get("id", name) for table in words("causes").values() for name, entry in table.items()
        )
        toml.allow(f"{lesson_path}.break.causes", lesson.attack.causes, [*causes])


def new_lesson(name: str) -> str:
    """Return the file of a small whole lesson with this identifier, to start from.

    Raises:
        LessonRefused: it can be none.
    """
    if not _NAME.fullmatch(name):
        raise LessonRefused(f"“{safe_line(name, NAME)}”: {_ID_FORM}.")
    return Path(__file__).with_name("new_lesson.toml").read_text("utf-8").replace("NAME", name)


@cache
def _program_lessons() -> Mapping[str, CourseLesson]:
    catalogue = read_catalogue()
    if catalogue.refusals:
        raise catalogue.refusals[0]
    return catalogue.lessons


def lessons() -> Mapping[str, CourseLesson]:
    """Return the lessons of the program by their identifiers."""
    return {name: lesson for name, lesson in _program_lessons().items() if lesson.drill.group is None}


def drills() -> Mapping[str, CourseLesson]:
    """Return the drills of the program by their identifiers, in the order of the menu."""
    return {name: lesson for name, lesson in _program_lessons().items() if lesson.drill.group is not None}

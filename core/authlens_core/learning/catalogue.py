"""The lessons and drills of the program, and the lessons of a file or folder that you name, read strictly.

What the emulator and the moves do not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from authlens_core.emulator import Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.claim import LOOT
from authlens_core.learning.lesson import LETTERS, CourseLesson, Question, Walk
from authlens_core.learning.moves import MOVES, LessonPhase
from authlens_core.learning.row import SEATS
from authlens_core.learning.strict_file import StrictFile, StrictToml, plain_text
from authlens_core.learning.world import PARTIES, SWITCHES
from authlens_core.state.regular_file import read_named
from authlens_core.values.errors import FileUnusable, LessonRefused
from authlens_core.values.word_files import words

FOLDER: Final = Path(__file__).with_name("lessons")
LARGEST_FILE: Final = 256 * 1024  # bytes
MOST_FILES: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})


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
        data = read_named(path, LARGEST_FILE, shown=Path("The file"), follow=False)
    except FileUnusable as error:
        raise LessonRefused(f"{path.name}:1:1: {error.cause}") from None
    toml = StrictToml(path.name, plain_text(data, path.name))
    read = dict(others)
    for index, lesson in enumerate(toml.typed(_LessonFile).lessons):
        at = f".lesson[{index}]"
        toml.require(
            _NAME.fullmatch(lesson.name),
            f"{at}.id",
            "an id has 2 to 40 lower-case letters, digits and hyphens",
        )
        toml.require(lesson.name not in read, f"{at}.id", f"another lesson has the id “{lesson.name}”")
        for name in lesson.needs if is_whole else ():
            toml.require(name in read, f"{at}.needs", f"no lesson before it has the id “{name}”")
        for required in (_require_parts, _require_questions, _require_draws, _require_repair, _require_known):
            required(toml, at, lesson)
        read[lesson.name] = replace(lesson, number=len(read) + 1, built_in=built_in)
    return {name: lesson for name, lesson in read.items() if name not in others}


def _require_parts(toml: StrictToml, at: str, lesson: CourseLesson) -> None:
    drill, observation = lesson.drill, lesson.observation
    toml.require(not lesson.world.mended_by, f"{at}.world.mended_by", "“mended_by” means nothing here")
    can_judge = lesson.prediction.judged_on in {LessonPhase.RUN, LessonPhase.BREAK} & set(lesson.phases)
    toml.require(can_judge, f"{at}.predict.on", "a prediction is judged on run or on break")
    for letter, option in lesson.prediction.options.items():
        toml.require(
            option and option.words, f"{at}.predict.{letter}", "it has words after a “#”, and then claims"
        )
    for phase in lesson.phases:
        for claim in lesson.claims_of(phase):
            toml.require(
                claim.words, f"{at}.{phase}.claims", "each claim has its words before it, after a “#”"
            )
    if observation is not None:
        is_named = observation.row in {claim.named for claim in lesson.run.claims}
        toml.require(is_named, f"{at}.observe.row", f"no claim of [run] names a row “{observation.row}”")
    if drill.group is not None:
        both = bool(drill.brings) is (drill.walk is Walk.OTHER_CREDENTIAL)
        toml.require(both, f"{at}.drill.walk", "a drill brings a credential if its walk is other-credential")
        return
    for name in ("can", "cures", "task", "solution"):
        is_there = getattr(lesson, name) or (lesson.draws and name == "solution")
        toml.require(is_there, at, f"“{name}” is missing")
    toml.require(lesson.run.text, f"{at}.run", "“text” is missing")
    for phase in lesson.phases:
        is_there = phase is LessonPhase.RUN or phase in lesson.hints
        toml.require(is_there, f"{at}.hints", f"three hints for {phase} are missing")


def _require_questions(toml: StrictToml, at: str, lesson: CourseLesson) -> None:
    asked = lesson.questions
    is_enough = len(asked) == len({question.name for question in asked}) not in {1, 2}
    toml.require(
        is_enough, f"{at}.question[0].id", "a lesson has three questions or more, each with its own id"
    )
    for index, question in enumerate(asked):
        table, one = f"{at}.question[{index}]", "the options are a, b and c; one is right"
        toml.require(_has_one_right(question), f"{table}.right", f"{question.name}: {one}")
        is_judged = question.about.is_judged and question.about in lesson.phases
        toml.require(is_judged, f"{table}.about", "a question is about what run, break or repair sent")


def _has_one_right(question: Question) -> bool:
    """Return whether a key says which option is right, or a claim of each does."""
    judged = [bool(option) for option in question.options.values()]
    return question.right in LETTERS and not any(judged) if question.right else all(judged)


def _require_draws(toml: StrictToml, at: str, lesson: CourseLesson) -> None:
    """Refuse an observed part, or a world, that a lesson cannot have that draws a fault, or draws none."""
    world, attack, draws = lesson.world, lesson.attack, lesson.draws
    for index, fault in enumerate(draws):
        table, offered = f"{at}.fault[{index}]", f"“{fault.repair}” is not offered by [repair]"
        toml.require(fault.repair in lesson.offer, f"{table}.repair", offered)
        toml.require(fault.parts, f"{table}.parts", "name the parts that show the fault")
    if lesson.observation is not None:
        once = bool(draws) is not bool(lesson.observation.parts)
        toml.require(
            once, f"{at}.observe.parts", "the parts to point at are here, or with each fault that is drawn"
        )
    if attack is not None:
        both = bool(draws) is bool(attack.causes)
        named = "causes are named in a lesson that draws a fault, and only there"
        toml.require(both, f"{at}.break.causes", named)
    if draws or world.profile is Profile.ACCESS:
        more = {*world.weaknesses, *world.parties}
        more |= {*attack.loot, *attack.moves} - _MOVES_EVERYWHERE if attack else set()
        toml.require(
            not more, f"{at}.world.profile", "this world has no weaknesses, parties, loot or such moves"
        )
        for switch in set(lesson.offer) - {fault.repair for fault in draws}:
            toml.refuse(f"{at}.repair.offer", f"“{switch}” ends none of the faults")


def _require_repair(toml: StrictToml, at: str, lesson: CourseLesson) -> None:
    repair, draws = lesson.repair, lesson.draws
    if repair is None:
        return
    toml.require(lesson.attack, f"{at}.repair", "a repair follows an attack")
    for switches in repair.sound:
        is_right = switches <= set(repair.offer) and len(switches) <= repair.budget
        toml.require(
            is_right, f"{at}.repair.sound", "each set is of switches that are offered, within the budget"
        )
    drawn = draws and repair.sound
    toml.require(not drawn, f"{at}.repair.sound", "each fault that is drawn names the switch that ends it")
    has_switches, has_sound = bool(repair.offer), bool(repair.sound or draws)
    either = has_switches is has_sound is not bool(repair.moves)
    toml.require(either, f"{at}.repair", "a repair has either switches with a sound set, or moves")


def _require_known(toml: StrictToml, at: str, lesson: CourseLesson) -> None:
    """Refuse names that the emulator or the moves do not know."""
    world, attack, repair = lesson.world, lesson.attack, lesson.repair
    toml.allow(f"{at}.world.faults", world.faults, faults_of(world.profile))
    toml.allow(f"{at}.world.weaknesses", world.weaknesses, [*Weakness])
    toml.allow(f"{at}.world.parties", world.parties, PARTIES)
    for name in world.victim:
        toml.allow(f"{at}.world.victim.{name}", (name,), VICTIM_SWITCHES)
    for index, fault in enumerate(lesson.draws):
        toml.allow(f"{at}.fault[{index}].name", (fault.fault,), faults_of(fault.profile))
    toml.allow(f"{at}.repair.offer", lesson.offer, {*SWITCHES, *(fault.repair for fault in lesson.draws)})
    if attack is not None:
        causes = (
            entry.get("id", name) for table in words("causes").values() for name, entry in table.items()
        )
        toml.allow(f"{at}.break.seat", (attack.seat,), SEATS)
        toml.allow(f"{at}.break.loot", attack.loot, LOOT)
        toml.allow(f"{at}.break.moves", attack.moves, MOVES)
        toml.allow(f"{at}.break.causes", attack.causes, [*causes] if attack.causes else ())
    if repair is not None:
        toml.allow(f"{at}.repair.moves", repair.moves, MOVES)


@cache
def _of_the_program() -> Mapping[str, CourseLesson]:
    catalogue = read_catalogue()
    if catalogue.refusals:
        raise catalogue.refusals[0]
    return catalogue.lessons


def lessons() -> Mapping[str, CourseLesson]:
    """Return the lessons of the program by their identifiers."""
    return {name: lesson for name, lesson in _of_the_program().items() if lesson.drill.group is None}


def drills() -> Mapping[str, CourseLesson]:
    """Return the drills of the program by their identifiers, in the order of the menu."""
    return {name: lesson for name, lesson in _of_the_program().items() if lesson.drill.group is not None}

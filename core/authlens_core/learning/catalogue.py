"""The lessons of the program, and those of a folder that you name: each `lesson.toml` is read strictly.

What the emulator and the moves do not know is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.emulator import Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.claim import LOOT
from authlens_core.learning.lesson import (
    LETTERS,
    QUESTIONS,
    CourseLesson,
    LessonPhase,
    LessonTable,
    Question,
)
from authlens_core.learning.lesson_folder import MOST_FILES, LessonFolder, read_folder, read_words
from authlens_core.learning.moves import KINDS
from authlens_core.learning.row import SEATS
from authlens_core.learning.strict_file import ID_FORM, NAME, StrictToml
from authlens_core.learning.world import PARTIES, SWITCHES
from authlens_core.values.errors import LessonRefused
from authlens_core.values.word_files import words

FILE: Final = "lesson.toml"
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})


def read_lesson(folder: LessonFolder, *, number: int = 1, built_in: bool = True) -> CourseLesson:
    """Return the lesson of a folder.

    Raises:
        LessonRefused: a file is not as it has to be; the message has file, line, column and reason.
    """
    toml = StrictToml(folder.place(FILE), folder.text(FILE))
    given = toml.typed(LessonTable)
    for required in (_require_parts, _require_draws, _require_repair, _require_known):
        required(toml, given)
    read = {field: getattr(given, field) for field in given.__struct_fields__}
    return CourseLesson(
        **read,
        words=read_words(folder, given),
        digest=folder.digest,
        number=number,
        built_in=built_in,
    )


def _require_parts(toml: StrictToml, given: LessonTable) -> None:
    require = toml.require
    mended = given.world.mended_by  # the seed says it
    require(not mended, "world", "mended_by", "“mended_by” means nothing here")
    row, asked = given.observation.row, given.questions
    is_named = row in {claim.named for claim in given.run.claims}
    require(is_named, "observe", "row", f"no claim of [run] names a row “{row}”")
    require(NAME.fullmatch(given.name), "", "id", ID_FORM)
    can_judge = given.prediction.judged_on in {LessonPhase.RUN, LessonPhase.BREAK}
    require(can_judge, "predict", "on", "a prediction is judged on run or on break")
    are_enough = len(asked) == len({question.name for question in asked}) == QUESTIONS
    require(are_enough, "question", "id", f"a lesson has {QUESTIONS} questions, each with its own id")
    for index, question in enumerate(asked):
        table, one = f"question[{index}]", "the options are a, b and c; one is right"
        require(_has_one_right(question), table, "right", f"{question.name}: {one}")
        told = question.about.is_judged
        require(told, table, "about", "a question is about what run, break or repair sent")


def _has_one_right(question: Question) -> bool:
    """Return whether a key says which option is right, or a claim of each does."""
    claims = question.claims.keys()
    judged = claims == set(LETTERS) if not question.right else not claims and question.right in LETTERS
    return judged and question.cures.keys() <= set(LETTERS) - {question.right}


def _require_draws(toml: StrictToml, given: LessonTable) -> None:
    """Refuse an observed part, or a world, that a lesson cannot have that draws a fault, or draws none."""
    world, attack, offer, draws = given.world, given.attack, given.repair.offer, given.draws
    for index, fault in enumerate(draws):
        table, offered = f"fault[{index}]", f"“{fault.repair}” is not offered by [repair]"
        toml.require(fault.repair in offer, table, "repair", offered)
        toml.require(fault.parts, table, "parts", "name the parts that show the fault")
    once = bool(draws) is not bool(given.observation.parts)
    toml.require(once, "observe", "part", "the part to point at is here, or with each fault that is drawn")
    both = bool(draws) is bool(attack.causes)
    named = "causes are named in a lesson that draws a fault, and only there"
    toml.require(both, "break", "causes", named)
    if draws or world.profile is Profile.ACCESS:
        more = world.weaknesses or world.parties or attack.loot or set(attack.moves) - _MOVES_EVERYWHERE
        none = "this world has no weaknesses, parties, loot or such moves"
        toml.require(not more, "world", "profile", none)
        for switch in set(offer) - {fault.repair for fault in draws}:
            toml.refuse("repair", "offer", f"“{switch}” ends none of the faults")


def _require_repair(toml: StrictToml, given: LessonTable) -> None:
    repair, draws = given.repair, given.draws
    for switches in repair.sound:
        is_right = switches <= set(repair.offer) and len(switches) <= repair.budget
        why = "each set is of switches that are offered, within the budget"
        toml.require(is_right, "repair", "sound", why)
    drawn = draws and repair.sound
    toml.require(not drawn, "repair", "sound", "each fault that is drawn names the switch that ends it")
    has_switches, has_sound = bool(repair.offer), bool(repair.sound or draws)
    either = has_switches is has_sound is not bool(repair.moves)
    toml.require(either, "repair", "offer", "a repair has either switches with a sound set, or moves")


def _require_known(toml: StrictToml, given: LessonTable) -> None:
    """Refuse names that the emulator or the moves do not know."""
    world, attack, repair = given.world, given.attack, given.repair
    toml.known("world", "faults", world.faults, faults_of(world.profile))
    toml.known("world", "weaknesses", world.weaknesses, [*Weakness])
    toml.known("world", "parties", world.parties, PARTIES)
    toml.known("break", "seat", (attack.seat,), SEATS)
    toml.known("break", "loot", attack.loot, LOOT)
    toml.known("break", "moves", attack.moves, KINDS)
    if attack.causes:
        known = (entry.get("id", name) for table in words("causes").values() for name, entry in table.items())
        toml.known("break", "causes", attack.causes, [*known])
    toml.known("repair", "moves", repair.moves, KINDS)
    toml.known("repair", "offer", repair.offer, {*SWITCHES, *(fault.repair for fault in given.draws)})
    for index, fault in enumerate(given.draws):
        toml.known(f"fault[{index}]", "name", (fault.fault,), faults_of(fault.profile))
    for name in world.victim:
        toml.known("world.victim", name, (name,), VICTIM_SWITCHES)


FOLDER: Final = Path(__file__).with_name("lessons")


class Catalogue(Struct, frozen=True):
    """The lessons below a folder.

    Attributes:
        entries: each lesson with its folder, in the order of the folders' names.
        refusals: why each of the others cannot be used.
    """

    entries: tuple[tuple[LessonFolder, CourseLesson], ...]
    refusals: tuple[LessonRefused, ...] = ()

    @property
    def lessons(self) -> Mapping[str, CourseLesson]:
        """The lessons by their identifiers."""
        return {lesson.name: lesson for _, lesson in self.entries}


def read_catalogue(root: Path = FOLDER) -> Catalogue:
    """Return every lesson that can be used; see `read_lesson`.

    Raises:
        LessonRefused: the folder cannot be read.
    """
    entries: list[tuple[LessonFolder, CourseLesson]] = []
    refusals: list[LessonRefused] = []
    for number, path in enumerate(_paths(root), 1):
        names = [lesson.name for _, lesson in entries]
        try:
            folder = read_folder(path)
            lesson = read_lesson(folder, number=number, built_in=root == FOLDER)
            _require_its_place(folder, lesson, names, is_whole=not refusals)
        except LessonRefused as error:
            refusals.append(error)
        else:
            entries.append((folder, lesson))
    return Catalogue(tuple(entries), tuple(refusals))


def _paths(root: Path) -> Sequence[Path]:
    try:
        paths = sorted(path for path in root.iterdir() if not path.name.startswith((".", "_")))
    except OSError as error:
        raise LessonRefused(f"{root.name}:1:1: {error.strerror}") from None
    if len(paths) > MOST_FILES:
        raise LessonRefused(f"{root.name}:1:1: {len(paths)} lessons, and {MOST_FILES} can be read")
    return paths


def _require_its_place(
    folder: LessonFolder, lesson: CourseLesson, names: Collection[str], *, is_whole: bool
) -> None:
    """Refuse a lesson with the identifier of another, or that needs one that is not before it.

    Args:
        names: the lessons before it.
        is_whole: whether no lesson before it was refused; otherwise it may need that one.
    """
    place = folder.place(FILE)
    if lesson.name in names:
        raise LessonRefused(f"{place}:1:1: another lesson has the id “{lesson.name}”")
    missing = [name for name in lesson.needs if name not in names]
    if missing and is_whole:
        raise LessonRefused(f"{place}:1:1: no lesson before it has the id “{missing[0]}”")


def lessons(root: Path = FOLDER) -> Mapping[str, CourseLesson]:
    """Return every lesson by its identifier; see `read_catalogue`.

    Raises:
        LessonRefused: one cannot be used.
    """
    catalogue = read_catalogue(root)
    if catalogue.refusals:
        raise catalogue.refusals[0]
    return catalogue.lessons

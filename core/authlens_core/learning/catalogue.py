"""The lessons of the program, and those of a folder that you name: each `lesson.toml` is read strictly.

What the emulator and the moves do not know is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from authlens_core.emulator import Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase, LessonTable, Question
from authlens_core.learning.lesson_folder import MOST_FILES, LessonFolder, read_folder
from authlens_core.learning.moves import KINDS, LOOT
from authlens_core.learning.row import SEATS
from authlens_core.learning.strict_file import NAME, StrictToml
from authlens_core.learning.words_file import LessonWords, read_words
from authlens_core.learning.world import PARTIES, SWITCHES
from authlens_core.values.errors import LessonRefused
from authlens_core.values.word_files import words

FILE: Final = "lesson.toml"
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})
_LETTERS: Final = frozenset("abc")

_Slip = tuple[object, str, str, str]
"""Whether it is there, the table and the key that it is at, and the reason."""


def read_lesson(folder: LessonFolder, *, built_in: bool = True) -> CourseLesson:
    """Return the lesson of a folder; its words are read by `words_file`.

    Raises:
        LessonRefused: the file is no lesson of this format; the message has file, line, column and reason.
    """
    toml = StrictToml(folder.place(FILE), folder.text(FILE))
    given = toml.typed(LessonTable)
    for is_there, table, key, reason in (*_slips(given), *_slips_of_draws(given), *_slips_of_repair(given)):
        if is_there:
            toml.refuse(table, key, reason)
    for table, key, names, known in _names(given):
        for name in names:
            toml.known(table, key, name, known)
    read = {field: getattr(given, field) for field in given.__struct_fields__}
    return CourseLesson(**read, digest=folder.digest, built_in=built_in)


def _slips(given: LessonTable) -> Iterator[_Slip]:
    for key in ("mended_by", "mark"):  # the seed and the ticket say these
        yield getattr(given.world, key), "world", key, f"“{key}” means nothing here"
    row, asked = given.observation.row, given.questions
    is_named = row in {claim.named for claim in given.run.claims}
    yield not is_named, "observe", "row", f"no claim of [run] names a row “{row}”"
    is_name = NAME.fullmatch(given.name)
    yield not is_name, "", "id", "an id has 2 to 40 lower-case letters, digits and hyphens"
    can_judge = given.prediction.judged_on in {LessonPhase.RUN, LessonPhase.BREAK}
    yield not can_judge, "predict", "on", "a prediction is judged on run or on break"
    are_enough = len(asked) == len({question.name for question in asked}) == QUESTIONS
    yield not are_enough, "question", "id", f"a lesson has {QUESTIONS} questions, each with its own id"
    for index, question in enumerate(asked):
        table = f"question[{index}]"
        yield not _has_one_right(question), table, "right", f"{question.name}: {_ONE_IS_RIGHT}"
        told = question.about.is_judged
        yield not told, table, "about", "a question is about what run, break or repair sent"


_ONE_IS_RIGHT: Final = "the options are a, b and c; one is right"


def _has_one_right(question: Question) -> bool:
    """Return whether a key says which option is right, or a claim of each does."""
    claims = question.options.keys()
    judged = claims == _LETTERS if not question.right else not claims and question.right in _LETTERS
    return judged and question.cures.keys() <= _LETTERS - {question.right}


def _slips_of_draws(given: LessonTable) -> Iterator[_Slip]:
    """Yield what an observed part, or a world, of a lesson cannot be that draws a fault, or draws none."""
    world, attack, offer, draws = given.world, given.attack, given.repair.offer, given.draws
    for index, fault in enumerate(draws):
        table, is_offered = f"fault[{index}]", fault.repair in offer
        yield not is_offered, table, "repair", f"“{fault.repair}” is not offered by [repair]"
        yield not fault.parts, table, "parts", "name the parts that show the fault"
    both = bool(draws) is bool(given.observation.parts)
    yield both, "observe", "part", "the part to point at is here, or with each fault that is drawn"
    one = bool(draws) is not bool(attack.causes)
    yield one, "break", "causes", "causes are named in a lesson that draws a fault, and only there"
    if draws or world.profile is Profile.ACCESS:
        more = world.weaknesses or world.parties or attack.loot or set(attack.moves) - _MOVES_EVERYWHERE
        yield more, "world", "profile", "this world has no weaknesses, parties, loot or such moves"
        for switch in set(offer) - {fault.repair for fault in draws}:
            yield switch, "repair", "offer", f"“{switch}” ends none of the faults"


def _slips_of_repair(given: LessonTable) -> Iterator[_Slip]:
    repair, draws = given.repair, given.draws
    for switches in repair.sound:
        is_wrong = not switches <= set(repair.offer) or len(switches) > repair.budget
        yield is_wrong, "repair", "sound", "each set is of switches that are offered, within the budget"
    drawn = draws and repair.sound
    yield drawn, "repair", "sound", "each fault that is drawn names the switch that ends it"
    has_switches, has_sound = bool(repair.offer), bool(repair.sound or draws)
    mixed = has_switches is not has_sound or has_switches is bool(repair.moves)
    yield mixed, "repair", "offer", "a repair has either switches with a sound set, or moves"


def _names(given: LessonTable) -> Iterator[tuple[str, str, Collection[str], Collection[str]]]:
    """Yield names that the emulator or the moves have to know: their table and key, and the known ones."""
    world, attack, repair = given.world, given.attack, given.repair
    yield "world", "faults", world.faults, _faults(world.profile)
    yield "world", "weaknesses", world.weaknesses, [weakness.value for weakness in Weakness]
    yield "world", "parties", world.parties, PARTIES
    yield "break", "seat", (attack.seat,), SEATS
    yield "break", "loot", attack.loot, LOOT
    yield "break", "moves", attack.moves, KINDS
    if attack.causes:
        known = (entry.get("id", name) for table in words("causes").values() for name, entry in table.items())
        yield "break", "causes", attack.causes, [*known]
    yield "repair", "moves", repair.moves, KINDS
    yield "repair", "offer", repair.offer, {*SWITCHES, *(fault.repair for fault in given.draws)}
    for index, fault in enumerate(given.draws):
        yield f"fault[{index}]", "name", (fault.fault,), _faults(fault.profile)
    for name in world.victim:
        yield "world.victim", name, (name,), VICTIM_SWITCHES


def _faults(profile: Profile) -> list[str]:
    """Return the faults of a profile, by name."""
    return [fault.value for fault in faults_of(profile)]


FOLDER: Final = Path(__file__).with_name("lessons")


def folders(root: Path = FOLDER) -> tuple[LessonFolder, ...]:
    """Return the lesson folders below `root`, in the order of their names.

    Raises:
        LessonRefused: the folder cannot be read, or what is in it is no lesson.
    """
    try:
        names = sorted(path.name for path in root.iterdir() if not path.name.startswith((".", "_")))
    except OSError as error:
        raise LessonRefused(f"{root.name}:1:1: {error.strerror}") from None
    if len(names) > MOST_FILES:
        raise LessonRefused(f"{root.name}:1:1: {len(names)} lessons, and {MOST_FILES} can be read")
    for name in names:
        if (root / name).is_symlink():
            raise LessonRefused(f"{name}:1:1: a lesson is a folder, and no link")
    return tuple(read_folder(root / name) for name in names)


def lessons(root: Path = FOLDER) -> Mapping[str, tuple[CourseLesson, Mapping[str, LessonWords]]]:
    """Return every lesson with its words, by its identifier.

    Raises:
        LessonRefused: one cannot be used, has the identifier of another, or needs one that is not before it.
    """
    read: dict[str, tuple[CourseLesson, Mapping[str, LessonWords]]] = {}
    for folder in folders(root):
        lesson = read_lesson(folder, built_in=root == FOLDER)
        place = folder.place("lesson.toml")
        if lesson.name in read:
            raise LessonRefused(f"{place}:1:1: another lesson has the id “{lesson.name}”")
        for needed in lesson.needs:
            if needed not in read:
                raise LessonRefused(f"{place}:1:1: no lesson before it has the id “{needed}”")
        read[lesson.name] = lesson, read_words(folder, lesson)
    return read

"""A `lesson.toml`, read strictly: what the emulator and the moves do not know is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from authlens_core.emulator import Fault, Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase, LessonTable
from authlens_core.learning.lesson_folder import LessonFolder
from authlens_core.learning.moves import KINDS, LOOT
from authlens_core.learning.row import SEATS
from authlens_core.learning.strict_toml import StrictToml
from authlens_core.learning.world import PARTIES, SWITCHES

FILE: Final = "lesson.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})
_LETTERS: Final = ("a", "b", "c")


def read_lesson(folder: LessonFolder, *, built_in: bool = True) -> CourseLesson:
    """Return the lesson of a folder; its words are read by `words_file`.

    Raises:
        LessonRefused: the file is no lesson of this format; the message has file, line, column and reason.
    """
    return _Reader(folder).lesson(built_in=built_in)


class _Reader:
    def __init__(self, folder: LessonFolder) -> None:
        self._folder = folder
        self._toml = StrictToml(folder.place(FILE), folder.text(FILE))

    def lesson(self, *, built_in: bool) -> CourseLesson:
        given = self._toml.typed(LessonTable)
        self._check(given)
        known = {field: getattr(given, field) for field in given.__struct_fields__}
        return CourseLesson(**known, digest=self._folder.digest, built_in=built_in)

    def _check(self, given: LessonTable) -> None:
        for key in ("mended_by", "mark"):  # the seed and the ticket say these
            if getattr(given.world, key):
                self._toml.refuse("world", key, f"“{key}” means nothing here")
        if given.observation.row not in {claim.named for claim in given.run.claims}:
            self._toml.refuse("observe", "row", f"no claim of [run] names a row “{given.observation.row}”")
        if not _NAME.fullmatch(given.name):
            self._toml.refuse("", "id", "an id has 2 to 40 lower-case letters, digits and hyphens")
        if given.prediction.judged_on not in (LessonPhase.RUN, LessonPhase.BREAK):
            self._toml.refuse("predict", "on", "a prediction is judged on run or on break")
        self._check_questions(given)
        self._check_repair(given)
        self._check_drawn(given)
        for table, key, name, known in _names(given):
            self._toml.known(table, key, name, known)

    def _check_questions(self, given: LessonTable) -> None:
        if (
            len(given.questions) != QUESTIONS
            or len({question.name for question in given.questions}) != QUESTIONS
        ):
            self._toml.refuse("question", "id", f"a lesson has {QUESTIONS} questions, each with its own id")
        for index, question in enumerate(given.questions):
            claims = set(question.options)
            wrong = set(_LETTERS) - {question.right}
            keyed = question.right in _LETTERS and not claims
            judged = not question.right and len(claims) == len(_LETTERS)
            if not (keyed or judged) or not set(question.cures) <= wrong:
                self._toml.refuse(
                    f"question[{index}]",
                    "right",
                    f"{question.name}: the options are a, b and c; one is right",
                )
            if not question.about.is_judged:
                self._toml.refuse(
                    f"question[{index}]", "about", "a question is about what run, break or repair sent"
                )

    def _check_drawn(self, given: LessonTable) -> None:
        """Refuse a lesson with an observed part, or a sound set, that is not that of the fault it draws."""
        for index, fault in enumerate(given.draws):
            if fault.repair not in given.repair.offer:
                self._toml.refuse(f"fault[{index}]", "repair", f"“{fault.repair}” is not offered by [repair]")
            if not fault.parts:
                self._toml.refuse(f"fault[{index}]", "parts", "name the parts that show the fault")
        if bool(given.draws) is bool(given.observation.parts):
            self._toml.refuse(
                "observe", "part", "the part to point at is here, or with each fault that is drawn"
            )
        if bool(given.draws) is not bool(given.attack.causes):
            self._toml.refuse(
                "break", "causes", "causes are named in a lesson that draws a fault, and only there"
            )
        if not given.draws and given.world.profile is not Profile.ACCESS:
            return
        world, attack = given.world, given.attack
        if world.weaknesses or world.parties or attack.loot or set(attack.moves) - _MOVES_EVERYWHERE:
            self._toml.refuse("world", "profile", "this world has no weaknesses, parties, loot or such moves")
        for switch in given.repair.offer:
            if switch not in {fault.repair for fault in given.draws}:
                self._toml.refuse("repair", "offer", f"“{switch}” ends none of the faults")

    def _check_repair(self, given: LessonTable) -> None:
        offered = set(given.repair.offer)
        for switches in given.repair.sound:
            if not set(switches) <= offered or len(switches) > given.repair.budget:
                self._toml.refuse(
                    "repair", "sound", "each set is of switches that are offered, within the budget"
                )
        if given.draws and given.repair.sound:
            self._toml.refuse("repair", "sound", "each fault that is drawn names the switch that ends it")
        sound = given.repair.sound or given.draws
        if bool(offered) is not bool(sound) or bool(offered) is bool(given.repair.moves):
            self._toml.refuse("repair", "offer", "a repair has either switches with a sound set, or moves")


def _names(given: LessonTable) -> Iterator[tuple[str, str, str, Collection[str]]]:
    """Yield each name that the emulator or the moves have to know: its table, its key, and the known ones."""
    world = given.world
    lists: tuple[tuple[str, str, tuple[str, ...], Collection[str]], ...] = (
        ("world", "faults", world.faults, _faults(world.profile)),
        ("world", "weaknesses", world.weaknesses, [weakness.value for weakness in Weakness]),
        ("world", "parties", world.parties, PARTIES),
        ("break", "seat", (given.attack.seat,), SEATS),
        ("break", "loot", given.attack.loot, LOOT),
        ("break", "moves", given.attack.moves, KINDS),
        ("repair", "moves", given.repair.moves, KINDS),
        ("repair", "offer", given.repair.offer, {*SWITCHES, *(fault.repair for fault in given.draws)}),
        *(
            (f"fault[{index}]", "name", (fault.fault,), _faults(fault.profile))
            for index, fault in enumerate(given.draws)
        ),
    )
    for table, key, names, known in lists:
        for name in names:
            yield table, key, name, known
    for name in world.victim:
        yield "world.victim", name, name, VICTIM_SWITCHES


def _faults(profile: Profile) -> list[str]:
    """Return the faults of a profile, by name."""
    return [fault.value for fault in (Fault if profile is Profile.ACCESS else faults_of(profile))]

"""A `lesson.toml`, read strictly: what the emulator and the moves do not know is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from authlens_core.emulator import Fault, Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.claim import Claim
from authlens_core.learning.lesson import (
    QUESTIONS,
    Attack,
    CourseLesson,
    DrawnFault,
    LessonPhase,
    ObservedPart,
    Prediction,
    Question,
    Repair,
    WorldSettings,
)
from authlens_core.learning.lesson_folder import LessonFolder
from authlens_core.learning.moves import KINDS, LOOT
from authlens_core.learning.row import SEATS
from authlens_core.learning.strict_toml import StrictTable, StrictToml
from authlens_core.learning.world import PARTIES, SWITCHES
from authlens_core.values.check import CauseId

FILE: Final = "lesson.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})
_LETTERS: Final = ("a", "b", "c")


class _World(StrictTable, frozen=True):
    profile: Profile = Profile.GENERIC
    faults: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    victim: dict[str, bool] = msgspec.field(default_factory=dict)
    token_lifetime: int = 60


class _Predict(StrictTable, frozen=True):
    a: str
    b: str
    c: str = ""
    on: LessonPhase = LessonPhase.BREAK


class _Run(StrictTable, frozen=True):
    claims: str


class _Observe(StrictTable, frozen=True):
    row: str
    part: str = ""


class _Break(StrictTable, frozen=True):
    claims: str
    seat: str = "mallory"
    loot: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    most: int = 6
    causes: tuple[CauseId, ...] = ()


class _Repair(StrictTable, frozen=True):
    claims: str
    offer: tuple[str, ...] = ()
    budget: int = 1
    sound: tuple[tuple[str, ...], ...] = ()
    moves: tuple[str, ...] = ()


class _Question(StrictTable, frozen=True):
    id: str
    right: str = ""
    a: str = ""
    b: str = ""
    c: str = ""
    cures: dict[str, str] = msgspec.field(default_factory=dict)


class _Fault(StrictTable, frozen=True):
    profile: Profile
    name: str
    repair: str
    parts: tuple[str, ...]


class _Lesson(StrictTable, frozen=True):
    format: int
    id: str
    version: int
    minutes: int
    predict: _Predict
    run: _Run
    observe: _Observe
    attack: _Break = msgspec.field(name="break")
    repair: _Repair
    question: tuple[_Question, ...]
    needs: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    world: _World = _World()
    fault: tuple[_Fault, ...] = ()


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
        given = self._toml.typed(_Lesson)
        self._check(given)
        attack = Attack(
            given.attack.seat,
            self._toml.claims("break", "claims", given.attack.claims),
            given.attack.loot,
            given.attack.moves,
            given.attack.most,
            given.attack.causes,
        )
        repair = Repair(
            self._toml.claims("repair", "claims", given.repair.claims),
            given.repair.offer,
            given.repair.budget,
            tuple(frozenset(switches) for switches in given.repair.sound),
            given.repair.moves,
        )
        run_claims = self._toml.claims("run", "claims", given.run.claims)
        if given.observe.row not in {claim.named for claim in run_claims}:
            self._toml.refuse("observe", "row", f"no claim of [run] names a row “{given.observe.row}”")
        return CourseLesson(
            name=given.id,
            version=given.version,
            minutes=given.minutes,
            needs=given.needs,
            specs=given.specs,
            world=WorldSettings(**msgspec.structs.asdict(given.world)),
            prediction=Prediction(dict(self._options(given.predict)), given.predict.on),
            run_claims=run_claims,
            observation=ObservedPart(given.observe.row, (given.observe.part,)),
            attack=attack,
            repair=repair,
            questions=tuple(self._questions(given.question)),
            digest=self._folder.digest,
            built_in=built_in,
            draws=tuple(
                DrawnFault(fault.profile, fault.name, fault.repair, fault.parts) for fault in given.fault
            ),
        )

    def _check(self, given: _Lesson) -> None:
        if not _NAME.fullmatch(given.id):
            self._toml.refuse("", "id", "an id has 2 to 40 lower-case letters, digits and hyphens")
        if given.predict.on not in (LessonPhase.RUN, LessonPhase.BREAK):
            self._toml.refuse("predict", "on", "a prediction is judged on run or on break")
        if len(given.question) != QUESTIONS or len({question.id for question in given.question}) != QUESTIONS:
            self._toml.refuse("question", "id", f"a lesson has {QUESTIONS} questions, each with its own id")
        for index, question in enumerate(given.question):
            claims = {letter for letter in _LETTERS if getattr(question, letter)}
            wrong = set(_LETTERS) - {question.right}
            keyed = question.right in _LETTERS and not claims
            judged = not question.right and len(claims) == len(_LETTERS)
            if not (keyed or judged) or not set(question.cures) <= wrong:
                self._toml.refuse(
                    f"question[{index}]", "right", f"{question.id}: the options are a, b and c; one is right"
                )
        self._check_repair(given)
        self._check_drawn(given)
        for table, key, name, known in _names(given):
            self._toml.known(table, key, name, known)

    def _check_drawn(self, given: _Lesson) -> None:
        """Refuse a lesson with an observed part, or a sound set, that is not that of the fault it draws."""
        for index, fault in enumerate(given.fault):
            if fault.repair not in given.repair.offer:
                self._toml.refuse(f"fault[{index}]", "repair", f"“{fault.repair}” is not offered by [repair]")
            if not fault.parts:
                self._toml.refuse(f"fault[{index}]", "parts", "name the parts that show the fault")
        if bool(given.fault) is bool(given.observe.part):
            self._toml.refuse(
                "observe", "part", "the part to point at is here, or with each fault that is drawn"
            )
        if bool(given.fault) is not bool(given.attack.causes):
            self._toml.refuse(
                "break", "causes", "causes are named in a lesson that draws a fault, and only there"
            )
        if not given.fault and given.world.profile is not Profile.ACCESS:
            return
        world, attack = given.world, given.attack
        if world.weaknesses or world.parties or attack.loot or set(attack.moves) - _MOVES_EVERYWHERE:
            self._toml.refuse("world", "profile", "this world has no weaknesses, parties, loot or such moves")
        for switch in given.repair.offer:
            if switch not in {fault.repair for fault in given.fault}:
                self._toml.refuse("repair", "offer", f"“{switch}” ends none of the faults")

    def _check_repair(self, given: _Lesson) -> None:
        offered = set(given.repair.offer)
        for switches in given.repair.sound:
            if not set(switches) <= offered or len(switches) > given.repair.budget:
                self._toml.refuse(
                    "repair", "sound", "each set is of switches that are offered, within the budget"
                )
        if given.fault and given.repair.sound:
            self._toml.refuse("repair", "sound", "each fault that is drawn names the switch that ends it")
        sound = given.repair.sound or given.fault
        if bool(offered) is not bool(sound) or bool(offered) is bool(given.repair.moves):
            self._toml.refuse("repair", "offer", "a repair has either switches with a sound set, or moves")

    def _questions(self, given: tuple[_Question, ...]) -> Iterator[Question]:
        for index, question in enumerate(given):
            options = {
                letter: self._toml.claims(f"question[{index}]", letter, text)
                for letter in _LETTERS
                if (text := getattr(question, letter))
            }
            yield Question(question.id, question.right, options, question.cures)

    def _options(self, given: _Predict) -> Iterator[tuple[str, tuple[Claim, ...]]]:
        for letter in _LETTERS:
            if text := getattr(given, letter):
                yield letter, self._toml.claims("predict", letter, text)


def _names(given: _Lesson) -> Iterator[tuple[str, str, str, Collection[str]]]:
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
        ("repair", "offer", given.repair.offer, {*SWITCHES, *(fault.repair for fault in given.fault)}),
        *(
            (f"fault[{index}]", "name", (fault.name,), _faults(fault.profile))
            for index, fault in enumerate(given.fault)
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

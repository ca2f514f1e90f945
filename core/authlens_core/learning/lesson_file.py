"""A `lesson.toml`, read strictly: an unknown key is an error, because a slip must not ease a lesson."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final, NoReturn

import msgspec

from authlens_core.emulator import Fault, Profile, faults_of
from authlens_core.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_core.emulator.standard.weakness import Weakness
from authlens_core.learning.claim import Claim, LessonRefused
from authlens_core.learning.claim_text import read_claims
from authlens_core.learning.lesson import (
    FORMAT,
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
from authlens_core.learning.moves import VERBS
from authlens_core.learning.row import SEATS
from authlens_core.learning.world import LOOT, PARTIES, SWITCHES
from authlens_core.values.diagnosis import CauseId

FILE: Final = "lesson.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_MOVES_EVERYWHERE: Final = frozenset({"login", "name"})
_LETTERS: Final = ("a", "b", "c")
# What msgspec says of a value: the reason, and then the path to it.
_PROBLEM: Final = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<path>[^`]*?)(?:\[\.\.\.\])?`)?", re.DOTALL)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: its fields are all the keys that it may have."""


class _World(_Table, frozen=True):
    profile: Profile = Profile.GENERIC
    faults: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    victim: dict[str, bool] = {}
    token_lifetime: int = 60


class _Predict(_Table, frozen=True):
    a: str
    b: str
    c: str = ""
    on: LessonPhase = LessonPhase.BREAK


class _Run(_Table, frozen=True):
    claims: str


class _Observe(_Table, frozen=True):
    row: str
    part: str = ""


class _Break(_Table, frozen=True):
    claims: str
    seat: str = "mallory"
    loot: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    most: int = 6
    causes: tuple[CauseId, ...] = ()


class _Repair(_Table, frozen=True):
    claims: str
    offer: tuple[str, ...] = ()
    budget: int = 1
    sound: tuple[tuple[str, ...], ...] = ()
    moves: tuple[str, ...] = ()


class _Question(_Table, frozen=True):
    id: str
    right: str = ""
    a: str = ""
    b: str = ""
    c: str = ""
    cures: dict[str, str] = {}


class _Fault(_Table, frozen=True):
    profile: Profile
    name: str
    repair: str
    parts: tuple[str, ...]


class _Lesson(_Table, frozen=True):
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
        self._file = folder.place(FILE)
        self._text = folder.text(FILE)
        self._lines = self._text.split("\n")

    def lesson(self, *, built_in: bool) -> CourseLesson:
        given = self._typed()
        self._check(given)
        attack = Attack(
            given.attack.seat,
            self._claims("break", "claims", given.attack.claims),
            given.attack.loot,
            given.attack.moves,
            given.attack.most,
            given.attack.causes,
        )
        repair = Repair(
            self._claims("repair", "claims", given.repair.claims),
            given.repair.offer,
            given.repair.budget,
            tuple(frozenset(switches) for switches in given.repair.sound),
            given.repair.moves,
        )
        run_claims = self._claims("run", "claims", given.run.claims)
        if given.observe.row not in {claim.named for claim in run_claims}:
            self._refuse("observe", "row", f"no claim of [run] names a row “{given.observe.row}”")
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

    def _typed(self) -> _Lesson:
        try:
            tables = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise LessonRefused(f"{self._file}:{_toml_place(str(error))}") from None
        version = tables.get("format")
        if version != FORMAT:
            self._refuse("", "format", f"format {version!r}; this version of authlens reads {FORMAT}")
        try:
            return msgspec.convert(tables, _Lesson)
        except msgspec.ValidationError as error:
            said = _PROBLEM.fullmatch(str(error))
            reason, path = (said["reason"], said["path"] or "") if said else (str(error), "")
            unknown = re.search(r"unknown field `([^`]+)`", reason)
            table, _, key = path.rpartition(".")
            if unknown is not None:
                self._refuse(path, unknown[1], f"unknown key “{unknown[1]}”")
            self._refuse(table, key, reason)

    def _check(self, given: _Lesson) -> None:
        if not _NAME.fullmatch(given.id):
            self._refuse("", "id", "an id has 2 to 40 lower-case letters, digits and hyphens")
        if given.predict.on not in (LessonPhase.RUN, LessonPhase.BREAK):
            self._refuse("predict", "on", "a prediction is judged on run or on break")
        if len(given.question) != QUESTIONS or len({question.id for question in given.question}) != QUESTIONS:
            self._refuse("question", "id", f"a lesson has {QUESTIONS} questions, each with its own id")
        for index, question in enumerate(given.question):
            claims = {letter for letter in _LETTERS if getattr(question, letter)}
            wrong = set(_LETTERS) - {question.right}
            keyed = question.right in _LETTERS and not claims
            judged = not question.right and len(claims) == len(_LETTERS)
            if not (keyed or judged) or not set(question.cures) <= wrong:
                self._refuse(
                    f"question[{index}]", "right", f"{question.id}: the options are a, b and c; one is right"
                )
        self._check_repair(given)
        self._check_drawn(given)
        for table, key, name, known in _names(given):
            if name not in known:
                near = get_close_matches(name, known, 1)
                meant = f"; did you mean “{near[0]}”?" if near else ""
                self._refuse(table, key, f"“{name}” is not known here{meant}")

    def _check_drawn(self, given: _Lesson) -> None:
        """Refuse a lesson with an observed part, or a sound set, that is not that of the fault it draws."""
        for index, fault in enumerate(given.fault):
            if fault.repair not in given.repair.offer:
                self._refuse(f"fault[{index}]", "repair", f"“{fault.repair}” is not offered by [repair]")
            if not fault.parts:
                self._refuse(f"fault[{index}]", "parts", "name the parts that show the fault")
        if bool(given.fault) is bool(given.observe.part):
            self._refuse("observe", "part", "the part to point at is here, or with each fault that is drawn")
        if bool(given.fault) is not bool(given.attack.causes):
            self._refuse("break", "causes", "causes are named in a lesson that draws a fault, and only there")
        if not given.fault and given.world.profile is not Profile.ACCESS:
            return
        world, attack = given.world, given.attack
        if world.weaknesses or world.parties or attack.loot or set(attack.moves) - _MOVES_EVERYWHERE:
            self._refuse("world", "profile", "this world has no weaknesses, parties, loot or such moves")
        for switch in given.repair.offer:
            if switch not in {fault.repair for fault in given.fault}:
                self._refuse("repair", "offer", f"“{switch}” ends none of the faults")

    def _check_repair(self, given: _Lesson) -> None:
        offered = set(given.repair.offer)
        for switches in given.repair.sound:
            if not set(switches) <= offered or len(switches) > given.repair.budget:
                self._refuse("repair", "sound", "each set is of switches that are offered, within the budget")
        sound = given.repair.sound or given.fault
        if bool(offered) is not bool(sound) or bool(offered) is bool(given.repair.moves):
            self._refuse("repair", "offer", "a repair has either switches with a sound set, or moves")

    def _questions(self, given: tuple[_Question, ...]) -> Iterator[Question]:
        for index, question in enumerate(given):
            options = {
                letter: self._claims(f"question[{index}]", letter, text)
                for letter in _LETTERS
                if (text := getattr(question, letter))
            }
            yield Question(question.id, question.right, options, question.cures)

    def _options(self, given: _Predict) -> Iterator[tuple[str, tuple[Claim, ...]]]:
        for letter in _LETTERS:
            if text := getattr(given, letter):
                yield letter, self._claims("predict", letter, text)

    def _claims(self, table: str, key: str, text: str) -> tuple[Claim, ...]:
        line, column = self._place(table, key)
        written = self._lines[line - 1][column - 1 :]
        if '"""' in written:  # TOML drops the line end after it
            starts_below = written.rstrip().endswith('"""')
            return read_claims(text, file=self._file, line=line + starts_below)
        before = column - 1 + written.index('"') + 1 if '"' in written else column
        return read_claims(text, file=self._file, line=line, column=before)

    def _place(self, table: str, key: str) -> tuple[int, int]:
        """Return line and column of a key; those of its table, or of the file, where it cannot be found."""
        wanted = re.search(r"\[(\d+)\]", table)
        left = int(wanted[1]) if wanted else 0  # tables of this name that come before it
        name, key = re.sub(r"\[[^]]*\]", "", table), re.sub(r"\[[^]]*\]", "", key)
        at, start = "", (1, 1)
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[+([\w.]+)\]+", line):
                left -= at == name and bool(wanted)
                at = header[1]
                if at == f"{name}.{key}".strip(".") or (at == name and left <= 0):
                    start = (number, 1)
            elif at == name and left <= 0 and (found := re.match(rf"(\s*){re.escape(key)}\s*=", line)):
                return number, len(found[1]) + 1
        return start

    def _refuse(self, table: str, key: str, reason: str) -> NoReturn:
        line, column = self._place(table, key)
        raise LessonRefused(f"{self._file}:{line}:{column}: {reason}")


def _names(given: _Lesson) -> Iterator[tuple[str, str, str, Collection[str]]]:
    """Yield each name that the emulator or the moves have to know: its table, its key, and the known ones."""
    world = given.world
    lists: tuple[tuple[str, str, tuple[str, ...], Collection[str]], ...] = (
        ("world", "faults", world.faults, _faults(world.profile)),
        ("world", "weaknesses", world.weaknesses, [weakness.value for weakness in Weakness]),
        ("world", "parties", world.parties, PARTIES),
        ("break", "seat", (given.attack.seat,), SEATS),
        ("break", "loot", given.attack.loot, LOOT),
        ("break", "moves", given.attack.moves, VERBS),
        ("repair", "moves", given.repair.moves, VERBS),
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


def _toml_place(said: str) -> str:
    """Return `line:column: reason` from what tomllib says."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", said, re.DOTALL)
    if found is None:
        return f"1:1: {said}"
    return f"{found[2] or 1}:{found[3] or 1}: {found[1]}"

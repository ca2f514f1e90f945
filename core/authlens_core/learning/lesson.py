"""A lesson, as values: its worlds, what has to be true in each phase, and its questions.

A lesson has no code, no path, no URL and no command in it: it names what the emulator and the moves have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from authlens_core.emulator import Profile
from authlens_core.learning.moves import AnswerMove, DefendMove, NameMove, PointMove, PredictMove
from authlens_core.learning.strict_file import Claims, StrictFile, StrictTable
from authlens_core.values.unprinted import Unprinted

LETTERS: Final = ("a", "b", "c")
QUESTIONS: Final = 5
QUESTIONS_TO_PASS: Final = 4
HINTS: Final = 3
"""Where to look, which value, and the move."""


class LessonPhase(StrEnum):
    """What a learner does, in this order."""

    PREDICT = "predict"
    RUN = "run"
    OBSERVE = "observe"
    BREAK = "break"
    REPAIR = "repair"
    QUESTIONS = "questions"

    @property
    def is_judged(self) -> bool:
        """Whether there is something to prove in it, by moves that are made in a world."""
        return self in {LessonPhase.RUN, LessonPhase.BREAK, LessonPhase.REPAIR}

    @property
    def until(self) -> list[LessonPhase]:
        """The phases before it, and itself."""
        order = list(LessonPhase)
        return order[: order.index(self) + 1]


PHASE_OF: Final[Mapping[type, LessonPhase]] = {
    PredictMove: LessonPhase.PREDICT,
    PointMove: LessonPhase.OBSERVE,
    NameMove: LessonPhase.BREAK,
    DefendMove: LessonPhase.REPAIR,
    AnswerMove: LessonPhase.QUESTIONS,
}
"""The phase of each move that says something; one that happens in a world is of the phase that goes on."""

HINTED: Final = tuple(phase for phase in LessonPhase if phase is not LessonPhase.RUN)
"""The phases with hints; a run only has to be started."""


class WorldSettings(StrictTable, frozen=True):
    """The servers and parties of a lesson; every phase that has a world of its own starts from these.

    Attributes:
        faults: what the emulator does differently, by the names of its faults.
        weaknesses: checks that its servers leave out, by their names.
        parties: who is there besides resource, server and Ada: `victim`, `rogue`, `second`, `internal`.
        victim: the checks of the victim client that are not at their default, on or off.
        token_lifetime: seconds an access token is good for.
        mended_by: the switch that ends the faults; empty where none does.
    """

    profile: Profile = Profile.GENERIC
    faults: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    victim: Mapping[str, bool] = {}
    token_lifetime: int = 60
    mended_by: str = ""


class DrawnFault(StrictTable, frozen=True):
    """One of the faults that a lesson draws from.

    Attributes:
        profile: of the server that has it.
        repair: the switch that ends it.
        parts: the parts of a request or an answer that show it; pointing at one of them is right.
    """

    profile: Profile
    fault: str = field(name="name")
    repair: str
    parts: tuple[str, ...]


class OptionClaims(StrictTable, frozen=True):
    """What has to be true for each of three options, if anything says it."""

    a: Claims = Claims()
    b: Claims = Claims()
    c: Claims = Claims()

    @property
    def claims(self) -> Mapping[str, Claims]:
        """The claims of the options that have some, by their letters."""
        options = {letter: getattr(self, letter) for letter in LETTERS}
        return {letter: claims for letter, claims in options.items() if claims}


class Prediction(OptionClaims, frozen=True, kw_only=True):
    """The options. Which one holds, the learner's own moves say.

    Attributes:
        judged_on: whether it is about the honest run or about the attack.
    """

    a: Claims
    b: Claims
    judged_on: LessonPhase = field(default=LessonPhase.BREAK, name="on")


class HonestRun(StrictTable, frozen=True):
    """The phase in which nothing is broken on purpose."""

    claims: Claims


class ObservedPart(StrictTable, frozen=True):
    """Where the learner has to point: a part of the row that a claim of the run names.

    Attributes:
        part: the part, or several of which any is right. Where the row is a stage, it is a part of a request
            of that stage.
    """

    row: str
    part: str | tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        one = isinstance(self.part, str) and self.part
        return (one,) if one else tuple(self.part)


class Attack(StrictTable, frozen=True):
    """The phase in which something is broken.

    Attributes:
        seat: whose moves they are.
        loot: the credentials that leaked, by name; each world has its own.
        moves: those that are allowed.
        most: how many of them, so that trying everything is no way to pass.
        causes: those that the fault can be named by, where it is to be named.
    """

    claims: Claims
    seat: str = "mallory"
    loot: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    most: int = 6
    causes: tuple[str, ...] = ()


class Repair(StrictTable, frozen=True):
    """The phase in which the same attack has to fail, and an honest login still works.

    Attributes:
        offer: the switches to choose from; without any, the moves go on in the world of the attack.
        budget: how many of them may be turned.
        sound: the smallest sets that repair it, for checking the lesson. A learner is judged by the claims.
        moves: those that are allowed where nothing is offered.
    """

    claims: Claims
    offer: tuple[str, ...] = ()
    budget: int = 1
    sound: tuple[frozenset[str], ...] = ()
    moves: tuple[str, ...] = ()


class Question(OptionClaims, frozen=True, kw_only=True):
    """A question with three options. Claims about the run say which is right, or `right` does.

    Attributes:
        right: the option that is right; empty where the run says which.
        cures: the misconception behind each wrong option.
        about: the phase whose requests it is about.
        shown_by: claims about that phase; a row of the last one shows the right answer. None if no row does.
        refusal: whether the right answer says that something is refused; then that row has to be a refusal.
    """

    name: str = field(name="id")
    right: str = ""
    cures: Mapping[str, str] = {}
    about: LessonPhase = LessonPhase.REPAIR
    shown_by: Claims = Claims()
    refusal: bool = False

    def lettered(self, own: Sequence[str]) -> Question:
        """Return it with other letters, given which option each letter is now."""
        letters = dict(zip(own, LETTERS, strict=True))
        claims = {letters[letter]: claims for letter, claims in self.claims.items()}
        cures = {letters[letter]: name for letter, name in self.cures.items()}
        return replace(self, right=letters.get(self.right, ""), cures=cures, **claims)


class LessonTable(StrictFile, frozen=True):
    """What the file of a lesson has.

    Attributes:
        name: its stable identifier.
        version: changes when its claims or questions do.
        needs: lessons that come before it in the list; none is locked.
        specs: the sections that it is about.
        draws: the faults of which the seed draws one; none where the world is the same for every seed.
    """

    name: str = field(name="id")
    version: int
    minutes: int
    prediction: Prediction = field(name="predict")
    run: HonestRun
    observation: ObservedPart = field(name="observe")
    attack: Attack = field(name="break")
    repair: Repair
    questions: tuple[Question, ...] = field(name="question")
    needs: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    world: WorldSettings = WorldSettings()
    draws: tuple[DrawnFault, ...] = field(default=(), name="fault")


class LessonWords(Unprinted, Struct, frozen=True):
    """The words of a lesson.

    Attributes:
        texts: Markdown by identifier, such as `break/hint 1` or `questions/q1/a`.
    """

    title: str
    texts: Mapping[str, str]

    def options(self, about: str, names: Iterable[str] = "abc") -> dict[str, str]:
        """Return the words of what can be chosen, by its name: of the options of a question by default."""
        return {name: self.texts[f"{about}/{name}"] for name in names}

    def lettered(self, drawn: Mapping[str, Sequence[str]]) -> LessonWords:
        """Return them with other letters, given which option each letter of a choice is now."""
        texts = dict(self.texts)
        for about, order in drawn.items():
            for letter, own in zip(LETTERS, order, strict=False):
                texts[f"{about}/{letter}"] = self.texts[f"{about}/{own}"]
        return LessonWords(self.title, texts)

    def hints(self, phase: LessonPhase) -> tuple[str, ...]:
        """Return the hints of a phase: where to look, which value, and the move itself; a run has none."""
        numbers = range(1, HINTS + 1) if phase in HINTED else ()
        return tuple(self.texts[f"{phase.value}/hint {number}"] for number in numbers)


class CourseLesson(LessonTable, frozen=True, kw_only=True):
    """One lesson, with its words.

    Attributes:
        digest: of its files, `sha256:` and hexadecimal.
        number: in the catalogue, from 1.
        built_in: whether it came with the program; any other one is marked as such in its title.
    """

    words: LessonWords
    digest: str
    number: int = 1
    built_in: bool = True

    @property
    def title(self) -> str:
        """Its number and its title."""
        return f"{self.number} {self.words.title}"

    @property
    def right_to_pass(self) -> int:
        """How many questions have to be answered right."""
        return QUESTIONS_TO_PASS

    def for_seed(self, seed: int) -> CourseLesson:
        """Return the lesson with the fault that a seed draws."""
        if not self.draws:
            return self
        drawn = self.draws[seed % len(self.draws)]
        return replace(
            self,
            world=replace(self.world, profile=drawn.profile, faults=(drawn.fault,), mended_by=drawn.repair),
            observation=replace(self.observation, part=drawn.parts),
            repair=replace(self.repair, sound=(frozenset({drawn.repair}),)),
        )

    def in_order(self, seed: int, order: int) -> CourseLesson:
        """Return the lesson as an attempt shows it: the letters of options are drawn.

        Args:
            seed: of the attempt; the letters of the prediction depend on it alone.
            order: how often its questions are asked, from 1; with 0 everything is as in the files. From the
                second time on, the questions come in another order, too.
        """
        if not order:
            return self
        options = _order(f"{seed}/{self.name}/predict", self.prediction.claims)
        letters = {"predict": options}
        start = f"{seed}/{order}/{self.name}"
        own = self.prediction.claims
        prediction = {letter: own[drawn] for letter, drawn in zip(own, options, strict=True)}
        asked = []
        for question in self.questions:
            drawn = letters[f"questions/{question.name}"] = _order(f"{start}/{question.name}", LETTERS)
            asked.append(question.lettered(drawn))
        if order > 1:
            names = _order(start, (question.name for question in asked))
            asked.sort(key=lambda question: names.index(question.name))
        return replace(
            self,
            words=self.words.lettered(letters),
            prediction=replace(self.prediction, **prediction),
            questions=tuple(asked),
        )

    def question(self, name: str) -> Question:
        """Return a question by its name."""
        return next(one for one in self.questions if one.name == name)

    def claims_of(self, phase: LessonPhase) -> Claims:
        """Return what has to be true of a phase that is judged by claims."""
        known = {
            LessonPhase.RUN: self.run.claims,
            LessonPhase.BREAK: self.attack.claims,
            LessonPhase.REPAIR: self.repair.claims,
        }
        return known[phase]


def _order(drawn_by: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that is drawn; the same on every machine and version of Python."""
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{drawn_by}/{name}".encode()).digest()))

"""A lesson, as values: its worlds, what has to be true in each phase, and its questions, each with its words.

A lesson has no code, no path, no URL and no command in it: it names what the emulator and the moves have. A
drill is a lesson with a prediction and a login alone, which the wizard leads through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal, Self

from msgspec import field
from msgspec.structs import replace

from authlens_lab.emulator import MachineClient, Profile, faults_of
from authlens_lab.learning.claim import Claims, LootName, Option
from authlens_lab.learning.moves import LessonPhase, Verb, course_words
from authlens_lab.learning.strict_file import StrictTable
from authlens_lab.learning.world import WorldSettings

LETTERS: Final = ("a", "b", "c")


class DrawnFault(StrictTable, frozen=True):
    """One of the faults that a lesson draws from.

    Attributes:
        profile: of the server that has it.
        repair: the switch that ends it.
        parts: the parts of a request or an answer that show it; pointing at one of them is right.
        solution: the author's moves.
    """

    profile: Profile
    fault: str = field(name="name")
    repair: str
    parts: tuple[str, ...]
    solution: str


class _Choice(StrictTable, frozen=True, kw_only=True):
    """A question, and its options by their letters."""

    text: str
    a: Option
    b: Option
    c: Option = Option()

    @property
    def options(self) -> dict[str, Option]:
        options = zip(LETTERS, (self.a, self.b, self.c), strict=True)
        return {letter: option for letter, option in options if option or option.sentence}

    @property
    def words(self) -> dict[str, str]:
        """The words of the options, by their letters."""
        return {letter: option.sentence for letter, option in self.options.items()}

    def lettered(self, drawn_by: str) -> tuple[Self, dict[str, str]]:
        """Return it with the letters that are drawn, and the new letter of each option."""
        options = self.options
        letters = dict(zip(_order(drawn_by, options), options, strict=True))
        return replace(self, **{letters[letter]: option for letter, option in options.items()}), letters


class Prediction(_Choice, frozen=True, kw_only=True):
    """A question about what will happen; the learner's own moves decide which option holds.

    Attributes:
        on: whether it is about the honest run or about the attack.
    """

    on: Literal["run", "break"] = "break"

    @property
    def judged_on(self) -> LessonPhase:
        return LessonPhase(self.on)


class HonestRun(StrictTable, frozen=True):
    """The phase with an honest login."""

    text: str
    claims: Claims


class ObservedPart(StrictTable, frozen=True):
    """The part that the learner has to point at, in a row that a claim of the run names.

    Attributes:
        parts: any of these is right. Where the row is a stage, they are parts of a request of that stage.
    """

    text: str
    row: str
    parts: tuple[str, ...] = ()


class Attack(StrictTable, frozen=True):
    """The phase of the attack.

    Attributes:
        seat: whose moves they are.
        loot: the credentials that leaked, by name; each world has its own.
        moves: those that are allowed.
        most: how many of them are allowed, so that trying everything does not pass.
        causes: those that the fault can be named by, where it is to be named.
    """

    text: str
    claims: Claims
    seat: Literal["mallory", "you"] = "mallory"
    loot: tuple[LootName, ...] = ()
    moves: tuple[Verb, ...] = ()
    most: int = 6
    causes: tuple[str, ...] = ()


class Repair(StrictTable, frozen=True):
    """The phase in which the same attack has to fail, and an honest login still works.

    Attributes:
        offer: the switches to choose from, each with its words; without any, the moves go on in the world of
            the attack.
        budget: how many of them may be turned.
        sound: the smallest sets that repair it, for checking the lesson. A learner is judged by the claims.
        moves: those that are allowed if there are no switches.
    """

    text: str
    claims: Claims
    offer: Mapping[str, str] = {}
    budget: int = 1
    sound: tuple[frozenset[str], ...] = ()
    moves: tuple[Verb, ...] = ()


NO_OBSERVATION: Final = ObservedPart("", "")
NO_ATTACK: Final = Attack("", Claims(), most=0)
NO_REPAIR: Final = Repair("", Claims(), budget=0)
_ABSENT: Final = (NO_OBSERVATION, NO_ATTACK, NO_REPAIR, ())
"""The parts of phases that a lesson does not have."""


class Question(_Choice, frozen=True, kw_only=True):
    """A question with three options. Claims about the run decide which is right, or `right` does.

    Attributes:
        right: the option that is right; empty where the run says which.
        why: the reason in words, if no request shows it.
        about: the phase whose requests it is about.
        shown_by: claims about that phase; a row of the last one shows the right answer. None if no row does.
        refusal: whether the right answer says that something is refused; then that row has to be a refusal.
    """

    name: str = field(name="id")
    c: Option
    right: str = ""
    why: str = ""
    about: LessonPhase = LessonPhase.REPAIR
    shown_by: Claims = Claims()
    refusal: bool = False

    def shuffled(self, drawn_by: str) -> Question:
        """Return it with the letters that are drawn."""
        drawn, letters = self.lettered(drawn_by)
        return replace(drawn, right=letters.get(self.right, ""))


class DrillGroup(StrEnum):
    """The part of a login, or after it, that a drill is about. The value is its heading."""

    BEGIN = "Start here"
    DETECTION = "Detection"
    METADATA = "Metadata"
    REGISTRATION = "Registration"
    AUTHORIZATION = "Authorization"
    EXCHANGE = "Exchange"
    ACCESS = "Access"
    AFTERWARDS = "Refresh and revoke"
    HOSTILE = "Hostile"
    STANDARD = "MCP servers and APIs"
    MACHINE = "Programs without a user"


class Walk(StrEnum):
    """How the keys lead through a drill; the value names the description."""

    WALK = "walk"
    IMPATIENT = "impatient"
    TURNED_AWAY = "turned-away"
    DEVICE_CODE = "device-code"
    NO_USER = "no-user"
    STEP_UP = "step-up"
    DEFAULT_PATHS = "default-paths"
    REFRESH_AND_REVOKE = "refresh-and-revoke"
    REVOKE = "revoke"
    OTHER_CREDENTIAL = "other-credential"


class OwnerSetting(StrictTable, frozen=True):
    """The setting of the server's owner that is wrong in a drill, as its page names it.

    Attributes:
        path: the way to the page.
        box: the label of the setting.
        on: whether it has to be on; the fault is the opposite.
        beside: the label of another setting there, which is on; empty if none helps to see the difference.
        of: what is owned; empty for the resource.
    """

    path: str
    box: str
    on: bool = True
    beside: str = ""
    of: str = ""


class Drill(StrictTable, frozen=True):
    """How the wizard leads through a lesson that is a drill.

    Attributes:
        group: None for any other lesson.
        answer: what there is to know afterwards.
        watch_for: one sentence; empty where the summary of the only fault says it.
        client: the client of a program that logs in as itself; None where a user logs in.
        brings: another credential that it is about, besides the login's; empty if there is none.
        owner: the setting with which the server's owner lets the login work; None if there is none.
    """

    group: DrillGroup | None = None
    answer: str = ""
    watch_for: str = ""
    walk: Walk = Walk.WALK
    client: MachineClient | None = None
    brings: str = ""
    owner: OwnerSetting | None = None

    @property
    def how(self) -> str:
        """Which keys lead through it."""
        return str(course_words("walk")[self.walk]).replace("{credential}", self.brings)

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether its turning point comes after the login."""
        return self.walk in (Walk.REFRESH_AND_REVOKE, Walk.REVOKE, Walk.OTHER_CREDENTIAL)


class CourseLesson(StrictTable, frozen=True, kw_only=True):
    """One lesson.

    Attributes:
        name: its stable identifier.
        version: changes when its claims or questions do.
        needs: lessons that come before it in the list; none is locked.
        specs: the sections that it is about.
        can: what a learner can do then.
        cures: the misconception that it corrects.
        solution: the author's moves, one a line.
        draws: the faults of which the seed draws one; none where the world is the same for every seed.
        number: in the catalogue, from 1.
        built_in: whether it came with the program; any other one is marked as such in its title.
    """

    name: str = field(name="id")
    title: str
    version: int = 1
    minutes: int = 0
    needs: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    can: str = ""
    cures: str = ""
    task: str = ""
    solution: str = ""
    world: WorldSettings = WorldSettings()
    draws: tuple[DrawnFault, ...] = field(default=(), name="fault")
    prediction: Prediction = field(name="predict")
    run: HonestRun = HonestRun("", Claims())
    observation: ObservedPart = field(default=NO_OBSERVATION, name="observe")
    attack: Attack = field(default=NO_ATTACK, name="break")
    repair: Repair = NO_REPAIR
    questions: tuple[Question, ...] = field(default=(), name="question")
    hints: Mapping[LessonPhase, tuple[str, str, str]] = {}
    drill: Drill = Drill()
    number: int = field(default=1, name="_number")
    built_in: bool = field(default=True, name="_built_in")

    @property
    def heading(self) -> str:
        """Its number and its title."""
        return f"{self.number} {self.title}"

    @property
    def phases(self) -> tuple[LessonPhase, ...]:
        """What there is to do in it."""
        return tuple(phase for phase, content in self._parts.items() if content not in _ABSENT)

    @property
    def watch_for(self) -> str:
        """What there is to see in a drill, in a sentence."""
        faults = {fault.value: fault.summary for fault in faults_of(self.world.profile)}
        return self.drill.watch_for or " ".join(faults[name] for name in self.world.faults)

    @property
    def right_to_pass(self) -> int:
        """How many questions have to be answered right: all but one."""
        return max(len(self.questions) - 1, 0)

    @property
    def offer(self) -> Mapping[str, str]:
        """The switches of the repair, each with its words."""
        return self.repair.offer

    @property
    def budget(self) -> int:
        """How many of the switches may be turned."""
        return self.repair.budget

    def for_seed(self, seed: int) -> CourseLesson:
        """Return the lesson with the fault that a seed draws."""
        if not self.draws:
            return self
        drawn = self.draws[seed % len(self.draws)]
        return replace(
            self,
            world=replace(self.world, profile=drawn.profile, faults=(drawn.fault,)),
            observation=replace(self.observation, parts=drawn.parts),
            repair=replace(self.repair, sound=(frozenset({drawn.repair}),)),
            solution=drawn.solution,
        )

    def in_order(self, seed: int, order: int) -> CourseLesson:
        """Return the lesson as an attempt shows it, with letters and the order of switches drawn.

        Args:
            seed: of the attempt; the letters of the prediction and the switches depend on it alone.
            order: how often its questions are asked, from 1; with 0 everything is as in the file. From the
                second time on, the questions come in another order, too.
        """
        if not order:
            return self
        start = f"{seed}/{order}/{self.name}"
        questions_by_name = {one.name: one.shuffled(f"{start}/{one.name}") for one in self.questions}
        names = _order(start, questions_by_name) if order > 1 else questions_by_name
        prediction, _ = self.prediction.lettered(f"{seed}/{self.name}/predict")
        switches = {name: self.offer[name] for name in _order(f"{seed}/{self.name}/repair", self.offer)}
        repair = replace(self.repair, offer=switches)
        questions = tuple(questions_by_name[name] for name in names)
        return replace(self, prediction=prediction, repair=repair, questions=questions)

    def question(self, name: str) -> Question:
        """Return a question by its name."""
        return next(one for one in self.questions if one.name == name)

    def claims_of(self, phase: LessonPhase) -> Claims:
        """Return what has to be true of a phase that is judged by claims."""
        return getattr(self._parts[phase], "claims", Claims())

    def text(self, phase: LessonPhase, question: str = "") -> str:
        """Return what a phase is about, or a question of it."""
        return getattr(self.question(question) if question else self._parts[phase], "text", "")

    @property
    def _parts(self) -> Mapping[LessonPhase, object]:
        parts = (self.prediction, self.run, self.observation, self.attack, self.repair, self.questions)
        return dict(zip(LessonPhase, parts, strict=True))


def _order(drawn_by: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that is drawn; the same on every machine and version of Python."""
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{drawn_by}/{name}".encode()).digest()))

"""A drill: a server that does one thing differently, and what you predict of it.

`drills.toml` has the logic of all of them, `drills.md` their words. Both are read strictly.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from authlens_core.emulator import MachineClient, Profile, faults_of
from authlens_core.learning.lesson import OptionClaims
from authlens_core.learning.lesson_folder import LessonFolder, read_folder, read_texts
from authlens_core.learning.progress.progress_file import DRILL, ProgressFile
from authlens_core.learning.strict_file import ID_FORM, NAME, Claims, StrictFile, StrictTable, StrictToml
from authlens_core.values.errors import AuthlensError


class DrillGroup(StrEnum):
    """Where in a login, or after it, a drill has its turning point. The value is its heading."""

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
    """Which keys lead through a drill; the value is the name of their description."""

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
    """The setting of the server's owner that is what is wrong in a drill, as its page has it.

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


class DrillTable(OptionClaims, frozen=True, kw_only=True):
    """What the file of drills has of one.

    Attributes:
        name: its stable identifier, by which `demo --fault` starts it.
        faults: what the emulator does differently, by their names; none in the login where nothing is broken.
        client: the client of a program that logs in as itself; None where a user logs in.
        brings: the credential besides the login's own that it is about; empty where there is none.
        owner: what the server's owner can change to let the login work; None where that is no setting.
    """

    name: str = field(name="id")
    group: DrillGroup
    a: Claims
    b: Claims
    profile: Profile = Profile.ACCESS
    faults: tuple[str, ...] = ()
    walk: Walk = Walk.WALK
    client: MachineClient | None = None
    brings: str = ""
    owner: OwnerSetting | None = None


class Drill(DrillTable, frozen=True, kw_only=True):
    """One drill.

    Attributes:
        watch_for: one sentence.
        options: the words of the options, by their letters.
        answer: what there is to know afterwards.
        how: which keys lead through it.
    """

    title: str
    watch_for: str
    question: str
    options: Mapping[str, str]
    answer: str
    how: str

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether its turning point comes after the login."""
        return self.walk in (Walk.REFRESH_AND_REVOKE, Walk.REVOKE, Walk.OTHER_CREDENTIAL)

    @property
    def is_alone(self) -> bool:
        """Whether its server cannot have the faults of another drill besides."""
        return self.profile is not Profile.ACCESS


class DrillVerdict(Struct, frozen=True):
    """The verdict.

    Attributes:
        predicted: the option that was chosen; empty where none was.
        held: the one that the trace shows; empty while it shows none, or more than one.
        arrow: the number of the request that shows it last, from 1; 0 without one.
        words: what the option says that the trace shows.
    """

    predicted: str
    held: str
    arrow: int = 0
    words: str = ""

    @property
    def is_right(self) -> bool:
        return bool(self.held) and self.predicted == self.held

    @property
    def sentence(self) -> str:
        """What a user is told."""
        at = f" (arrow {self.arrow})" if self.arrow else ""
        if not self.held:
            seen = "Your trace does not show it yet."
        elif self.is_right:
            return f"You predicted {self.predicted}, and your trace shows it{at}."
        else:
            seen = f"Your trace shows {self.held}, “{self.words}”{at}."
        return f"You predicted {self.predicted}. {seen}" if self.predicted else seen

    @property
    def sign(self) -> str:
        """What the prediction was worth."""
        if not self.held:
            return "–"
        return "✔" if self.is_right else "✖"


FOLDER: Final = Path(__file__).parents[1] / "drills"
FILE: Final = "drills.toml"
_WORDS: Final = "drills.md"


class _Drills(StrictFile, frozen=True):
    drill: tuple[DrillTable, ...]


@cache
def drills() -> Mapping[str, Drill]:
    """Return the drills that come with the program by their names, in the order of the menu."""
    return read_drills(read_folder(FOLDER))


def read_drills(folder: LessonFolder) -> Mapping[str, Drill]:
    """Return the drills of a folder by their names, in their order.

    Raises:
        LessonRefused: a file is not as it has to be; the message has file, line, column and reason.
    """
    toml = StrictToml(folder.place(FILE), folder.text(FILE))
    given = toml.typed(_Drills).drill
    for number, drill in enumerate(given):
        _check(toml, f"drill[{number}]", drill, {earlier.name for earlier in given[:number]})
    wanted, others = [f"walks/{walk}" for walk in Walk], ["walks"]
    for drill in given:
        parts = ("question", *drill.claims, "answer")
        wanted += [drill.name, *(f"{drill.name}/{part}" for part in parts)]
        (others if _summary(drill) else wanted).append(f"{drill.name}/watch for")
    _, texts = read_texts(folder.text(_WORDS), folder.place(_WORDS), wanted, others=others)
    return {drill.name: _drill(drill, texts) for drill in given}


def _check(toml: StrictToml, table: str, drill: DrillTable, earlier: set[str]) -> None:
    is_new = NAME.fullmatch(drill.name) and drill.name not in earlier
    toml.require(is_new, table, "id", f"{ID_FORM}, and is there once")
    toml.known(table, "faults", drill.faults, faults_of(drill.profile))
    both = bool(drill.brings) is (drill.walk is Walk.OTHER_CREDENTIAL)
    toml.require(both, table, "walk", "a drill brings a credential if its walk is other-credential")


def _drill(given: DrillTable, texts: Mapping[str, str]) -> Drill:
    def words(part: str) -> str:
        return " ".join(texts.get(part, "").split())

    name = given.name
    return Drill(
        **{field: getattr(given, field) for field in given.__struct_fields__},
        title=words(name),
        watch_for=words(f"{name}/watch for") or _summary(given),
        question=words(f"{name}/question"),
        options={letter: words(f"{name}/{letter}") for letter in given.claims},
        answer=words(f"{name}/answer"),
        how=words(f"walks/{given.walk}").replace("{credential}", given.brings),
    )


def _summary(drill: DrillTable) -> str:
    """Return what the only fault is, in a sentence; empty where there is not one."""
    if len(drill.faults) != 1:
        return ""
    return next(fault.summary for fault in faults_of(drill.profile) if fault.value == drill.faults[0])


def drill_verdicts(progress: ProgressFile) -> dict[str, DrillVerdict]:
    """Return what your predictions came to, by the names of the drills; the arrows are gone with the traces.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    stored = progress.read()
    known = ((drill, stored.get(f"{DRILL}{name}")) for name, drill in drills().items())
    return {
        drill.name: DrillVerdict(one.first_prediction, one.held, words=drill.options[one.held])
        for drill, one in known
        if one is not None and {one.first_prediction, one.held} <= set(drill.options)
    }


def store_verdict(progress: ProgressFile, drill: Drill, verdict: DrillVerdict) -> None:
    """Store what a prediction came to; where nothing can be stored, the drill goes on without."""
    seen = {"first_prediction": verdict.predicted, "held": verdict.held}
    with suppress(AuthlensError):
        progress.change(f"{DRILL}{drill.name}", lambda known: msgspec.structs.replace(known, **seen))


def drill_card(drill: Drill, verdict: DrillVerdict | None) -> tuple[tuple[str, str], ...]:
    """Return headings with their texts; the answer is among them once the trace shows it."""
    options = "\n".join(
        f"- {letter}: {option}{_mark(letter, verdict)}" for letter, option in drill.options.items()
    )
    texts = [("Predict" if verdict is None else "You predicted", f"{drill.question}\n{options}")]
    if verdict is not None:
        texts.append(("Verdict", verdict.sentence))
        if verdict.held or not drill.ends_at_the_dashboard:
            texts += [("Answer", drill.answer), ("What there was to see", drill.watch_for)]
    return (*texts, ("How", drill.how))


def _mark(letter: str, verdict: DrillVerdict | None) -> str:
    if verdict is None or not verdict.held:
        return ""
    if letter == verdict.held:
        return " ✔"
    return " ✖" if letter == verdict.predicted else ""

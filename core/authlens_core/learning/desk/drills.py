"""The drills of a folder: `drills.toml` has their logic, `drills.md` their words. Both are read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from authlens_core.emulator import Fault, MachineClient, Profile, StandardFault, faults_of
from authlens_core.learning.drill.drill import (
    Drill,
    DrillGroup,
    DrillOption,
    DrillVerdict,
    OwnerSetting,
    Walk,
)
from authlens_core.learning.lesson_folder import LessonFolder, read_folder
from authlens_core.learning.progress.lesson_progress import DRILL
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.strict_toml import StrictTable, StrictToml
from authlens_core.learning.words_file import read_texts
from authlens_core.values.errors import AuthlensError

FOLDER: Final = Path(__file__).parents[1] / "drills"
FILE: Final = "drills.toml"
_WORDS: Final = "drills.md"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")


class _Drill(StrictTable, frozen=True):
    id: str
    group: str
    a: str
    b: str
    c: str = ""
    profile: Profile = Profile.ACCESS
    faults: tuple[str, ...] = ()
    walk: Walk = Walk.WALK
    client: MachineClient | None = None
    brings: str = ""
    owner: OwnerSetting | None = None

    @property
    def letters(self) -> tuple[str, ...]:
        return ("a", "b", "c") if self.c else ("a", "b")

    @property
    def summary(self) -> str:
        """What the only fault is, in a sentence; empty where there is not one."""
        if len(self.faults) != 1:
            return ""
        return next(fault.summary for fault in _faults(self.profile) if fault.value == self.faults[0])


class _Drills(StrictTable, frozen=True):
    format: int
    drill: tuple[_Drill, ...]


def _faults(profile: Profile) -> tuple[Fault, ...] | tuple[StandardFault, ...]:
    return tuple(Fault) if profile is Profile.ACCESS else faults_of(profile)


@cache
def drills() -> Mapping[str, Drill]:
    """Return the drills that come with the program by their names, in the order of the menu."""
    return read_drills(read_folder(FOLDER))


def drills_in(folder: Path | None) -> Mapping[str, Drill]:
    """Return the drills of a folder by their names, or those of the program if None; see `read_drills`."""
    return drills() if folder is None else read_drills(read_folder(folder))


def has_drills(folder: Path) -> bool:
    """Return whether a folder is one of drills, and not of lessons."""
    return (folder / FILE).exists()


def read_drills(folder: LessonFolder) -> Mapping[str, Drill]:
    """Return the drills of a folder by their names, in their order.

    Raises:
        LessonRefused: a file is not as it has to be; the message has file, line, column and reason.
    """
    toml = StrictToml(folder.place(FILE), folder.text(FILE))
    given = toml.typed(_Drills).drill
    for number, drill in enumerate(given):
        _check(toml, f"drill[{number}]", drill, {earlier.id for earlier in given[:number]})
    wanted, others = [f"walks/{walk}" for walk in Walk], ["walks"]
    for drill in given:
        wanted += [drill.id, *(f"{drill.id}/{part}" for part in ("question", *drill.letters, "answer"))]
        (others if drill.summary else wanted).append(f"{drill.id}/watch for")
    _, texts = read_texts(folder.text(_WORDS), folder.place(_WORDS), wanted, others=others)
    return {drill.id: _drill(toml, f"drill[{number}]", drill, texts) for number, drill in enumerate(given)}


def _check(toml: StrictToml, table: str, drill: _Drill, earlier: set[str]) -> None:
    if not _NAME.fullmatch(drill.id) or drill.id in earlier:
        toml.refuse(
            table, "id", "an id has 2 to 40 lower-case letters, digits and hyphens, and is there once"
        )
    toml.known(table, "group", drill.group, [group.name.lower() for group in DrillGroup])
    for name in drill.faults:
        toml.known(table, "faults", name, [fault.value for fault in _faults(drill.profile)])
    if bool(drill.brings) is not (drill.walk is Walk.OTHER_CREDENTIAL):
        toml.refuse(table, "walk", "a drill brings a credential if its walk is other-credential")


def _drill(toml: StrictToml, table: str, given: _Drill, texts: Mapping[str, str]) -> Drill:
    def words(name: str) -> str:
        return " ".join(texts.get(name, "").split())

    return Drill(
        name=given.id,
        group=DrillGroup[given.group.upper()],
        profile=given.profile,
        faults=given.faults,
        walk=given.walk,
        client=given.client,
        brings=given.brings,
        owner=given.owner,
        title=words(given.id),
        watch_for=words(f"{given.id}/watch for") or given.summary,
        question=words(f"{given.id}/question"),
        options={
            letter: DrillOption(
                words(f"{given.id}/{letter}"), toml.claims(table, letter, getattr(given, letter))
            )
            for letter in given.letters
        },
        answer=words(f"{given.id}/answer"),
        how=words(f"walks/{given.walk}").replace("{credential}", given.brings),
    )


def drill_verdicts(progress: ProgressFile) -> dict[str, DrillVerdict]:
    """Return what your predictions came to, by the names of the drills; the arrows are gone with the traces.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    stored = progress.read()
    known = ((drill, stored.get(f"{DRILL}{name}")) for name, drill in drills().items())
    return {
        drill.name: DrillVerdict(one.first_prediction, one.held, words=drill.options[one.held].words)
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
        f"- {letter}: {option.words}{_mark(letter, verdict)}" for letter, option in drill.options.items()
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
    return " ✔" if letter == verdict.held else " ✖" if letter == verdict.predicted else ""

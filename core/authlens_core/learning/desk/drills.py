"""The drills of a folder: `drills.toml` has their logic, `drills.md` their words. Both are read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from authlens_core.emulator import faults_of
from authlens_core.learning.drill import Drill, DrillTable, DrillVerdict, OwnerSetting, Walk
from authlens_core.learning.lesson_folder import LessonFolder, read_folder
from authlens_core.learning.progress.lesson_progress import DRILL
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.strict_json import StrictFile
from authlens_core.learning.strict_toml import StrictToml
from authlens_core.learning.words_file import read_texts
from authlens_core.values.errors import AuthlensError

__all__ = [
    "FILE",
    "FOLDER",
    "Drill",
    "DrillVerdict",
    "OwnerSetting",
    "drill_card",
    "drill_verdicts",
    "drills",
    "read_drills",
    "store_verdict",
]

FOLDER: Final = Path(__file__).parents[1] / "drills"
FILE: Final = "drills.toml"
_WORDS: Final = "drills.md"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")


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
    if not _NAME.fullmatch(drill.name) or drill.name in earlier:
        toml.refuse(
            table, "id", "an id has 2 to 40 lower-case letters, digits and hyphens, and is there once"
        )
    for name in drill.faults:
        toml.known(table, "faults", name, [fault.value for fault in faults_of(drill.profile)])
    if bool(drill.brings) is not (drill.walk is Walk.OTHER_CREDENTIAL):
        toml.refuse(table, "walk", "a drill brings a credential if its walk is other-credential")


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
    return " ✔" if letter == verdict.held else " ✖" if letter == verdict.predicted else ""

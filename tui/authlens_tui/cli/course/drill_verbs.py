"""The drills on the command line: listed, checked, and chosen for the demo by their names."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from authlens_core.learning.desk.drills import drills, drills_in, has_drills
from authlens_core.learning.drill import Drill
from authlens_core.values.errors import LessonRefused, UsageError
from authlens_tui.cli.faults import unknown_name
from authlens_tui.cli.option_values import named_folder
from authlens_tui.cli.terminal.output import answer_json, answer_line
from authlens_tui.cli.terminal.plain import numbered


def are_meant(arguments: Namespace) -> bool:
    """Return whether `check` is for drills: those of the program, or of a folder that has some."""
    if arguments.path is None and not arguments.drills:
        raise UsageError("Nothing to check was named.", "Name the folder of a lesson, or use --drills.")
    return arguments.drills or has_drills(named_folder(arguments.path))


def _drills_of(folder: str | None) -> Mapping[str, Drill]:
    return drills_in(None if folder is None else named_folder(folder))


def list_drills(arguments: Namespace) -> int:
    """Print the drills of the program, or of a folder, by their groups.

    Raises:
        LessonRefused: a file of the folder cannot be used.
    """
    known = _drills_of(getattr(arguments, "folder", None))
    if arguments.json:
        answer_json([_summary(drill) for drill in known.values()])
    else:
        _print(known.values())
    return 0


def _summary(drill: Drill) -> dict[str, Any]:
    """Return what a learner may know before: no claim, which would say what the emulator does."""
    return {
        "id": drill.name,
        "group": drill.group.value,
        "title": drill.title,
        "question": drill.question,
        "options": {letter: option.words for letter, option in drill.options.items()},
    }


def _print(listed: Collection[Drill]) -> None:
    widest = max(len(drill.name) for drill in listed)
    lines = numbered(f"{drill.name:<{widest}}  {drill.watch_for}" for drill in listed)
    for group, shown in groupby(zip(listed, lines, strict=True), key=lambda pair: pair[0].group):
        answer_line(f"{group}:")
        for _, line in shown:
            answer_line(f"  {line}")


async def check_drills(arguments: Namespace) -> int:
    """Play each drill, and print of which more or less than one option holds.

    Raises:
        LessonRefused: a file of the folder cannot be used.
        TimedOut: a drill took longer than 20 seconds.
    """
    from authlens_core.learning.desk.drill_check import checked  # the list of the demo needs no login

    results = await checked(_drills_of(arguments.path).values())
    if arguments.json:
        answer_json(
            [{"drill": done.drill.name, "sound": done.is_sound, "held": list(done.held)} for done in results]
        )
    else:
        for done in results:
            held = " and ".join(done.held) or "none"
            wrong = "" if done.is_sound else f": exactly one option has to hold, and these do: {held}"
            answer_line(f"{'✖' if wrong else '✔'} {done.drill.name}{wrong}")
    return 0 if all(done.is_sound for done in results) else LessonRefused.exit_code


def chosen_drills(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of what the demo plays, or None after listing all scenarios for `list`.

    Raises:
        UsageError: there is no such scenario, or one of another server is combined with others.
    """
    known = drills()
    if "list" in names:
        _print(known.values())
        return None
    for name in names:
        if name not in known:
            raise unknown_name(name, known, f"There is no scenario {name!r}.", "authlens demo --fault list")
    whole = next((name for name in names if known[name].is_alone), None)
    if whole is not None and len(names) > 1:
        raise UsageError(f"{whole} cannot be combined with other scenarios.", "Name it alone.")
    return tuple(names)

"""The drills on the command line: listed, and chosen for the demo by their names."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from authlens_core.learning.desk.drills import Drill, drills
from authlens_tui.cli.terminal.flags import numbered
from authlens_tui.cli.terminal.output import answer_json, answer_line
from authlens_tui.cli.terminal.refused import refusal, unknown_name


def list_drills(arguments: Namespace) -> int:
    """Print the drills by their groups."""
    if arguments.json:
        answer_json([_summary(drill) for drill in drills().values()])
    else:
        _print(drills().values())
    return 0


def _summary(drill: Drill) -> dict[str, Any]:
    """Return what a learner may know before: no claim, which would say what the emulator does."""
    return {
        "id": drill.name,
        "group": drill.group.value,
        "title": drill.title,
        "question": drill.question,
        "options": dict(drill.options),
    }


def _print(listed: Collection[Drill]) -> None:
    widest = max(len(drill.name) for drill in listed)
    lines = numbered(f"{drill.name:<{widest}}  {drill.watch_for}" for drill in listed)
    for group, shown in groupby(zip(listed, lines, strict=True), key=lambda pair: pair[0].group):
        answer_line(f"{group}:")
        for _, line in shown:
            answer_line(f"  {line}")


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
        raise refusal(f"{whole} cannot be combined with other scenarios.", "Name it alone.")
    return tuple(names)

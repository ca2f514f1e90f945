"""The faults of the emulator that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from authlens_core.emulator import Fault, Profile, StandardFault
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_line, answer_list
from authlens_tui.cli.terminal.plain import numbered

if TYPE_CHECKING:
    from authlens_core.learning.drill.drill import Drill

FaultT = TypeVar("FaultT", Fault, StandardFault)


def chosen_drills(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of what the demo plays, or None after listing all scenarios for `list`.

    Raises:
        UsageError: there is no such scenario, or one of another server is combined with others.
    """
    from authlens_core.learning.drill.drill_file import drills

    known = drills()
    if "list" in names:
        _list_drills(tuple(known.values()))
        return None
    for name in names:
        if name not in known:
            raise _unknown(name, known, f"There is no scenario {name!r}.", "authlens demo --fault list")
    whole = next((name for name in names if known[name].is_alone), None)
    if whole is not None and len(names) > 1:
        raise UsageError(f"{whole} cannot be combined with other scenarios.", "Name it alone.")
    return tuple(names)


def _list_drills(listed: Sequence[Drill]) -> None:
    widest = max(len(drill.name) for drill in listed)
    lines = numbered(f"{drill.name:<{widest}}  {drill.watch_for}" for drill in listed)
    for group, shown in groupby(zip(listed, lines, strict=True), key=lambda pair: pair[0].group):
        answer_line(f"{group}:")
        for _, line in shown:
            answer_line(f"  {line}")


def _unknown(name: str, known: Iterable[str], cause: str, listing: str) -> UsageError:
    near = get_close_matches(name, known, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return UsageError(cause, f"{meant}See them all: {listing}")


def chosen_faults(
    profile: Profile, known: Iterable[FaultT], names: Sequence[str]
) -> tuple[FaultT, ...] | None:
    """Return those of the `known` faults of a profile that are named, or None after listing all for `list`.

    Raises:
        UsageError: a name is not a fault of the profile.
    """
    by_name = {fault.value: fault for fault in known}
    if "list" in names:
        widest = max(map(len, by_name))
        answer_list(f"{name:<{widest}}  {fault.summary}" for name, fault in by_name.items())
        return None
    option = "" if profile is Profile.ACCESS else f" --profile {profile}"
    for name in names:
        if name not in by_name:
            profiled = f" in the profile {profile}" if option else ""
            raise _unknown(
                name,
                by_name,
                f"The emulator has no fault named {name!r}{profiled}.",
                f"authlens emulator{option} --fault list",
            )
    return tuple(by_name[name] for name in names)

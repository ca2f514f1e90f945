"""The faults of the emulator that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import TypeVar

from authlens_core.emulator import Fault, Profile, Scenario, StandardCase, StandardFault, scenarios
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_line, answer_list
from authlens_tui.cli.terminal.plain import numbered

FaultT = TypeVar("FaultT", Fault, StandardFault)


def chosen_cases(names: Sequence[str]) -> tuple[Fault | StandardCase, ...] | None:
    """Return what the demo plays, by the names of its scenarios, or None after listing them all for `list`.

    Raises:
        UsageError: there is no such scenario, or one of another server is combined with others.
    """
    by_name = {scenario.name: scenario for scenario in scenarios()}
    if "list" in names:
        _list_scenarios(scenarios())
        return None
    for name in names:
        if name not in by_name:
            raise _unknown(name, by_name, f"There is no scenario {name!r}.", "authlens demo --fault list")
    # A scenario without a fault is the honest login.
    cases = tuple(case for name in names if (case := by_name[name].fault) is not None)
    whole = next((case for case in cases if isinstance(case, StandardCase)), None)
    if whole is not None and len(cases) > 1:
        raise UsageError(f"{whole.value} cannot be combined with other scenarios.", "Name it alone.")
    return cases


def _list_scenarios(listed: Sequence[Scenario]) -> None:
    widest = max(len(scenario.name) for scenario in listed)
    lines = numbered(f"{scenario.name:<{widest}}  {scenario.watch_for}" for scenario in listed)
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

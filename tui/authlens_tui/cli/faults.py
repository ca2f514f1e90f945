"""The faults of the emulator that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar

from authlens_core.emulator.faults import Fault
from authlens_core.emulator.profile import Profile, StandardFault
from authlens_core.errors import UsageError
from authlens_tui.cli.terminal.output import answer_line
from authlens_tui.cli.terminal.plain import numbered


class _Explained(Protocol):
    @property
    def value(self) -> str: ...

    @property
    def summary(self) -> str: ...


FaultT = TypeVar("FaultT", bound=_Explained)


def chosen_faults(names: Sequence[str]) -> tuple[Fault, ...] | None:
    """Return the faults of the profile `access` by name, or None after listing them all for `list`.

    Raises:
        UsageError: a name is not a fault.
    """
    return _chosen(names, {fault.value: fault for fault in Fault}, Profile.ACCESS)


def chosen_standard_faults(profile: Profile, names: Sequence[str]) -> tuple[StandardFault, ...] | None:
    """Return the faults of another profile by name, or None after listing them all for `list`.

    Raises:
        UsageError: a name is not a fault of the profile.
    """
    by_name = {fault.value: fault for fault in StandardFault if profile in fault.profiles}
    return _chosen(names, by_name, profile)


def _chosen(
    names: Sequence[str], by_name: Mapping[str, FaultT], profile: Profile
) -> tuple[FaultT, ...] | None:
    if "list" in names:
        widest = max(map(len, by_name))
        for line in numbered(f"{name:<{widest}}  {fault.summary}" for name, fault in by_name.items()):
            answer_line(line)
        return None
    option = "" if profile is Profile.ACCESS else f" --profile {profile}"
    for name in names:
        if name not in by_name:
            near = get_close_matches(name, by_name, 1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"The emulator has no fault named {name!r}"
                + (f" in the profile {profile}." if option else "."),
                f"{meant}See them all: authlens emulator{option} --fault list",
            )
    return tuple(by_name[name] for name in names)

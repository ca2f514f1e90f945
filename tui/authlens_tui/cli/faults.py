"""The faults of the emulator that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from authlens_core.emulator import Fault, Profile, StandardFault
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_list

FaultT = TypeVar("FaultT", Fault, StandardFault)


def unknown_name(name: str, known: Iterable[str], cause: str, listing: str) -> UsageError:
    """Return the refusal of a name, with the nearest that is known and the command that lists them."""
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
            raise unknown_name(
                name,
                by_name,
                f"The emulator has no fault named {name!r}{profiled}.",
                f"authlens emulator{option} --fault list",
            )
    return tuple(by_name[name] for name in names)

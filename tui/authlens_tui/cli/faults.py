"""Which faults of the emulator were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from authlens_core.emulator.faults import Fault
from authlens_core.errors import UsageError
from authlens_tui.cli.terminal.output import answer_line

__all__ = ["chosen_faults"]


def chosen_faults(names: Sequence[str]) -> tuple[Fault, ...] | None:
    """Return the faults by name, or None after having listed them all because `list` was asked for.

    Raises:
        UsageError: when a name is not a fault.
    """
    by_name = {fault.value: fault for fault in Fault}
    if "list" in names:
        widest = max(len(name) for name in by_name)
        for name, fault in by_name.items():
            answer_line(f"{name:<{widest}}  {fault.summary}")
        return None
    for name in names:
        if name not in by_name:
            near = get_close_matches(name, by_name, 1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"The emulator has no fault named {name!r}.",
                f"{meant}See them all: authlens emulator --fault list",
            )
    return tuple(by_name[name] for name in names)

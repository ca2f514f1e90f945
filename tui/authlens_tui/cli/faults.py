"""Which faults of the emulator were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from authlens_core.emulator.faults import Fault
from authlens_core.errors import UsageError
from authlens_tui.cli.output import say

__all__ = ["chosen_faults"]


def chosen_faults(names: Sequence[str]) -> tuple[Fault, ...] | None:
    """Return the faults by name, or None after having listed them all because `list` was asked for.

    Raises:
        UsageError: when a name is not a fault.
    """
    if "list" in names:
        for fault in Fault:
            say(f"{fault.value:<32}{fault.summary}")
        return None
    by_name = {fault.value: fault for fault in Fault}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        msg = f"The emulator has no fault named {unknown[0]!r}."
        raise UsageError(msg, "See them all: authlens emulator --fault list")
    return tuple(by_name[name] for name in names)

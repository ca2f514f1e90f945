"""Keeping a process that holds secrets out of core dumps."""

from __future__ import annotations

import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def forbid_core_dump() -> None:
    """Let no crash write this process's memory to a disk, and on Linux no program attach to it."""
    if sys.platform == "win32":
        return
    import resource

    # The hard limit stays, so that a command of `authlens run` can allow its own.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        import ctypes

        # A collector such as systemd-coredump, to which the kernel pipes a dump, is not held by the limit.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

"""The report of a crash: the kind of error and the places in our own code, without any value.

A traceback shows lines of data in its message, and Textual prints the local variables of every frame: a token
held in one of them would be on the terminal and in its scroll-back.
"""

from __future__ import annotations

import os
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Final

_MOST: Final = 4
_PACKAGES: Final = ("authlens_tui", "authlens_core")


def own_frames(trace: TracebackType | None) -> list[str]:
    """Return the last frames in our own packages as `package/module.py:line function`, the innermost last."""
    frames = []
    for frame in extract_tb(trace):
        parts = Path(frame.filename).parts
        package = next((name for name in _PACKAGES if name in parts), None)
        if package is not None:
            # From the innermost folder of that name: a checkout may lie in another one that is called so.
            inside = parts[len(parts) - 1 - parts[::-1].index(package) :]
            frames.append(f"{'/'.join(inside)}:{frame.lineno} {frame.name}")
    return frames[-_MOST:]


def crash_report(error: BaseException | None, stage: str = "", stored: str = "") -> str:
    """Return the report of `error`: without values, messages and local variables.

    Args:
        stored: a sentence on the tokens that were stored so far, if any could be.
    """
    kind = type(error).__name__ if error is not None else "unknown"
    where = f" in the stage {stage}" if stage else ""
    lines = [
        f"authlens stopped{where} because of a bug ({kind}).",
        *(f"  at {frame}" for frame in own_frames(None if error is None else error.__traceback__)),
        f"  report {os.urandom(4).hex()}",
        f"{stored} Please report the lines above; they contain no secrets.".lstrip(),
    ]
    return "\n".join(lines)

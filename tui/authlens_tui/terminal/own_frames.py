"""Where an error came from, as places in our own code: of a traceback, all that may be shown."""

from __future__ import annotations

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

"""Ways of Textual to write the screen, its log or the keys to a file: none is allowed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authlens_core.errors import UsageError

_VARIABLES: Final = ("TEXTUAL", "TEXTUAL_DEBUG", "TEXTUAL_DRIVER", "TEXTUAL_LOG", "TEXTUAL_SCREENSHOT")


def refuse_recording(environ: Mapping[str, str]) -> None:
    """Stop when the environment asks Textual to record.

    Raises:
        UsageError: naming each variable that has to go.
    """
    found = [name for name in _VARIABLES if environ.get(name)]
    if found:
        raise UsageError(
            f"{' and '.join(found)} would record the screen or your typing to a file or another program.",
            f"Start again without it: env {' '.join(f'-u {name}' for name in found)} authlens",
        )

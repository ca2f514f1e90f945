"""The styles of a widget, in a file beside its module."""

from __future__ import annotations

from pathlib import Path


def default_css(module: str) -> str:
    """Return the styles of the widgets in a module, `stepper.tcss` for `stepper.py`: their `DEFAULT_CSS`."""
    return Path(module).with_suffix(".tcss").read_text(encoding="utf-8")

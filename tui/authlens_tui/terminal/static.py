"""A text whose room fits what it says: the only `Static` that authlens uses.

Textual measures a text anew once a layout was asked for, and asks once while one is pending. A new size
changes styles, which asks; all is laid out, and only then are the widgets told. A text that is replaced there
would keep the height of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static as _Static  # noqa: TID251 - the one that is mended here

if TYPE_CHECKING:
    from textual.visual import VisualType

__all__ = ["Static"]


class Static(_Static):
    """Textual's text, measured anew each time it is replaced."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        if layout:
            self.styles.merge_rules({})  # what was measured with other styles is not used again
        super().update(content, layout=layout)

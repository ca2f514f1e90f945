"""Widgets whose room fits what they show: `Static` is the only one that authlens uses.

Textual forgets what it measured when a layout is asked for, but not while one is pending. A new size changes
styles, which asks; all is laid out, and only then the widgets get the event. A text that is replaced there
would keep the height of the one before.
"""

from __future__ import annotations

from typing import Self

import textual.widgets
from textual.geometry import Region
from textual.widget import Widget


class Measured(Widget):
    """A widget that is measured again each time it asks for a layout."""

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if layout:
            self.styles.merge_rules({})  # what was measured with other styles is not used again
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class Static(textual.widgets.Static, Measured):  # noqa: TID251 - the one that is mended here
    """Textual's text, measured again each time it is replaced."""

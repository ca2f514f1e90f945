"""A class as an app, for its teacher."""

from __future__ import annotations

from collections.abc import Mapping

from authlens_core.learning.desk.class_folder import ClassFolder
from authlens_core.learning.desk.course import Course
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.learn.class_table import ClassScreen


class ClassApp(BaseApp):
    """Shows the class in a folder.

    Args:
        course: the lessons that it is at.
    """

    def __init__(
        self, folder: ClassFolder, course: Course, *, environ: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(environ)
        self._class = ClassScreen(folder, course)

    def on_mount(self) -> None:
        self.push_screen(self._class)

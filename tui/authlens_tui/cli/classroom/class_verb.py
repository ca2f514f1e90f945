"""`learn class`."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from pathlib import Path

from authlens_core.learning.desk.class_folder import ClassFolder
from authlens_core.learning.desk.course import Course
from authlens_tui.cli.terminal.output import answer_json


def show_class(arguments: Namespace, course: Course) -> int:
    """Show who is where: once as JSON, or on a screen until the teacher leaves.

    Raises:
        FileUnusable: the folder cannot be read.
        UsageError: this is no terminal for a full screen.
    """
    folder = ClassFolder(Path(arguments.folder_of_class))
    view = folder.read()
    if arguments.json:
        answer_json(view.as_json(time.time()))
        return 0
    from authlens_tui.cli.full_screen import require_terminal, run_to_end

    require_terminal(f"authlens learn class {shlex.quote(str(folder.path))} --json")
    from authlens_tui.app.class_app import ClassApp

    return run_to_end(ClassApp(folder, course))

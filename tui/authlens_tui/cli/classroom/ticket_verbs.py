"""`authlens learn tickets`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from authlens_core.export.csv_row import csv_row
from authlens_core.export.saved_file import named_path, write_export
from authlens_core.learning.desk.tickets import tickets_for
from authlens_core.values.errors import FileExists, UsageError
from authlens_tui.cli.terminal.output import answer_line, say


def tickets(arguments: Namespace) -> int:
    """Give each student of a roster a ticket.

    Raises:
        LessonRefused: the roster is none.
        UsageError: the exam has no name, or the folder is none.
        FileUnusable: the key or the roster cannot be used.
    """
    folder = None if arguments.output is None else Path(arguments.output)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder} is no directory.", f"Make it first: mkdir {shlex.quote(str(folder))}")
    key_file = named_path(arguments.key)
    made, is_new = tickets_for(named_path(arguments.roster), arguments.exam, key_file=key_file)
    if is_new:
        say(f"✔ New key in {key_file}. Keep it from the students: it makes tickets.")
    if folder is None:
        answer_line("name,ticket")
        for ticket in made:
            answer_line(csv_row([ticket.name, str(ticket)]))
        return 0
    width = len(str(len(made)))
    for number, ticket in enumerate(made, 1):
        # A name may be the name of no file, or of another one.
        plain = "".join(letter if letter.isalnum() else "-" for letter in ticket.name.lower())
        path = folder / f"{number:0{width}}-{plain}.ticket"
        written(path, f"{ticket}\n", force=arguments.force)
    say(f"✔ {len(made)} tickets are in {folder}, one file for each student.")
    return 0


def written(path: Path, text: str, *, force: bool) -> Path:
    """Write a file that only you can read, and return its path.

    Raises:
        FileExists: there is one already, and `force` is false.
        FileUnusable: it cannot be written.
    """
    try:
        return write_export(path, text, force=force)
    except FileExists as error:
        raise FileExists(error.cause, "Choose another name, or add --force to replace it.") from None

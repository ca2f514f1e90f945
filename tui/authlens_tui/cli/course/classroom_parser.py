"""The options of `learn record`, `verify`, `tickets` and `class`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from authlens_tui.cli.option_values import flag

_Action = Callable[[str, str], argparse.ArgumentParser]
_Adds = Callable[[argparse.ArgumentParser], None]


def add_classroom(action: _Action, add_from: _Adds, add_ticket: _Adds) -> None:
    """Add the actions.

    Args:
        action: adds one, by its name and what it does.
        add_from: adds `--from`.
        add_ticket: adds `--ticket`.
    """
    record = action("record", "write what you did as JSON, and as Markdown beside it")
    record.add_argument(
        "-o", "--output", metavar="FILE", default="record.json", help="the file (record.json); - is stdout"
    )
    flag(record, "--force", "replace FILE, and what is written beside it")
    flag(record, "--traces", "save what each lesson sent, masked, as session files beside it")
    record.add_argument(
        "--answers",
        metavar="FILE",
        action="append",
        default=[],
        help="moves of a lesson, instead of your progress; may be repeated",
    )
    add_ticket(record)
    add_from(record)

    verify = action("verify", "make the moves of a record again, and compare the verdicts")
    verify.add_argument("path", metavar="PATH", help="a record, or a folder of them")
    verify.add_argument("--key", metavar="FILE", help="the key of an exam: its tickets have to be genuine")
    flag(verify, "--json", "a JSON array on stdout")
    add_from(verify)

    seen = action("class", "show a class: who is where, and which claims fail now")
    seen.add_argument("folder_of_class", metavar="DIR", help="the folder that AUTHLENS_CLASS names")
    flag(seen, "--json", "one JSON object on stdout, once, instead of the full screen")
    add_from(seen)

    tickets = action("tickets", "give each student of an exam a ticket that draws the lessons")
    tickets.add_argument("roster", metavar="ROSTER", help="CSV with a column “name”")
    tickets.add_argument("--key", metavar="FILE", required=True, help="the key; made if there is none")
    tickets.add_argument("--exam", metavar="NAME", default="exam", help="the name of the exam (exam)")
    tickets.add_argument(
        "-o", "--output", metavar="DIR", help="write a file for each student, instead of CSV on stdout"
    )
    flag(tickets, "--force", "replace the tickets in DIR")

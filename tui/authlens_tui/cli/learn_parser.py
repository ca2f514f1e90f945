"""The options of `learn`, the course."""

from __future__ import annotations

import argparse
from typing import Final

from authlens_tui.cli.option_values import count, flag

_EPILOG: Final = """\
Everything happens inside this program: no account, no network, nothing stored.
`run` makes the moves of a file, and exits with 0 if they pass, 12 if they do
not, and 13 if a move, a lesson or the file is refused.
"""
_LARGEST_SEED: Final = 2**32 - 1


def add_learn(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    flag(parser, "--list", "list the lessons")
    _from(parser)
    flag(parser, "--json", "with --list: a JSON array on stdout")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name, help=words, description=f"{words[:1].upper()}{words[1:]}.", allow_abbrev=False
        )

    _show(action("show", "print a lesson: its task, what is to be proved, and the questions"))
    _run(action("run", "make the moves of a file, and print the verdict"))
    _hint(action("hint", "print a hint"))
    _check(action("check", "check lessons of your own: the solution passes, and nothing less does"))


def _from(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    # argparse lets the default of an action replace what was given before its name.
    parser.add_argument(
        "--from",
        dest="folder",
        metavar="DIR",
        default=default or argparse.SUPPRESS,
        help="lessons in a folder, instead of those of the program",
    )


def _lesson(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lesson", metavar="ID", help="the lesson, as --list names it")
    _from(parser)


def _show(parser: argparse.ArgumentParser) -> None:
    _lesson(parser)
    parser.add_argument("--lang", metavar="XX", default="en", help="the language (en)")
    flag(parser, "--json", "one JSON object on stdout")


def _run(parser: argparse.ArgumentParser) -> None:
    _lesson(parser)
    parser.add_argument(
        "--answers", metavar="FILE", required=True, help="the moves, as JSON; - reads standard input"
    )
    parser.add_argument(
        "--seed", type=count(0, _LARGEST_SEED), metavar="N", help="of ids, codes and tokens (the file's)"
    )
    parser.add_argument("--trace", metavar="OUT", help="save what was sent, masked, as a session file")
    flag(parser, "--json", "one JSON object on stdout")


def _hint(parser: argparse.ArgumentParser) -> None:
    _lesson(parser)
    parser.add_argument("phase", metavar="PHASE", choices=("break",), help="break")
    parser.add_argument(
        "--step", type=count(1, 3), metavar="N", default=1, help="1, 2 or 3: where, what, how"
    )


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the folder of a lesson, or of several")
    parser.add_argument("--solution", metavar="FILE", help="the moves to check, instead of solution.json")
    flag(parser, "--json", "a JSON array on stdout")

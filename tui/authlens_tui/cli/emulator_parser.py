"""The options of the verbs that run simulated servers: `demo`, `emulator` and `learn`."""

from __future__ import annotations

import argparse
from typing import Final

from authlens_tui.cli.option_values import LONGEST_TTL, count, flag, port, port_up_to
from authlens_tui.cli.verb_parser import VerbParser

_LEARN_EPILOG: Final = """\
Everything happens inside this program: no account, no network. The moves of a
lesson are stored as you make them (learn.json), without a credential in them.
`run` makes the moves of a file, and exits with 0 if they pass, 12 if they do
not, and 13 if a move, a lesson or the file is refused.
"""
PLAY: Final = "play"
# By name: the parser of every verb must not read the course.
_PHASES: Final = ("predict", "run", "observe", "break", "repair", "questions")
_LARGEST_SEED: Final = 2**32 - 1


def _add_fault(add: argparse.ArgumentParser, words: str) -> None:
    add.add_argument("--fault", metavar="NAME", action="append", default=[], help=words)


def add_demo(add: argparse.ArgumentParser) -> None:
    _add_fault(
        add, "start this scenario (--fault list lists all); faults of Cloudflare Access may be repeated"
    )
    flag(add, "--play", "run each login to its end, and sign in for you")
    add.add_argument("--port", type=port, default=0, metavar="N", help="callback port (any free one)")


def add_emulator(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--profile",
        choices=("access", "mcp", "generic", "machine"),
        default="access",
        help="a Cloudflare Access (default), an MCP server, any API with OAuth, or one for programs",
    )
    add.add_argument(
        "--port",
        type=port_up_to(65_534),
        default=0,
        metavar="N",
        help="port of the protected resource; the login server uses the next one (default: any free ports)",
    )
    add.add_argument(
        "--token-lifetime",
        type=count(1, int(LONGEST_TTL), "seconds"),
        default=60,
        metavar="S",
        help=("lifetime of access tokens in seconds (60)"),
    )
    flag(add, "--strict", "answer service tokens as new organisations do: 401 or 403, no redirect, no cookie")
    flag(
        add,
        "--admin",
        "serve a JSON interface for tests: set faults, expire tokens, list requests (docs/emulator.md)",
    )
    add.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="use the same ids, codes and tokens at each start; signing keys differ",
    )
    _add_fault(add, "simulate a fault; may be repeated (--fault list lists them all)")


def add_learn(parser: argparse.ArgumentParser) -> None:
    from authlens_tui.cli.course.classroom_parser import add_classroom  # no other verb needs it

    parser.epilog = _LEARN_EPILOG
    flag(parser, "--list", "list the lessons")
    flag(parser, "--drills", "with --list: the drills, which are the scenarios of the demo")
    _from(parser)
    _ticket(parser)
    flag(parser, "--json", "with --list: a JSON array on stdout")
    if isinstance(parser, VerbParser):
        parser.usual_action = PLAY
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name, help=words, description=f"{words[:1].upper()}{words[1:]}.", allow_abbrev=False
        )

    play = action(PLAY, "do a lesson; with --plain, line by line")
    _lesson(play, needed=False)
    _ticket(play)
    _show(action("show", "print a lesson: its task, what is to be proved, and the questions"))
    _run(action("run", "make the moves of a file, and print the verdict"))
    _hint(action("hint", "print a hint"))
    _check(action("check", "check lessons of your own: the solution passes, and nothing less does"))
    add_classroom(action, _from, _ticket)
    _progress(action("progress", "print how far you are in each lesson"))
    _reset(action("reset", "start a lesson over; what you did is archived"))


def _from(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    # argparse lets the default of an action replace what was given before its name.
    parser.add_argument(
        "--from",
        dest="folder",
        metavar="DIR",
        default=default or argparse.SUPPRESS,
        help="lessons in a folder, instead of those of the program",
    )


def _ticket(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ticket",
        metavar="T",
        default=argparse.SUPPRESS,
        help="the ticket of an exam, or the file that holds it",
    )


def _lesson(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    nargs = None if needed else "?"
    parser.add_argument("lesson", metavar="ID", nargs=nargs, help="the lesson, as --list names or numbers it")
    parser.add_argument("--lang", metavar="XX", default="en", help="the language (en)")
    _from(parser)


def _show(parser: argparse.ArgumentParser) -> None:
    _lesson(parser)
    _ticket(parser)
    flag(parser, "--json", "one JSON object on stdout")


def _run(parser: argparse.ArgumentParser) -> None:
    _lesson(parser)
    _ticket(parser)
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
    phases = [phase for phase in _PHASES if phase != "run"]  # it has none
    parser.add_argument("phase", metavar="PHASE", choices=phases, help=", ".join(phases))
    parser.add_argument(
        "--step", type=count(1, 3), metavar="N", default=1, help="1, 2 or 3: where, what, how"
    )


def _check(parser: argparse.ArgumentParser) -> None:
    words = "the folder of a lesson, of several, or of drills"
    parser.add_argument("path", metavar="PATH", nargs="?", help=words)
    flag(parser, "--drills", "check the drills of the program")
    parser.add_argument("--solution", metavar="FILE", help="the moves to check, instead of solution.json")
    flag(parser, "--json", "a JSON array on stdout")


def _progress(parser: argparse.ArgumentParser) -> None:
    _from(parser)
    flag(parser, "--json", "a JSON array on stdout")


def _reset(parser: argparse.ArgumentParser) -> None:
    _lesson(parser, needed=False)
    flag(parser, "--all", "start every lesson over")
    parser.add_argument(
        "--phase",
        metavar="PHASE",
        choices=_PHASES,
        help=f"start it over at this phase: {', '.join(_PHASES)}",
    )

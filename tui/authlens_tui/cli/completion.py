"""`authlens help`, `completion` and `man`: made from the parser, so they know every verb and option."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator

from authlens_core.values.version import VERSION
from authlens_tui.cli.parser import VERBS, build_parser, declared, topics
from authlens_tui.cli.terminal.output import answer_text
from authlens_tui.cli.terminal.refused import nearest, refusal


def show_help(arguments: Namespace) -> int:
    """Print the help of a verb, a topic or the program.

    Raises:
        UsageError: there is no such verb.
    """
    if arguments.of in topics():
        answer_text(topics()[arguments.of])
        return 0
    parser = build_parser(arguments.of)
    if arguments.of is not None and arguments.of not in VERBS:
        near = nearest(arguments.of, (*VERBS, *topics()))
        raise refusal(
            f"There is no verb {arguments.of!r}.",
            f"Run: authlens help {near}" if near else "All verbs: authlens help",
        )
    parser.parse_args(["--help"] if arguments.of is None else [arguments.of, "--help"])
    return 0


async def completion(arguments: Namespace) -> int:
    import shtab

    answer_text(shtab.complete(build_parser(), shell=arguments.shell) + "\n")
    return 0


async def man(_arguments: Namespace) -> int:
    answer_text(man_page(build_parser(), VERSION))
    return 0


def man_page(parser: argparse.ArgumentParser, version: str) -> str:
    return "\n".join(_lines(parser, version)) + "\n"


def _lines(parser: argparse.ArgumentParser, version: str) -> Iterator[str]:
    yield f'.TH AUTHLENS 1 "" "authlens {_escape(version)}" "User Commands"'
    yield ".SH NAME"
    yield "authlens \\- see every login to a protected resource, and use its credential"
    yield ".SH SYNOPSIS"
    yield f".B {_escape(' '.join(parser.format_usage().split()[1:]))}"
    yield ".SH DESCRIPTION"
    yield _escape(parser.description or "")
    yield ".SH OPTIONS"
    yield from _options(parser)
    yield ".SH VERBS"
    for name, verb in _verbs(parser):
        yield f".SS {name}"
        yield _escape(verb.description or "")
        yield ".PP"
        yield f".B {_escape(' '.join(verb.format_usage().split()[1:]))}"
        yield from _options(verb)
        yield ".PP"
        yield from _example(name)
    yield ".SH EXIT CODES AND ENVIRONMENT"
    yield ".nf"
    yield from (_escape(line) for line in "\n".join(topics().values()).split("\n"))
    yield ".fi"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # noqa: SLF001 - argparse shows them in no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.items()


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:  # noqa: SLF001
            continue
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        takes = action.option_strings and action.nargs != 0
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest)
        yield ".TP"
        yield f".B {_escape(f'{names} {value}' if takes else names)}"
        yield _escape(" ".join(((action.help or "") % {"prog": parser.prog}).split()))


def _example(name: str) -> Iterator[str]:
    yield ".nf"
    for line in declared(name)["examples"]:
        yield f"    {_escape(line)}"
    yield ".fi"


def _escape(text: str) -> str:
    """Return text for roff, in ASCII, with a dot or a quote at the start of a line escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped

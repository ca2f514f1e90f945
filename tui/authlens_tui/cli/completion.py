"""`authlens completion` and `authlens man`: made from the parser, so they know every verb and option."""

from __future__ import annotations

from argparse import Namespace
from importlib.metadata import PackageNotFoundError, version

from authlens_tui.cli.man_page import man_page
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.terminal.output import answer_text


async def completion(arguments: Namespace) -> int:
    import shtab

    answer_text(shtab.complete(build_parser(), shell=arguments.shell) + "\n")
    return 0


async def man(_arguments: Namespace) -> int:
    try:
        number = version("authlens")
    except PackageNotFoundError:
        number = ""
    answer_text(man_page(build_parser(), number))
    return 0

"""`authlens completion` and `authlens man`: made from the parser, so they know every verb and option."""

from __future__ import annotations

from argparse import Namespace

from authlens_core.version import VERSION
from authlens_tui.cli.man_page import man_page
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.terminal.output import answer_text


async def completion(arguments: Namespace) -> int:
    import shtab

    answer_text(shtab.complete(build_parser(), shell=arguments.shell) + "\n")
    return 0


async def man(_arguments: Namespace) -> int:
    answer_text(man_page(build_parser(), VERSION))
    return 0

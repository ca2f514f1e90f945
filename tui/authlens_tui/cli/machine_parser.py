"""The arguments of the verbs about this machine: `list` and `config`."""

from __future__ import annotations

import argparse

from authlens_tui.cli.option_values import interval


def add_list(add: argparse.ArgumentParser) -> None:
    add.add_argument("--json", action="store_true", help="a JSON array on stdout")
    add.add_argument(
        "--watch",
        metavar="S",
        type=interval,
        nargs="?",
        const=2.0,
        help="print the table again when it changes, looking every S seconds (2)",
    )


def add_config(add: argparse.ArgumentParser) -> None:
    add.epilog = "Every setting and the name of every key: docs/configuration.md\n"
    what = add.add_mutually_exclusive_group()
    what.add_argument("--path", action="store_true", help="print where the file is")
    what.add_argument("--keys", action="store_true", help="print the names of all keys")
    what.add_argument("--check", action="store_true", help="report what the file has that is unknown")

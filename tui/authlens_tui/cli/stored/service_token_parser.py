"""The words after `authlens service-token`."""

from __future__ import annotations

import argparse

from authlens_tui.cli.option_values import flag, utf8

_EPILOG = """\
The secret comes from a prompt, or from the first line of standard input; it is
never an argument, because other users can read those. Without --client-id, the
id comes from a prompt or the line before.
"""


def add_service_token(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name,
            help=words,
            description=f"{words[:1].upper()}{words[1:]}.",
            epilog=_EPILOG if name in {"add", "replace"} else None,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    _add(action("add", "store a service token, then test it"))
    _test(action("test", "call the resource with a service token"))
    _replace(action("replace", "replace the secret, if the resource accepts the new one"))
    _edit(action("edit", "change the label and expiry, not the secret"))
    _one(action("remove", "remove from this machine; it stays valid at Access"))
    flag(action("list", "list every service token and its state"), "--json", "a JSON array on stdout")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the resource it is for, or an id from list --json")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the protected resource; the token is sent only there")
    parser.add_argument("--client-id", metavar="ID", help="the Client ID, which ends with .access")
    parser.add_argument(
        "--single-header",
        nargs="?",
        const="Authorization",
        metavar="NAME",
        help="send both as JSON in one header (Authorization), if the application requires that",
    )
    parser.add_argument("--label", metavar="L", default="", type=utf8, help="your name for it")
    parser.add_argument(
        "--method", choices=["GET", "POST"], default="GET", help=("request method for the resource")
    )
    _expires(parser)
    flag(parser, "--no-test", "store it without a test")
    flag(parser, "--json", "one JSON object on stdout")


def _expires(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expires", metavar="DATE", help="expiry, such as 2027-03-31; authlens reminds you")


def _test(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("url", metavar="URL", nargs="?", help="the resource, or an id from list --json")
    flag(which, "--all", "every service token")
    flag(parser, "--json", "a JSON array of results on stdout")


def _replace(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--client-id", metavar="ID", help="the new Client ID, if it changed, too")
    _expires(parser)
    flag(parser, "--anyway", "store it even if the resource refuses it")
    flag(parser, "--json", "one JSON object on stdout")


def _edit(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--expires", metavar="DATE", help="new expiry, such as 2027-03-31; never: no expiry")
    parser.add_argument("--label", metavar="L", help="your name for it")
    flag(parser, "--json", "one JSON object on stdout")

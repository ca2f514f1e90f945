"""The verbs and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from authlens_tui.cli.emulator_parser import add_demo, add_emulator, add_learn
from authlens_tui.cli.examples import EXAMPLES
from authlens_tui.cli.option_values import check_name, count, flag, number
from authlens_tui.cli.scripts.agent_parser import AGENT_VERBS, HEADERS, add_curl, add_min_ttl
from authlens_tui.cli.stored.service_token_parser import add_service_token
from authlens_tui.cli.verb_parser import VerbParser

_KINDS: Final = frozenset({"login", "refresh", "revoke", "probe"})
TOPICS: Final = {
    "exit-codes": """\
exit codes:
    0  ok
    1  authlens itself failed
    2  usage: wrong command line, or not possible on this machine
    3  not protected
    4  you need to log in
    5  refused by the server or a policy
    6  network or TLS
    7  server misconfigured or hostile
    8  timed out
    9  no secret store
   10  compare: there are differences
   11  revoke: renewal has ended; the access token works until it expires
   12  learn: the moves do not pass the lesson
   13  learn: a lesson, a move, a record or a ticket is refused
  130  Ctrl-C; 143 terminated; 129 terminal closed

The result goes to stdout, messages to stderr.
""",
    "environment": """\
environment:
  AUTHLENS_CLASS           learn: a folder that shows a teacher how far you are
  AUTHLENS_PLAIN           any value: the same as --plain
  AUTHLENS_REDUCED_MOTION  any value: no login plays itself in the demo
  AUTHLENS_NO_INPUT        any value: the same as --no-input
  AUTHLENS_HOME            the directory for state that is not secret
  AUTHLENS_CLIENT_SECRET   the secret of the client named by login --client-id
  AUTHLENS_PASSPHRASE_FILE a private file, or /dev/fd/N, with the passphrase of
                           the encrypted file
  BROWSER                  the browser that login opens without asking;
                           Codespaces and development containers set it to
                           open links on the host
  PYTHON_KEYRING_BACKEND   the keyring backend, instead of the system's own
""",
}
"""What `authlens help` explains besides the verbs."""
_EPILOG: Final = """\
examples:
  authlens https://wiki.example.com/
  authlens token https://wiki.example.com/
  authlens demo

More: authlens help VERB, authlens help exit-codes, authlens help environment
"""
_LOGIN_EPILOG: Final = """\
The browser comes back in one of three ways: directly, on this machine; over
SSH, through the port that the ssh -L line forwards; or you paste the address
it ends on into the terminal.

No browser opens automatically: press Enter to open the link on this machine. A
setting of the app, or BROWSER, opens it without asking. Over SSH, no browser
opens.

--client-secret and --initial-access-token ask for what they name, or take it
from the variables AUTHLENS_CLIENT_SECRET and AUTHLENS_INITIAL_ACCESS_TOKEN. No
secret is an argument: others can read those.

With several URLs, a login that fails does not stop the next one; Ctrl-C stops
all. The exit code is the highest one. With --json, each event has the
resource_url of its login.
"""


_FULL: Final = "with --json: every request, check and fact, not only what warns or fails"


def _add_login(add: argparse.ArgumentParser) -> None:
    # Only here and in a probe: the other verbs, which scripts call, load no options of a login.
    from authlens_tui.cli.login.login_arguments import add_options

    add.epilog = _LOGIN_EPILOG
    add.add_argument("urls", metavar="URL", nargs="+", help="the protected resource; several: one by one")
    flag(add, "--no-browser", "open no browser, even if BROWSER or a setting asks for it")
    flag(add, "--json", "report what happens as JSON lines on stdout")
    flag(add, "--full", _FULL)
    add_options(add)
    add.add_argument(
        "--yes",
        metavar="CHECK",
        action="append",
        default=[],
        type=check_name,
        help="continue although this check fails; a failure names it, and with =HOST the one host that it is "
        "approved for; may be repeated",
    )
    flag(
        add,
        "--cloudflared",
        "log in with cloudflared, for a resource without Managed OAuth; then only --timeout and --json apply",
    )


def _add_probe(add: argparse.ArgumentParser) -> None:
    from authlens_tui.cli.login.login_arguments import add_option

    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument("url", metavar="URL", nargs="?", help="the protected resource")
    flag(which, "--all", "call each resource with its stored credential")
    flag(add, "--kept", "call URL with its stored credentials")
    flag(add, "--json", "JSON on stdout: an object, or an array of results")
    flag(add, "--full", _FULL)
    add_option(add, "method")


def _add_events(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", nargs="?", help="only events of its credentials")
    flag(add, "--json", "JSON lines on stdout")
    add.add_argument(
        "--limit",
        type=count(1, 10_000, "events"),
        default=1_000,
        metavar="N",
        help="only the newest N (1000; at most 10000)",
    )


def _add_token_verb(add: argparse.ArgumentParser) -> None:
    add_min_ttl(add)
    flag(
        add,
        "--refused",
        "the resource answered 401 to the token on standard input: refresh it, unless a newer one is stored",
    )


def _add_url_or_all(add: argparse.ArgumentParser) -> None:
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument("url", metavar="URL", nargs="?", help="the protected resource")
    flag(which, "--all", "every credential")
    flag(add, "--json", "a JSON array of results on stdout")


def _add_revoke(add: argparse.ArgumentParser) -> None:
    _add_url_or_all(add)
    add.add_argument(
        "--wait",
        metavar="S",
        type=number(0, 600),
        default=31.0,
        help="how long to keep checking a resource that still accepts the token (default: 31 s)",
    )


def _add_refresh(add: argparse.ArgumentParser) -> None:
    _add_url_or_all(add)
    flag(add, "--again", "refresh even if an earlier refresh was interrupted; this may end the login")


def _add_forget(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="the protected resource, or an id from list --json")


def _add_store(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--move",
        choices=["keyring", "encrypted-file", "file", "memory"],
        help="move all secrets there, and store new ones there",
    )
    flag(add, "--yes", "confirm a plain file, readable by you and root")
    flag(add, "--json", "a JSON object on stdout")


def _add_doctor(add: argparse.ArgumentParser) -> None:
    flag(add, "--json", "a JSON object on stdout")


def _add_which(add: argparse.ArgumentParser, *names: str, of: str = "URL") -> None:
    add.add_argument(
        *names,
        metavar="W",
        type=_which,
        help=f"which trace of {of}: login, refresh, revoke, probe, or its number (the newest login)",
    )


def _which(text: str) -> str:
    if text in _KINDS or (text.isascii() and text.isdigit() and len(text) <= 3):
        return text
    raise argparse.ArgumentTypeError("neither login, refresh, revoke, probe nor a number of export --list")


def _add_export(add: argparse.ArgumentParser) -> None:
    add.add_argument("source", metavar="URL|FILE", help="a resource you logged in to, or a session file")
    add.add_argument(
        "--format",
        choices=["session", "har", "curl", "markdown"],
        default="session",
        help="session: opens again in authlens (the default); har: developer tools; curl: a bash script; "
        "markdown: a ticket",
    )
    _add_which(add, "--which")
    flag(add, "--list", "list the stored traces of URL")
    add.add_argument(
        "-o", "--output", metavar="FILE", help="write a file only you can read, instead of stdout (-)"
    )
    flag(add, "--force", "replace FILE")


def _add_open(add: argparse.ArgumentParser) -> None:
    add.add_argument("file", metavar="FILE", help="a file made with export --format session")


def _add_compare(add: argparse.ArgumentParser) -> None:
    add.add_argument("left", metavar="A", help="a session file, or a resource you logged in to")
    add.add_argument("right", metavar="B", help="what to compare it with")
    _add_which(add, "--which-a", of="A")
    _add_which(add, "--which-b", of="B")
    form = add.add_mutually_exclusive_group()
    flag(form, "--json", "one JSON object on stdout")
    flag(form, "--svg", "a picture on stdout: where they part, secrets masked")


def _add_list(add: argparse.ArgumentParser) -> None:
    flag(add, "--json", "a JSON array on stdout")
    add.add_argument(
        "--watch",
        metavar="S",
        type=number(0.5, 3_600),
        nargs="?",
        const=2.0,
        help="print the table again when it changes, looking every S seconds (2)",
    )


def _add_config(add: argparse.ArgumentParser) -> None:
    add.epilog = "Every setting and the name of every key: docs/configuration.md\n"
    what = add.add_mutually_exclusive_group()
    flag(what, "--path", "print where the file is")
    flag(what, "--keys", "print the names of all keys")
    flag(what, "--check", "report what the file has that is unknown")


def _add_clients(add: argparse.ArgumentParser) -> None:
    flag(add, "--json", "a JSON array on stdout")
    add.add_argument(
        "--forget",
        metavar="ID",
        help="delete this client at its server, verify that, and remove it here",
    )
    flag(add, "--here", "with --forget: leave the server alone")


def _add_client_metadata(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="where you will host the document: https, with a path")
    add.add_argument("--port", type=int, default=8400, help="the port of the callback (default: 8400)")
    flag(add, "--device", "for login --device alone, where the server gives a client one grant type")


def _add_help(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "of",
        metavar="VERB",
        nargs="?",
        help="a verb, exit-codes or environment; without one, all",
    )


_Add = Callable[[argparse.ArgumentParser], None]
VERBS: Final[dict[str, tuple[str, _Add]]] = {
    "login": ("log in, without the full screen", _add_login),
    "probe": ("find out what protects a URL; sends only the discovery requests", _add_probe),
    "token": ("print the access token; refreshed if needed, no browser", _add_token_verb),
    "headers": HEADERS,
    "curl": ("run curl with the credential passed on a pipe, never in an argument", add_curl),
    **AGENT_VERBS,
    "clients": ("list the clients that logins registered, or delete one at its server", _add_clients),
    "client-metadata": ("print a client metadata document to host", _add_client_metadata),
    "list": ("list every credential and its state", _add_list),
    "config": ("open your theme, columns, notices and keys in your editor", _add_config),
    "refresh": ("get a new access token with the refresh token", _add_refresh),
    "revoke": ("revoke at the server, verify, then remove from this machine", _add_revoke),
    "events": ("list what happened to each credential, and when", _add_events),
    "forget": ("remove from this machine only", _add_forget),
    "service-token": ("add, test, replace, remove and list service tokens", add_service_token),
    "store": ("show where secrets are stored, or move them", _add_store),
    "export": ("save a recorded login, with fingerprints instead of secrets", _add_export),
    "open": ("open a session file in the app, read-only", _add_open),
    "compare": ("compare two traces, stage by stage", _add_compare),
    "doctor": ("check what a login needs on this machine, and how to fix it", _add_doctor),
    "demo": ("try the app on a built-in server; no account needed", add_demo),
    "learn": ("learn OAuth by doing it, graded by what was sent; no account needed", add_learn),
    "emulator": ("run the emulator until Ctrl-C; prints the URL of its resource", add_emulator),
    "help": ("explain a verb, the exit codes or the environment", _add_help),
}
GROUPS: Final = {
    "log in and look": ("login", "probe", "explain", "doctor", "demo", "learn"),
    "use a credential": (
        *("token", "headers", "curl", "run", "proxy"),
        *("mcp-bridge", "mcp-config", "git-credential", "credential-helper"),
    ),
    "manage credentials": (
        *("list", "refresh", "revoke", "forget", "events"),
        *("service-token", "clients", "client-metadata", "store"),
    ),
    "recorded logins": ("export", "open", "compare"),
    "this program": ("help", "config", "skill", "completion", "man", "emulator"),
}
"""The verbs in the order of the help, by what they are for."""


def build_parser(verb: str | None = None) -> VerbParser:
    """Return the parser for `authlens VERB …`; `authlens [URL]` is handled before it.

    Args:
        verb: the first word of the command line: where it is a verb, that one alone can be parsed.
    """
    parser = VerbParser(
        prog="authlens",
        usage="authlens [--plain] [URL [OPTIONS OF login]] | authlens [--plain] VERB …",
        description="See every login. Without a verb: the full-screen app.\nWith a URL: the login to it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-input",
        action="store_true",
        help="ask nothing and open nothing, with any verb; if you need to log in: exit code 4",
    )
    # These two are read before the verb, in `main`; they are here for the help.
    parser.add_argument(
        "--plain",
        action="store_true",
        help="no full screen and no cursor movement: plain lines, for screen readers and logs",
    )
    parser.add_argument("--theme", metavar="NAME", help="the theme of the full screen, for this run")
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    parser.verb_groups = GROUPS
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", prog="authlens", title="verbs")
    for name, (summary, add) in VERBS.items():
        # To build all parsers takes longer than to parse: one will do where the verb is known.
        if verb in VERBS and name != verb:
            continue
        parser_of_verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[:1].upper()}{summary[1:]}.",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add(parser_of_verb)
        examples = EXAMPLES[name]
        title = "examples:" if len(examples) > 1 else "example:"
        parser_of_verb.epilog = "\n".join(
            (parser_of_verb.epilog or "", title, *(f"  {line}" for line in examples))
        )
    return parser

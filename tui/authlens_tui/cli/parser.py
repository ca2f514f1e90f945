"""The parser of the command line, made from a file for each verb: `verb/login.toml` and its like.

A file has the verb's `summary`, its `examples`, and its `[arguments]`: a positional or an option with what
argparse's `add_argument` takes, or the help alone of an option that takes no value. `type` is for
`option_values.reader`; `one_of` names arguments that exclude each other; `as_in` is a verb that has the same
arguments before these; `login_options` names options of a login, all if empty. `[actions.NAME]` is a file in
the file; `true` instead of an argument or the `epilog` there is that of the verb.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

from authlens_tui.cli.option_values import flag, reader
from authlens_tui.cli.terminal.abilities import with_headings
from authlens_tui.cli.terminal.output import encodable, say
from authlens_tui.cli.terminal.refused import nearest

_FOLDER: Final = Path(__file__).with_name("verb")
_NO_DEFAULT: Final = "no default"
_EPILOG: Final = """\
examples:
  authlens https://wiki.example.com/
  authlens token https://wiki.example.com/
  authlens demo

More: authlens help VERB, authlens help exit-codes, authlens help environment
"""
GROUPS: Final = {
    "log in and look": ("login", "probe", "explain", "doctor", "demo", "learn"),
    "use a credential": (
        *("token", "headers", "curl", "run", "proxy"),
        *("mcp-bridge", "mcp-config", "git-credential"),
    ),
    "manage credentials": (
        *("list", "refresh", "revoke", "forget", "events"),
        *("use", "service-token", "clients", "client-metadata", "store"),
    ),
    "recorded logins": ("export", "open", "compare"),
    "this program": ("help", "config", "skill", "completion", "man", "emulator"),
}
"""The verbs in the order of the help, by what they are for."""
VERBS: Final = tuple(verb for verbs in GROUPS.values() for verb in verbs)

_Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse names the type in no other way
_Declared = Mapping[str, Any]


class VerbParser(argparse.ArgumentParser):
    """A parser whose messages are safe for the terminal, in whatever encoding it has.

    Attributes:
        usual_action: the action for a word that is not an action; none if empty.
    """

    usual_action: str = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        argv = list(args or ())
        if self.usual_action:
            value_of = None  # of an option
            for index, word in enumerate(argv):
                if not word.startswith("-") and not value_of:
                    argv[index:index] = [] if word in self._verbs().choices else [self.usual_action]
                    break
                # The word behind an option that takes a value is that value and not the action.
                option = self._option_string_actions.get(word)
                value_of = option is not None and option.nargs is None
        return super().parse_known_args(argv if args is not None else None, namespace)

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file if file is not None else sys.stderr
        if stream is not None and message:
            stream.write(with_headings(encodable(message, stream), stream))
            stream.flush()

    def error(self, message: str, meant: str | None = None) -> NoReturn:
        # argparse's own form begins with the whole usage, and the reason is the last line of a full screen.
        say(f"✖ {message[:1].upper()}{message[1:]}.")
        say(f"  → {f'Did you mean {meant}? ' if meant else ''}See: {self.prog} --help")
        sys.exit(2)

    def refuse(self, argv: Sequence[str], verb: str | None = None) -> NoReturn:
        """End with exit code 2, because the verb, or the program, does not take these arguments."""
        if verb is not None and isinstance(parser := self._verbs().choices[verb], VerbParser):
            parser.refuse(argv)
        meant = nearest(argv[0].partition("=")[0], self._option_string_actions)
        self.error(f"unrecognized arguments: {' '.join(argv)}", meant)

    def format_help(self) -> str:
        self._shorten_usage()
        return super().format_help()

    def _shorten_usage(self) -> None:
        """Shorten the usage to one line if its options would take more than two."""
        if self.usage is None and self.format_usage().count("\n") > 2:
            formatter = self._get_formatter()
            formatter.add_usage(None, self._get_positional_actions(), (), prefix="")
            self.usage = formatter.format_help().strip().replace(self.prog, f"{self.prog} [options]", 1)

    def group_verbs(self, groups: Mapping[str, Sequence[str]]) -> None:
        """List the verbs below the titles of their groups; argparse has groups of options alone."""
        listed = {verb.dest: verb for verb in self._verbs()._choices_actions}  # noqa: SLF001 - no other way
        for title, names in groups.items():
            self.add_argument_group(title)._group_actions = [listed[name] for name in names]  # noqa: SLF001
        self._action_groups = [*self._action_groups[-len(groups) :], self._optionals]

    def _verbs(self) -> argparse._SubParsersAction[argparse.ArgumentParser]:
        return next(action for action in self._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as refused:
            self.error(str(refused), nearest(str(value), map(str, action.choices or ())))


@cache
def declared(verb: str) -> _Declared:
    """Return what the file of a verb says."""
    return tomllib.loads((_FOLDER / f"{verb}.toml").read_text(encoding="utf-8"))


def topics() -> Mapping[str, str]:
    """Return what `authlens help` explains besides the verbs."""
    texts: Mapping[str, str] = declared("help")["topics"]
    return texts


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
    flag(
        parser,
        "--no-input",
        "ask nothing and open nothing, with any verb; if you need to log in: exit code 4",
    )
    parser.add_argument("--as", metavar="NAME", help="the account that a URL means, with any verb")
    # These two are read before the verb, in `main`; they are here for the help.
    flag(parser, "--plain", "no full screen and no cursor movement: plain lines, for screen readers and logs")
    parser.add_argument("--theme", metavar="NAME", help="the theme of the full screen, for this run")
    flag(parser, "--version", "show the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", prog="authlens", title="verbs")
    # To build all parsers takes longer than to parse: one will do where the verb is known.
    for name in (verb,) if verb in VERBS else VERBS:
        examples = declared(name)["examples"]
        added = _add(verbs, name, declared(name))
        title = "examples:" if len(examples) > 1 else "example:"
        added.epilog = "\n".join((added.epilog or "", title, *(f"  {line}" for line in examples)))
    if verb not in VERBS:
        parser.group_verbs(GROUPS)
    return parser


def _add(verbs: _Verbs[VerbParser], name: str, of: _Declared, verb: _Declared | None = None) -> VerbParser:
    """Add the parser of a verb, or of an action of `verb`."""
    summary = of["summary"]
    outer = verb or {}
    parser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[:1].upper()}{summary[1:]}.",
        usage=of.get("usage"),
        epilog=outer["epilog"] if of.get("epilog") is True else of.get("epilog"),
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments: dict[str, Any] = dict(declared(of["as_in"])["arguments"]) if "as_in" in of else {}
    arguments |= of.get("arguments", {})
    groups: dict[str, argparse._ArgumentGroup] = {}
    for names in of.get("one_of", ()):
        # A URL or --all: argparse takes a positional in such a group only if it may be left out.
        needed = any(not argument.startswith("-") for argument in names)
        groups |= dict.fromkeys(names, parser.add_mutually_exclusive_group(required=needed))
    for argument, how in arguments.items():
        _add_argument(
            groups.get(argument, parser), argument, outer["arguments"][argument] if how is True else how
        )
    if "login_options" in of:
        from authlens_tui.cli.login.login_arguments import add_options  # scripts call verbs without any

        add_options(parser, *of["login_options"])
    if "actions" in of:
        parser.usual_action = of.get("usual_action", "")
        actions = parser.add_subparsers(
            dest="action", metavar="ACTION", title="actions", required=not parser.usual_action
        )
        for action, what in of["actions"].items():
            _add(actions, action, what, of)
    return parser


def _add_argument(add: argparse._ActionsContainer, name: str, how: str | _Declared) -> None:
    if isinstance(how, str):
        flag(add, name, how)
        return
    settings = dict(how)
    # So that an option which was not typed can be told from one that has its default.
    if settings.get("default") == _NO_DEFAULT:
        settings["default"] = argparse.SUPPRESS
    if settings.get("type") == "agent":
        from authlens_tui.cli.scripts.agent_verbs import agent_argument  # the other verbs know no agents

        settings |= agent_argument()
    elif "type" in settings:
        settings["type"] = reader(settings["type"])
    add.add_argument(*name.split(), **settings)

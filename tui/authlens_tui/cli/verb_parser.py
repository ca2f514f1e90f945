"""The parser of the command line: a refusal names what was probably meant, and the help has groups."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from authlens_core.values.safe_text import safe_text
from authlens_tui.cli.option_values import nearest
from authlens_tui.cli.terminal.colour import with_headings
from authlens_tui.cli.terminal.output import encodable, say


class VerbParser(argparse.ArgumentParser):
    """Words like those of the verbs: safe for the terminal, in whatever encoding it has.

    Attributes:
        verb_groups: the verbs in the order of the help, below the titles of their groups.
        usual_action: the action that a word is for which is none itself; there is none if empty.
    """

    verb_groups: Mapping[str, Sequence[str]] = MappingProxyType({})
    usual_action: str = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        words = list(args or ())
        if self.usual_action:
            value_of = None  # of an option
            for at, word in enumerate(words):
                if not word.startswith("-") and not value_of:
                    words[at:at] = [] if word in self._verbs().choices else [self.usual_action]
                    break
                # The word behind an option that takes a value is that value and not the action.
                option = self._option_string_actions.get(word)
                value_of = option is not None and option.nargs is None
        return super().parse_known_args(words if args is not None else None, namespace)

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file if file is not None else sys.stderr
        if stream is not None and message:
            stream.write(with_headings(encodable(safe_text(message), stream), stream))
            stream.flush()

    def error(self, message: str, meant: str | None = None) -> NoReturn:
        # argparse's own form begins with the whole usage, and the reason is the last line of a full screen.
        say(f"✖ {message[:1].upper()}{message[1:]}.")
        say(f"  → {f'Did you mean {meant}? ' if meant else ''}See: {self.prog} --help")
        sys.exit(2)

    def refuse(self, words: Sequence[str], verb: str | None = None) -> NoReturn:
        """End with exit code 2, because `verb`, or the program without one, does not take `words`."""
        if verb is not None and isinstance(parser := self._verbs().choices[verb], VerbParser):
            parser.refuse(words)
        meant = nearest(words[0].partition("=")[0], self._option_string_actions)
        self.error(f"unrecognized arguments: {' '.join(words)}", meant)

    def format_help(self) -> str:
        """Return the help; that of the program has its verbs in groups, and argparse groups options alone."""
        if not self.verb_groups:
            self._shorten_usage()
            return super().format_help()
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        listed = {verb.dest: verb for verb in self._verbs()._choices_actions}  # noqa: SLF001 - no other way
        for title, verbs in self.verb_groups.items():
            formatter.start_section(title)
            formatter.add_arguments(listed[name] for name in verbs)
            formatter.end_section()
        formatter.start_section("options")
        formatter.add_arguments(action for action in self._actions if action.option_strings)
        formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def _shorten_usage(self) -> None:
        """Leave the options to the list below where they would take more than two lines."""
        # The options are listed below anyway.
        if self.format_usage().count("\n") > 2:
            formatter = self._get_formatter()
            formatter.add_usage(None, self._get_positional_actions(), (), prefix="")
            self.usage = formatter.format_help().strip().replace(self.prog, f"{self.prog} [options]", 1)

    def _verbs(self) -> argparse._SubParsersAction[argparse.ArgumentParser]:
        return next(action for action in self._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as refused:
            self.error(str(refused), nearest(str(value), map(str, action.choices or ())))

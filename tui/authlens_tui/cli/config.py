"""`authlens config`: the file with your theme, columns, notices and keys."""

from __future__ import annotations

import os
import shlex
import subprocess
from argparse import Namespace

from authlens_core.desk.settings import config_path, read_config
from authlens_core.values.secret import for_children
from authlens_tui.cli.terminal.output import answer_line, answer_list, say
from authlens_tui.cli.terminal.refused import REFUSED, refusal


def config(arguments: Namespace) -> int:
    """Open the file in your editor, or print where it is or which keys have a name.

    Raises:
        UsageError: the file cannot be written or is not a regular file, or no editor is set.
    """
    if arguments.path:
        answer_line(str(config_path()))
        return 0
    if arguments.keys:
        _list_keys()
        return 0
    path = config_path()
    try:
        config_path(create=True)
    except OSError as error:
        raise refusal(f"{path} cannot be written: {error.strerror}.", "Set AUTHLENS_CONFIG.") from None
    if not arguments.check:
        _edit(str(path))
    return _check()


def _list_keys() -> None:
    from authlens_tui.app.base_app import key_names  # most ways to use this verb show no screen

    answer_list(
        f"{name:<28} {binding.key:<22} {binding.tooltip or binding.description}"
        for name, binding in key_names().items()
    )


def _edit(path: str) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise refusal("No editor is set.", f"Set EDITOR, or open {shlex.quote(path)} yourself.")
    try:
        # EDITOR may have arguments, such as `code --wait`.
        subprocess.run([*shlex.split(editor), path], check=False, env=for_children(os.environ))
    except (OSError, ValueError) as error:
        raise refusal(f"The editor {editor} cannot be run: {error}.", "Set EDITOR to another.") from None


def _check() -> int:
    """Report entries of the file that have no effect, and return the exit code."""
    read = read_config()
    problems = list(read.problems)
    if read.keys:
        from authlens_tui.app.base_app import key_names  # as above

        names = key_names()
        problems += [f"No key is called {name}." for name in read.keys if name not in names]
    for problem in problems:
        say(f"! {problem}")
    if not problems:
        say(f"✔ {config_path()} can be used.")
    return REFUSED if problems else 0

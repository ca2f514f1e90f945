"""`authlens config`: the file with your theme, columns, notices and keys."""

from __future__ import annotations

import os
import shlex
import subprocess
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from authlens_core.desk.settings import config_path, read_config
from authlens_core.values.child_environment import for_children
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_line, answer_list, say

if TYPE_CHECKING:
    from textual.binding import Binding


def config(arguments: Namespace) -> int:
    """Open the file in your editor, or print where it is or which keys have a name.

    Raises:
        UsageError: the file cannot be written or is no regular file, or no editor is set.
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
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Set AUTHLENS_CONFIG.") from None
    if not arguments.check:
        _edit(str(path))
    return _check()


def _list_keys() -> None:
    answer_list(
        f"{name:<28} {binding.key:<22} {binding.tooltip or binding.description}"
        for name, binding in key_names().items()
    )


def _edit(path: str) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError("No editor is set.", f"Set EDITOR, or open {shlex.quote(path)} yourself.")
    try:
        # EDITOR may have arguments, such as `code --wait`.
        subprocess.run([*shlex.split(editor), path], check=False, env=for_children(os.environ))
    except (OSError, ValueError) as error:
        raise UsageError(f"The editor {editor} cannot be run: {error}.", "Set EDITOR to another.") from None


def _check() -> int:
    """Report what the file has that nothing reads, and return the exit code."""
    read = read_config()
    problems = list(read.problems)
    if read.keys:
        known = key_names()
        problems += [f"No key is called {name}." for name in read.keys if name not in known]
    for problem in problems:
        say(f"! {problem}")
    if not problems:
        say(f"✔ {config_path()} can be used.")
    return UsageError.exit_code if problems else 0


def key_names() -> Mapping[str, Binding]:
    """Return every binding that has a name, by it. This loads every screen."""
    # Most ways to use this verb show no screen.
    import inspect
    import pkgutil
    from importlib import import_module

    from textual.binding import Binding
    from textual.dom import DOMNode

    import authlens_tui.app
    import authlens_tui.screens
    import authlens_tui.widgets

    by_name: dict[str, Binding] = {}
    for room in (authlens_tui.app, authlens_tui.screens, authlens_tui.widgets):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                # A class is a member of every module that imports it; it counts in its own.
                if issubclass(kind, DOMNode) and kind.__module__ == module.name:
                    bindings = (binding for binding in kind.BINDINGS if isinstance(binding, Binding))
                    by_name |= {binding.id: binding for binding in bindings if binding.id}
    return dict(sorted(by_name.items()))

"""The keys of a screen that do the same as the command of a fix, shown beside the command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from textual.screen import Screen

from authlens_core.values.errors import AuthlensError
from authlens_core.values.fix import Fix, Step, as_text, steps_of
from authlens_core.values.login_options import OPTIONS
from authlens_core.values.stage import Stage

# Identifiers of bindings: by what a command starts with, the longest first; by the option that a login is to
# have, beside the form of the wizard, which has others; and of what has no command of its own.
_TABLE: Final[Mapping[str, Mapping[str, list[str]]]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
_OWNER: Final = "wizard.owner"
_DECLARED: Final = {option.flag: option for option in OPTIONS.values()}
_KNOWN: Final = frozenset(name for table in _TABLE.values() for names in table.values() for name in names)


def doing(command: tuple[str, ...], stage: Stage | None = None) -> list[str]:
    """Return the identifiers of the bindings that do all that a command does.

    Args:
        stage: the stage of a login that runs next, whose options the form of the wizard changes.
    """
    if command[:2] != ("authlens", "login"):
        typed = (word.partition("=")[0] if word.startswith("--") else word for word in command[1:])
        # The URL is what the command is about, and may be any.
        about = " ".join("URL" if "://" in word else word for word in typed)
        return next((ids for verb, ids in _TABLE["verbs"].items() if f"{about} ".startswith(f"{verb} ")), [])
    flags = {word for word in command if word.startswith("--")}
    if not flags:
        return _TABLE["others"]["login again"]
    if "--machine" in flags:  # its form asks for the others
        return _TABLE["options"]["--machine"]
    if "--issuer-name" in flags:  # the form is about the server that the login is at
        flags.discard("--issuer")
    each = [_for_option(flag, stage) for flag in flags]
    return [name for name in each[0] if all(name in others for others in each)]


def _for_option(flag: str, stage: Stage | None) -> list[str]:
    option = _DECLARED.get(flag)
    edited = option is not None and stage in option.edited_in
    return [*_TABLE["options"].get(flag, ()), *(_TABLE["others"]["edit"] if edited else ())]


class FixKeys(Struct, frozen=True):
    """Words a fix for a screen: a step with the key that does it there, then its command.

    Attributes:
        keys: identifiers of bindings that do something now, each with its key.
        stage: as for `doing`.
    """

    keys: tuple[tuple[str, str], ...] = ()
    stage: Stage | None = None

    @classmethod
    def on(cls, screen: Screen[Any], stage: Stage | None = None) -> FixKeys:
        active = (each.binding for each in screen.active_bindings.values() if each.enabled)
        keys = {bound.id: screen.app.get_key_display(bound) for bound in active if bound.id in _KNOWN}
        return cls(tuple(keys.items()), stage)

    def __call__(self, cure: str | Fix) -> str:
        sentences = [*map(self._worded, steps_of(cure))]
        if sentences and (key := dict(self.keys).get(_OWNER)):
            sentences.append(f"In this demo you can be the owner: press {key}.")
        return as_text(sentences) if sentences else ""

    def error(self, error: AuthlensError) -> str:
        """Return an error in words, with its fix."""
        text = str(error)
        return f"{text.removesuffix(str(error.cure))}{self(error.cure)}" if error.cure else text

    def _worded(self, step: Step) -> str:
        bound = dict(self.keys)
        key = next((bound[one] for one in doing(step.command, self.stage) if one in bound), "")
        if not key:
            return str(step)
        run = f", or run {step.shown_command}" if step.shown_command else "."
        return f"{step.words}: press {key}{run}"

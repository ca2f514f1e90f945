"""A move as a line that is typed: `redeem code=$code verifier=none`, `point 8 form.code`, `answer q1 a`.

The first word is the move, `name=value` an argument. A word alone is the next argument that is not given, and
one with a dollar sign names a credential. An argument that can only be one thing may be left out. What has a
space in it is quoted as in a shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final, Literal, get_args, get_origin

import msgspec

from authlens_core.learning.moves import KINDS, AnyMove, DefendMove, Move, names_credential
from authlens_core.learning.strict_file import reason
from authlens_core.values.errors import LessonRefused

_PATH: Final = re.compile(r" - at `\$\.(\w+)`$")


def move_in(line: str) -> AnyMove:
    """Return the move of a line.

    Raises:
        LessonRefused: it is none, or an argument is missing, unknown or cannot be that.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise LessonRefused("A quotation mark is missing.") from None
    verb, given = (words[0].lower().replace("-", "_"), words[1:]) if words else ("", [])
    kind = KINDS.get(verb)
    if kind is None:
        raise LessonRefused(f"There is no move “{verb}”.")
    try:
        arguments = {"on": given} if kind is DefendMove else _arguments(kind, given)
        move: AnyMove = msgspec.convert({"do": verb, **arguments}, type=AnyMove, strict=False)
    except msgspec.ValidationError as error:
        # Without the value: it may be a credential that was pasted.
        at = _PATH.search(str(error))
        why = f"“{at[1]}” cannot be that" if at and "matching" not in str(error) else reason(str(error))
        raise LessonRefused(f"{verb}: {why}.") from None
    return move


def _arguments(kind: type[Move], words: Iterable[str]) -> dict[str, str]:
    """Return the arguments by name; a word without a name is the next one that is not given."""
    fields = msgspec.structs.fields(kind)
    given: dict[str, str] = {}
    alone: list[str] = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            alone.append(word)
        elif name in given:
            raise LessonRefused(f"{kind.__struct_config__.tag}: “{name}” is given twice.")
        else:
            given[name] = value
    for field in fields:
        choices = get_args(field.type) if field.required and get_origin(field.type) is Literal else ()
        if len(choices) == 1 and choices[0] not in alone:
            given.setdefault(field.name, choices[0])
    for word in alone:
        fitting = [field.name for field in fields if names_credential(field) == word.startswith("$")]
        left = [name for name in fitting if name not in given]
        if not left:
            raise LessonRefused(f"{kind.__struct_config__.tag}: there is one word too many.")
        given[left[0]] = word
    return given

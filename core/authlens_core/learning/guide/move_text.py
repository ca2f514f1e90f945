"""A move as a line that is typed: `redeem code=$code verifier=none`, `point 8 form.code`, `answer q1 a`.

The first word is the move, `name=value` an argument. A word alone is the next argument that is not given, and
one with a dollar sign names a credential. An argument that can only be one thing may be left out. What has a
space in it is quoted as in a shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from authlens_core.learning.answers_file import CREDENTIALS, require_named_credentials
from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.moves import AnyMove, DefendMove, Move
from authlens_core.learning.strict_json import reason
from authlens_core.values.check import CauseId

_KINDS: Final[dict[str, type[Move]]] = {str(kind.__struct_config__.tag): kind for kind in AnyMove.__args__}
_PATH: Final = re.compile(r" - at `\$\.(\w+)`$")
_PLAIN: Final = re.compile(r"[\w$.+:=/-]+")


class MoveTextRefused(LessonRefused):
    """A line is no move; nothing was done."""


def move_in(line: str, *, number: int) -> AnyMove:
    """Return the move of a line.

    Args:
        number: which of the moves it would be, from 1.

    Raises:
        MoveTextRefused: it is none, or an argument is missing, unknown or cannot be that.
        MoveRefused: it holds a credential, which has to be named.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise MoveTextRefused("A quotation mark is missing.", "Close it, or leave it out.") from None
    verb, given = (words[0].lower().replace("-", "_"), words[1:]) if words else ("", [])
    kind = _KINDS.get(verb)
    if kind is None:
        raise MoveTextRefused(f"There is no move “{verb}”.", f"The moves are: {', '.join(_KINDS)}.")
    try:
        arguments = {"on": given} if kind is DefendMove else _arguments(kind, given)
        move: AnyMove = msgspec.convert({"do": verb, **arguments}, type=AnyMove, strict=False)
    except _Unfit as error:
        raise MoveTextRefused(f"{verb}: {error}.", f"Type: {usage(verb)}") from None
    except msgspec.ValidationError as error:
        # Without the value: it may be a credential that was pasted.
        at = _PATH.search(str(error))
        why = f"“{at[1]}” cannot be that" if at else reason(str(error))
        raise MoveTextRefused(f"{verb}: {why}.", f"Type: {usage(verb)}") from None
    require_named_credentials(number, move)
    return move


def text_of(move: Move) -> str:
    """Return the line that `move_in` reads as this move."""
    if isinstance(move, DefendMove):
        return " ".join((move.verb, *map(quoted, move.on)))
    given = [(field, getattr(move, field.name)) for field in msgspec.structs.fields(move)]
    words = [
        # What looks like a name, or like a credential, is not read as a word alone.
        quoted(_text(value))
        if field.required and not (set("=$") & set(_text(value)))
        else f"{field.name}={quoted(_text(value))}"
        for field, value in given
        if field.required or value
    ]
    return " ".join((move.verb, *words))


def usage(verb: str) -> str:
    """Return how a move is typed, with the values that each argument can have: `predict a|b|c`."""
    kind = _KINDS[verb]
    if kind is DefendMove:
        return f"{verb} SWITCH"
    words = (
        _values(field) if field.required else f"[{field.name}={_values(field)}]"
        for field in msgspec.structs.fields(kind)
    )
    return " ".join((verb, *words))


class _Unfit(Exception):
    pass


def _arguments(kind: type[Move], words: Iterable[str]) -> dict[str, str]:
    """Return the arguments by name; a word without a name is the next one that is not given."""
    names = [field.name for field in msgspec.structs.fields(kind)]
    given: dict[str, str] = {}
    alone: list[str] = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            alone.append(word)
        elif name in given:
            raise _Unfit(f"“{name}” is given twice")
        else:
            given[name] = value
    for field in msgspec.structs.fields(kind):
        choices = get_args(field.type) if field.required and get_origin(field.type) is Literal else ()
        if len(choices) == 1 and choices[0] not in alone:
            given.setdefault(field.name, choices[0])
    for word in alone:
        left = [name for name in names if name not in given]
        named = [name for name in left if (name in CREDENTIALS) == word.startswith("$")]
        if not named:
            raise _Unfit("there is one word too many")
        given[named[0]] = word
    return given


def _values(field: msgspec.structs.FieldInfo) -> str:
    kind: Any = field.type
    if get_origin(kind) is Literal:
        return "|".join(quoted(value) for value in get_args(kind) if value)
    if kind is bool:
        return "true|false"
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not CauseId:  # a lesson names a few
        return "|".join(member.value for member in kind)
    return "$NAME" if field.name in CREDENTIALS else field.name.upper()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted(word: str) -> str:
    """Return a word as it is typed: what has a space in it needs quotation marks."""
    if _PLAIN.fullmatch(word):
        return word
    return shlex.quote(word) if {"\\", '"'} & set(word) else f'"{word}"'

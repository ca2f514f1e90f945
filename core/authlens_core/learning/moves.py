"""What a learner does, as a list of typed moves: the answers file, and whatever a screen makes.

A credential is never written in a move: it is named, and has to have leaked in this world.

As a line that is typed, a move is `redeem code=$code verifier=none`, `point 8 form.code`, `answer q1 a`. The
first word is the move, `name=value` an argument. A word alone is the next argument that is not given, and one
with a dollar sign names a credential. An argument that can only be one thing may be left out. What has a
space in it is quoted as in a shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, get_args, get_origin

import msgspec

from authlens_core.emulator.standard.weakness import PublishedMember
from authlens_core.learning.claim import LOOT
from authlens_core.learning.strict_file import reason
from authlens_core.values.errors import LessonRefused

Letter = Literal["a", "b", "c"]
_NAMED: Final = rf"\$({'|'.join(LOOT)})"
Credential = Annotated[str, msgspec.Meta(pattern=rf"^{_NAMED}\Z")]
"""The name of a credential, with a dollar sign: never the credential itself."""
_Optional = Annotated[str, msgspec.Meta(pattern=rf"^({_NAMED})?\Z")]
_PLAIN: Final = re.compile(r"[\w$.+:=/-]+")
_PATH: Final = re.compile(r" - at `\$\.(\w+)`$")


class Move(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag=lambda name: name.removesuffix("Move").lower(),
):
    """One move.

    Attributes:
        also_uses: the credentials that it needs without an argument that names them.
    """

    also_uses: ClassVar[tuple[str, ...]] = ()

    @property
    def verb(self) -> str:
        """What it is called in a lesson."""
        return str(self.__struct_config__.tag)

    @property
    def text(self) -> str:
        """It as a line that is typed, which `move_in` reads as this move."""
        if isinstance(self, DefendMove):
            return " ".join((self.verb, *map(quoted, self.on)))
        given = [(field, getattr(self, field.name)) for field in msgspec.structs.fields(self)]
        words = [
            # What looks like a name, or like a credential, is not read as a word alone.
            quoted(_text(value))
            if field.required and not (set("=$") & set(_text(value)))
            else f"{field.name}={quoted(_text(value))}"
            for field, value in given
            if field.required or value
        ]
        return " ".join((self.verb, *words))

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs, by name."""
        named = (
            getattr(self, field.name) for field in msgspec.structs.fields(self) if names_credential(field)
        )
        return (*(name[1:] for name in named if name), *self.also_uses)


class PredictMove(Move, frozen=True):
    """Say what will happen."""

    option: Letter


class LoginMove(Move, frozen=True):
    """Log in with authlens, or continue a login that is not over.

    Attributes:
        scope: what to ask for, as a login of its own; empty is what authlens asks for by default.
        device: whether it is a login by a code that is entered on another device.
    """

    scope: Literal["", "read", "write", "read write"] = ""
    device: bool = False


class PointMove(Move, frozen=True):
    """Put the cursor on a part of a request or an answer.

    Attributes:
        arrow: the number of the exchange, from 1.
        part: as in a claim, such as `form.code_verifier`.
    """

    arrow: int
    part: str


class PublishMove(Move, frozen=True):
    """Have a document of the resource say something else."""

    field: PublishedMember
    value: Literal["other-site", "inside"]


class RedeemMove(Move, frozen=True):
    """Send a code to the token endpoint, as the client that it was issued to."""

    code: Credential = "$code"
    verifier: Literal["none", "wrong", "mine", "$verifier"] = "none"
    redirect_uri: Literal["registered", "other", "linked"] = "registered"

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs: a code is bound to a client."""
        return (*super().uses, "client", *(("verifier",) if self.verifier == "$verifier" else ()))


class CallMove(Move, frozen=True):
    """Send a credential to the resource, as a bearer token."""

    token: Credential = "$token"  # noqa: S105 - the name of one
    at: Literal["resource", "second"] = "resource"


class RefreshMove(Move, frozen=True):
    """Send a refresh token to the token endpoint.

    Attributes:
        by: who sends it: Mallory the one that leaked, you the newest of your own login.
    """

    also_uses: ClassVar = ("refresh",)
    by: Literal["you", "mallory"]


class RevokeMove(Move, frozen=True):
    """Revoke the refresh token of your own login."""

    also_uses: ClassVar = ("refresh",)


class LinkMove(Move, frozen=True):
    """Have a user open a link that you wrote in the website's name, with a challenge of your own."""

    to: Literal["ada"]
    redirect_uri: Literal["registered", "prefix+redirector"] = "registered"
    challenge: Literal["mine"] = "mine"


class LureMove(Move, frozen=True):
    """Have a visitor of the website sign in with Mallory's server, or open the page of a device login.

    Attributes:
        at: Mallory's server.
        code: the device login.
    """

    to: Literal["ada"]
    at: Literal["", "rogue"] = ""
    code: _Optional = ""


class DeviceStartMove(Move, frozen=True, tag="device_start"):
    """Start a device login."""


class PollMove(Move, frozen=True):
    """Ask for the tokens of a device login."""

    device: Credential = "$device"


class DeliverMove(Move, frozen=True):
    """Have a user's browser open a callback."""

    to: Literal["ada"]
    callback: Credential = "$callback"


class NameMove(Move, frozen=True):
    """Name what went wrong, once."""

    diagnosis: str


class DefendMove(Move, frozen=True):
    """Turn switches on, and have the same attack and an honest login run again."""

    on: tuple[str, ...]


class AnswerMove(Move, frozen=True):
    """Answer a question."""

    question: str
    option: Letter


WorldMove = (
    LoginMove
    | PublishMove
    | RedeemMove
    | CallMove
    | RefreshMove
    | RevokeMove
    | DeliverMove
    | LureMove
    | LinkMove
    | DeviceStartMove
    | PollMove
)
"""The moves that happen in a world; the others say something about it."""

AnyMove = WorldMove | PredictMove | PointMove | NameMove | DefendMove | AnswerMove
KINDS: Final[dict[str, type[Move]]] = {str(kind.__struct_config__.tag): kind for kind in AnyMove.__args__}
"""What a lesson can allow, by the first word."""


def choices(field: msgspec.structs.FieldInfo) -> tuple[str | bool, ...]:
    """Return the values that an argument of a move can have; nothing where they cannot be counted."""
    kind: Any = field.type
    if get_origin(kind) is Literal:
        return get_args(kind)
    if kind is bool:
        return (True, False)
    is_enum = isinstance(kind, type) and issubclass(kind, StrEnum)
    return tuple(member.value for member in kind) if is_enum else ()


def names_credential(field: msgspec.structs.FieldInfo) -> bool:
    """Return whether an argument of a move names a credential."""
    return field.type in (Credential, _Optional)


def usage(verb: str) -> str:
    """Return how a move is typed, with the values that each argument can have: `predict a|b|c`."""
    kind = KINDS[verb]
    if kind is DefendMove:
        return f"{verb} SWITCH"
    words = (
        _values(field) if field.required else f"[{field.name}={_values(field)}]"
        for field in msgspec.structs.fields(kind)
    )
    return " ".join((verb, *words))


def _values(field: msgspec.structs.FieldInfo) -> str:
    known = (quoted(_text(value)) for value in choices(field) if value != "")
    return "|".join(known) or ("$NAME" if names_credential(field) else field.name.upper())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted(word: str) -> str:
    """Return a word as it is typed: what has a space in it needs quotation marks."""
    if _PLAIN.fullmatch(word):
        return word
    return shlex.quote(word) if {"\\", '"'} & set(word) else f'"{word}"'


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
        only = choices(field) if field.required else ()
        if len(only) == 1 and only[0] not in alone:
            given.setdefault(field.name, str(only[0]))
    for word in alone:
        fitting = [field.name for field in fields if names_credential(field) == word.startswith("$")]
        left = [name for name in fitting if name not in given]
        if not left:
            raise LessonRefused(f"{kind.__struct_config__.tag}: there is one word too many.")
        given[left[0]] = word
    return given


class MoveRefused(LessonRefused):
    """A move cannot be made; nothing was sent for it.

    Args:
        number: which of the moves it is, from 1.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"Move {number}: {reason}.")
        self.number = number

"""What a learner does, as a list of typed moves: the answers file, and whatever a screen makes.

A credential is never written in a move: it is named, and has to have leaked in this world.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from authlens_core.emulator.standard.weakness import PublishedMember
from authlens_core.learning.claim import LessonRefused
from authlens_core.values.check import CauseId

Letter = Literal["a", "b", "c"]


class Move(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag=lambda name: name.removesuffix("Move").lower(),
):
    """One move."""

    @property
    def verb(self) -> str:
        """What it is called in a lesson."""
        return str(self.__struct_config__.tag)

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs, by name."""
        return ()


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

    code: str = "$code"
    verifier: Literal["none", "wrong", "mine", "$verifier"] = "none"
    redirect_uri: Literal["registered", "other", "linked"] = "registered"

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs: a code is bound to a client."""
        return self.code[1:], "client", *(("verifier",) if self.verifier == "$verifier" else ())


class CallMove(Move, frozen=True):
    """Send a credential to the resource, as a bearer token."""

    token: str = "$token"  # noqa: S105 - the name of one
    at: Literal["resource", "second"] = "resource"

    @property
    def uses(self) -> tuple[str, ...]:
        return (self.token[1:],)


class RefreshMove(Move, frozen=True):
    """Send a refresh token to the token endpoint.

    Attributes:
        by: who sends it: Mallory the one that leaked, you the newest of your own login.
    """

    by: Literal["you", "mallory"]

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs."""
        return ("refresh",)


class RevokeMove(Move, frozen=True):
    """Revoke the refresh token of your own login."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs."""
        return ("refresh",)


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
    code: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs."""
        return (self.code[1:],) if self.code else ()


class DeviceStartMove(Move, frozen=True, tag="device_start"):
    """Start a device login."""


class PollMove(Move, frozen=True):
    """Ask for the tokens of a device login."""

    device: str = "$device"

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs."""
        return (self.device[1:],)


class DeliverMove(Move, frozen=True):
    """Have a user's browser open a callback."""

    to: Literal["ada"]
    callback: str = "$callback"

    @property
    def uses(self) -> tuple[str, ...]:
        return (self.callback[1:],)


class NameMove(Move, frozen=True):
    """Name what went wrong, once."""

    diagnosis: CauseId


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
VERBS: Final = frozenset(str(kind.__struct_config__.tag) for kind in AnyMove.__args__)
"""What a lesson can allow."""


class MoveRefused(LessonRefused):
    """A move cannot be made; nothing was sent for it.

    Args:
        number: which of the moves it is, from 1.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"Move {number}: {reason}.")
        self.number = number

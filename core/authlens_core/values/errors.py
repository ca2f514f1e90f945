"""The errors of authlens. Each says where it happened, the cause and the fix; each kind has an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from authlens_core.values.safe_text import safe_sentence

if TYPE_CHECKING:
    from authlens_core.values.fix import Fix


class AuthlensError(Exception):
    """Something that stopped the work, in words a user can act on.

    Args:
        cause: what happened and why, one sentence; text from outside in it is made safe to show here.
        cure: what to do about it; names the exact setting where there is one.
        stage: the name of the stage it happened in, or the empty string.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, cause: str, cure: str | Fix = "", *, stage: str = "") -> None:
        self.cause = safe_sentence(cause)
        super().__init__(self.cause)
        self.cure = safe_sentence(cure) if isinstance(cure, str) else cure
        self.stage = stage

    def __str__(self) -> str:
        where = f"{self.stage}: " if self.stage else ""
        cure = f" {self.cure}" if self.cure else ""
        return f"{where}{self.cause}{cure}"


class UsageError(AuthlensError):
    """The user asked for something that cannot be done."""

    exit_code = 2


class FileUnusable(UsageError):
    """A file of the user cannot be read or written."""


class FileExists(FileUnusable):
    """There is a file of this name already; it was left as it is."""


class NotProtected(AuthlensError):
    """The resource answers without a login."""

    exit_code = 3


class LoginNeeded(AuthlensError):
    """A user has to log in."""

    exit_code = 4


class NoLogin(LoginNeeded):
    """There is no OAuth grant for the URL on this machine."""


class NoCredential(LoginNeeded):
    """There is no credential of any kind for the URL on this machine."""


class Refused(AuthlensError):
    """The server or a policy said no."""

    exit_code = 5


class NetworkFailure(AuthlensError):
    """There was no answer: name, connection, TLS or proxy."""

    exit_code = 6


class ServerMisconfigured(AuthlensError):
    """The server's answer cannot be used: misconfigured or hostile."""

    exit_code = 7


class TimedOut(AuthlensError):
    """No one answered in time."""

    exit_code = 8


class NoSecretStore(AuthlensError):
    """There is no place to keep secrets."""

    exit_code = 9


class SecretStoreDenied(NoSecretStore):
    """The secret store is locked, or said no."""


class WrongPassphrase(SecretStoreDenied):
    """The passphrase is not the one of the file, or too short for a new one; it can be asked for again."""


class PassphraseNeeded(SecretStoreDenied):
    """The encrypted file is locked, and no passphrase was given."""


class StateUnusable(NoSecretStore):
    """The directory or a file for the program's state cannot be used."""


class StillValid(AuthlensError):
    """Renewal has ended; the server cannot revoke the access token, which works until it expires."""

    exit_code = 11


class LessonRefused(AuthlensError):
    """A lesson, a move or a list of moves cannot be used; the message starts with its place."""

    exit_code = 13


# What needs a user or the server's owner comes before what passes without them.
_GRAVEST_FIRST: Final = (1, 4, 5, 7, 11, 9, 2, 3, 8, 6)


def gravest(codes: Iterable[int]) -> int:
    """Return the exit code for several results: that of the gravest failure, or 0 if there is none.

    A credential that needs a login is reported even if another server could not be reached.
    """
    failures = set(codes) - {0}
    return next((code for code in _GRAVEST_FIRST if code in failures), max(failures, default=0))

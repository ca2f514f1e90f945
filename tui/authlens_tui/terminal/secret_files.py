"""Secrets in files that a user names: a passphrase where no one can type it, and a program's key."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from authlens_core.values.errors import PassphraseNeeded, UsageError
from authlens_core.values.secret import Secret

# Names a file, or `/dev/fd/N`, with the passphrase on its first line.
VARIABLE: Final = "AUTHLENS_PASSPHRASE_FILE"

_LONGEST: Final = 64 * 1024  # bytes


def passphrase_in_file() -> Secret | None:
    """Return the passphrase in the file that the environment names; None if it names none.

    Raises:
        PassphraseNeeded: the file cannot be read, or others can.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    try:
        with Path(name).open("rb") as file:
            if _is_shared(file.fileno()):
                raise PassphraseNeeded(
                    f"Others may read {name}, the file with the passphrase.",
                    f"Run: chmod 600 {shlex.quote(name)}",
                )
            line = file.readline(_LONGEST)
    except OSError as error:
        raise PassphraseNeeded(
            f"The file with the passphrase cannot be read: {error.strerror or ''}.",
            f"{VARIABLE} names it: {name}",
        ) from None
    return Secret(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))


def _is_shared(descriptor: int) -> bool:
    """Return whether an open file is one that other accounts may use; a pipe is not."""
    status = os.fstat(descriptor)
    return os.name != "nt" and stat.S_ISREG(status.st_mode) and status.st_mode & 0o077 != 0


def private_key_in(name: str, cure: str = "Check the path.") -> Secret:
    """Return the content of a private key's file, or of a pipe such as `/dev/fd/N`.

    Raises:
        UsageError: it cannot be read, with `cure`, others can read it, or it is no text.
    """
    try:
        with Path(name).expanduser().open("rb") as file:
            if _is_shared(file.fileno()):
                raise UsageError(f"Others may read the key {name}.", f"Run: chmod 600 {shlex.quote(name)}")
            return key_text(file.read(_LONGEST))
    except OSError as error:
        raise UsageError(f"The key cannot be read: {error.strerror}.", cure) from None
    except ValueError:  # a NUL in the name
        raise _no_text() from None


def key_text(data: bytes) -> Secret:
    """Return the text of a private key; whether it is one is seen when it signs.

    Raises:
        UsageError: it is no text.
    """
    try:
        return Secret(data.decode("ascii"))
    except ValueError:
        raise _no_text() from None


def _no_text() -> UsageError:
    return UsageError("The key is no text.", "Give it in PEM or as a JWK.")

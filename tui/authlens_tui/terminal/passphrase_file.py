"""The file with the passphrase of the encrypted file, which a user names where no one can type it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from authlens_core.values.errors import PassphraseNeeded
from authlens_core.values.secret import Secret

# Names a file, or `/dev/fd/N`, with the passphrase on its first line.
VARIABLE: Final = "AUTHLENS_PASSPHRASE_FILE"

_LONGEST: Final = 64 * 1024


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
            status = os.fstat(file.fileno())
            if os.name != "nt" and stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
                raise PassphraseNeeded(
                    f"Others may read {name}, the file with the passphrase.",
                    f"Run: chmod 600 {name}",
                )
            line = file.readline(_LONGEST)
    except OSError as error:
        raise PassphraseNeeded(
            f"The file with the passphrase cannot be read: {error.strerror or ''}.",
            f"{VARIABLE} names it: {name}",
        ) from None
    return Secret(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))

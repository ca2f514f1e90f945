"""The passphrase of the encrypted file: typed on the terminal, or read from a file; never an argument."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from authlens_core.values.errors import PassphraseNeeded
from authlens_core.values.secret import Secret
from authlens_tui.cli.terminal.no_input import no_input
from authlens_tui.cli.terminal.quiet_terminal import PasteReader
from authlens_tui.terminal.secret_files import VARIABLE, passphrase_in_file


def asks_on_terminal() -> bool:
    """Return whether a user types it, so that a wrong one can be asked for again."""
    return not os.environ.get(VARIABLE)


async def passphrase(prompt: str = "Passphrase of the encrypted file (not shown): ") -> Secret:
    """Return the passphrase.

    Raises:
        PassphraseNeeded: there is neither a file that can be read nor a terminal to ask on.
    """
    named = passphrase_in_file()
    return await _typed(prompt) if named is None else named


async def _typed(prompt: str) -> Secret:
    if no_input():
        raise _no_terminal()
    try:
        # Not stdin, which a script may have for its own data.
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise _no_terminal() from None
    answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    def ended() -> None:
        if not answer.done():
            answer.set_exception(_no_terminal())

    def typed(lines: tuple[Secret, ...]) -> None:
        if not answer.done():
            answer.set_result(lines[0])

    def ask() -> None:
        os.write(terminal, prompt.encode())

    reader = PasteReader(typed, ended=ended, back=ask)
    try:
        if not reader.start(terminal):
            raise _no_terminal()
        ask()
        return await answer
    finally:
        reader.close()
        with suppress(OSError):
            os.write(terminal, b"\n")
            os.close(terminal)


def _no_terminal() -> PassphraseNeeded:
    return PassphraseNeeded(
        "The tokens are in an encrypted file, but there is no terminal to ask for its passphrase.",
        f"Run it on a terminal, or set {VARIABLE} to a private file with the passphrase.",
    )

"""The assertion that a platform gives a program, in a file or printed by a command, read for each token."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from authlens_core.state.regular_file import read_regular
from authlens_core.values.errors import FileUnusable, TimedOut, UsageError
from authlens_core.values.exchange import is_visible
from authlens_core.values.secret import Secret, for_children

if TYPE_CHECKING:
    from authlens_core.values.login_options import Options

_LIMIT: Final = 64 * 1024  # bytes
_SECONDS: Final = 30.0


class AssertionSource(Struct, frozen=True):
    """Where an assertion comes from; one of the two, if the user named it right.

    Attributes:
        command: as a shell would read it; no shell runs it.
    """

    file: str | None = None
    command: Secret | None = None

    @classmethod
    def of(cls, options: Options) -> AssertionSource:
        return cls(options.assertion_file, options.assertion_command)

    @property
    def is_one(self) -> bool:
        return (self.file is None) is not (self.command is None)

    @property
    def words(self) -> str:
        """What a user is shown: a secret may be among the arguments of the command."""
        origins = (("the file", self.file), ("the command", None if self.command is None else self.program))
        return " and ".join(f"{kind} {name}".rstrip() for kind, name in origins if name is not None)

    @property
    def arguments(self) -> list[str]:
        """The program of the command and its arguments; empty if the command cannot be read."""
        with suppress(ValueError):
            return shlex.split(self.command.reveal() if self.command is not None else "")
        return []

    @property
    def program(self) -> str:
        """The name of the command's program.

        Without what follows a space or "=": the whole command may be in quotes, or start with a variable.
        """
        return re.split(r"[\s=]", "".join(self.arguments[:1]).lstrip(), maxsplit=1)[0]


async def read_assertion(source: AssertionSource) -> Secret:
    """Return what the file holds or the command prints.

    Raises:
        UsageError: there is none, or it is not an assertion.
        TimedOut: the command printed none in time.
    """
    data = _from_file(Path(source.file)) if source.file is not None else await _from_command(source)
    text = data.decode("ascii", "replace").strip()
    if not text or not is_visible(text):
        content = "nothing" if not text else "something that is no assertion"
        raise UsageError(f"Where the assertion comes from, {source.words}, there is {content}.", _CURE)
    return Secret(text)


_CURE: Final = "It has to be one line: the assertion and nothing else."


def _from_file(path: Path) -> bytes:
    try:
        return read_regular(path, _LIMIT).data
    except FileNotFoundError:
        raise FileUnusable(f"There is no file {path}.", "Check --assertion-file.") from None


async def _from_command(source: AssertionSource) -> bytes:
    if not source.arguments:
        raise UsageError(
            "The assertion command cannot be read.", 'Give it in one word: --assertion-command "PROGRAM WORD"'
        )
    program = source.program
    try:
        child = await asyncio.create_subprocess_exec(
            *source.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # What it says of its trouble may repeat a secret, and would be in the middle of a screen.
            stderr=asyncio.subprocess.DEVNULL,
            env=for_children(os.environ),
            # In a session of its own, so that it can be ended with all that it started.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{program} cannot be run: {type(error).__name__}.", "Check --assertion-command."
        ) from None
    try:
        async with asyncio.timeout(_SECONDS):
            data = await _printed(child)
            code = await child.wait()
    except TimeoutError:
        raise TimedOut(
            f"{program} printed no assertion within {_SECONDS:.0f} seconds.", "Run it yourself to see why."
        ) from None
    finally:
        if child.returncode is None:
            await _end(child)
    if code != 0:
        raise UsageError(
            f"{program} ended with exit code {code} instead of an assertion.", "Run it yourself to see why."
        )
    return data


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill the command and what it started: asyncio waits until nothing holds its output open."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    # What left its session may hold the output for as long as it likes.
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await child.wait()


async def _printed(child: asyncio.subprocess.Process) -> bytes:
    if child.stdout is None:
        return b""
    data = b""
    while chunk := await child.stdout.read(_LIMIT):
        data += chunk
        if len(data) > _LIMIT:
            raise UsageError("The command prints more than an assertion.", _CURE)
    return data

"""One `cloudflared access login`: run, watched, bounded in time, and ended with its group when cancelled.

Its token is taken from stdout, which has nothing else, and accepted only if it has the shape of a JWT. The
link that the user has to open is taken from stderr; it works on any machine, for cloudflared needs no
callback. cloudflared has written the token to its own directory before it prints it, so authlens keeps no
second copy: `kept_at` says where it is, or that it is nowhere, and then it is gone with this process. Why it
failed is known as far as its output shows it, which includes its known bugs.

"""

from __future__ import annotations

import asyncio
import re
import shlex
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct, field

from authlens_core.cloudflare.cloudflared_files import (
    CloudflaredDirectory,
    cloudflared_directory,
    read_cloudflared_token,
    token_in,
)
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.login.cloudflared.binary import (
    VERSION_SECONDS,
    Cloudflared,
    child_environment,
    end_group,
    find_cloudflared,
    start,
    without_openers,
)
from authlens_core.trace.events import (
    CloudflaredEvent,
    LinkShown,
    OtherProcessWaiting,
    PrintedLine,
    ProcessStarted,
)
from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NetworkFailure,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.fix import step
from authlens_core.values.login_options import BROWSER_WAIT
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import UrlRefused, parse_url, usable_url

STAGE: Final = "cloudflared"
_SETTINGS: Final = "Zero Trust → Access controls → Applications → (app)"


# What the table of its failures names.
_ERRORS: Final = {
    error.__name__: error for error in (LoginNeeded, NetworkFailure, Refused, ServerMisconfigured, TimedOut)
}


def failure_of(code: int, lines: Sequence[str]) -> AuthlensError:
    """Return the error for an exit code; where no row of the table fits, its last line is quoted."""
    error = _listed_failure(lines)
    if error is not None:
        return error
    last = next((line for line in reversed(lines) if line.strip()), "nothing")
    return ServerMisconfigured(
        f"cloudflared ended with exit code {code}. Its last output: {last}",
        "Run it yourself to see more: cloudflared access login URL",
        stage=STAGE,
    )


def _listed_failure(lines: Sequence[str]) -> AuthlensError | None:
    from authlens_core.values.word_files import words  # a login that succeeds needs none of them

    output = "\n".join(lines).lower()
    for row in words("cloudflare")["cloudflared"].values():
        if any(phrase in output for phrase in row["phrases"]):
            return _ERRORS[row["error"]](row["cause"], row["cure"], stage=STAGE)
    return None


def without_token(lines: Sequence[str]) -> AuthlensError:
    """Return the error for exit code 0 without a token (cloudflared#1429)."""
    return _listed_failure(lines) or LoginNeeded(
        "cloudflared reported success but returned no token (cloudflared#1429).",
        "Log in again; an old token may have expired at that moment.",
        stage=STAGE,
    )


def own_lock(pid: int) -> AuthlensError:
    """Return the error for a cloudflared that waits for itself (cloudflared#1692, #1713)."""
    return ServerMisconfigured(
        f"cloudflared waits for itself (process {pid}) and would never finish (cloudflared#1692): its new "
        "token was refused immediately. The usual reason is the Binding Cookie of the application.",
        f"Ask the owner to turn the Binding Cookie off: {_SETTINGS} → Advanced settings → Cookie settings.",
        stage=STAGE,
    )


def timed_out(seconds: float, *, link_shown: bool) -> AuthlensError:
    if link_shown:
        return TimedOut(
            f"The login was not finished within {seconds:g} seconds; cloudflared was stopped.",
            "Try again and open the link; it works on any machine. For more time: --timeout 900",
            stage=STAGE,
        )
    return TimedOut(
        f"cloudflared showed no link within {seconds:g} seconds and was stopped (cloudflared#1637).",
        step("Check that the address responds", "authlens probe URL"),
        stage=STAGE,
    )


_LINK: Final = re.compile(r"https://\S{1,2000}/cdn-cgi/access/cli\?\S{1,2000}")
_WAITING: Final = re.compile(
    r"another cloudflared process \(pid (\d{1,10})\) is already waiting", re.IGNORECASE
)
_LINE: Final = 16 * 1024  # bytes of one line
_LINES: Final = 200  # lines that are remembered
_MOST_TOLD: Final = 1_000  # lines that are shown as they come
_LOOK: Final = 0.1  # seconds between looks whether it has ended
_LAST_WORDS: Final = 0.5  # seconds for its last output once it has
_OUTPUT: Final = 64 * 1024  # bytes of stdout
_MOST_STDERR: Final = 4 * 1024 * 1024  # bytes of stderr
_CHATTER: Final = "successfully fetched your token:"


class CloudflaredLogin(Struct, frozen=True):
    """A login that gave a token.

    Attributes:
        link: the link that was shown, or None: it had a token already.
        file: where cloudflared keeps this token; None where it does not: it is gone with this process.
    """

    url: str
    token: Secret
    cloudflared: Cloudflared
    link: str | None
    file: CloudflaredToken | None

    @property
    def kept_at(self) -> Path | None:
        """The file in which cloudflared keeps this token, or None."""
        return None if self.file is None else self.file.path


async def run_login(
    url: str,
    *,
    timeout: float = BROWSER_WAIT,  # noqa: ASYNC109 - the limit of the login, and it ends a process
    events: Callable[[CloudflaredEvent], None] = lambda _event: None,
    cloudflared: Cloudflared | None = None,
    environ: Mapping[str, str] | None = None,
) -> CloudflaredLogin:
    """Let the user log in with cloudflared, and return the token.

    When it is cancelled or out of time, cloudflared is ended with the group of its processes.

    Args:
        timeout: seconds for the login in all.
        events: called with what happens, in order; the link is one of them.
        cloudflared: which one; None looks for it.
        environ: its environment; None is the process's own.

    Raises:
        CloudflaredMissing: there is none.
        UsageError: cloudflared cannot use the URL; nothing was run.
        TimedOut, LoginNeeded, Refused, NetworkFailure, ServerMisconfigured: with the cause and what to do.
    """
    target = _usable(url)
    environment = child_environment(environ)
    ends = asyncio.get_running_loop().time() + timeout
    chosen = cloudflared or await find_cloudflared(environ=environ, limit=min(VERSION_SECONDS, timeout))
    # Older versions read a key from the directory that they start in, and leave one there (AUTH-9041).
    with (
        TemporaryDirectory(prefix="authlens-", ignore_cleanup_errors=True) as directory,
        TemporaryDirectory(prefix="authlens-", ignore_cleanup_errors=True) as openers,
    ):
        environment_of_child = without_openers(environment, Path(openers))
        arguments = chosen.login_arguments(target)
        child = await start(
            chosen.path, *arguments, cwd=directory, stderr=PIPE, limit=_LINE, env=environment_of_child
        )
        run = _Run(child, events, parse_url(target, loopback_http=True).host)
        try:
            command = shlex.join(("cloudflared", *arguments))
            events(ProcessStarted(command, chosen.version_text, chosen.notes, child.pid))
            try:
                async with asyncio.timeout_at(ends):
                    output = await run.watch()
            except TimeoutError:
                raise timed_out(timeout, link_shown=run.link is not None) from None
        finally:
            await end_group(child)
    token = _token_in(output)
    if child.returncode:
        raise failure_of(child.returncode, run.lines)
    if token is None:
        raise without_token(run.lines)
    file = await asyncio.to_thread(_file_of, token, cloudflared_directory(environment))
    return CloudflaredLogin(target, token, chosen, link=run.link, file=file)


def _usable(url: str) -> str:
    try:
        # cloudflared turns http into https, and fails at an emulator on this machine in its own words.
        return parse_url(url, loopback_http=True).text
    except UrlRefused as refused:
        raise UsageError(
            f"cloudflared cannot use this URL: {refused}.",
            "It accepts only https addresses of applications behind Cloudflare.",
        ) from None


class _Run(Struct):
    """Reads what a child prints until it ends."""

    child: Process
    events: Callable[[CloudflaredEvent], None]
    host: str
    link: str | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    reported: int = 0
    output: bytearray = bytearray()

    async def watch(self) -> bytes:
        """Return stdout when the child has ended, though what it started may hold its pipes open.

        Raises:
            ServerMisconfigured: it waits for itself, and has not ended.
        """
        reading = asyncio.create_task(self._read())
        ended = asyncio.create_task(self._ended())
        try:
            await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                await reading
                await self.child.wait()
        finally:
            reading.cancel()
            ended.cancel()
        return bytes(self.output)

    async def _read(self) -> None:
        output, listening = asyncio.create_task(self._read_output()), asyncio.create_task(self._listen())
        try:
            await asyncio.gather(output, listening)
        finally:
            output.cancel()
            listening.cancel()

    async def _ended(self) -> None:
        while self.child.returncode is None:  # noqa: ASYNC110 - its wait() waits for the pipes, too
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(_LAST_WORDS)  # what it printed last may still be on its way

    async def _read_output(self) -> None:
        stream = self.child.stdout
        while stream is not None and (data := await stream.read(_OUTPUT)):
            # One byte over the limit tells `_token_in` that there was more; the rest is only read away.
            self.output += data[: _OUTPUT + 1 - len(self.output)]

    async def _listen(self) -> None:
        stream, received = self.child.stderr, 0
        while stream is not None and received < _MOST_STDERR:
            try:
                data = await stream.readline()
            except ValueError:  # a line over the limit; what follows it is read on
                continue
            if not data:
                return
            received += len(data)
            self._read_line(data.decode("utf-8", "replace").rstrip())
        while stream is not None and await stream.read(_LINE):
            pass  # too much to be read; taken off the pipe, so that the child can end

    def _read_line(self, line: str) -> None:
        if not line.strip():
            return
        text = safe_line(line)
        self.lines.append(text)
        self.reported += 1
        # The lines go on a screen: a child that never stops printing must not fill it for ever.
        if self.reported <= _MOST_TOLD:
            self.events(PrintedLine(text))
        waiting = _WAITING.search(line)
        if waiting is not None:
            pid = int(waiting[1])
            if pid == self.child.pid:
                raise own_lock(pid)
            self.events(OtherProcessWaiting(pid))
        link = _LINK.search(line)
        url = usable_url(link[0]) if link is not None and self.link is None else None
        # cloudflared prints what servers say, too: the link of its own is on the host that it was given.
        if url is not None and url.host == self.host:
            self.link = url.text
            self.events(LinkShown(self.link))


def _token_in(output: bytes) -> Secret | None:
    """Return the token on stdout: it alone, or after the one line that older versions put before it."""
    if len(output) > _OUTPUT:
        return None
    lines = [line.strip() for line in output.decode("ascii", "replace").split("\n") if line.strip()]
    # Versions before --no-verbose print it on stdout, before the token.
    if lines and lines[0].lower() == _CHATTER:
        del lines[0]
    return token_in(lines[0]) if len(lines) == 1 else None


def _file_of(token: Secret, directory: Path) -> CloudflaredToken | None:
    files = (file for file in CloudflaredDirectory(directory).find() if not file.problem)
    return next((file for file in files if read_cloudflared_token(file) == token), None)

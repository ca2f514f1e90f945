"""cloudflared on this machine: where it is, which version, and its process with everything that it starts."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from authlens_core.values.errors import UsageError
from authlens_core.values.user_screen import UserScreen

INSTALL: Final = "Install it: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/downloads/"
VERSION_SECONDS: Final = 10.0  # seconds; a first start on a slow disk takes a few
_MOST: Final = 4_096  # bytes of its answer
_VERSION: Final = re.compile(r"\b(20\d\d)\.(\d{1,2})\.(\d{1,3})\b")

# The first versions with `--no-verbose`, with `--auto-close`, and without the bugs that `notes` names.
_CLEAN_OUTPUT: Final = (2024, 8, 3)
_AUTO_CLOSE: Final = (2025, 8, 1)
_CHECKED_METADATA: Final = (2026, 8, 0)

_OPENERS: Final = ("xdg-open", "open", "wslview")
_BROWSER: Final = frozenset({"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"})
# Its process leads a group of its own, so that it can be ended with everything that it started.
if sys.platform == "win32":
    _NEW_GROUP: Final[dict[str, Any]] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _NEW_GROUP: Final[dict[str, Any]] = {"start_new_session": True}
_GRACE: Final = 2.0  # seconds between asking a child to end and ending it


class CloudflaredMissing(UsageError):
    """There is no cloudflared on this machine, or what is called so cannot be run."""


class Cloudflared(Struct, frozen=True):
    """An executable and its version.

    Attributes:
        version: year, month, number; None where it did not say.
    """

    path: str
    version: tuple[int, int, int] | None

    @property
    def version_text(self) -> str:
        return ".".join(str(number) for number in self.version) if self.version else "of an unknown version"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about this version, one sentence each; safe to show."""
        if self.version is None:
            return ("Its version is unknown; use 2026.8.0 or newer.",)
        if self.version >= _CHECKED_METADATA:
            return ()
        problem = (
            "trusts what any server says about an application, and reads a key from the current directory"
        )
        return (f"{self.version_text} {problem}. Version 2026.8.0 fixed both.",)

    def login_arguments(self, url: str) -> tuple[str, ...]:
        # A build that names no version counts as a recent one.
        version = self.version or _AUTO_CLOSE
        flags = []
        if version >= _CLEAN_OUTPUT:
            flags.append("--no-verbose")
        if version >= _AUTO_CLOSE:
            flags.append("--auto-close")
        return ("access", "login", *flags, url)


async def find_cloudflared(
    *, environ: Mapping[str, str] | None = None, limit: float = VERSION_SECONDS
) -> Cloudflared:
    """Return the cloudflared that is first on the path, with its version.

    Args:
        environ: the environment to look in; None is the process's own.
        limit: seconds that it may take to say its version.

    Raises:
        CloudflaredMissing: there is none, it cannot be run, or it does not answer.
    """
    environment = child_environment(environ)
    path = shutil.which("cloudflared", path=environment.get("PATH"))
    if path is None:
        raise CloudflaredMissing("cloudflared is not installed, or not on PATH.", INSTALL)
    child = await start(path, "--version", cure=INSTALL, stderr=DEVNULL, env=environment)
    try:
        async with asyncio.timeout(limit):
            output = b"" if child.stdout is None else await child.stdout.read(_MOST)
    except TimeoutError:
        raise CloudflaredMissing(
            f"{path} did not report its version within {limit:g} seconds.",
            "Run it yourself: cloudflared --version",
        ) from None
    finally:
        with suppress(OSError):
            await end_group(child)
    return Cloudflared(path, parse_version(output.decode("utf-8", "replace")))


def child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for cloudflared: ours, without our secrets and without colours or updates.

    The variables that would make it send a service token or log elsewhere stay out, too.
    """
    ours = os.environ if environ is None else environ
    inherited = {
        name: value
        for name, value in ours.items()
        # cloudflared reads TUNNEL_ and CF_ACCESS_CLIENT_ as options of its own; ours may hold a secret.
        if not name.startswith(("AUTHLENS_", "TUNNEL_", "CF_ACCESS_CLIENT_"))
    }
    return {**inherited, "NO_COLOR": "1", "NO_AUTOUPDATE": "true"}


def without_openers(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return `environment` for a child that must not open a browser that no one would see.

    cloudflared has no option for that; where nothing opens, it shows the link, as it does anyway.

    Args:
        directory: a private one for the programs that replace those that open browsers.
    """
    if UserScreen(environment).why_no_browser is None or sys.platform == "win32":
        return dict(environment)
    from authlens_core.state import private_file  # the verbs that only read its tokens need none

    without_browser = {name: value for name, value in environment.items() if name not in _BROWSER}
    for name in _OPENERS:
        # cloudflared calls these by name, so that names that come first on PATH keep a browser from opening.
        path = directory / name
        private_file.create(path, b"#!/bin/sh\nexit 1\n", durable=False)
        path.chmod(0o700)
    return {**without_browser, "PATH": f"{directory}{os.pathsep}{environment.get('PATH', os.defpath)}"}


async def start(path: str, *arguments: str, cure: str = "", **options: Any) -> Process:
    """Start cloudflared in a group of its own, with nothing to read and its stdout in a pipe.

    Raises:
        CloudflaredMissing: it cannot be run.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            Path(path).absolute(),  # noqa: ASYNC240 - of the name alone
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            **_NEW_GROUP,
            **options,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Cancelled itself, it would end the child alone, and wait for pipes that others hold.
        await asyncio.wait((starting,))
        if starting.exception() is None:
            await end_group(starting.result())
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CloudflaredMissing(f"{path} cannot be run: {reason}.", cure) from None


async def end_group(child: Process) -> None:
    """End a child and its group: ask, wait two seconds, end; a child that has ended is only waited for.

    What an ended child left running, such as the user's browser, is left alone. A caller that is cancelled
    meanwhile does not wait these two seconds.
    """
    try:
        if child.returncode is None:
            _signal(child, getattr(signal, "SIGTERM", 15))
            await _ended(child)
    finally:
        if child.returncode is None:
            _signal(child, getattr(signal, "SIGKILL", 9))
        try:
            await _ended(child)  # what left the group may still hold the pipes
        finally:
            # Otherwise the collector closes pipes that others hold, after the loop, and says so on stderr.
            child._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way


async def _ended(child: Process) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await child.wait()


def _signal(child: Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, number)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the first version in what `cloudflared --version` printed, or None."""
    match = _VERSION.search(text)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))

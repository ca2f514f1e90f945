"""A child process with a group of its own, so that it can be ended with everything that it started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from authlens_core.callback.own_screen import why_no_browser

_OPENERS: Final = ("xdg-open", "open", "wslview")
_BROWSER: Final = frozenset({"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"})
_GRACE: Final = 2.0  # seconds between asking a child to end and ending it


def child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for cloudflared: ours, without our secrets and without colours or updates.

    The variables that would make it send a service token or log elsewhere stay out, too.
    """
    ours = os.environ if environ is None else environ
    kept = {
        name: value
        for name, value in ours.items()
        # cloudflared reads TUNNEL_ and CF_ACCESS_CLIENT_ as options of its own; ours may hold a secret.
        if not name.startswith(("AUTHLENS_", "TUNNEL_", "CF_ACCESS_CLIENT_"))
    }
    return {**kept, "NO_COLOR": "1", "NO_AUTOUPDATE": "true"}


def without_openers(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return `environment` for a child that must not find a browser, which no one would see.

    cloudflared has no option for that; where nothing opens, it shows the link, as it does anyway.

    Args:
        directory: a private one for the programs that replace those that open browsers.
    """
    if why_no_browser(environment) is None or sys.platform == "win32":
        return dict(environment)
    kept = {name: value for name, value in environment.items() if name not in _BROWSER}
    for name in _OPENERS:
        path = directory / name
        path.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
        path.chmod(0o700)
    return {**kept, "PATH": f"{directory}{os.pathsep}{environment.get('PATH', os.defpath)}"}


def start_new_group() -> dict[str, Any]:
    """Return the arguments that give a child a group of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


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

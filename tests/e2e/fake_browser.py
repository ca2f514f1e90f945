"""A browser that notes what it was asked to open, by each name under which a desktop looks for one."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NAMES: Final = ("chromium", "xdg-open", "x-www-browser", "sensible-browser", "www-browser", "firefox")


def beside_a_fake_browser(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with a display, and with the browser first in PATH; it writes into `folder`."""
    programs = folder / "browsers"
    programs.mkdir()
    for name in _NAMES:
        (programs / name).write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(folder / "opened"))}\n')
        (programs / name).chmod(0o700)
    path = os.pathsep.join([str(programs), environ.get("PATH", os.defpath)])
    return {**environ, "PATH": path, "DISPLAY": ":0"}


def what_was_opened(folder: Path) -> str:
    """Return what the browser was asked to open so far; empty before it was started."""
    noted = folder / "opened"
    return noted.read_text() if noted.exists() else ""

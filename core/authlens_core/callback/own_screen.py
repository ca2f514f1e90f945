"""Whether a browser started here appears on the user's own screen."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from authlens_core.callback.ssh_forward import is_ssh

_CONTAINER_VARIABLES: Final = ("container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES")
_CONTAINER_FILES: Final = (".dockerenv", "run/.containerenv", "run/systemd/container")


def in_container(environ: Mapping[str, str], root: Path = Path("/")) -> bool:
    """Return whether this is a container, by the marks that those who make one leave in it.

    systemd-nspawn, Podman and Flatpak set `container`; Docker, Podman and systemd leave a file; Kubernetes,
    development containers and Codespaces set variables of their own.
    """
    if any(environ.get(name) for name in _CONTAINER_VARIABLES):
        return True
    return any((root / name).exists() for name in _CONTAINER_FILES)


def container_hint(port: int) -> str:
    """Return what a container means for the callback, as a sentence for a user."""
    return f"The port {port} of a container is not that of your own machine, unless you forward it."


def why_no_browser(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Return why no browser is started here, as a clause for a user; None where one may be.

    A BROWSER that the user set counts as a display, and in a container for one outside of it: Codespaces
    and development containers set it to a program that opens the link on the host. Over SSH it would open on
    a screen that the user does not see.

    Args:
        root: where the file system begins; for tests.
    """
    if is_ssh(environ):
        return "this is an SSH session"
    if environ.get("BROWSER"):
        return None
    if in_container(environ, root):
        return "this is a container"
    if sys.platform in {"darwin", "win32"} or environ.get("WAYLAND_DISPLAY"):
        return None
    display = environ.get("DISPLAY")
    if not display:
        return "there is no display"
    return None if _is_here(display) else "the display belongs to another machine"


def _is_here(display: str) -> bool:
    """Return whether a DISPLAY is local: `:0`, `unix:0`, or a socket's path (X(7), "DISPLAY NAMES").

    sshd sets `localhost:10.0`, or the host's own name, for a display that it forwards.
    """
    host = display.rpartition(":")[0]
    return host in {"", "unix"} or host.startswith("/")

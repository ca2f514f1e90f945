"""Where the user's own screen is: here, at the other end of an SSH connection, or outside this container."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

_SSH_VARIABLES: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_CONTAINER_VARIABLES: Final = ("container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES")
_CONTAINER_FILES: Final = (".dockerenv", "run/.containerenv", "run/systemd/container")


class UserScreen(Struct, frozen=True):
    """The user's screen, as far as the environment tells where it is.

    Attributes:
        root: where the file system begins; for tests.
    """

    environ: Mapping[str, str]
    root: Path = Path("/")

    @property
    def over_ssh(self) -> bool:
        """Whether this terminal came in over SSH."""
        return any(self.environ.get(name) for name in _SSH_VARIABLES)

    @property
    def in_container(self) -> bool:
        """Whether this is a container, by the marks that those who make one leave in it.

        systemd-nspawn, Podman and Flatpak set `container`; Docker, Podman and systemd leave a file;
        Kubernetes, development containers and Codespaces set variables of their own.
        """
        if any(self.environ.get(name) for name in _CONTAINER_VARIABLES):
            return True
        return any((self.root / name).exists() for name in _CONTAINER_FILES)

    @property
    def why_no_browser(self) -> str | None:
        """Why no browser is started here, as a clause for a user; None where one may be.

        A BROWSER that the user set counts as a display, and in a container for one outside of it: Codespaces
        and development containers set it to a program that opens the link on the host. Over SSH it would
        open on a screen that the user does not see.
        """
        if self.over_ssh:
            return "this is an SSH session"
        if self.environ.get("BROWSER"):
            return None
        if self.in_container:
            return "this is a container"
        if sys.platform in {"darwin", "win32"} or self.environ.get("WAYLAND_DISPLAY"):
            return None
        display = self.environ.get("DISPLAY")
        if not display:
            return "there is no display"
        return None if _is_here(display) else "the display belongs to another machine"


def _is_here(display: str) -> bool:
    """Return whether a DISPLAY is local: `:0`, `unix:0`, or a socket's path (X(7), "DISPLAY NAMES").

    sshd sets `localhost:10.0`, or the host's own name, for a display that it forwards.
    """
    host = display.rpartition(":")[0]
    return host in {"", "unix"} or host.startswith("/")

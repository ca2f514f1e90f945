"""The directory of the state that is not secret, and who may read it.

The directory is private (0700) and ours; every file in it is created private (0600), at the moment of its
creation and not afterwards, and is never reached through a link that another account put there.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from authlens_core.values.errors import StateUnusable


def _default() -> Path:
    directory = os.environ.get("AUTHLENS_HOME")
    if directory:
        return Path(directory).expanduser()
    from platformdirs import user_state_path

    return user_state_path("authlens", appauthor=False)


def _owned(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def state_directory(directory: Path | None = None) -> Path:
    """Return the state directory, made if need be: `AUTHLENS_HOME`, else the platform's own place.

    Raises:
        StateUnusable: it cannot be made, is not ours, or others may write to it.
    """
    path = directory or _default()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Both: a link of ours to a stranger's directory is as bad as a stranger's link to one of ours.
        link, status = path.lstat(), path.stat()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StateUnusable(
            f"The state directory {path} cannot be used: {reason}.", _another_home(error)
        ) from error
    if not (_owned(status) and _owned(link)):
        raise StateUnusable(
            f"The state directory {path} belongs to another account.",
            "Set AUTHLENS_HOME to a directory of your own.",
        )
    # Who may write there can put another file in the place of one of ours, whatever its own mode is.
    if sys.platform != "win32" and status.st_mode & 0o022:
        import shlex  # for this refusal alone

        raise StateUnusable(
            f"Others may write to the state directory {path}.",
            f"Run: chmod 700 {shlex.quote(str(path))}",
        )
    return path


def _another_home(error: OSError) -> str:
    """Return what to do where the state cannot be written."""
    # A sandbox shows a coding agent the home of its user, and keeps it from writing there.
    sandbox = "In a sandbox, run authlens outside it, where your logins are. Or set"
    start = sandbox if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else "Set"
    return f"{start} AUTHLENS_HOME to a directory you can write to."


def own_file(path: Path) -> Path:
    """Return `path`, made a regular file of ours with mode 0600; a new one is empty.

    Raises:
        StateUnusable: it is a link, a device, another account's, or cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    # O_NONBLOCK: opening a FIFO that another program put there must not wait for its other end.
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
        try:
            status = os.fstat(descriptor)
            # A second hard link would show what is written here under another name, with the rights of that
            # place.
            if not stat.S_ISREG(status.st_mode) or not _owned(status) or status.st_nlink > 1:
                raise StateUnusable(
                    f"{path} is not a regular file that you own.", "Check it, then move it away."
                )
            if sys.platform != "win32" and status.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StateUnusable(f"{path} cannot be opened: {reason}.", _another_home(error)) from error
    return path

"""Over SSH the browser is on another machine: the one line that brings its callback here.

sshd tells the connection's two ends in `SSH_CONNECTION`: client address, client port, server address, server
port (ssh(1), "ENVIRONMENT").
"""

from __future__ import annotations

import getpass
import ipaddress
import shlex
import socket
from collections.abc import Mapping
from typing import Final

__all__ = ["escape_hint", "forward_line_to_here", "is_ssh", "other_route_hint", "ssh_forward_line"]

_SSH_PORT: Final = 22
_MARKS: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")


def is_ssh(environ: Mapping[str, str]) -> bool:
    """Tell whether this terminal came in over SSH."""
    return any(environ.get(name) for name in _MARKS)


def ssh_forward_line(
    environ: Mapping[str, str], port: int, user: str, hostname: str, target: str = "localhost"
) -> str | None:
    """Return the command for the person's own machine that forwards `port` to this one; None outside SSH.

    The host is the address that the person's SSH connection ended at. Where that address means nothing on
    another machine (loopback, link-local) or is not told, it is `hostname`. The words are quoted for a POSIX
    shell, and none of them can be taken for an option of ssh.

    Args:
        environ: the environment of this process.
        port: the port that the listener has; the redirect URI needs the same one on the other side.
        user: the account here; left out when it could not stand on a command line.
        hostname: this machine's name, for want of an address.
        target: the host of the redirect URI: `127.0.0.1` where the listener has that address alone, since
            another program may have the port on `::1`.
    """
    if not is_ssh(environ):
        return None
    address, ssh_port = _server_end(environ.get("SSH_CONNECTION", ""))
    host = address or hostname
    if not _is_plain(host):
        return None
    destination = f"{user}@{host}" if _is_plain(user) else host
    other_port = "" if ssh_port == _SSH_PORT else f" -p {ssh_port}"
    return f"ssh -N -L {port}:{target}:{port} {shlex.quote(destination)}{other_port}"


def forward_line_to_here(environ: Mapping[str, str], port: int, target: str = "localhost") -> str | None:
    """Return `ssh_forward_line` for this account on this machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""
    return ssh_forward_line(environ, port, user, socket.gethostname(), target)


def escape_hint(port: int, target: str = "localhost") -> str:
    """Return how to add the forward to the SSH session that is open already (ssh(1), "ESCAPE CHARACTERS")."""
    return (
        f"Or add it to this session: press Enter, then ~C, then type -L {port}:{target}:{port}, then Enter."
        " Recent OpenSSH wants EnableEscapeCommandline=yes for that, set where the session began."
    )


def other_route_hint(port: int, target: str = "localhost") -> str:
    """Return what to do where the address that sshd tells is not the one that the person reaches."""
    return (
        f"Through a jump host, or by another name? Add -N -L {port}:{target}:{port} to the ssh command that"
        " you logged in with, -J and all."
    )


def _server_end(connection: str) -> tuple[str, int]:
    """Return the server's address, empty if it is of no use elsewhere, and the port of its sshd."""
    fields = connection.split()
    if len(fields) != 4 or not (fields[3].isascii() and fields[3].isdigit()):
        return "", _SSH_PORT
    ssh_port = int(fields[3]) if 0 < int(fields[3][:6]) <= 65535 else _SSH_PORT
    try:
        ip = ipaddress.ip_address(fields[2])
    except ValueError:
        return "", ssh_port
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    useless = ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return ("" if useless else str(ip)), ssh_port


def _is_plain(word: str) -> bool:
    return (
        bool(word) and word.isascii() and word.isprintable() and " " not in word and not word.startswith("-")
    )

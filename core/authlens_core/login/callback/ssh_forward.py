"""Over SSH the browser is on another machine: the one line that brings its callback here.

sshd tells the connection's two ends in `SSH_CONNECTION`: client address, client port, server address, server
port (ssh(1), "ENVIRONMENT"). The older `SSH_CLIENT` holds client address, client port, server port.
"""

from __future__ import annotations

import getpass
import ipaddress
import shlex
import socket
from collections.abc import Mapping
from typing import Final

from authlens_core.values.user_screen import UserScreen

# Used if no host name is known. No shell runs the line like this, so the user has to replace it.
THIS_MACHINE: Final = "<this machine>"
_SSH_PORT: Final = 22
# Who came in, for sudo and doas tell the account of before (sudo(8), doas(1)).
_CAME_IN_AS: Final = ("SUDO_USER", "DOAS_USER")


def ssh_forward_line(
    screen: UserScreen,
    port: int,
    target: str = "localhost",
    page_port: int | None = None,
    *,
    user: str | None = None,
    hostname: str | None = None,
) -> str | None:
    """Return the command for the user's own machine that forwards `port` to this one; None outside SSH.

    The host is the address at which the user's SSH connection arrived. Where that address means nothing on
    another machine (loopback, link-local) or unknown, it is `hostname`, and where that cannot be on a
    command line, `THIS_MACHINE`. The words are quoted for a POSIX shell, apart from that placeholder, and
    none of them can be taken for an option of ssh.

    Args:
        port: the port that the listener has; the redirect URI needs the same one on the other side.
        target: the host of the redirect URI: `127.0.0.1` where the listener has that address alone, since
            another program may have the port on `::1`.
        page_port: the port of the page to sign in on, if that is on this machine, too.
        user: the account that came in to this machine, if not the one that the system names; left out if it
            cannot be on a command line.
        hostname: this machine's name, used without an address; None asks the system.
    """
    if not screen.over_ssh:
        return None
    address, ssh_port = _server_end(screen.environ)
    forward = f"ssh -N {' '.join(_forwards(port, target, page_port))}"
    other_port = "" if ssh_port == _SSH_PORT else f" -p {ssh_port}"
    user = _account(screen.environ) if user is None else user
    host = address or (socket.gethostname() if hostname is None else hostname)
    if not _is_plain(host):
        account = f"{shlex.quote(user)}@" if _is_plain(user) else ""
        # The placeholder is last, so a shell finds no word after it and refuses the line.
        return f"{forward}{other_port} {account}{THIS_MACHINE}"
    destination = f"{user}@{host}" if _is_plain(user) else host
    return f"{forward} {shlex.quote(destination)}{other_port}"


def _forwards(port: int, target: str, page_port: int | None) -> list[str]:
    page = () if page_port in (None, port) else (f"{page_port}:localhost:{page_port}",)
    # Brackets mean something to a shell.
    return [f"-L {shlex.quote(each)}" for each in (f"{port}:{target}:{port}", *page)]


def _account(environ: Mapping[str, str]) -> str:
    came_in = next((environ[name] for name in _CAME_IN_AS if environ.get(name)), "")
    if came_in:
        return came_in
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def escape_hint(port: int, target: str = "localhost", page_port: int | None = None) -> str:
    """Return how to add the forward to the SSH session that is open already (ssh(1), "ESCAPE CHARACTERS")."""
    first, *more = _forwards(port, target, page_port)
    again = "".join(f" Do it again with {each}." for each in more)
    return (
        f"Or add it to this session: press Enter, then ~C, then type {first}, then Enter.{again} "
        "Recent OpenSSH needs EnableEscapeCommandline=yes on your own machine for that."
    )


def other_route_hint(port: int, target: str = "localhost", page_port: int | None = None) -> str:
    """Return what to do if sshd's address is not the one that the user can reach."""
    return (
        f"Through a jump host, or by another name? Add -N {' '.join(_forwards(port, target, page_port))} "
        "to the ssh command you logged in with, including -J."
    )


def _server_end(environ: Mapping[str, str]) -> tuple[str, int]:
    """Return the server's address, empty if it is of no use elsewhere, and the port of its sshd.

    Where the connection is no socket, sshd tells UNKNOWN and 65535, of which neither is an address.
    """
    fields = environ.get("SSH_CONNECTION", "").split()
    if len(fields) != 4:
        client = environ.get("SSH_CLIENT", "").split()
        is_valid = len(client) == 3 and _address(client[0]) is not None
        return "", _port(client[2]) if is_valid else _SSH_PORT
    ip = _address(fields[2])
    if ip is None:
        return "", _SSH_PORT
    useless = ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return ("" if useless else str(ip)), _port(fields[3])


def _address(field: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(field)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


def _port(field: str) -> int:
    fits = field.isascii() and field.isdigit() and 0 < int(field[:6]) <= 65535
    return int(field) if fits else _SSH_PORT


def _is_plain(word: str) -> bool:
    return (
        bool(word) and word.isascii() and word.isprintable() and " " not in word and not word.startswith("-")
    )

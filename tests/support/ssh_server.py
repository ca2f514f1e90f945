"""A real OpenSSH server for one test: keys and configuration of its own, nothing of the machine's."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.needs import needs
from support.ports import free_port
from support.waiting import PATIENCE

__all__ = ["SshServer", "SshServerFailed", "ssh_server"]

READY_SECONDS: Final = PATIENCE
STOP_SECONDS: Final = 5.0
CONFIGURATION: Final = """\
{addresses}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/person.pub
PidFile none
StrictModes no
UsePAM {pam}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
PerSourcePenalties no
"""


class SshServerFailed(Exception):
    """The server did not start; the message says what it printed."""


@dataclass(frozen=True, slots=True)
class SshServer:
    """A running server.

    Attributes:
        address: where it listens, beside 127.0.0.1.
        port: its port.
        user: the account that may come in.
        options: what `ssh` needs to know, as its arguments: the key, and that the host key is new.
    """

    address: str
    port: int
    user: str
    options: Sequence[str]

    def command(self, remote: str, *more: str) -> list[str]:
        """Return the `ssh` command that runs a line of shell there, on a terminal."""
        return [*self.client, *more, "-tt", "-p", str(self.port), f"{self.user}@{self.address}", remote]

    @property
    def client(self) -> list[str]:
        """`ssh` with its options, and without a destination."""
        return ["ssh", *self.options]


@contextmanager
def ssh_server(folder: Path, address: str = "127.0.0.1") -> Iterator[SshServer]:
    """Start a server whose files are in `folder`; its sessions end with it.

    Raises:
        SshServerFailed: it did not begin to listen.
    """
    needs("ssh", "ssh-keygen")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host", "person"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
            check=True,
            timeout=READY_SECONDS,
        )
    port = free_port()
    addresses = dict.fromkeys(["127.0.0.1", address])
    (folder / "sshd_config").write_text(
        CONFIGURATION.format(
            addresses="\n".join(f"ListenAddress {one}" for one in addresses),
            port=port,
            folder=folder,
            pam="yes" if _is_locked() else "no",
        )
    )
    (folder / "ssh_config").write_text("")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd gives its rights up in this directory
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [_sshd(), "-D", "-e", "-f", str(folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_it_listens(process, port, folder / "log.txt")
        yield SshServer(
            address,
            port,
            getpass.getuser(),
            (
                *("-F", str(folder / "ssh_config"), "-i", str(folder / "person")),
                *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
                *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            ),
        )
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _sshd() -> str:
    """Return its full path, which it insists on; it is seldom on an ordinary account's PATH."""
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        needs("sshd")
    return found or "sshd"


def _is_locked() -> bool:
    """Whether no password could ever be right for this account: without PAM, sshd takes no key then."""
    try:
        lines = Path("/etc/shadow").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{getpass.getuser()}:!") for line in lines)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SshServerFailed(log.read_text(errors="replace"))
        time.sleep(0.02)

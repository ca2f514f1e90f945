"""A login on another machine, over a real sshd: the browser is on the laptop, authlens on the server."""

import asyncio
import base64
import getpass
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from support.needs import Laptop, free_port, laptop, needs
from support.person import Person
from support.server_process import ended
from support.terminal import Terminal, callback_port, link_shown, plain_link, terminal
from support.waiting import PATIENCE

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
        return [*self.client, *more, "-tt", "-p", str(self.port), f"{self.user}@{self.address}", remote]

    @property
    def client(self) -> list[str]:
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


pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("ssh")]
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
TESTS = Path(__file__).parents[1]
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)")

BROWSER = """#!/bin/sh
echo "$@" >> {opened}
"""

VISIT = """
import asyncio, sys
from support.person import Person

async def visit():
    async with Person() as person:
        test = await person._browser.get(sys.argv[2])
        assert "The tunnel works" in test.text, test.text
        page = await person.authorize(sys.argv[1])
        print(page.status, page.url.partition("?")[0])

asyncio.run(visit())
"""


"""What the person does on the laptop: try the way back, then follow the link to its end."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The server that the person reaches by ssh.

    Attributes:
        ssh: its sshd.
        laptop: where the person sits.
        folder: everything that a login may leave behind there.
    """

    ssh: SshServer
    laptop: Laptop
    folder: Path

    @property
    def opened(self) -> Path:
        return self.folder / "opened"

    def line(self, *command: str) -> str:
        """Return the line of shell that runs a command there; its exit code is written down at the end."""
        environment = {
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
            "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
            "FAKE_KEYRING": str(self.folder / "keyring.json"),
            "AUTHLENS_HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "BROWSER": str(self.folder / "browser"),
            "DISPLAY": ":0",
            "LC_ALL": "C.UTF-8",
        }
        words = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        # A caught signal, unlike an ignored one, is as ever for the command itself.
        return f"trap : HUP; {shlex.join(words)}; echo $? > {shlex.quote(str(self.folder / 'code'))}"

    @asynccontextmanager
    async def session(self, *command: str) -> AsyncIterator[Terminal]:
        ssh = [*self.laptop.prefix, *self.ssh.command(self.line(*command))]
        async with terminal(ssh, columns=120, rows=40) as screen:
            yield screen

    async def exit_code(self) -> int:
        """Wait until the command has ended there; return its exit code."""
        for _ in range(400):
            with suppress(OSError, ValueError):
                return int((self.folder / "code").read_text())
            await asyncio.sleep(0.05)
        raise AssertionError("the command is still running")

    def processes(self) -> list[str]:
        """Return the command lines of what still runs there on behalf of this login."""
        mark, found = f"AUTHLENS_HOME={self.folder / 'home'}".encode(), []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A server with an sshd, and a laptop at the other end of a cable."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir(mode=0o700)
    browser = tmp_path / "browser"
    browser.write_text(BROWSER.format(opened=shlex.quote(str(tmp_path / "opened"))))
    browser.chmod(0o700)
    with laptop() as there, ssh_server(tmp_path / "ssh", there.server) as ssh:
        yield Machine(ssh, there, tmp_path)


@asynccontextmanager
async def emulator() -> AsyncIterator[str]:
    """Run `authlens emulator`; yield the URL of its resource."""
    async with terminal((AUTHLENS, "emulator")) as served:
        await served.wait_for("http://")
        resource = re.search(r"http://\S+", served.text())
        assert resource is not None
        yield resource[0]


async def link_in(screen: Terminal) -> str:
    """Walk to the link on the full screen; return the link."""
    await screen.wait_for("Next: ")
    screen.press("a")
    return await link_shown(screen)


def forward_line(text: str, machine: Machine, port: int) -> list[str]:
    """Return the words of the `ssh -L` line in a text; it must name user, address and port of this sshd."""
    ssh = machine.ssh
    where = re.escape(f"{ssh.user}@{ssh.address}")
    page = r"-L (\d+):localhost:\1"  # of the emulator, which is there too
    found = re.search(rf"ssh -N -L {port}:localhost:{port} {page} {where} -p {ssh.port}\b", text)
    assert found is not None, text
    return found[0].split()


@asynccontextmanager
async def forwarded(machine: Machine, words: Sequence[str]) -> AsyncIterator[None]:
    """Run the printed `ssh -L` line on the laptop."""
    assert words[0] == "ssh"
    port = int(words[3].partition(":")[0])
    process = await asyncio.create_subprocess_exec(
        *(*machine.laptop.prefix, *machine.ssh.client, "-o", "ExitOnForwardFailure=yes"),
        *words[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    probe = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    try:
        for _ in range(200):
            done = await asyncio.create_subprocess_exec(
                *(*machine.laptop.prefix, sys.executable, "-I", "-S", "-c", probe),
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await done.wait() == 0:
                break
            assert process.returncode is None, await process.communicate()
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def visit(machine: Machine, words: Sequence[str], link: str) -> list[str]:
    """Run the line on the laptop, try the way back there and follow the link; return status and address."""
    async with forwarded(machine, words):
        person = await asyncio.create_subprocess_exec(
            *(*machine.laptop.prefix, sys.executable, "-c", VISIT, link),
            f"http://localhost:{callback_port(link)}/test",
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await ended(person)
    return said.decode().split()


def listens(port: int) -> bool:
    """Tell whether anybody listens on a loopback port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_login_through_the_port_that_the_printed_line_forwards(machine: Machine) -> None:
    """The laptop reaches nothing of the server but its sshd, and runs the line from the screen."""
    async with machine.session("env", "AUTHLENS_REDUCED_MOTION=1", AUTHLENS, "demo", "--port", "0") as screen:
        await screen.wait_for("A normal login")
        screen.press("enter")
        await screen.wait_for("╭─ A normal login")
        screen.press("a")
        link = await link_in(screen)
        port = callback_port(link)
        await screen.wait_for("ssh -N -L")
        words = forward_line(screen.text(), machine, port)
        page = await visit(machine, words, link)
        assert page == ["200", f"http://localhost:{port}/callback"]
        await screen.wait_for("Authenticated")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
    assert await machine.exit_code() == 0


async def test_by_paste_with_no_forward_and_no_browser(machine: Machine) -> None:
    """`authlens URL` over ssh: OSC 52 on the wire, the line is right, nothing opens by itself."""
    async with emulator() as resource, machine.session(AUTHLENS, resource, "--port", "0") as screen:
        link = await link_in(screen)
        port = callback_port(link)
        await screen.wait_for("ssh -N -L")
        forward_line(screen.text(), machine, port)
        assert not COPIED.search(screen.raw)
        screen.press("c")
        await screen.wait_for(f"Sent {len(link)} characters to your terminal")
        screen.press("Y")
        await screen.wait_until(lambda: len(COPIED.findall(screen.raw)) == 2, "second copy")
        copied = [base64.b64decode(data).decode() for data in COPIED.findall(screen.raw)]
        assert copied[0] == link
        assert copied[1].split() == forward_line(copied[1], machine, port)
        async with Person() as person:
            callback = await person.callback_url(link)
        screen.send(f"\x1b[200~{callback}\x1b[201~")
        screen.press("enter")
        await screen.wait_for("Authenticated")
        screen.press("q")
        assert await screen.wait_for_exit() == 0
    assert await machine.exit_code() == 0
    assert not machine.opened.exists()
    assert machine.processes() == []


async def test_a_plain_login_by_paste(machine: Machine) -> None:
    """The same ways on a plain terminal; what is pasted is not shown."""
    async with (
        emulator() as resource,
        machine.session(AUTHLENS, "login", resource, "--port", "0") as screen,
    ):
        await screen.wait_for("Waiting 300 seconds")
        link = plain_link(screen)
        forward_line(screen.text(), machine, callback_port(link))
        async with Person() as person:
            callback = await person.callback_url(link)
        screen.send(f"{callback}\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        assert callback.encode() not in screen.raw
    assert await machine.exit_code() == 0
    assert not machine.opened.exists()


@pytest.mark.parametrize("plain", [False, True], ids=["full screen", "plain"])
async def test_the_connection_is_lost_in_the_middle(plain: bool, machine: Machine) -> None:
    """The ssh client is killed; no process, port or temporary file is left, and the code is 129.

    The shell between catches SIGHUP and hands it to nobody, so that authlens has to see for itself.
    """
    command = (AUTHLENS, "login") if plain else (AUTHLENS,)
    async with emulator() as resource, machine.session(*command, resource, "--port", "0") as screen:
        if plain:
            await screen.wait_for("Waiting 300 seconds")
            link = plain_link(screen)
        else:
            link = await link_in(screen)
        assert listens(callback_port(link))
        os.killpg(screen.process.pid, signal.SIGKILL)
        assert await machine.exit_code() == 129
        assert machine.processes() == []
        assert not listens(callback_port(link))
        assert list((machine.folder / "tmp").iterdir()) == []

"""What the end-to-end tests need of the machine, and what happens where it is missing."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest

REQUIRED = os.environ.get("AUTHLENS_E2E") == "required"
"""True where a missing system package is a failure and not a skip: `.ci/run` says so."""


def needs(*programs: str) -> None:
    """Skip the test where one of the programs is missing; fail it where the end-to-end tests are required."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        stop(f"not installed: {', '.join(missing)}")


def needs_file(path: Path, cure: str) -> None:
    """Skip or fail in the same way where a file is missing; `cure` says how to get it."""
    if not path.exists():
        stop(f"{path.name} is missing: {cure}")


def program(name: str) -> str:
    needs(name)
    return shutil.which(name) or name


def stop(reason: str) -> NoReturn:
    """Skip the test because of what the machine lacks, or fail it where the tests are required."""
    if REQUIRED:
        pytest.fail(f"{reason} (AUTHLENS_E2E=required)", pytrace=False)
    pytest.skip(reason)


_CHOICE: Final = range(20_000, 32_000)
"""Below those that the system gives to connections: one of them would take a port before the program does."""


def free_port() -> int:
    """Return a port of this machine that nobody holds."""
    while True:
        port = secrets.choice(_CHOICE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


NETWORKS: Final = ("198.51.100", "203.0.113", "198.18.5", "192.0.2")
"""Ranges for documentation and benchmarks (RFC 5737, RFC 2544): the first to which there is no way here."""
STEP_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Laptop:
    """Where the person's browser is.

    Attributes:
        server: the address at which this machine is reached from there.
        prefix: words before a command that make it run there, where the loopback addresses are others.
    """

    server: str
    prefix: Sequence[str]


@contextmanager
def laptop() -> Iterator[Laptop]:
    """Make the namespace and the cable; both are gone at the end.

    Where namespaces are not allowed (a container without the right), nothing of what is meant would be
    tested: the test is skipped with that reason, or fails where it is required.
    """
    needs("ip", "unshare", "nsenter")
    keeper = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec sleep 600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        made = keeper.stdout is not None and keeper.stdout.read(1) == b"\n"
        inside = ("nsenter", "--net", f"--target={keeper.pid}")
        network = next((each for each in NETWORKS if _is_unused(each)), None)
        if not made or network is None or not _cable(keeper.pid, inside, network):
            stop("no network namespace with a cable to it can be made here (it takes CAP_SYS_ADMIN)")
        yield Laptop(f"{network}.1", inside)
    finally:
        keeper.kill()
        keeper.communicate()
        # The cable goes with the namespace, but not at once; the next test wants the address.
        _run("ip", "link", "delete", _name(keeper.pid))


def without_a_route() -> list[str]:
    """Return what runs a command where there is no network; nothing where that is not allowed."""
    for namespaces in (("--net",), ("--map-root-user", "--net")):
        inside = ["unshare", *namespaces, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        if shutil.which("unshare") and _run(*inside, "true"):
            return inside
    return []


def _name(pid: int) -> str:
    return f"al{pid}"


def _is_unused(network: str) -> bool:
    command = ["ip", "-4", "route", "show", "match", f"{network}.1"]
    ways = subprocess.run(command, capture_output=True, text=True, timeout=STEP_SECONDS).stdout.splitlines()
    return all(way.startswith("default") for way in ways)


def _cable(pid: int, inside: Sequence[str], network: str) -> bool:
    name = _name(pid)
    return all(
        _run(*command)
        for command in (
            ("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(pid)),
            ("ip", "address", "add", f"{network}.1/30", "dev", name),
            ("ip", "link", "set", name, "up"),
            (*inside, "ip", "address", "add", f"{network}.2/30", "dev", "eth0"),
            (*inside, "ip", "link", "set", "eth0", "up"),
            (*inside, "ip", "link", "set", "lo", "up"),
        )
    )


def _run(*command: str) -> bool:
    done = subprocess.run(command, stderr=subprocess.DEVNULL, timeout=STEP_SECONDS)
    return done.returncode == 0

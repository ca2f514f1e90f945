"""A real keyring of one test's own: gnome-keyring on a private D-Bus session, unlocked and empty."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.needs import needs, program
from support.waiting import PATIENCE

READY_SECONDS = PATIENCE
STOP_SECONDS = 5.0
MEMORY = Path("/dev/shm")
ENOUGH = 2**23  # bytes; a keyring of a test has some ten thousand
BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"""
"""A session bus that starts nothing by itself: no second daemon, and no prompt that nobody answers."""

PASSWORD = b"the password of the login keyring"


class KeyringFailed(Exception):
    """The bus or the keyring did not start; the message says what they printed."""


@contextmanager
def keyring_session(*, unlocked: bool = True) -> Iterator[Mapping[str, str]]:
    """Start a bus and a keyring daemon; yield the environment in which programs find them.

    The environment is the caller's, with a home, a runtime directory and a bus address of its own. Bus,
    daemon and what was kept are gone at the end. With `unlocked=False` the login keyring exists but is
    locked.

    Skips or fails the test, by `support.needs`, where the programs are not installed.
    """
    needs("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
    with tempfile.TemporaryDirectory(
        prefix="authlens-keyring-", dir=_memory(), ignore_cleanup_errors=True
    ) as folder:
        environment = _environment(Path(folder))
        with _bus(environment) as address:
            environment["DBUS_SESSION_BUS_ADDRESS"] = address
            if not unlocked:
                with _daemon(environment, "--unlock"):
                    pass  # the first start makes the keyring that the second finds locked
            with _daemon(environment, "--unlock" if unlocked else "--foreground"):
                yield environment


def _memory() -> Path | None:
    """Return a folder in memory, where there is one.

    The daemon flushes its file to the disk at each write. A busy disk takes longer for that than authlens
    waits for a keyring.
    """
    usable = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH
    return MEMORY if usable else None


def _environment(folder: Path) -> dict[str, str]:
    environment = dict(os.environ)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND", "GNOME_KEYRING_CONTROL"):
        environment.pop(name, None)
    environment["HOME"] = str(folder)
    for name, part in {
        "XDG_DATA_HOME": "data",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_RUNTIME_DIR": "run",
    }.items():
        (folder / part).mkdir(mode=0o700)
        environment[name] = str(folder / part)
    return environment


@contextmanager
def _bus(environment: Mapping[str, str]) -> Iterator[str]:
    """Start a message bus and yield its address."""
    configuration = Path(environment["XDG_CONFIG_HOME"]) / "bus.conf"
    configuration.write_text(BUS_CONFIGURATION.format(folder=environment["XDG_RUNTIME_DIR"]))
    command = [program("dbus-daemon"), f"--config-file={configuration}", "--nofork", "--print-address=1"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            address = process.stdout.readline().decode().strip() if process.stdout else ""
            if not address:
                raise KeyringFailed("dbus-daemon printed no address")
            yield address
        finally:
            _stop(process)


@contextmanager
def _daemon(environment: Mapping[str, str], mode: str) -> Iterator[None]:
    """Start the keyring daemon on the bus and wait until it owns its name there."""
    command = [program("gnome-keyring-daemon"), "--foreground", "--components=secrets"]
    if mode not in command:
        command.append(mode)
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        try:
            if process.stdin is not None:
                process.stdin.write(PASSWORD if mode == "--unlock" else b"")
                process.stdin.close()
            _wait_for_service(environment)
            yield
        finally:
            _stop(process)


def _wait_for_service(environment: Mapping[str, str]) -> None:
    """Wait until the daemon owns the name of the Secret Service on the bus."""
    ask = [
        *(program("dbus-send"), "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus"),
        *("/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"),
    ]
    deadline = time.monotonic() + READY_SECONDS
    while True:
        said = subprocess.run(ask, env=environment, capture_output=True, timeout=READY_SECONDS)
        if b"true" in said.stdout:
            return
        if time.monotonic() > deadline:
            raise KeyringFailed(f"nothing owns org.freedesktop.secrets: {said.stdout!r} {said.stderr!r}")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)

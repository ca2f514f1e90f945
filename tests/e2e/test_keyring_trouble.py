"""A keyring that is slow or dies in the middle of a call: words, and an end as soon as it is asked for."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import grant
from support.keyring_backends import FakeKeyring
from support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.e2e
AUTHLENS = (sys.executable, "-c", "from authlens_tui.cli.main import main; main()")


class Machine:
    """A state directory with one login, and a keyring that can be made to misbehave."""

    def __init__(self, folder: Path) -> None:
        self.state, self.keyring = folder / "state", folder / "keyring.json"
        self.grant = replace(grant(), expires_at=utc_now() + timedelta(hours=1))
        self.url = self.grant.resource_url

    def environ(self, backend: str) -> dict[str, str]:
        """Return the environment in which `backend` is the keyring."""
        return FakeKeyring(self.keyring).environ(backend) | {"AUTHLENS_HOME": str(self.state)}

    def start(self, backend: str, *arguments: str) -> subprocess.Popen[str]:
        """Start authlens on `backend`."""
        return subprocess.Popen(
            [*AUTHLENS, *arguments],
            env=self.environ(backend),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
async def machine(tmp_path: Path) -> Machine:
    """A login that is kept, and a keyring that has just been locked."""
    machine = Machine(tmp_path)
    credentials = Credentials.open(
        KeyringStore(environ=machine.environ("FileKeyring"), limit=PATIENCE), machine.state
    )
    await credentials.save(machine.grant, GrantSecrets(Secret("access-canary"), Secret("refresh-canary")))
    await credentials.aclose()
    machine.keyring.with_suffix(".locked").touch()
    return machine


@pytest.mark.parametrize(
    ("backend", "words"),
    [("SlowKeyring", "did not answer within 3 seconds"), ("DyingKeyring", "helper stopped")],
)
def test_a_token_that_cannot_be_had_is_said_in_time(machine: Machine, backend: str, words: str) -> None:
    """Slow for a minute, and dying mid-call: exit code 9, the cause, and no token."""
    with machine.start(backend, "token", machine.url) as program:
        output, errors = program.communicate(timeout=PATIENCE)
    assert (program.returncode, output) == (9, "")
    assert words in errors


def test_ctrl_c_ends_a_wait_for_a_slow_keyring_at_once(machine: Machine) -> None:
    """It is not the keyring that decides how long the program stays."""
    with machine.start("SlowKeyring", "token", machine.url) as program:
        _wait_for(machine.keyring.with_suffix(".asked"))
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE)
    assert program.returncode == 130


def test_what_needs_no_secret_does_not_ask_the_keyring(machine: Machine) -> None:
    """The list is there although the keyring is not."""
    with machine.start("DyingKeyring", "list") as program:
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0
    assert machine.url in output


def _wait_for(path: Path) -> None:
    wait_until(path.exists, f"{path.name}")

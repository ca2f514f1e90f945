"""The assertion of a platform: from a file or a command, bounded in size and time, without a shell."""

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

from authlens_core.state import assertion_source
from authlens_core.state.assertion_source import AssertionSource, read_assertion
from authlens_core.values.errors import AuthlensError, FileUnusable, TimedOut, UsageError
from authlens_core.values.secret import Secret


def _command(command: str) -> AssertionSource:
    return AssertionSource(command=Secret(command))


def _python(program: str, *words: str) -> AssertionSource:
    return _command(shlex.join([sys.executable, "-c", program, *words]))


async def test_a_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a.b.c\n")
    # As a container platform projects it: what is current is a link that changes.
    (tmp_path / "token").symlink_to(tmp_path / "real")
    source = AssertionSource(file=str(tmp_path / "token"))
    assert (await read_assertion(source)).reveal() == "a.b.c"
    (tmp_path / "real").write_text("d.e.f\n")
    assert (await read_assertion(source)).reveal() == "d.e.f"


async def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    source = _python("import sys; print(sys.argv[1])", "$(touch${IFS}ran)")
    assert (await read_assertion(source)).reveal() == "$(touch${IFS}ran)"
    assert not list(tmp_path.iterdir())


async def test_a_command_does_not_inherit_the_client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", "canary")
    monkeypatch.setenv("AUTHLENS_IDP_CLIENT_SECRET", "canary")
    source = _python("import os; print('canary' in os.environ.values())")
    assert (await read_assertion(source)).reveal() == "False"


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("print('a b')", AuthlensError),
        ("print()", AuthlensError),
        ("import sys; print('a'); sys.exit(3)", AuthlensError),
        ("print('a' * 100_000)", AuthlensError),
        ("import time; print('a', flush=True); time.sleep(60)", TimedOut),
    ],
    ids=["words", "nothing", "failed", "endless", "slow"],
)
async def test_a_command_that_gives_no_assertion_is_refused(
    program: str, error: type[AuthlensError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assertion_source, "_SECONDS", 0.5 if error is TimedOut else 30.0)
    with pytest.raises(error) as raised:
        await read_assertion(_python(program))
    assert raised.value.cure


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (_command("no-such-program-anywhere"), UsageError),
        (_command("'"), UsageError),
        (AssertionSource(file="/no/such/file"), FileUnusable),
        (AssertionSource(file="/dev/zero"), FileUnusable),
    ],
    ids=["no program", "open quote", "no file", "device"],
)
async def test_what_is_not_there_is_named(source: AssertionSource, error: type[AuthlensError]) -> None:
    with pytest.raises(error):
        await read_assertion(source)


@pytest.mark.skipif(sys.platform == "win32", reason="sh")
async def test_what_a_slow_command_started_does_not_hold_up_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assertion_source, "_SECONDS", 0.2)
    source = _command("sh -c 'sleep 60; echo a'")
    async with asyncio.timeout(10):
        with pytest.raises(TimedOut):
            await read_assertion(source)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -u svc:canary URL", "the command curl"),
        ("'curl -u svc:canary URL'", "the command curl"),
        ("TOKEN=canary curl URL", "the command TOKEN"),
        ("'  canary", "the command"),
        ("", "the command"),
        ("''", "the command"),
    ],
)
def test_a_command_is_shown_by_the_name_of_its_program(command: str, shown: str) -> None:
    assert _command(command).words == shown
    assert "canary" not in repr(_command(command))

"""What `--assertion-command` holds is shown by its first word, and stored with the secrets alone."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from authlens_lab.emulator import Emulator
from authlens_lab.emulator.profile import Profile
from support.command_line import CommandLine, Ran, command_line

CANARY: Final = "hunter2horse"
FORMATS: Final = ("session", "har", "curl", "markdown", "svg")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    with command_line(tmp_path / "authlens") as line:
        yield line


@pytest.fixture
def served(line: CommandLine) -> Iterator[Emulator]:
    served = Emulator(Profile.MACHINE)
    line.beside(served.start())
    yield served
    line.beside(served.stop())


def _log_in(line: CommandLine, served: Emulator, command: str, *more: str) -> Ran:
    program = ("--machine", "jwt-bearer", "--client-id", "machine-workload")
    return line.run("login", served.resource_url, *program, "--assertion-command", command, *more)


def _command(code: str) -> str:
    secret = ("-u", f"svc:{CANARY}", "-H", f"Authorization: bearer {CANARY}")
    return shlex.join((sys.executable, "-c", code, *secret))


def _assertion(served: Emulator) -> str:
    url = f"{served.issuer}/workload/assertion"
    return _command(f"from urllib.request import urlopen; print(urlopen({url!r}).read().decode())")


def _with_canary(directory: Path) -> list[str]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return sorted(path.name for path in files if CANARY.encode() in path.read_bytes())


@pytest.mark.parametrize("more", [(), ("--json",), ("--json", "--full")], ids=" ".join)
@pytest.mark.parametrize(
    "command",
    [
        _command("import sys; sys.exit(3)"),
        _command("print('a b')"),
        f"no-such-program {CANARY}",
        f"printf '{CANARY}",
    ],
    ids=["exit code", "no assertion", "no program", "open quote"],
)
def test_a_login_that_fails_shows_no_argument_of_the_command(
    line: CommandLine, served: Emulator, tmp_path: Path, command: str, more: tuple[str, ...]
) -> None:
    ran = _log_in(line, served, command, *more)
    assert ran.code
    assert CANARY not in ran.answer + ran.words
    assert _with_canary(tmp_path) == []


def test_a_command_beside_a_file_is_refused_without_it(line: CommandLine, served: Emulator) -> None:
    ran = _log_in(line, served, f"printf {CANARY}", "--assertion-file", __file__)
    assert ran.code == 2
    assert CANARY not in ran.answer + ran.words


def test_a_refused_login_names_the_command_by_its_first_word(line: CommandLine, served: Emulator) -> None:
    ran = _log_in(line, served, _command("print('not.an.assertion')"))
    assert "--assertion-command CMD" in ran.words
    assert CANARY not in ran.words
    assert f"the command {sys.executable}" in line.run("export", served.resource_url).answer


def test_a_login_that_succeeds_stores_the_command_with_its_secrets_alone(
    line: CommandLine, served: Emulator, tmp_path: Path
) -> None:
    runs = [_log_in(line, served, _assertion(served), "--json", "--full")]
    runs += [line.run("refresh", served.resource_url, *more) for more in ((), ("--json",))]
    assert [ran.code for ran in runs] == [0, 0, 0]
    runs += [
        line.run("export", served.resource_url, "--format", kind, "--which", which)
        for kind in FORMATS
        for which in ("login", "refresh")
    ]
    runs += [line.run("list", "--json"), line.run("events"), line.run("doctor", "--json")]
    assert [ran for ran in runs if CANARY in ran.answer + ran.words] == []
    assert _with_canary(tmp_path / "authlens") == ["secrets.plain.json"]

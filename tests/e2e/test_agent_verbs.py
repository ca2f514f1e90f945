"""The verbs for scripts and agents as processes: `headers`, helpers, `run`, `mcp-config`, `--no-input`."""

import json
import os
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_lab.emulator import Emulator
from support.needs import free_port
from support.terminal import terminal
from support.verb_process import AUTHLENS, authlens, emulated, log_in, machine_in, process_table, secrets_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    return machine_in(tmp_path)


@pytest.fixture
def resource(lasting_resource: str) -> str:
    """A resource whose tokens last a quarter of an hour; each machine has grants of its own there."""
    return lasting_resource


async def test_headers_come_in_the_form_that_the_consumer_wants(
    machine: dict[str, str], resource: str
) -> None:
    """JSON for agents, and lines for curl."""
    await log_in(machine, resource)
    fields = json.loads((await authlens(machine, "headers", resource)).answer)
    lines = await authlens(machine, "headers", resource, "--format", "lines")
    assert lines.answer == f"Authorization: {fields['Authorization']}\n"
    which = await authlens(machine, "headers", resource, "--which")
    assert which.answer.startswith("oauth  ")
    assert fields["Authorization"].removeprefix("Bearer ") not in which.answer + which.words


async def test_run_gives_the_token_to_the_command_alone_and_becomes_it(
    machine: dict[str, str], resource: str
) -> None:
    """By explicit wish it is in the environment of the command, and in no argument."""
    await log_in(machine, resource)
    script = "import os,sys; print(os.environ['MY_TOKEN']); sys.exit(7)"
    async with process_table() as table:
        done = await authlens(
            machine, "run", "--env", "MY_TOKEN", resource, "--", sys.executable, "-c", script
        )
    assert done.code == 7
    assert done.answer.strip() in secrets_in(machine)
    arguments = [entry for entry in table if b"authlens_tui" in entry]
    assert arguments
    assert not [entry for entry in arguments if done.answer.strip().encode() in entry]
    missing = await authlens(machine, "run", resource, "--", "no-such-command")
    assert missing.code == 2


async def test_each_word_behind_the_first_dashes_reaches_the_other_program(
    machine: dict[str, str], resource: str
) -> None:
    """`git checkout -- FILE` without its dashes is another command."""
    await log_in(machine, resource)
    words = ["a", "--", "-b", "--", "--help"]
    script = "import sys; print(sys.argv[1:])"
    command = (sys.executable, "-c", script, *words)
    for before in ((resource,), (resource, "--env", "X"), ("--env", "X", resource)):
        done = await authlens(machine, "run", *before, "--", *command)
        assert (done.code, done.answer.strip()) == (0, str(words)), done.words
    refused = await authlens(machine, "curl", resource, "--", "-s", "-d", "--", "--", "-S")
    assert "'--' is not passed on to curl" in refused.words


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what the kernel says")
async def test_the_other_program_ends_when_its_reader_is_gone(machine: dict[str, str], resource: str) -> None:
    """Python ignores SIGPIPE; a program that is run with it ignored writes an error instead, or for ever."""
    await log_in(machine, resource)
    status = await authlens(machine, "run", resource, "--", "grep", "SigIgn", "/proc/self/status")
    assert not int(status.answer.split()[1], 16) & 1 << (signal.SIGPIPE - 1)


async def test_run_names_a_command_that_the_system_cannot_run(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """A script without `#!`; and a name that decides where commands are found."""
    await log_in(machine, resource)
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    script.chmod(0o700)
    done = await authlens(machine, "run", resource, "--", str(script))
    assert (done.code, "Exec format error" in done.words) == (2, True), done.words
    # Of an unknown tunable, ld.so(8) prints the value: the token.
    for name in ("PATH", "GLIBC_TUNABLES", "_JAVA_OPTIONS"):
        path = await authlens(machine, "run", "--env", name, resource, "--", sys.executable, "-c", "")
        assert path.code == 2, path.words
        assert "decides which code" in path.words


async def test_git_asks_for_a_bearer_token_and_stores_it_nowhere(
    machine: dict[str, str], resource: str
) -> None:
    """gitcredentials(7): with the capability only; a refused token is refreshed once."""
    await log_in(machine, resource)
    host = resource.removeprefix("http://").rstrip("/")
    asked = f"capability[]=authtype\nprotocol=http\nhost={host}\n\n"
    answer = (await authlens(machine, "git-credential", "get", typed=asked)).answer.splitlines()
    values = dict(line.split("=", 1) for line in answer)
    assert answer[0] == "capability[]=authtype"
    assert (values["authtype"], values["ephemeral"]) == ("Bearer", "1")
    assert int(values["password_expiry_utc"]) > datetime.now(UTC).timestamp()
    old = await authlens(machine, "git-credential", "get", typed=asked.replace("capability[]=authtype\n", ""))
    assert old.answer == ""
    assert "2.46" in old.words
    stored = await authlens(machine, "git-credential", "store", typed=asked)
    assert (stored.code, stored.answer) == (0, "")
    erased = f"{asked.strip()}\nauthtype=Bearer\ncredential={values['credential']}\n\n"
    assert (await authlens(machine, "git-credential", "erase", typed=erased)).code == 0
    again = (await authlens(machine, "git-credential", "get", typed=asked)).answer
    assert f"credential={values['credential']}\n" not in again
    assert "credential=" in again
    elsewhere = asked.replace(host, "other.example").replace("\n\n", '\nwwwauth[]=Basic realm="x"\n\n')
    other = await authlens(machine, "git-credential", "get", typed=elsewhere)
    assert (other.code, other.answer, other.words) == (0, "", "")


@pytest.fixture
def claude(machine: dict[str, str], tmp_path: Path) -> Path:
    """A file that a stand-in for Claude Code writes its arguments to; it fails for a server named `taken`."""
    program, ran = tmp_path / "bin" / "claude", tmp_path / "ran"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" "${{AUTHLENS_CLIENT_SECRET-}}" > {ran}\n[ "$3" != taken ]\n')
    program.chmod(0o700)
    machine["PATH"] = f"{program.parent}{os.pathsep}{machine['PATH']}"
    return ran


async def test_mcp_config_prints_the_entry_and_runs_nothing_without_a_terminal(
    machine: dict[str, str], resource: str, claude: Path
) -> None:
    """Stdout has the entry alone; the agent's own command is shown with what it would do."""
    shown = await authlens(machine, "mcp-config", "claude-code", resource, "--name", "wiki", typed="y\n")
    entry = json.loads(shown.answer)["mcpServers"]["wiki"]
    assert entry["args"][-2:] == ["mcp-bridge", resource]
    command = [entry["command"], *entry["args"]]
    assert f"claude mcp add wiki -- {shlex.join(command)}" in shown.words
    assert not claude.exists()


async def test_the_login_that_mcp_config_names_is_for_the_url_of_the_entry(
    machine: dict[str, str], resource: str
) -> None:
    """`$` is written as `%24`, and a credential for the one does not cover the other."""
    shown = await authlens(machine, "mcp-config", "gemini", f"{resource}$HOME/mcp")
    assert f"authlens login {resource}%24HOME/mcp" in shown.words


@pytest.mark.parametrize(
    ("typed", "name", "code"), [("y\n", "wiki", 0), ("\n", "wiki", 0), ("y\n", "taken", 2)]
)
async def test_on_a_terminal_the_agents_own_command_runs_if_you_agree(
    machine: dict[str, str], resource: str, claude: Path, typed: str, name: str, code: int
) -> None:
    machine["AUTHLENS_CLIENT_SECRET"] = "canary"
    command = [*AUTHLENS, "mcp-config", "claude-code", resource, "--name", name]
    async with terminal(command, env=machine) as screen:
        await screen.wait_for("Run it now?")
        assert not claude.exists()
        screen.send(typed)
        assert await screen.wait_for_exit() == code, screen.text()
    assert claude.exists() == (typed != "\n")
    if claude.exists():
        assert claude.read_text().startswith(f"mcp add {name} -- ")
        assert "canary" not in claude.read_text()
        assert ("ended with exit code 1" in screen.text()) == (code == 2)


@pytest.mark.parametrize("verb", ["login", "token", "headers", "curl", "proxy", ""])
async def test_no_input_is_exit_code_4_and_one_line_that_names_the_command(
    verb: str, machine: dict[str, str], resource: str
) -> None:
    """An agent hands that line to its user."""
    done = await authlens(machine, *([verb] if verb else []), resource, "--no-input")
    assert (done.code, done.answer) == (4, "")
    (line,) = done.words.splitlines()
    assert f"authlens login {resource}" in line


async def test_login_with_no_input_is_content_with_a_login_that_works(
    machine: dict[str, str], resource: str
) -> None:
    """So that an agent can call it before every task."""
    await log_in(machine, resource)
    done = await authlens(machine, "login", resource, "--no-input")
    assert done.code == 0


async def test_a_client_that_the_server_lost_is_registered_again(machine: dict[str, str]) -> None:
    """The server was set up anew at the same address: the stored client means nothing to it."""
    port, callback = free_port(), free_port()
    for again in (False, True):
        async with emulated("--profile", "mcp", "--port", str(port)) as url:
            done = await authlens(machine, "login", url, "--port", str(callback))
        assert done.code == 0, done.words
        assert ("registering a new one" in done.words) is again


async def test_all_three_kinds_serve_every_helper(machine: dict[str, str]) -> None:
    """A service token goes in two fields; git can send none of them, and is told of the proxy."""
    async with Emulator(faults=("service-auth-only",)) as emulator:
        url, (client_id, secret) = emulator.resource_url, emulator.service_token
        added = await authlens(machine, "service-token", "add", url, typed=f"{client_id}\n{secret}\n")
        assert added.code == 0
        fields = await authlens(machine, "headers", url)
        assert json.loads(fields.answer) == {
            "CF-Access-Client-Id": client_id,
            "CF-Access-Client-Secret": secret,
        }
        command = ("run", url, "--", sys.executable, "-c")
        done = await authlens(machine, *command, "import os; print(os.environ['CF_ACCESS_CLIENT_ID'])")
        assert done.answer.strip() == client_id
        host = url.removeprefix("http://").rstrip("/")
        asked = f"capability[]=authtype\nprotocol=http\nhost={host}\n\n"
        git = await authlens(machine, "git-credential", "get", typed=asked)
        assert git.answer == ""
        assert "authlens proxy" in git.words

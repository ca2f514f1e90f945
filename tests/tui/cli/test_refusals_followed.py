"""Verbs for which there is no credential that works: each command that they name runs, and then they do."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from authlens_core.values.errors import NotProtected, Refused, ServerMisconfigured
from authlens_lab.emulator import Emulator, Profile
from support.command_line import CommandLine, Follower, Ran, commands_in, fixes_in
from support.needs import free_port

LOGIN_NEEDED: Final = 4
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "client", "version": "1"},
    },
}
# program. `mcp-bridge` gives its errors to its client.
WITHOUT_LOGIN: Final = {
    "token": (),
    "headers": (),
    "curl": (),
    "run": ("--", "true"),
    "proxy": ("--port", "0"),
    "refresh": (),
    "revoke": (),
    "export": (),
    "events": (),
    "forget": (),
    "probe": ("--kept",),
    "service-token": ("test",),
}
ENDS_BY_ITSELF: Final = ("token", "headers", "refresh", "export", "events", "probe", "service-token")


@pytest.fixture
def emulator(line: CommandLine) -> Iterator[Emulator]:
    """Access in order."""
    emulator = Emulator()
    line.beside(emulator.start())
    yield emulator
    line.beside(emulator.stop())


def _call(line: CommandLine, verb: str, url: str) -> tuple[str, Ran]:
    more = WITHOUT_LOGIN[verb]
    words = (verb, *more, url) if more[:1] == ("test",) else (verb, url, *more)
    return " ".join(("authlens", *words)), line.run(*words)


def test_without_a_credential_each_verb_names_commands_that_give_it_one(
    line: CommandLine, emulator: Emulator
) -> None:
    url = emulator.resource_url
    said = {verb: _call(line, verb, url) for verb in WITHOUT_LOGIN}
    assert {verb: ran.code for verb, (_, ran) in said.items()} == dict.fromkeys(WITHOUT_LOGIN, LOGIN_NEEDED)
    follower = Follower(
        line,
        lambda: None,
        {},
        {"authlens service-token add": "\n".join((*emulator.service_token, ""))},
    )
    wrong = [
        f"{verb}: {one}" for verb, (command, ran) in said.items() for one in follower.dead_ends(command, ran)
    ]
    assert not wrong, "\n".join(wrong)
    assert {verb: _call(line, verb, url)[1].code for verb in ENDS_BY_ITSELF} == dict.fromkeys(
        ENDS_BY_ITSELF, 0
    )


@pytest.mark.slow
def test_a_bridge_without_a_login_names_a_command_in_its_answer_and_then_works(line: CommandLine) -> None:
    """Its client reads the answer, and the user the messages: both name the same command."""
    served = Emulator(Profile.MCP)
    line.beside(served.start())

    def answered() -> tuple[Any, Ran]:
        # A process: the bridge keeps standard output for itself.
        command = (sys.executable, "-m", "authlens_tui", "mcp-bridge", served.resource_url)
        done = subprocess.run(
            command, input=json.dumps(INITIALIZE), capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout), Ran(done.returncode, done.stdout, done.stderr)

    answer, ran = answered()
    named = answer["error"]["data"]["command"]
    assert named in answer["error"]["message"]
    assert commands_in(fixes_in(ran))[0] == named
    # Another test may have the usual port of the callback.
    assert line.run(*shlex.split(named)[1:], "--port", str(free_port())).code == 0
    assert answered()[0]["result"]["serverInfo"]
    line.beside(served.stop())


@pytest.mark.parametrize(
    "words",
    [("token", "--min-ttl", "59.99"), ("headers", "--min-ttl", "59.99"), ("refresh",), ("probe", "--kept")],
)
def test_with_a_login_that_the_server_ended_each_verb_names_the_way_to_another(
    words: tuple[str, ...], line: CommandLine, emulator: Emulator
) -> None:
    url = emulator.resource_url
    assert line.run("login", url, "--port", "0").code == 0
    emulator.end_grants()
    emulator.expire_access_tokens()
    ran = line.run(*words, url)
    assert ran.code != 0
    wrong = list(Follower(line, lambda: None).dead_ends(" ".join(("authlens", *words, url)), ran))
    assert not wrong, "\n".join([ran.words, *wrong])
    assert line.run("token", url).code == 0


@pytest.mark.parametrize(
    ("fault", "fetched", "probed"),
    [
        ("public", 0, NotProtected.exit_code),
        ("service-auth-only", Refused.exit_code, Refused.exit_code),
        ("resource-mismatch", ServerMisconfigured.exit_code, ServerMisconfigured.exit_code),
    ],
)
def test_without_a_credential_no_login_is_asked_for_that_is_not_needed_or_not_possible(
    fault: str, fetched: int, probed: int, line: CommandLine, emulator: Emulator
) -> None:
    emulator.set_faults([fault])
    assert line.run("curl", emulator.resource_url, "--", "-sS").code == fetched
    assert line.run("probe", "--kept", emulator.resource_url).code == probed


def test_a_token_that_is_refused_right_after_its_refresh_is_not_to_be_refreshed(
    line: CommandLine, emulator: Emulator
) -> None:
    url = emulator.resource_url
    assert line.run("login", url, "--port", "0").code == 0
    emulator.set_faults(["access-token-refused"])
    ran = line.run("probe", "--kept", url)
    assert "authlens refresh" not in ran.words
    assert f"log in again: authlens login {url}" in ran.words

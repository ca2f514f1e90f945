"""Agents that have read nothing but `authlens skill`, in twenty situations: none is stuck.

Each ends with the page, also by one line that it shows to the user, or with a reason that it can quote, after
at most 1,500 tokens of skill and output. Where one does not, the program is wrong, not the agent.
"""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from authlens_lab.emulator import Profile
from authlens_lab.emulator.fixture import RunningEmulator
from authlens_tui.cli.scripts.agent_verbs import agents_text, skill_text
from e2e.skill_agents import Agent, Ended, Machine, User, most_tokens
from support.git_origin import git_backend
from support.needs import free_port
from support.needs import program as installed
from support.preloaded import Preloaded
from support.verb_process import AUTHLENS, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LIFETIME: Final = 900  # seconds
MOST_TO_READ: Final = 1_500
OWNER: Final = "[Oo]wner"


@dataclass
class Situation:
    """What an agent meets."""

    agent: Agent
    user: User
    access: RunningEmulator
    root: Path
    machine: Machine

    def logged_in(self) -> None:
        done = self.user.runs(f"authlens login {self.access.resource_url}")
        assert done.code == 0, done.text

    def page(self, ended: Ended | None = None) -> None:
        ended = self.agent.fetch() if ended is None else ended
        assert "Welcome" in ended.page, ended

    def reason(self, *words: str) -> Ended:
        """Have the agent end with a reason, in which these words are."""
        ended = self.agent.fetch()
        assert not ended.page, ended
        for word in words:
            assert re.search(word, ended.quoted), ended.quoted
        return ended

    def page_by_a_quoted_line(self, *words: str) -> None:
        """Have the agent quote a line that the user runs, after which the page is there."""
        quoted = self.reason(*words).quoted
        done = self.user.follows(quoted)
        assert done is not None, quoted
        assert done.code == 0, done.text
        self.page()


def nothing_yet(at: Situation) -> None:
    at.page()


def expired(at: Situation) -> None:
    grants = at.access.emulator.grants
    grants.access_token_lifetime = 1
    at.logged_in()
    grants.access_token_lifetime = LIFETIME
    at.user.choice = "deny"
    at.page()


def refused_before_expiry(at: Situation) -> None:
    at.logged_in()
    at.access.expire_access_tokens()
    at.user.choice = "deny"
    at.page()


def grant_ended(at: Situation) -> None:
    at.logged_in()
    at.access.emulator.end_grants()
    at.page()


def policy(at: Situation) -> None:
    at.logged_in()
    at.access.set_faults("policy-refuses-token")
    at.reason("no policy", OWNER, "CF-Ray: [0-9a-f]{16}")


def oauth_off(at: Situation) -> None:
    at.logged_in()
    at.access.set_faults("oauth-turned-off")
    at.reason("Managed OAuth is off", OWNER)


def server_down(at: Situation) -> None:
    at.agent.url = f"http://127.0.0.1:{free_port()}/"
    at.reason("nothing listens there")


def unprotected(at: Situation) -> None:
    at.access.set_faults("public")
    at.user.choice = "deny"
    at.page()


def impostor(at: Situation) -> None:
    at.access.set_faults("resource-mismatch")
    at.reason("describes another resource", "elsewhere.example", OWNER)


def wider_grant(at: Situation) -> None:
    at.logged_in()
    at.agent.url = f"{at.access.resource_url}docs/a page?x=1&y=$2".replace(" ", "%20")
    at.user.choice = "deny"
    at.page()


def no_keyring(at: Situation) -> None:
    at.machine.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    ended = at.agent.fetch()
    assert "no usable keyring" in ended.quoted
    assert "authlens store --move encrypted-file" in ended.quoted
    assert not at.user.ran, "a login that cannot be stored is not asked for"


def no_browser(at: Situation) -> None:
    """The user is somewhere else, and cannot run a line here."""
    if not at.agent.whole:
        at.user.env["SSH_CONNECTION"] = "192.0.2.1 1 192.0.2.2 22"
        at.page()
        return
    assert at.agent.run(at.agent.step(1)).code == 4
    assert at.agent.in_the_background().code == 0
    at.page()


def declined(at: Situation) -> None:
    at.user.choice = "deny"
    ended = at.agent.fetch()
    assert len(at.user.ran) == 1
    assert not ended.page
    assert re.search("You chose Deny" if at.agent.whole else "authlens login", ended.quoted), ended.quoted


def wrong_account(at: Situation) -> None:
    """The browser shows that the account has no access; the user stops, and runs the line again."""
    at.user.accounts = ["mallory", "ada"]
    ended = at.agent.fetch()
    assert not ended.page
    assert "authlens login" in ended.quoted or at.agent.whole
    at.page()


def lost_client(at: Situation) -> None:
    at.logged_in()
    at.access.emulator.grants.forget_everything()
    at.page()
    assert len(at.machine.run("authlens list", {}).text.splitlines()) == 1, "the dead login is gone"


def two_at_once(at: Situation) -> None:
    other = Agent(at.machine, User(at.machine), at.agent.text, at.agent.url, whole=at.agent.whole)
    with ThreadPoolExecutor(2) as both:
        ends = list(both.map(Agent.fetch, (at.agent, other)))
    for ended in ends:
        at.page(ended)


def git(at: Situation) -> None:
    subprocess.run([installed("git"), "init", "-q", "--bare", str(at.root / "repository.git")], check=True)
    at.agent.url = f"{at.access.resource_url}repository.git"
    if not at.agent.whole:  # it knows of no git, and reads what git would
        at.agent.url += "/info/refs?service=git-upload-pack"
        assert "git-upload-pack" in at.agent.fetch().page
        return
    (clone,) = at.agent.under("git:")
    refused = at.agent.run(clone)
    assert refused.code == 128
    logged_in = at.user.follows(refused.text)
    assert logged_in is not None, refused.text
    assert shlex.split(logged_in.text.partition("To clone it: ")[2].partition("\n")[0]) == shlex.split(clone)
    assert shlex.split(at.user.ran[-1]) == shlex.split(at.agent.step(2)), "step 2 is enough for git, too"
    cloned = at.agent.run(clone)
    assert cloned.code == 0, cloned.text


CALL: Final = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "whoami", "arguments": {}},
}
HELLO: Final = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "agent", "version": "1"},
}


def mcp_tool(at: Situation) -> None:
    with emulated(Profile.MCP) as server:
        at.agent.url = server.resource_url
        if not at.agent.whole:
            fields = "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'"
            more = f" {fields} -d '{json.dumps(CALL)}'`"
            at.agent.text = at.agent.text.replace("--fail-with-body`", f"--fail-with-body{more}", 1)
            assert "ada@example.com" in at.agent.fetch().page
            return
        messages = (
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            CALL,
        )
        bridge = next(command for command in at.agent.under("MCP: ") if "mcp-bridge" in command)
        lines = " ".join(f"'{json.dumps(message)}'" for message in messages)
        called = f"printf '%s\\n' {lines} | {bridge}"
        refused = at.agent.run(called)
        line = re.search(r"Ask the user to run: (authlens login \S+?)[\"\s]", refused.text)
        assert line is not None, refused.text
        assert at.agent.show(line[1]).code == 0
        assert "ada@example.com" in at.agent.run(called).text


def machine_login(at: Situation) -> None:
    with emulated(Profile.MACHINE) as server:
        at.agent.url = server.resource_url
        secret = server.emulator.machines.secret
        known = at.agent if at.agent.whole else at.user
        known.env["AUTHLENS_CLIENT_SECRET"] = secret
        if at.agent.whole:
            at.reason("only for programs", "--machine client-credentials")
            (login,) = at.agent.under("Machine login")
            assert at.agent.run(login.replace(" ID", " machine-basic")).code == 0
            at.page()
        else:
            at.user.placeholders = {"ID": "machine-basic"}
            at.page_by_a_quoted_line("only for programs")


def service_token(at: Situation) -> None:
    at.access.set_faults("service-auth-only")
    client_id, secret = at.access.emulator.service_token
    if at.agent.whole:
        at.reason("only service tokens")
        at.agent.env |= {"CF_ACCESS_CLIENT_ID": client_id, "CF_ACCESS_CLIENT_SECRET": secret}
        (add,) = at.agent.under("Service token")
        assert at.agent.run(add).code == 0
        at.page()
    else:
        at.user.typed = f"{client_id}\n{secret}\n"
        at.page_by_a_quoted_line("only service tokens")


SITUATIONS: Final = {
    situation.__name__: situation
    for situation in (
        *(nothing_yet, mcp_tool, git, expired, refused_before_expiry, grant_ended, policy, oauth_off),
        *(server_down, unprotected, impostor, wider_grant, no_keyring, no_browser, declined, wrong_account),
        *(lost_client, two_at_once, machine_login, service_token),
    )
}
assert len(SITUATIONS) == 20


@contextmanager
def emulated(profile: Profile) -> Iterator[RunningEmulator]:
    server = RunningEmulator(profile, access_token_lifetime=LIFETIME)
    yield server
    server.stop()


def origin(root: Path) -> ASGIApp:
    """Return the pages behind the login: repositories below `root`, and one page for everything else."""
    repositories = git_backend(root, installed("git"))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if ".git" in scope["path"]:
            await repositories(scope, receive, send)
        else:
            await JSONResponse({"message": f"Welcome to {scope['path']}"})(scope, receive, send)

    return answer


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def access(root: Path) -> Iterator[RunningEmulator]:
    server = RunningEmulator(access_token_lifetime=LIFETIME, origin=origin(root))
    yield server
    server.stop()


@pytest.fixture
def machine(tmp_path: Path, program: Preloaded) -> Machine:
    """A machine without a browser of its own: the user opens the links that they see."""
    on_path = tmp_path / "bin" / "authlens"
    on_path.parent.mkdir()
    on_path.write_text(f'#!/bin/sh\nexec {" ".join(AUTHLENS)} "$@"\n')
    on_path.chmod(0o700)
    env = machine_in(tmp_path) | {"BROWSER": "", "GIT_TERMINAL_PROMPT": "0", "HOME": str(tmp_path)}
    env["PATH"] = f"{on_path.parent}{os.pathsep}{env['PATH']}"
    return Machine(env, tmp_path, program)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "skimmed"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_an_agent_is_never_stuck(
    name: str,
    whole: bool,
    access: RunningEmulator,
    root: Path,
    machine: Machine,
    record_property: Callable[[str, object], None],
) -> None:
    access.set_faults()
    user = User(machine)
    text = skill_text() if whole else agents_text()
    machine.env["LC_ALL"] = "C.UTF-8" if whole else "C"
    agent = Agent(machine, user, text, access.resource_url, whole=whole)
    SITUATIONS[name](Situation(agent, user, access, root, machine))
    tokens = most_tokens(agent.read)
    record_property("tokens", tokens)
    assert tokens <= MOST_TO_READ, agent.read
    assert "Traceback" not in agent.read

"""Every failure that the emulator can play: what the message says to do leads on, word for word."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from authlens_core.login.callback import binding
from authlens_lab.emulator import Emulator
from authlens_lab.emulator.profile import Fault, Profile
from support.cloudflared_stub import stub_in
from support.command_line import CommandLine, Follower, words_of_cloudflare
from support.needs import free_port

# Nobody comes back, or what comes is ignored: such a wait is short.
NOBODY_COMES: Final = frozenset(
    {Fault.DENIED_USER, Fault.WRONG_STATE, Fault.INVALID_NONCE, Fault.APPLICATION_NOT_FOUND}
)
# A login meets nothing of these, or gets over it.
NO_FAILURE: Final = frozenset(
    {
        Fault.CHALLENGE_WITHOUT_METADATA,
        Fault.POST_ONLY,
        Fault.HOSTILE_TEXT,
        Fault.BARE_ISSUER,
        Fault.NO_REVOCATION_ENDPOINT,
        Fault.NONE_NOT_ADVERTISED,
        Fault.PKCE_FIRST_CHARACTER,
        Fault.ORIGIN_DOWN,
        Fault.EXPIRED_REFRESH_TOKEN,
        Fault.ROTATION_OFF,
        Fault.REVOCATION_UNAVAILABLE,
        Fault.BINDING_COOKIE,
        Fault.SERVICE_AUTH_MISSING,
        Fault.CLOCK_SKEW,
        Fault.GET_404,
        Fault.OPEN_INITIALIZE,
        Fault.ENDLESS_STREAM,
        Fault.DISCOVER_ONLY,
        Fault.NO_RESOURCE_METADATA,
        Fault.NONCE_REQUIRED,
        Fault.JWT_ACCESS_TOKENS,
        Fault.DPOP_REQUIRED,
        Fault.DPOP_NONCE,
        Fault.PAR_REQUIRED,
    }
)
TAKES_LONG: Final = frozenset({Fault.SLOW, Fault.DEVICE_SLOW_DOWN})
# What to do is as with a neighbour in the table of causes, or only the owner can do it.
ALIKE: Final = frozenset(
    {
        Fault.BROWSER_INTEGRITY,
        Fault.CHALLENGE_PAGE,
        Fault.NO_APPLICATION,
        Fault.ORIGIN_UNREACHABLE,
        Fault.REDIRECT_URI_REFUSED,
        Fault.SETTINGS_NOT_LIVE,
        Fault.DENIED_USER,
        Fault.INVALID_NONCE,
        Fault.APPLICATION_NOT_FOUND,
        Fault.HTML_ERROR,
        Fault.OAUTH_TURNED_OFF,
        Fault.ASSERTION_EXPIRED,
        Fault.ASSERTION_AUDIENCE,
        Fault.KEY_UNKNOWN,
        Fault.POLICY_DENIES,
    }
)
OF_PROGRAMS: Final = frozenset(fault for fault in Fault if fault.profiles == {Profile.MACHINE})
BY_DEVICE: Final = frozenset({Fault.DEVICE_SLOW_DOWN, Fault.DEVICE_EXPIRED})


def _faults() -> Iterator[object]:
    for fault in Fault:
        if fault in NO_FAILURE | TAKES_LONG:
            yield pytest.param(fault, marks=pytest.mark.weekly)
        else:
            yield pytest.param(fault, marks=[pytest.mark.slow] if fault in ALIKE else [])


@pytest.fixture
def served(request: pytest.FixtureRequest, line: CommandLine) -> Iterator[Emulator]:
    """A server with the fault of the test."""
    fault = request.getfixturevalue("fault")
    profiles = (Profile.ACCESS, Profile.GENERIC, Profile.MCP, Profile.MACHINE)
    served = Emulator(next(one for one in profiles if one in fault.profiles), faults=[fault])
    line.beside(served.start())
    yield served
    line.beside(served.stop())


def _options(fault: Fault, port: int) -> list[str]:
    more = ["--timeout", "2"] if fault in NOBODY_COMES else []
    if fault in BY_DEVICE:
        return [*more, "--device"]
    return [*more, "--port", "8400" if fault is Fault.PORT_TAKEN else str(port)]


def _program(fault: Fault, served: Emulator, directory: Path) -> list[str]:
    """Return the options of the program that the fault is about."""
    match fault:
        case Fault.ASSERTION_EXPIRED | Fault.ASSERTION_AUDIENCE:
            fetch = _fetched(f"{served.issuer}/workload/assertion")
            return ["--machine", "jwt-bearer", "--client-id", "machine-workload", *fetch]
        case Fault.KEY_UNKNOWN:
            key = directory / "key.pem"
            key.write_text(served.machines.private_key)
            key.chmod(0o600)
            given = ["--client-id", "machine-key", "--client-key", str(key)]
            return ["--machine", "client-credentials", *given]
        case Fault.POLICY_DENIES:
            provider = ["--idp", f"{served.machines.idp}/token", "--idp-client-id", "idp-client"]
            fetch = _fetched(f"{served.issuer}/workload/id-token")
            return ["--machine", "enterprise", "--client-id", "machine-enterprise", *provider, *fetch]
    return ["--machine", "client-credentials", "--client-id", "machine-basic", "--scope", "read write"]


def _fetched(url: str) -> list[str]:
    code = f"import httpx; print(httpx.get({url!r}).text)"
    return ["--assertion-command", shlex.join((sys.executable, "-c", code))]


@pytest.mark.parametrize("fault", _faults())
def test_what_a_message_says_to_do_leads_on(
    fault: Fault,
    served: Emulator,
    line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each command succeeds; where only the owner can help, the message says so, and then it does."""
    port = free_port()
    # The usual ones may be taken by other tests, and any port that the system chooses may be a moment later.
    monkeypatch.setattr(binding, "OTHER_PORTS", (free_port(),))
    options = _options(fault, port)
    if fault in OF_PROGRAMS:
        options = _program(fault, served, tmp_path)
    command = ["login", served.resource_url, *options]
    if not served.is_access:
        line.variables["AUTHLENS_CLIENT_SECRET"] = served.machines.secret if fault in OF_PROGRAMS else ""
    ran = line.run(*command, "--json")
    if ran.code == 0:
        return
    assert served.is_access or not words_of_cloudflare(ran), ran.words
    client_id, _ = served.register_client(f"http://localhost:{port}/callback")
    given = {
        "ID": client_id,
        "RESOURCE": served.resource_url.rstrip("/"),
        "SCOPE": "read",
        "DOCUMENT": "https://programs.example/authlens.json",
    }
    if "--assertion-command" in options:
        given["CMD"] = options[options.index("--assertion-command") + 1]
    typed = {}
    if served.is_access:
        typed["authlens service-token add"] = "\n".join((*served.service_token, ""))
        stub = stub_in(tmp_path / "cloudflared", host="127.0.0.1", token=line.beside(served.app_token()))
        monkeypatch.setenv("PATH", f"{stub.bin}{os.pathsep}{os.environ['PATH']}")
    follower = Follower(line, lambda: served.set_faults([]), given, typed)
    as_shown = ("CMD" if word == given.get("CMD") else word for word in command)
    wrong = list(follower.dead_ends(shlex.join(["authlens", *as_shown]), ran))
    assert not wrong, "\n".join([ran.words, *wrong])

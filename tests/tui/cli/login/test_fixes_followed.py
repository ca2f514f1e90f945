"""Every failure that the emulator can play: what the message says to do leads on, word for word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from authlens_core.emulator import Emulator, StandardEmulator
from authlens_core.emulator.access.access_faults import Fault
from authlens_core.emulator.profile import Profile, StandardFault
from support.cloudflared_stub import stub_in
from support.command_line import CommandLine, command_line
from support.followed_fixes import Follower
from support.ports import free_port

Served = Emulator | StandardEmulator
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
        StandardFault.GET_404,
        StandardFault.OPEN_INITIALIZE,
        StandardFault.ENDLESS_STREAM,
        StandardFault.DISCOVER_ONLY,
        StandardFault.NO_RESOURCE_METADATA,
        StandardFault.NONCE_REQUIRED,
        StandardFault.JWT_ACCESS_TOKENS,
        StandardFault.DPOP_REQUIRED,
        StandardFault.DPOP_NONCE,
        StandardFault.PAR_REQUIRED,
    }
)
TAKES_LONG: Final = frozenset({Fault.SLOW, StandardFault.DEVICE_SLOW_DOWN})
# Messages that do not lead on yet; each row goes with its mending.
DEAD_ENDS: Final = frozenset(
    {
        Fault.NO_WWW_AUTHENTICATE,
        Fault.OAUTH_OFF,
        Fault.PUBLIC,
        Fault.NO_REGISTRATION_ENDPOINT,
        Fault.REDIRECT_URI_REFUSED,
        Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION,
        Fault.LOCALHOST_REFUSED,
        Fault.SETTINGS_NOT_LIVE,
        Fault.PKCE_REFUSED,
        Fault.INVALID_GRANT,
        StandardFault.DEFAULT_PATHS,
        StandardFault.NO_REGISTRATION,
    }
)
BY_DEVICE: Final = frozenset({StandardFault.DEVICE_SLOW_DOWN, StandardFault.DEVICE_EXPIRED})


def _faults() -> Iterator[object]:
    for fault in (*Fault, *StandardFault):
        unusual = [pytest.mark.slow] if fault in NO_FAILURE | TAKES_LONG else []
        unmended = [pytest.mark.xfail(strict=False)] if fault in DEAD_ENDS else []
        yield pytest.param(fault, marks=[*unusual, *unmended])


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CommandLine]:
    """A machine whose secrets go to a plain file."""
    monkeypatch.setenv("AUTHLENS_HOME", str(tmp_path / "authlens"))
    with command_line() as line:
        assert line.run("store", "--move", "file", "--yes").code == 0
        yield line


@pytest.fixture
def served(request: pytest.FixtureRequest, line: CommandLine) -> Iterator[Served]:
    """A server with the fault of the test."""
    fault = request.getfixturevalue("fault")
    if isinstance(fault, Fault):
        served: Served = Emulator(faults=[fault])
    else:
        profile = Profile.GENERIC if Profile.GENERIC in fault.profiles else Profile.MCP
        served = StandardEmulator(profile, faults=[fault])
    line.beside(served.start())
    yield served
    line.beside(served.stop())


def _options(fault: Fault | StandardFault, port: int) -> list[str]:
    more = ["--timeout", "2"] if fault in NOBODY_COMES else []
    if fault in BY_DEVICE:
        return [*more, "--device"]
    return [*more, "--port", "8400" if fault is Fault.PORT_TAKEN else str(port)]


@pytest.mark.parametrize("fault", _faults())
def test_what_a_message_says_to_do_leads_on(
    fault: Fault | StandardFault,
    served: Served,
    line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each command succeeds; where only the owner can help, the message says so, and then it does."""
    port = free_port()
    command = ["login", served.resource_url, *_options(fault, port)]
    ran = line.run(*command, "--json")
    if ran.code == 0:
        return
    given, typed = {"ID": served.register_client(f"http://localhost:{port}/callback")[0]}, {}
    if isinstance(served, Emulator):
        typed["authlens service-token add"] = "\n".join((*served.service_token, ""))
        stub = stub_in(tmp_path / "cloudflared", host="127.0.0.1", token=line.beside(served.app_token()))
        monkeypatch.setenv("PATH", f"{stub.bin}{os.pathsep}{os.environ['PATH']}")
    follower = Follower(line, lambda: served.set_faults([]), given, typed)
    wrong = list(follower.dead_ends(" ".join(["authlens", *command]), ran))
    assert not wrong, "\n".join([ran.words, *wrong])

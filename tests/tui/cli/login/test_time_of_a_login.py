"""`--timeout` bounds a login as a whole, in every way of logging in, and says where the time went."""

import asyncio
import time
from collections.abc import Callable

import pytest

from authlens_core.login.facts import Facts
from authlens_core.login.stage_work import Stored
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_tui.cli.login.plain_login import all_stages
from authlens_tui.cli.terminal.output import EventLines
from support.driven_login import login_to
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
)

CODES = {
    "device_code": "device-canary-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "expires_in": 600,
    "interval": 1,
}

BY_LINK = Options(port=0)
BY_PASTE = Options(port=0, listen=False)
BY_CODE = Options(port=0, grant_type=GrantType.DEVICE_CODE)

AS_PROGRAM = Options(
    grant_type=GrantType.CLIENT_CREDENTIALS,
    client_id="job-1",
    client_secret=Secret("canary"),
    issuer=ISSUER,
)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    passed, real = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + sum(passed))
    return passed.append


def _sender(before: Callable[[str], bool], **endpoints: str) -> ScriptedSender:
    """Return a server of every kind; `before` is called with each request, and hangs it by returning True."""
    document = server_document(device_authorization_endpoint=f"{ISSUER}/codes", **endpoints)
    script = honest(server=reply(200, document))
    script[f"POST {ISSUER}/codes"] = reply(200, CODES)
    sender = ScriptedSender(script)

    async def hang(request: Request) -> None:
        if before(f"{request.method} {request.url}"):
            await asyncio.Event().wait()

    sender.before = hang
    return sender


HANGS = [
    (BY_LINK, f"GET {RESOURCE}", "Detection"),
    (BY_LINK, f"GET {METADATA}", "Resource metadata"),
    (BY_PASTE, f"GET {ISSUER}/.well-known/oauth-authorization-server", "Server metadata"),
    (BY_LINK, f"POST {ISSUER}/register", "Registration"),
    (BY_PASTE, f"POST {ISSUER}/par", "Authorization"),
    (BY_LINK, f"POST {ISSUER}/token", "Exchange"),
    (BY_CODE, f"POST {ISSUER}/codes", "Authorization"),
    (BY_CODE, f"POST {ISSUER}/token", "Exchange"),
    (AS_PROGRAM, f"GET {METADATA}", "Resource metadata"),
    (AS_PROGRAM, f"POST {ISSUER}/token", "Exchange"),
]


@pytest.mark.parametrize(("options", "line", "stage"), HANGS)
async def test_a_server_that_hangs_is_named(
    options: Options,
    line: str,
    stage: str,
    pass_time: Callable[[float], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """H421: each request had 20 seconds of its own, and the user all of the time again."""

    def before(asked: str) -> bool:
        if asked == line:
            pass_time(400)
        return asked == line

    pushed = {"pushed_authorization_request_endpoint": f"{ISSUER}/par"} if line.endswith("/par") else {}
    async with login_to(_sender(before, **pushed), options.choosing(wait=300)) as login:
        login.watch(come_back(login))
        assert await all_stages(login, (), EventLines(RESOURCE, is_requested=False)) == 8
        assert login.trace.records[-1].outcome is Outcome.FAILED
    words = capsys.readouterr().err
    assert "The login did not end within 300 seconds." in words
    assert f"{stage} took 400." in words
    assert f"no answer yet: {line}" in words
    assert f"→ For more time: authlens login {RESOURCE} --timeout 900" in words


def _slow_to_register(pass_time: Callable[[float], None]) -> ScriptedSender:
    """Return a server whose registration takes 3,900 of 4,000 seconds."""

    def before(asked: str) -> bool:
        if asked == f"POST {ISSUER}/register":
            pass_time(3_900)
        return False

    return _sender(before)


@pytest.mark.parametrize("options", [BY_LINK, BY_PASTE])
async def test_the_user_has_what_the_server_left(
    options: Options, pass_time: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The wait for the user does not begin anew, and what took the time before it is named."""
    ready: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            ready.append(event.seconds)

    async with login_to(_slow_to_register(pass_time), options.choosing(wait=4_000)) as login:
        login.watch(on_event)
        login.watch(come_back(login, None))
        assert await all_stages(login, (), EventLines(RESOURCE, is_requested=False)) == 8
    assert [0 < seconds <= 100 for seconds in ready] == [True]
    words = capsys.readouterr().err
    assert "of the 4000 seconds for the whole login, Registration took 3900." in words


async def test_a_token_that_came_is_stored_and_the_login_counts(
    pass_time: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The time ends while it is being stored."""

    async def keep(_facts: Facts) -> Stored:
        pass_time(40)
        await asyncio.sleep(0.01)
        return Stored("grant-1")

    sender = _sender(lambda _asked: False)
    async with login_to(sender, AS_PROGRAM.choosing(wait=30), keeper=keep) as login:
        assert await all_stages(login, (), EventLines(RESOURCE, is_requested=False)) == 0
    assert "Authenticated." in capsys.readouterr().err


async def test_time_that_the_user_adds_while_they_are_waited_for_counts_for_the_login(
    pass_time: Callable[[float], None],
) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            login.wait.extend(300)
            pass_time(40)

    async with login_to(_sender(lambda _asked: False), BY_LINK.choosing(wait=30)) as login:
        login.watch(on_event)
        login.watch(come_back(login))
        await login.run_all()
        assert login.finished

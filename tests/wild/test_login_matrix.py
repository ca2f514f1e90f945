"""The login engine among hostile and broken servers, and the common acceptance A1 to A6 after each."""

import asyncio
import re
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Request
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import METADATA, Limits
from support.wild_server import WildServer, wild_server
from wild.cases import CASES, Case

SHORT, LONG_ENOUGH = 1.5, 30.0


class QuickWire(Wire):
    """The real wire, with short deadlines where the server never ends."""

    deadline = LONG_ENOUGH

    async def send(self, request: Request, *, limits: Limits = METADATA, **options: Any) -> Exchange:
        return await super().send(request, limits=replace(limits, deadline=self.deadline), **options)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_one_knob(case: Case) -> None:
    """A1 to A6."""
    before = asyncio.all_tasks()
    async with (
        asyncio.timeout(90),
        wild_server(case.place, case.change) as server,
        QuickWire(environ={}) as wire,
    ):
        wire.deadline = SHORT if case.never_ends else LONG_ENOUGH
        login, browser = start(server, wire)
        try:
            trace = await login.run_all()
            record = trace.records[-1]
            check_end(case, record)
            check_secrets(server, login)
            server.honest()
            if case.stops is not None:
                await succeed_afterwards(login)
        finally:
            await login.aclose()
            await asyncio.gather(*browser, return_exceptions=True)
    leftover = {task for task in asyncio.all_tasks() - before if "login stage" in task.get_name()}
    assert leftover == set(), "A4"


def start(server: WildServer, wire: Wire) -> tuple[Login, list[asyncio.Task[None]]]:
    """Return a login at the server whose user comes back at once."""
    login = Login(f"{server.url}/api", wire, options=Options(port=0, wait=60))
    browser: list[asyncio.Task[None]] = []

    async def come_back(url: str) -> None:
        listener = login.wait.listener
        assert listener is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        target = f"/callback?{server.callback(url)}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost:{listener.port}\r\n\r\n".encode())
        await reader.read()
        writer.close()
        await writer.wait_closed()

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            browser.append(asyncio.ensure_future(come_back(event.url)))

    login.watch(watch)
    return login, browser


def check_end(case: Case, record: StageRecord) -> None:
    """A1, A5: the stage, cause, cure and exit code; nothing that a terminal obeys."""
    if case.stops is None:
        assert (record.stage, record.failures) == (Stage.ACCESS, ())
        return
    assert (record.stage, record.outcome) == (case.stops, Outcome.FAILED), record.failures
    error = record.error
    assert error is not None
    assert error.cause
    assert error.cure
    assert error.exit_code in range(3, 9)
    if not all(check.overridable for check in record.failures):
        assert not re.search(r"\bContinue\b", str(error.cure)), "H426: the login stopped"
    for check in record.checks:
        assert f"{check.expected}{check.seen}{check.why}{check.cure}".isprintable(), "A5"
    assert str(error).replace("\n", "").isprintable(), "A5"


def check_secrets(server: WildServer, login: Login) -> None:
    """A3: no secret in what is shown, and nothing of the login at the stranger."""
    shown = repr(login.trace) + "".join(
        f"{check.seen}{check.cure}" for record in login.trace.records for check in record.checks
    )
    for name, value in server.secrets.items():
        assert value not in shown, f"A3: {name}"
        assert value.encode() not in server.heard, f"A3: {name} at the stranger"
    assert b"authorization:" not in bytes(server.heard).lower(), "A3"


async def succeed_afterwards(login: Login) -> None:
    """A2, A6: the same login goes on with an honest server, without starting over."""
    learned = login.facts.resource_url
    await login.retry()
    record = (await login.run_all()).records[-1]
    assert login.facts.resource_url == learned, "A2"
    assert (record.stage, record.failures) == (Stage.ACCESS, ()), "A6"

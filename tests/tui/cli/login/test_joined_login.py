"""A login that another process runs is joined: its link is shown, and its end is reported as one's own."""

import asyncio
import json
from argparse import Namespace
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import join_login, pending_login
from authlens_core.desk.session import Session
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.values.errors import LoginNeeded, TimedOut
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.url import parse_url
from authlens_tui.cli.login.plain_login import log_in
from authlens_tui.cli.terminal.output import EventLines
from support.grants import grant
from support.open_databases import owned
from support.waiting import PATIENCE

URL = grant().resource_url
LINK = "https://login.example.com/authorize?state=s"


class Persistent(MemoryStore):
    """Its index and its locks are files, which another process sees."""

    persistent = True


@pytest.fixture
def session() -> Session:
    return Session(None, owned(Credentials.open(Persistent())))


def nothing(_: str, __: str) -> None:
    pass


LINK_READY = AuthorizationReady(LINK, (), 300.0)
CODE_READY = DeviceCodeReady("WDJB-MJHT", parse_url(f"{URL}device"), None, 600, 300.0)


@pytest.mark.parametrize(
    ("ready", "kind", "last_shown"),
    [(LINK_READY, "authorization_url", LINK), (CODE_READY, "device_code", "WDJB-MJHT")],
)
@pytest.mark.parametrize("as_json", [True, False])
async def test_what_to_open_is_shown_and_the_tokens_of_the_other_login_are_the_end(
    session: Session,
    ready: Event,
    kind: str,
    last_shown: str,
    as_json: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other, now = pending_login(session, URL), datetime.now(UTC)
    async with other.alone():
        other.on_event(ready)
        lines = EventLines(URL, is_requested=as_json)
        joining = asyncio.create_task(log_in(session, lines, Namespace(), Options(wait=30)))
        shown = ""
        async with asyncio.timeout(PATIENCE):
            while last_shown not in shown:
                shown += capsys.readouterr()[0 if as_json else 1]
                await asyncio.sleep(0)
        fresh = replace(grant(), obtained_at=now, refreshed_at=now, expires_at=None)
        await session.credentials.save(fresh, GrantSecrets(Secret("canary")))
    assert await joining == 0
    if as_json:
        events = [json.loads(line) for line in (shown + capsys.readouterr().out).splitlines()]
        assert [one["event"] for one in events] == ["login", kind, "authenticated"]


async def test_a_login_that_ends_without_tokens_is_no_login(session: Session) -> None:
    with pytest.raises(LoginNeeded, match="ended without a token"):
        await join_login(session, pending_login(session, URL), on_link=nothing)


async def test_a_login_that_lasts_too_long_is_not_waited_for(session: Session) -> None:
    async with pending_login(session, URL).alone():
        with pytest.raises(TimedOut):
            await join_login(session, pending_login(session, URL), on_link=nothing, bound=0)

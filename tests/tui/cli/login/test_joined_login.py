"""A login that another process runs is joined: its link is shown, and its end is reported as one's own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.login.events import AuthorizationReady
from authlens_core.session.pending_login import PendingLogin
from authlens_core.state.locks import Locks
from authlens_core.state.paths import state_directory
from authlens_core.values.errors import LoginNeeded, TimedOut
from authlens_core.values.secret import Secret
from authlens_tui.cli.login.event_lines import EventLines
from authlens_tui.cli.login.joined_login import join
from support.grants import grant
from support.open_databases import owned
from support.waiting import PATIENCE

URL = grant().resource_url
LINK = "https://login.example.com/authorize?state=s"


def pending() -> PendingLogin:
    return PendingLogin.of(Locks(state_directory()), URL, persistent=True)


async def test_the_link_is_shown_and_the_tokens_of_the_other_login_are_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    credentials, other, now = owned(Credentials.memory()), pending(), datetime.now(UTC)
    async with other.alone():
        other.on_event(AuthorizationReady(LINK, (), 300.0))
        joining = asyncio.create_task(join(pending(), credentials, EventLines(URL, wanted=True), bound=30))
        async with asyncio.timeout(PATIENCE):
            while LINK not in (shown := capsys.readouterr().out):
                await asyncio.sleep(0)
        fresh = replace(grant(), obtained_at=now, refreshed_at=now, expires_at=None)
        await credentials.save(fresh, GrantSecrets(Secret("canary")))
    assert await joining == 0
    events = [json.loads(line) for line in (shown + capsys.readouterr().out).splitlines()]
    assert [one["event"] for one in events] == ["authorization_url", "authenticated"]


async def test_a_login_that_ends_without_tokens_is_no_login() -> None:
    credentials = owned(Credentials.memory())
    with pytest.raises(LoginNeeded, match="ended without a token"):
        await join(pending(), credentials, EventLines(URL, wanted=False), bound=30)


async def test_a_login_that_lasts_too_long_is_not_waited_for() -> None:
    credentials = owned(Credentials.memory())
    async with pending().alone():
        with pytest.raises(TimedOut):
            await join(pending(), credentials, EventLines(URL, wanted=False), bound=0)

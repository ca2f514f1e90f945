"""`--timeout` bounds the login of a program as a whole: no user is waited for."""

from __future__ import annotations

import asyncio

import pytest

from authlens_core.login.facts import Facts
from authlens_core.login.protocols import Stored
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_tui.cli.login.event_lines import EventLines
from authlens_tui.cli.login.plain_login import in_time
from support.driven_login import login_to
from support.scripted_login import RESOURCE, ScriptedSender, honest

OPTIONS = Options(
    grant_type=GrantType.CLIENT_CREDENTIALS, client_id="job-1", client_secret=Secret("canary"), wait=0.1
)


async def test_a_request_under_way_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    sender = ScriptedSender(honest())

    async def hang(request: Request) -> None:
        if request.url.endswith("/token"):
            await asyncio.Event().wait()

    sender.before = hang
    async with login_to(sender, options=OPTIONS) as login, asyncio.timeout(5):
        assert await in_time(login, (), EventLines(RESOURCE, wanted=False)) == 8
    words = capsys.readouterr().err
    assert "The login did not end within 0.1 seconds." in words
    assert f"authlens login {RESOURCE} --timeout 900" in words


async def test_a_token_that_came_is_stored_and_the_login_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """The time ends while it is being stored."""

    async def keep(_facts: Facts) -> Stored:
        await asyncio.sleep(0.2)
        return Stored("grant-1")

    async with login_to(ScriptedSender(honest()), options=OPTIONS, keeper=keep) as login:
        assert await in_time(login, (), EventLines(RESOURCE, wanted=False)) == 0
    assert "Authenticated." in capsys.readouterr().err

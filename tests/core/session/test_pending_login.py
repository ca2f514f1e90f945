"""One login at a time for a resource: a second one finds the first, shows its link, and waits for its end."""

from __future__ import annotations

import asyncio
import stat

import pytest

from authlens_core.login.events import AuthorizationReady
from authlens_core.session.pending_login import LoginRuns, PendingLogin
from authlens_core.state.locks import Locks
from authlens_core.state.paths import state_directory

URL = "https://wiki.example.com/"
LINK = "https://login.example.com/authorize?state=s"


def pending(url: str = URL, *, persistent: bool = True) -> PendingLogin:
    """Return the login as one process sees it."""
    return PendingLogin.of(Locks(state_directory() if persistent else None), url, persistent=persistent)


async def test_a_second_login_for_the_resource_is_refused_while_the_first_runs() -> None:
    first, second, elsewhere = pending(), pending(), pending("https://git.example.com/")
    async with first.alone(), elsewhere.alone():
        with pytest.raises(LoginRuns):
            async with second.alone():
                pytest.fail("two logins at once")
    async with second.alone():
        assert first.link() == ""


async def test_the_link_of_a_login_is_there_for_another_process_until_the_login_ends() -> None:
    first, second = pending(), pending()
    async with first.alone():
        assert second.link() == ""
        first.on_event(AuthorizationReady(LINK, (), 300.0))
        assert second.link() == LINK
        assert first.path is not None
        assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert second.link() == ""


async def test_what_is_no_link_in_the_file_is_not_shown() -> None:
    login = pending()
    assert login.path is not None
    for text in ("", "[]", '{"url": 1}', '{"url": "javascript:alert(1)"}', "\xff"):
        login.path.write_text(text, encoding="latin-1")
        assert login.link() == ""


async def test_waiting_ends_with_the_other_login_or_with_the_time() -> None:
    first, second = pending(), pending()
    async with first.alone():
        assert not await second.over(0)
        waiting = asyncio.create_task(second.over(30))
    assert await waiting


async def test_a_session_in_memory_writes_no_link() -> None:
    login = pending(persistent=False)
    async with login.alone():
        login.on_event(AuthorizationReady(LINK, (), 300.0))
        assert (login.path, login.link()) == (None, "")

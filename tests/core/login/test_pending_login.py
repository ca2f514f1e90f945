"""One login at a time for a resource: a second one finds the first, shows its link, and waits for its end."""

import asyncio
import stat
from contextlib import suppress

from authlens_core.login.pending_login import PendingLogin
from authlens_core.state.locks import Locks
from authlens_core.state.paths import state_directory
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady
from authlens_core.values.url import parse_url

URL = "https://wiki.example.com/"
LINK = "https://login.example.com/authorize?state=s"


def pending(url: str = URL, account: str = "", *, persistent: bool = True) -> PendingLogin:
    locks = Locks(state_directory() if persistent else None)
    return PendingLogin.of(locks, url, account, persistent=persistent)


async def test_a_second_login_for_the_resource_is_refused_while_the_first_runs() -> None:
    first, second, elsewhere = pending(), pending(), pending("https://git.example.com/")
    async with first.alone() as alone, elsewhere.alone() as alone_elsewhere:
        assert (alone, alone_elsewhere) == (True, True)
        async with second.alone() as also_alone:
            assert not also_alone
        async with pending(account="work").alone() as alone_as_another_account:
            assert alone_as_another_account
    async with second.alone() as alone:
        assert alone


async def link_of(login: PendingLogin) -> str:
    """Return link and code that one sees who waits for `login`; empty if there is none for some looks."""
    links: list[str] = []
    waiting = asyncio.create_task(login.over(30, lambda *shown: links.extend(shown)))
    for _ in range(20):
        await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    return "".join(links)


async def test_the_link_of_a_login_is_there_for_another_process_until_the_login_ends() -> None:
    first, second = pending(), pending()
    async with first.alone():
        assert await link_of(second) == ""
        first.on_event(AuthorizationReady(LINK, (), 300.0))
        assert await link_of(second) == LINK
        first.on_event(DeviceCodeReady("WDJB-MJHT", parse_url(f"{URL}device"), None, 600, 300.0))
        assert await link_of(second) == f"{URL}deviceWDJB-MJHT"
        assert first.path is not None
        assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert not first.path.exists()


async def test_what_is_no_link_in_the_file_is_not_shown() -> None:
    first, second = pending(), pending()
    assert second.path is not None
    async with first.alone():
        for text in (
            "",
            "[]",
            '{"url": 1}',
            '{"url": "https://a.example", "code": 1}',
            '{"url": "javascript:alert(1)"}',
            "\xff",
        ):
            second.path.write_text(text, encoding="latin-1")
            assert await link_of(second) == ""


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
        assert login.path is None

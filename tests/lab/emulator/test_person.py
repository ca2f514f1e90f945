"""The demo person behaves as a person at a browser would, and never leaves loopback."""

from __future__ import annotations

import asyncio

import pytest

from authlens_core.login.callback.browser_pages import Page, render
from authlens_lab.emulator import PlayResult, play_person
from support.emulated_access import parameters_of, program_at


async def test_a_callback_where_nobody_listens_is_told_as_a_browser_would() -> None:
    """The URL stands in the address bar all the same."""
    async with program_at() as program:
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        program.redirect_uri = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/callback"
        listener.close()
        await listener.wait_closed()
        played = await program.play()
        assert not played.delivered
        assert "cannot reach the callback" in played.page
        assert "code" in parameters_of(played.callback_url)


@pytest.mark.parametrize("url", ["https://localhost/", "http://team.example/", "file:///etc/passwd"])
async def test_a_url_off_loopback_is_refused(url: str) -> None:
    """The person is a demo, not a browser."""
    with pytest.raises(ValueError, match="loopback"):
        await play_person(url)


async def test_a_redirect_off_loopback_is_refused() -> None:
    """A server must not lead the person astray."""
    async with CannedServer(
        b"HTTP/1.1 302 Found\r\nLocation: http://team.example/\r\nContent-Length: 0\r\n\r\n"
    ) as url:
        with pytest.raises(ValueError, match="loopback"):
            await play_person(url)


async def test_redirects_in_a_circle_end() -> None:
    """Bounded in hops."""
    async with CannedServer(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n") as url:
        played = await play_person(url)
        assert played.callback_url is None
        assert len(played.hops) == 12


async def test_a_page_that_never_comes_ends_the_play() -> None:
    """Bounded in time."""
    async with CannedServer(b"") as url:
        with pytest.raises(TimeoutError):
            await play_person(url, timeout=0.2)


async def test_an_answer_that_is_not_http_is_an_error_of_the_connection() -> None:
    """What is no page cannot be read."""
    async with CannedServer(b"SSH-2.0-nothing\r\n\r\n") as url:
        with pytest.raises(OSError, match="not HTTP"):
            await play_person(url)


class CannedServer:
    """A server that answers everything with the same bytes, or with silence."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._answered = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self._answer:
            writer.write(self._answer)
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()
        self._answered.set()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def __aexit__(self, *_: object) -> None:
        async with asyncio.timeout(30):
            await self._answered.wait()
        self._server.close()
        await self._server.wait_closed()


async def test_the_words_of_a_page_are_those_that_say_what_happened() -> None:
    """Without markup, without the notice that it is the emulator's, without who made the page."""
    async with program_at("denied-user") as program:
        assert (await program.play()).words.startswith("That account does not have access · This login ends")
    played = PlayResult(None, delivered=False, status=0, page="The browser  cannot reach it", hops=())
    assert played.words == "The browser cannot reach it"
    outdated = PlayResult(None, delivered=True, status=400, page=render(Page.OUTDATED).decode(), hops=())
    assert outdated.words.startswith("This login is outdated · This answer belongs to an older")
    assert "on the machine where" not in outdated.words

"""Whoever else finds the port of the callback: answered, and the wait goes on."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from authlens_core.login.callback.browser_pages import Page
from authlens_core.login.callback.listener import Listener
from authlens_core.login.callback.request_head import ListenerLimits
from authlens_core.values.secret import Secret
from support.driven_login import ignored_by
from support.waiting import PATIENCE

GOOD = "code=the-code&state=the-state"
SHORT = ListenerLimits(deadline=0.3, linger=0.3)


@dataclass
class Login:
    """A listener that waits, and the queries that its judge was given."""

    listener: Listener
    queries: list[Secret] = field(default_factory=list)
    ignored: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.ignored = ignored_by(self.listener)

    def judge(self, query: Secret) -> Page:
        self.queries.append(query)
        return Page.SUCCESS

    def request(
        self, *fields: str, method: str = "GET", target: str = f"/callback?{GOOD}", host: str = ""
    ) -> bytes:
        """Return a request; without other words, the one that is right."""
        host = host or f"localhost:{self.listener.port}"
        return "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode(
            "latin-1"
        )

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def ask(self, request: bytes) -> bytes:
        """Send the bytes and return all that comes back until the listener closes."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await self.connect()
            writer.write(request)
            with suppress(ConnectionError):
                await writer.drain()
            answer = await reader.read()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return answer

    async def still_waits(self) -> bool:
        before = len(self.queries)
        answer = await self.ask(self.request())
        return before == 0 and self.queries == [Secret(GOOD)] and status(answer) == 200


def status(answer: bytes) -> int:
    """Return the status of an answer; one answer and no more."""
    assert answer.count(b"HTTP/1.1 ") == 1
    return int(answer.split(b" ", 2)[1])


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """Give a login that waits for its callback with the usual limits."""
    async with await Listener.open(port=0) as listener:
        made = Login(listener)
        listener.expect(made.judge)
        yield made


@pytest.fixture
async def hasty() -> AsyncIterator[Login]:
    """Give the same with short deadlines."""
    async with await Listener.open(port=0, limits=SHORT) as listener:
        made = Login(listener)
        listener.expect(made.judge)
        yield made


@pytest.mark.parametrize("path", ["/favicon.ico", "/apple-touch-icon.png"])
async def test_an_icon_is_not_found_and_alarms_nobody(login: Login, path: str) -> None:
    """H082: a browser that visited the test page asks for it, and that is no stranger."""
    assert status(await login.ask(login.request(target=path))) == 404
    assert status(await login.ask(login.request("Sec-Fetch-Mode: no-cors", target=path))) == 403
    assert login.ignored == []
    assert await login.still_waits()


@pytest.mark.parametrize("path", ["/favicon.svg", "/robots.txt", "/", "/callback/x"])
async def test_other_paths_are_not_found(login: Login, path: str) -> None:
    """H082: what browsers ask for by themselves."""
    assert status(await login.ask(login.request(target=path))) == 404
    assert login.ignored == ["another path"]
    assert await login.still_waits()


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "get", "Get", "PATCH"]
)
async def test_other_methods_are_not_allowed(login: Login, method: str) -> None:
    """H083: on the right path with the right query; the answer names the one method."""
    answer = await login.ask(login.request(method=method))
    assert status(answer) == 405
    assert b"\r\nAllow: GET\r\n" in answer
    assert await login.still_waits()


async def test_head_is_answered_without_a_page(login: Login) -> None:
    """H083, RFC 9110 §9.3.2: header fields only."""
    answer = await login.ask(login.request(method="HEAD"))
    assert answer.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: " in answer


async def test_a_body_is_never_waited_for(login: Login) -> None:
    """H083: the answer is there although the announced body never comes."""
    answer = await login.ask(login.request("Content-Length: 1000000", method="POST"))
    assert status(answer) == 405, "a request that is waited for in vain gets 408"
    assert await login.still_waits()


def _get(*fields: str, target: str = f"/callback?{GOOD}", host: str = "localhost:{port}") -> str:
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", ""))


HOSTS = (
    *("evil.example", "localhost:9999", "localhost", "127.0.0.1.nip.io:{port}"),
    *("localhost.evil.example:{port}", "LOCALHOST:{port}", "localhost:{port}.", "localhost.:{port}"),
    *("0.0.0.0:{port}", "127.1:{port}", "[::ffff:127.0.0.1]:{port}", "user@localhost:{port}"),
    *("localhost:0{port}", "localhost:{port}, evil.example"),
)
OTHER_PAGES = (
    ("Origin: https://evil.example",),
    ("Origin: null",),
    ("Origin: http://localhost:8400",),
    ("Origin:",),
    ("Sec-Fetch-Mode: cors",),
    ("Sec-Fetch-Mode: no-cors",),
    ("Sec-Fetch-Mode: websocket",),
    ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"),
    ("Sec-Fetch-Mode:",),
    ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"),
    ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"),
    ("Upgrade: websocket", "Connection: Upgrade"),
    ("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
)
LINE, MINE = f"GET /callback?{GOOD} HTTP/1.", "Host: localhost:{port}\r\n"
MALFORMED = (
    *(("Content-Length: -1",), ("Content-Length: 5", "Content-Length: 6"), ("Content-Length: 1e3",)),
    *(
        ("Transfer-Encoding: gzip, chunked",),
        ("X : y",),
        ("X\x00: y",),
        ("X: \x00",),
        (": y",),
        ("no colon",),
    ),
)
NO_HTTP = (
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "\x00" * 100,
    "\xff" * 100 + "\r\n\r\n",
    "\r\n\r\n",
    "\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /callback?code=a\r\n\r\n",
    "GET /callback?code=a HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "GET  /callback?code=a  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "EHLO evil.example\r\nMAIL FROM:<a@b>\r\n\r\n",
)
REFUSED = {
    "H083: CONNECT": (f"CONNECT localhost:8400 HTTP/1.1\r\n{MINE}\r\n", {405}),
    "H083: OPTIONS *": (f"OPTIONS * HTTP/1.1\r\n{MINE}\r\n", {405}),
    **{f"H085: another host, {host}": (_get(host=host), {421}) for host in HOSTS},
    "H085: no host": (f"{LINE}1\r\n\r\n", {400}),
    "H085: no host in HTTP/1.0": (f"{LINE}0\r\n\r\n", {421}),
    "H085: two hosts": (f"{LINE}1\r\n{MINE}{MINE}\r\n", {400}),
    "H085: two hosts in HTTP/1.0": (f"{LINE}0\r\n{MINE}{MINE}\r\n", {400, 421}),
    **{f"H086: another page, {' '.join(fields)}": (_get(*fields), {403}) for fields in OTHER_PAGES},
    "H087: a query of a megabyte": (_get(target="/callback?" + "a" * 10**6), {414}),
    "H087: 10 000 parameters": (
        _get(target="/callback?" + "&".join(f"p{n}=v" for n in range(10_000))),
        {414},
    ),
    "H087: a field of a megabyte": (_get("X: " + "a" * 10**6), {431}),
    "H087: 10 000 fields": (_get(*(f"X{n}: y" for n in range(10_000))), {431}),
    **{
        f"H090: {code!r} in the target": (_get(target=f"/callback?code={code}"), {400})
        for code in ("\x00", "\xc0\xaf", "\xe9", "a b", "a\tb", "\x7f")
    },
    **{f"H093: {fields!r}": (_get(*fields), {400, 501}) for fields in MALFORMED},
    **{f"LB-12: {raw!r} is not HTTP": (raw, {400, 421}) for raw in NO_HTTP},
}


@pytest.mark.parametrize(("request_text", "statuses"), REFUSED.values(), ids=REFUSED)
async def test_what_is_not_the_answer_of_a_browser_is_refused_and_the_wait_goes_on(
    login: Login, request_text: str, statuses: set[int]
) -> None:
    """H083, H085, H086, H087, H090, H093, LB-12: the status arrives, although bytes are still under way."""
    request = request_text.replace("{port}", str(login.listener.port)).encode("latin-1")
    assert status(await login.ask(request)) in statuses
    assert await login.still_waits()


async def test_bytes_without_a_line_end_are_cut_off_at_the_cap(login: Login) -> None:
    """H087: nobody fills our memory; who goes on after the answer is cut off."""
    reader, writer = await login.connect()
    sent = 0
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while True:
                writer.write(b"A" * 65_536)
                await writer.drain()
                sent += 65_536
    assert sent < 64 * 1024 * 1024
    with suppress(ConnectionError):
        assert status(await reader.read()) == 414
    writer.close()
    assert await login.still_waits()


async def test_two_hundred_connections_do_not_keep_the_real_one_out(login: Login) -> None:
    """H089, LB-12: those that say nothing give way at once; no waiting for their deadline."""
    idle = [await login.connect() for _ in range(200)]
    assert await login.still_waits()
    async with asyncio.timeout(PATIENCE):
        refused = [await reader.read() for reader, _ in idle[:150]]
    assert {status(answer) for answer in refused} == {503}
    for _, writer in idle:
        writer.close()


async def test_thirty_idle_connections_and_then_the_real_one(login: Login) -> None:
    """Browsers open connections ahead of need."""
    idle = [await login.connect() for _ in range(30)]
    assert await login.still_waits()
    for _, writer in idle:
        writer.close()


async def speaking(login: Login) -> list[tuple[StreamReader, StreamWriter]]:
    """Take every place of the listener with a request that is not finished."""
    busy: list[tuple[StreamReader, StreamWriter]] = []
    while len(busy) < 20:
        reader, writer = await login.connect()
        writer.write(b"GET /callback?")
        busy.append((reader, writer))
    return busy


async def test_beyond_twenty_that_speak_the_next_is_refused_at_once() -> None:
    """LB-12: twenty unfinished requests; the next one hears 503 now, not after their deadline."""
    async with await Listener.open(port=0, limits=ListenerLimits(deadline=PATIENCE)) as listener:
        login = Login(listener)
        listener.expect(login.judge)
        busy = await speaking(login)
        assert status(await login.ask(b"G")) == 503
        for _, writer in busy:
            writer.close()
        assert await login.still_waits()


async def test_twenty_that_speak_keep_their_places_up_to_their_deadline(hasty: Login) -> None:
    """LB-12: then the real one is served."""
    busy = await speaking(hasty)
    async with asyncio.timeout(PATIENCE):
        answers = [await reader.read() for reader, _ in busy]
    assert {status(answer) for answer in answers} == {408}
    for _, writer in busy:
        writer.close()
    assert await hasty.still_waits()


async def test_an_idle_connection_ends_at_the_deadline_without_a_word(hasty: Login) -> None:
    """LB-12: a browser's connection ahead of need; nothing was asked, so nothing is ignored."""
    reader, writer = await hasty.connect()
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()
    assert hasty.ignored == []
    assert await hasty.still_waits()


async def test_a_request_in_drops_does_not_move_the_deadline(hasty: Login) -> None:
    """LB-12: one byte now and then keeps nobody's place; the clock runs from the connection."""
    reader, writer = await hasty.connect()

    async def drip() -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"G")
                await writer.drain()
                await asyncio.sleep(0.02)  # the pace of the attack

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(PATIENCE):  # the drops would last for minutes
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    dripping.cancel()
    writer.close()
    assert await hasty.still_waits()


async def test_who_does_not_close_after_the_answer_is_closed(hasty: Login) -> None:
    """LB-12: a client that goes on sending slowly is cut off after a moment."""
    reader, writer = await hasty.connect()
    writer.write(hasty.request(target="/other"))
    async with asyncio.timeout(PATIENCE):
        assert status(await reader.read()) == 404
        with suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)  # the pace of the attack
    writer.close()
    assert await hasty.still_waits()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", b"GET /callback?code=the-code HTTP/1.1\r\nHost: "])
async def test_who_closes_early_changes_nothing(login: Login, sent: bytes) -> None:
    """LB-12, cleared-cli 0.2.1: an empty or half connection before the callback."""
    _, writer = await login.connect()
    writer.write(sent)
    writer.close()
    await writer.wait_closed()
    assert await login.still_waits()


async def test_who_closes_its_sending_side_gets_the_answer(login: Login) -> None:
    """A complete request and a half-closed connection, as some clients send it."""
    reader, writer = await login.connect()
    writer.write(login.request())
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        assert status(await reader.read()) == 200
    writer.close()


@pytest.mark.parametrize("query", ["code=%zz", "code=%00", "code=%c0%af", "code=a+b%20c", "code=%e2%82"])
async def test_percent_encoding_reaches_the_judge_as_it_was_sent(login: Login, query: str) -> None:
    """H090: strict decoding is the protocol's; nothing is mended on the way there."""
    await login.ask(login.request(target=f"/callback?{query}"))
    assert login.queries == [Secret(query)]


async def test_pipelined_requests_get_one_answer(login: Login) -> None:
    """H093: one request per connection; the second is thrown away unread."""
    second = login.request(target="/callback?code=second")
    assert status(await login.ask(login.request() + second)) == 200
    assert login.queries == [Secret(GOOD)]


@pytest.mark.parametrize(
    "fields",
    [("Transfer-Encoding: chunked",), ("Content-Length: 1000000000000000000",), ("Expect: 100-continue",)],
)
async def test_an_announced_body_is_ignored(login: Login, fields: tuple[str, ...]) -> None:
    """H093: chunks, 10^18 bytes, or the wish to be asked for them: no 100, and the head alone counts."""
    answer = await login.ask(login.request(*fields) + b"5\r\nhello\r\n0\r\n\r\n")
    assert status(answer) == 200
    assert b" 100 " not in answer
    assert login.queries == [Secret(GOOD)]


async def test_a_flood_of_every_kind_at_once(login: Login) -> None:
    """LB-8: sixty hostile connections beside each other; the real callback among them is served."""
    hostile = [
        login.request(target="/robots.txt"),
        login.request(method="POST"),
        login.request(host="evil.example"),
        login.request("Origin: https://evil.example"),
        b"\x00" * 50,
        login.request(target="/callback?" + "a" * 50_000),
    ]
    answers = asyncio.gather(*(login.ask(hostile[n % len(hostile)]) for n in range(60)))
    assert await login.still_waits()
    assert {status(answer) for answer in await answers} <= {404, 405, 421, 403, 400, 414, 503}
    assert len(login.ignored) == 60

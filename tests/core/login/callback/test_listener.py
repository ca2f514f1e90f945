"""The listener as a login uses it, over real sockets."""

import asyncio
import errno
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from authlens_core.login.callback import listener as module
from authlens_core.login.callback.binding import bind_loopback, free_port
from authlens_core.login.callback.browser_pages import SECURITY_HEADERS, Page, render
from authlens_core.login.callback.listener import BadListenerSetting, Listener, PortRefused, PortTaken
from authlens_core.oauth.authorization import (
    AuthorizationResponse,
    ExpectedResponse,
    Verdict,
    read_authorization_response,
    read_pasted,
)
from authlens_core.values.exchange import Response
from authlens_core.values.secret import Secret
from support.driven_login import ignored_by
from support.waiting import PATIENCE, cancelled

Ask = Callable[..., Awaitable[Response]]
STATE = "the-state-of-this-login"
ISSUER = "https://as.example"


class Attempt:
    """One login's side of the callback: the real reading of the answer, and one answer only."""

    def __init__(self, listener: Listener) -> None:
        self.expected = ExpectedResponse(
            Secret(STATE), ISSUER, iss_required=True, redirect_uri=listener.redirect_uri
        )
        self.queries: list[Secret] = []
        self.answer: AuthorizationResponse | None = None
        listener.expect(self.judge)

    def judge(self, query: Secret) -> Page:
        """Compare the state, then the rest; a second good answer changes nothing."""
        self.queries.append(query)
        found = read_authorization_response(query, self.expected)
        if found.verdict is Verdict.OUTDATED:
            return Page.OUTDATED
        if self.answer is not None:
            return Page.RECEIVED
        self.answer = found
        return Page.SUCCESS


def callback(listener: Listener, query: str, host: str = "localhost") -> bytes:
    """Return the request of a browser that was sent to the redirect URI."""
    lines = (
        f"GET /callback?{query} HTTP/1.1",
        f"Host: {host}:{listener.port}",
        "Sec-Fetch-Mode: navigate",
        "Connection: keep-alive",
    )
    return "\r\n".join((*lines, "", "")).encode()


GOOD = f"code=the-code&state={STATE}&iss=https%3A%2F%2Fas.example"

PROGRAM = """
import asyncio
from authlens_core.login.callback.listener import ListenerLimits, Listener, Page
async def main():
    async with await Listener.open(port=0, limits=ListenerLimits(deadline=1.0)) as listener:
        listener.expect(lambda query: Page.SUCCESS)
        print(listener.port, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@asynccontextmanager
async def program() -> AsyncIterator[tuple[Process, int]]:
    """Run a listener in a process of its own; give the process and the port."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=PIPE, stderr=PIPE)
    try:
        assert process.stdout is not None
        yield process, int(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_callback_is_received_by_either_family(listener: Listener, ask: Ask, address: str) -> None:
    """LB-2: a browser may take localhost for either address."""
    attempt, ignored = Attempt(listener), ignored_by(listener)
    answer = await ask(listener, callback(listener, GOOD), address)
    assert (answer.status, answer.body.reveal()) == (200, render(Page.SUCCESS))
    assert attempt.answer is not None
    assert attempt.answer.code == Secret("the-code")
    assert ignored == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_redirect_uri_names_what_is_bound(host: str) -> None:
    """LB-4: the setting switches from localhost to the IP literal."""
    async with await Listener.open(port=0, host=host) as listener:
        assert listener.redirect_uri == f"http://{host}:{listener.port}/callback"


async def test_the_port_is_ours_before_anybody_hears_of_it(listener: Listener, ask: Ask) -> None:
    """LB-5: bound and answering as soon as open returns; no login is waiting yet, and the page says so."""
    with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)):
        bind_loopback("localhost", listener.port)
    ignored = ignored_by(listener)
    answer = await ask(listener, callback(listener, GOOD))
    assert (answer.status, answer.body.reveal()) == (400, render(Page.NOT_EXPECTED))
    assert ignored == ["no login was waiting"]


async def test_a_second_instance_is_told_who_has_the_port(listener: Listener) -> None:
    """LB-2, LB-6, H094: the owner by name and another port, which was free."""
    with pytest.raises(PortTaken) as caught:
        await Listener.open(port=listener.port)
    assert f"Port {listener.port} " in caught.value.cause
    assert re.search(r"another port, such as (?!0\.)\d+\.", str(caught.value.cure))
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in caught.value.cause


async def test_a_port_taken_between_two_attempts_is_a_plain_error() -> None:
    """H095: the first attempt had it, a stranger has it now."""
    async with await Listener.open(port=0) as first:
        port = first.port
    with socket.create_server(("::1", port), family=socket.AF_INET6), pytest.raises(PortTaken) as caught:
        await Listener.open(port=port)
    assert caught.value.half


async def test_a_port_taken_on_ipv4_is_no_way_out_for_the_literal_address() -> None:
    """Only where ::1 alone is taken would 127.0.0.1 be ours."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(PortTaken) as caught:
                await Listener.open(port=taken.getsockname()[1], host=host)
            assert not caught.value.half


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
async def test_a_privileged_port_has_a_message_about_permission(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """H095: what the system says to an ordinary account."""

    def refuse(host: str, port: int) -> None:
        raise OSError(number, "simulated")

    monkeypatch.setattr(module, "bind_loopback", refuse)
    with pytest.raises(PortRefused, match="does not let") as caught:
        await Listener.open(port=443)
    assert "1024" in str(str(caught.value.cure))


@pytest.mark.parametrize("port", [-1, 65536])
async def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    """A usage error, before anything is bound."""
    with pytest.raises(BadListenerSetting):
        await Listener.open(port=port)


async def test_close_frees_the_port_at_once_and_may_be_repeated(ask: Ask) -> None:
    """LB-3: after a valid answer; a second close does nothing."""
    listener = await Listener.open(port=0)
    Attempt(listener)
    await ask(listener, callback(listener, GOOD))
    await listener.close()
    bind_loopback("localhost", listener.port).close()
    await listener.close()


async def test_close_ends_open_connections() -> None:
    """LB-3: an idle connection does not hold anything."""
    listener = await Listener.open(port=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    async with asyncio.timeout(30):
        await listener.close()
        # An end or a reset, as the system likes; a listener that forgot the connection would hang here.
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("turns", range(6))
async def test_close_ends_a_connection_at_whatever_point_of_its_arrival(turns: int) -> None:
    """LB-3: connected, taken from the queue, or known to us: it does not outlive the listener."""
    listener = await Listener.open(port=0)
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        await listener.close()
        client.setblocking(False)
        async with asyncio.timeout(30):
            with suppress(ConnectionError):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""


async def test_the_page_arrives_although_the_listener_closes_at_once(ask: Ask) -> None:
    """LB-3: the login goes on with the code while the browser still reads."""
    listener = await Listener.open(port=0)
    done = asyncio.Event()

    def judge(query: Secret) -> Page:
        done.set()
        return Page.SUCCESS

    listener.expect(judge)
    asking = asyncio.ensure_future(ask(listener, callback(listener, GOOD)))
    await done.wait()
    await listener.close()
    assert (await asking).body.reveal() == render(Page.SUCCESS)


async def test_cancelling_the_login_frees_the_port() -> None:
    """LB-3: cancel and timeout are both a cancelled task."""
    opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def login() -> None:
        async with await Listener.open(port=0) as listener:
            opened.set_result(listener.port)
            await asyncio.Event().wait()

    task = asyncio.create_task(login())
    port = await opened
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bind_loopback("localhost", port).close()


@pytest.mark.parametrize("turns", [1, 2])
async def test_a_listener_that_was_cancelled_while_it_opened_does_not_deafen_the_next(
    ask: Ask, turns: int
) -> None:
    """The next one often gets the same file descriptor."""
    await cancelled(Listener.open(port=0), turns=turns)
    async with await Listener.open(port=0) as listener, asyncio.timeout(PATIENCE):
        listener.expect(lambda _: Page.SUCCESS)
        assert (await ask(listener, callback(listener, GOOD))).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
async def test_a_signal_frees_the_port(number: signal.Signals) -> None:
    """LB-3: whatever ends the process."""
    async with program() as (process, port):
        process.send_signal(number)
        await process.wait()
        bind_loopback("localhost", port).close()


async def test_a_callback_to_a_suspended_program_is_served_on_resume() -> None:
    """H098: Ctrl-Z, the browser comes back, fg; the deadline of the connection has not begun to run."""
    async with program() as (process, port):
        process.send_signal(signal.SIGSTOP)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /callback?code=a HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        await asyncio.sleep(1.5)  # longer than the deadline of that listener: time itself is the subject
        process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(30):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_second_answer_is_told_that_the_first_one_counts(listener: Listener, ask: Ask) -> None:
    """H081: a double click or a replay reaches the judge, and the caller's one answer stays."""
    attempt, ignored = Attempt(listener), ignored_by(listener)
    await ask(listener, callback(listener, GOOD))
    first = attempt.answer
    answer = await ask(listener, callback(listener, GOOD))
    assert (answer.status, answer.body.reveal()) == (200, render(Page.RECEIVED))
    assert attempt.answer is first
    assert ignored == ["a second answer"]


async def test_a_late_answer_is_told_that_the_time_is_over(listener: Listener, ask: Ask) -> None:
    """H098: one millisecond after the countdown ended."""
    listener.expect(lambda _: Page.EXPIRED)
    ignored = ignored_by(listener)
    answer = await ask(listener, callback(listener, GOOD))
    assert (answer.status, answer.body.reveal()) == (400, render(Page.EXPIRED))
    assert len(ignored) == 1


@pytest.mark.parametrize("size", [6 * 1024, 8 * 1024])
async def test_a_long_code_is_received(listener: Listener, ask: Ask, size: int) -> None:
    """LB-13, H091: no assumption about the length of a code."""
    attempt = Attempt(listener)
    code = "c" * size
    query = f"code={code}&state={STATE}&iss=https%3A%2F%2Fas.example"
    assert (await ask(listener, callback(listener, query))).status == 200
    assert attempt.answer is not None
    assert attempt.answer.code == Secret(code)


async def test_a_pasted_address_and_a_callback_are_read_alike(listener: Listener, ask: Ask) -> None:
    """LB-14: the judge gets what stands in the address bar byte for byte: both ways end in one function."""
    attempt = Attempt(listener)
    for query in (GOOD, "code=a&state=wrong", f"code=a&code=b&state={STATE}", "code=%41+b"):
        await ask(listener, callback(listener, query))
        pasted = read_pasted(Secret(f"{listener.redirect_uri}?{query}"), attempt.expected)
        assert attempt.queries[-1] == Secret(query)
        assert pasted == read_authorization_response(attempt.queries[-1], attempt.expected)


@pytest.mark.parametrize("page", [each for each in Page if each is not Page.TEST])
async def test_every_answer_carries_the_protecting_fields(listener: Listener, ask: Ask, page: Page) -> None:
    """LB-11, BC-4: whichever page the judge names."""
    listener.expect(lambda _: page)
    answer = await ask(listener, callback(listener, GOOD))
    for name, value in SECURITY_HEADERS:
        assert answer.headers.get_all(name) == (value,)
    assert answer.headers.get("connection") == "close"
    assert answer.headers.get("content-length") == str(len(answer.body))
    assert answer.media_type == "text/html"
    assert answer.status == page.status


@pytest.mark.parametrize("page", list(Page))
async def test_nothing_of_the_request_is_in_the_answer(listener: Listener, ask: Ask, page: Page) -> None:
    """LB-11, CVE-2025-62800: not raw, not escaped, not in a header field."""
    listener.expect(lambda _: page)
    query = "error=x&error_description=<script>alert(document.domain)</script>%3Cscript%3E&marker=zebra"
    answer = await ask(listener, callback(listener, query))
    assert answer.body.reveal() == render(page)
    shown = answer.body.reveal().decode() + repr(answer.headers.fields)
    for word in ("script>", "alert", "zebra", "%3C", "document.domain"):
        assert word not in shown


async def test_the_tunnel_test_page_works_and_says_by_which_family(listener: Listener, ask: Ask) -> None:
    """Stage 6: the self-test shows that a forwarded port arrives here, without touching the login."""
    tested: list[str] = []
    listener.on_tested, ignored = tested.append, ignored_by(listener)
    attempt = Attempt(listener)
    for address in ("127.0.0.1", "::1"):
        request = f"GET /test HTTP/1.1\r\nHost: localhost:{listener.port}\r\n\r\n".encode()
        answer = await ask(listener, request, address)
        assert (answer.status, answer.body.reveal()) == (200, render(Page.TEST))
    assert tested == ["IPv4", "IPv6"]
    assert attempt.queries == []
    assert ignored == []


async def test_the_reason_of_an_ignored_request_has_nothing_of_it(listener: Listener, ask: Ask) -> None:
    """For the screen, which gets no secret; an answer that counts is not ignored."""
    ignored = ignored_by(listener)
    Attempt(listener)
    await ask(listener, callback(listener, "code=zebra&state=wrong"))
    await ask(listener, callback(listener, GOOD))
    assert ignored == ["an answer to another login"]


async def test_a_judge_that_fails_does_not_leave_the_browser_alone(listener: Listener, ask: Ask) -> None:
    """The person sees the error page, the programmer sees the exception, the next callback is served."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail(query: Secret) -> Page:
        raise RuntimeError

    listener.expect(fail)
    answer = await ask(listener, callback(listener, GOOD))
    assert (answer.status, answer.body.reveal()) == (500, render(Page.ERROR))
    assert [type(each) for each in reported] == [RuntimeError]
    Attempt(listener)
    assert (await ask(listener, callback(listener, GOOD))).status == 200


async def test_a_port_that_was_suggested_can_be_used() -> None:
    """H094: the way out that the error names works."""
    async with await Listener.open(port=free_port("localhost")) as listener:
        assert listener.redirect_uri.startswith("http://localhost:")

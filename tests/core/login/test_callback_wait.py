"""The wait for the browser: listener, paste box, deadline."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from authlens_core.login.callback.binding import PortOwner, free_port
from authlens_core.login.callback.browser_pages import Page, render
from authlens_core.login.callback_wait import ResponseWait
from authlens_core.login.login import Login
from authlens_core.oauth.authorization import Verdict
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady, DeadlineMoved, Event, TunnelTested
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_core.values.fix import commands_of
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from support.driven_login import failed, is_free, login_to, port_of, record_of, run_to, until
from support.scripted_login import ScriptedSender, honest, state_of


async def _get(port: int, query: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /callback?{query} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@asynccontextmanager
async def _waiting(
    options: Options | None = None,
) -> AsyncIterator[tuple[Login, asyncio.Task[StageRecord], list[Event], str]]:
    """Yield a login that waits for the browser, its running stage, its events, and the state of the link."""
    events: list[Event] = []
    async with login_to(ScriptedSender(honest()), options) as login:
        await run_to(login, Stage.AUTHORIZATION)
        login.watch(events.append)
        running = asyncio.create_task(login.step())
        await until(lambda: login.wait.waiting)
        ready = next(e for e in events if isinstance(e, AuthorizationReady))
        yield login, running, events, state_of(ready.url)


async def test_the_code_comes_by_the_listener() -> None:
    """RFC 8252 §7.3: and the port is free afterwards (LB-3)."""
    async with _waiting() as (login, running, _, state):
        port = port_of(login)
        assert b" 200 " in await _get(port, f"code=code-canary-1&state={state}")
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")
        assert is_free(port)


@pytest.mark.parametrize(
    "wrong",
    [
        *("code=stolen&state=wrong", "code=stolen", "error=access_denied&state=wrong", "error=access_denied"),
        *("", "state=", "code=%zz", "code=a%00b&state=%ff%fe"),
    ],
)
async def test_an_answer_of_another_login_is_ignored_and_the_right_one_is_taken(wrong: str) -> None:
    """LB-8, H073, H075, H077, H090, CVE-2026-52870: it is told, and changes nothing."""
    async with _waiting() as (login, running, events, state):
        port = port_of(login)
        assert b" 200 " not in await _get(port, wrong)
        await until(lambda: any(isinstance(e, AnswerIgnored) for e in events))
        assert login.wait.waiting
        await _get(port, f"code=code-canary-1&state={state}")
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


@pytest.mark.parametrize("rest", ["code=a&code=b", "code=a&iss=x&iss=y", "code=a&error=b", "code=%ff", ""])
async def test_a_malformed_answer_to_this_login_ends_it_with_its_cause(rest: str) -> None:
    """LB-10, H079: the server answers once; a wait that goes on would end with another reason."""
    async with _waiting() as (login, running, events, state):
        port = port_of(login)
        assert b" 400 " in await _get(port, f"{rest}&state={state}")
        record = await running
        assert failed(record) in ("authorization.parameters", "authorization.encoding")
        stopped = record.error
        assert stopped is not None
        assert stopped.exit_code == 7
        assert not [e for e in events if isinstance(e, AnswerIgnored)]
        assert is_free(port)


async def test_a_code_without_a_state_is_named_with_what_the_owner_has_to_change() -> None:
    """A server that does not send it back: the login ends as late as ever, and says why."""
    async with _waiting(Options(port=0, wait=1)) as (login, running, _, _):
        assert b"cannot be checked" in await _get(port_of(login), "code=stolen")
        record = await running
    assert login.facts.code is None
    assert record.diagnosis is not None
    assert record.diagnosis.name == "state_missing"
    assert "stolen" not in repr(record)
    assert commands_of(record.diagnosis.cure) == ["authlens login URL --any-state"]


async def test_an_error_without_a_state_is_shown_at_once_and_ends_nothing() -> None:
    """LB-8: it may be the server's refusal, or anyone's."""
    async with _waiting(Options(port=0, wait=1)) as (login, running, events, _):
        page = await _get(port_of(login), "error=access_denied&error_description=EVIL")
        assert b"cannot be checked" in page
        await until(lambda: any(isinstance(e, AnswerIgnored) for e in events))
        [ignored] = [e for e in events if isinstance(e, AnswerIgnored)]
        assert (ignored.unproven, ignored.count) == ("access_denied", 1)
        assert login.wait.waiting
        record = await running
    assert failed(record) == "authorization.timeout"
    assert "an answer without a state came: access_denied" in record.failures[0].seen
    assert f"at {login.facts.redirect_uri}" in record.failures[0].seen
    assert "EVIL" not in repr(record)


@pytest.mark.parametrize(
    ("request_line", "fields", "page", "reason"),
    [
        ("GET /callback", "", b"No answer arrived", "response_mode=fragment"),
        ("POST /callback", "Origin: https://as.example\r\n", b"form_post", "response_mode=form_post"),
    ],
)
async def test_an_answer_in_another_response_mode_is_named(
    request_line: str, fields: str, page: bytes, reason: str
) -> None:
    async with _waiting() as (login, _, events, _):
        port = port_of(login)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{request_line} HTTP/1.1\r\nHost: localhost:{port}\r\n{fields}\r\n".encode())
        assert page in await reader.read()
        writer.close()
        await until(lambda: any(isinstance(e, AnswerIgnored) and reason in e.reason for e in events))
        assert login.wait.waiting


@pytest.mark.parametrize("chosen", [Options(port=0, any_state=True), None], ids=["option", "second step"])
async def test_a_code_alone_is_taken_by_choice_and_warned_in_the_record(chosen: Options | None) -> None:
    async with _waiting(chosen) as (login, running, _, _):
        if chosen is None:
            assert login.paste(Secret("code-canary-1")).is_bare_code
            assert login.wait.waiting
            login.paste(Secret("code-canary-1"), any_state=True)
        else:
            login.paste(Secret("code-canary-1"))
        record = await running
        assert record.outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")
    [state] = [check for check in record.checks if check.name == "authorization.state"]
    assert state.severity is Severity.WARNING


async def test_the_end_of_a_wrapped_address_is_no_code() -> None:
    """Although a code alone may be pasted: it looks like one."""
    async with _waiting(Options(port=0, any_state=True)) as (login, running, _, state):
        address = f"http://localhost:{port_of(login)}/callback?code=code-canary-1&state={state}"
        login.paste(Secret(address[:-9]), Secret(address[-9:]))
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


async def test_a_malformed_paste_may_be_pasted_again() -> None:
    async with _waiting() as (login, running, _, state):
        address = f"http://localhost:{port_of(login)}/callback?state={state}&code=code-canary-1"
        assert login.paste(Secret(f"{address}&code=b")).verdict is Verdict.MALFORMED
        assert login.wait.waiting
        login.paste(Secret(address))
        assert (await running).outcome is Outcome.PASSED


async def test_without_a_port_nobody_else_is_named_in_the_redirect_uri() -> None:
    """RFC 8252 §7.3: whoever holds the port would be sent the code. Another is named, and that is said."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with _waiting(Options(port=port, listen=False)) as (login, running, _, state):
            registration = record_of(login.trace, Stage.REGISTRATION)
            told = next(c for c in registration.checks if c.name == "registration.named_port")
            redirect_uri = login.facts.redirect_uri or ""
            named = urlsplit(redirect_uri).port
            assert named not in (None, port)
            assert f"port {port} is in use, so the redirect URI names {named}" in told.seen
            login.paste(Secret(f"{redirect_uri}?code=code-canary-1&state={state}"))
            assert (await running).outcome is Outcome.PASSED


async def test_without_a_port_a_stranger_who_takes_it_meanwhile_is_not_sent_to() -> None:
    """Between the registration and the link."""
    port = free_port("localhost")
    async with login_to(ScriptedSender(honest()), Options(port=port, listen=False)) as login:
        await run_to(login, Stage.AUTHORIZATION)
        with socket.create_server(("127.0.0.1", port)):
            record = await login.step()
        assert failed(record) == "authorization.redirect_uri"
        assert "is in use" in record.failures[0].seen


async def test_without_a_port_the_pasted_address_is_the_way_back() -> None:
    """Nothing is bound, the redirect URI is registered all the same."""
    async with _waiting(Options(port=0, listen=False)) as (login, running, _, state):
        assert login.wait.listener is None
        assert (login.facts.redirect_uri or "").startswith("http://localhost:")
        login.paste(Secret(f"{login.facts.redirect_uri}?code=code-canary-1&state={state}"))
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


async def test_what_is_pasted_is_judged_like_a_callback_and_wins() -> None:
    """A wrong one is ignored, the first valid answer ends the wait, and the second finds none."""
    async with _waiting() as (login, running, events, state):
        port = port_of(login)
        assert login.paste(Secret("code=code-canary-0")).code is None
        assert login.paste(Secret(f"http://localhost:{port}/callback?code=stolen&state=wrong")).code is None
        assert login.wait.waiting
        # Whoever pasted is answered in words, and nobody else came.
        assert not [e for e in events if isinstance(e, AnswerIgnored)]
        assert "stolen" not in repr(events)
        login.paste(Secret(f"http://localhost:{port}/callback?code=code-canary-1&state={state}"))
        with pytest.raises(ValueError, match="awaited"):
            login.paste(Secret(f"?code=code-canary-2&state={state}"))
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


async def test_when_nobody_comes_the_wait_ends_and_says_so() -> None:
    """LB-3, H071: with what to do, and the port is free."""
    async with _waiting(Options(port=0, wait=0.2)) as (login, running, _, _state):
        port = port_of(login)
        record = await running
        assert failed(record) == "authorization.timeout"
        assert "paste" in str(record.failures[0].cure)
        stopped = record.error
        assert stopped is not None
        assert stopped.exit_code == 8
        assert is_free(port)


async def test_a_page_that_floods_the_callback_is_reported_in_few_lines() -> None:
    """What may be the server's error is reported all the same."""
    async with _waiting() as (login, running, events, _):
        listener = login.wait.listener
        assert listener is not None
        for _ in range(10_000):
            listener.on_ignored("not this login")
            listener.on_tested("IPv4")
        await _get(port_of(login), "error=access_denied")
        await until(lambda: any(isinstance(e, AnswerIgnored) and e.unproven for e in events))
        assert len([e for e in events if isinstance(e, AnswerIgnored)]) < 50
        assert len([e for e in events if isinstance(e, TunnelTested)]) < 50
        assert login.wait.ignored == 10_001
        await login.cancel()
        await running


async def test_the_person_can_give_the_browser_more_time() -> None:
    """Design §5: +5 min."""
    async with _waiting(Options(port=0, wait=30)) as (login, running, events, _):
        login.wait.extend(300)
        moved = [e for e in events if isinstance(e, DeadlineMoved)]
        assert 300 < moved[0].seconds <= 330
        login.wait.extend(1e9)
        assert login.wait.remaining <= 3600
        await login.cancel()
        assert (await running).outcome is Outcome.CANCELLED
        login.wait.extend(300)
        assert len([e for e in events if isinstance(e, DeadlineMoved)]) == 2


@pytest.mark.parametrize("pasted", [False, True])
async def test_a_refusal_on_the_callback_ends_the_wait_with_the_reason(pasted: bool) -> None:
    """AR-4: and the page says that it was denied."""
    async with _waiting() as (login, running, _, state):
        query = f"error=access_denied&state={state}"
        if pasted:
            login.paste(Secret(f"?{query}"))
        else:
            assert (await _get(port_of(login), query)).endswith(render(Page.DENIED))
        record = await running
        assert failed(record) == "authorization.error"
        assert record.diagnosis is not None
        stopped = record.error
        assert stopped is not None
        assert stopped.exit_code == 5


async def test_one_line_of_a_paste_is_judged_and_a_refused_one_ignores_nothing() -> None:
    """A paste that is refused is no answer of a browser that was ignored; the wait goes on."""
    async with _waiting() as (login, running, events, state):
        assert login.paste(Secret("nonsense")).verdict is Verdict.INVALID
        assert login.wait.waiting
        assert events
        assert not any(isinstance(event, AnswerIgnored) for event in events)
        right = Secret(f"code=c&state={state}")
        login.paste(Secret("Here it is:"), right, Secret("regards"))
        assert (await running).outcome is Outcome.PASSED
        with pytest.raises(ValueError, match="no answer"):
            login.paste(right)


async def test_an_answer_can_be_pasted_in_pieces() -> None:
    async with _waiting() as (login, running, _, state):
        assert login.paste(Secret("code=c&sta")).code is None
        login.paste(Secret(f"te={state}"))
        assert (await running).outcome is Outcome.PASSED


@pytest.mark.parametrize(("is_login", "given"), [(True, False), (False, False), (True, True)])
async def test_two_logins_that_want_one_port_have_two(
    *, is_login: bool, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the port is another program's, and not where it was asked for: an SSH command names it."""
    owner = PortOwner(1, "authlens", "ada", is_login=is_login)
    monkeypatch.setattr("authlens_core.login.callback.binding.find_owner", lambda _: owner)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if not given:
            monkeypatch.setattr("authlens_core.login.callback_wait.DEFAULT_PORT", port)
        wait = ResponseWait(lambda _: None)
        redirect_uri, problem = await wait.open(Options(port=port))
        await wait.close()
    if is_login and not given:
        assert problem is None
        assert urlsplit(redirect_uri or "").port not in (None, port)
        assert [f"port {port}" in remark.seen for remark in wait.remarks] == [True]
    else:
        assert problem is not None
        assert redirect_uri is None

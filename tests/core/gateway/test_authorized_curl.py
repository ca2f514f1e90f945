"""Fresh header fields at each request: what is refused is renewed once, and never a silent success."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle import request_credential
from authlens_core.credentials.lifecycle.refresh import usable_token
from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.credentials.lifecycle.request_headers import headers_for, renew_nonce
from authlens_core.credentials.records.grant import GrantSecrets, TokenVerdict
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.gateway.curl import CurlOutcome, authorized_curl
from authlens_core.gateway.signed_stream import SendAgain
from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import LoginNeeded, NetworkFailure, Refused
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in
from support.needs import program
from support.rotating_server import Scripted

from .conftest import LoggedIn

LOGIN_PAGE = "https://team.cloudflareaccess.com/cdn-cgi/access/login/app.example"
BY_ACCESS = (("Server", "cloudflare"), ("CF-Ray", "7d-EMU"))
UNAUTHORIZED = Scripted(
    401, {"error": "invalid_token"}, (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
)


async def curl(at: LoggedIn, *words: str, notes: list[str] | None = None, url: str = "") -> CurlOutcome:
    """Ask the resource; `notes` gets what the user is shown meanwhile."""
    source = RequestCredential(at.credentials, at.wire, url or at.url)
    request = read_request(list(words), url or at.url)
    note = (lambda _: None) if notes is None else notes.append
    return await authorized_curl(source, request, program("curl"), note)


async def without_refresh_token(at: LoggedIn) -> None:
    """Let the login end with its access token."""
    grant = at.credentials.list()[0]
    await at.credentials.save(
        replace(grant, has_refresh_token=False), GrantSecrets(Secret("access-canary-0"))
    )


async def test_a_token_that_is_refused_before_its_end_is_renewed_and_the_request_sent_again(
    logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    """The output has the second answer alone."""
    logged_in.server.access_tokens = set()
    notes: list[str] = []
    done = await curl(logged_in, "-sSL", notes=notes)
    assert (done.code, done.problem) == (0, None)
    assert capfd.readouterr() == ('{"hello": "there"}', "")
    assert len(notes) == 1
    assert "sent the request again" in notes[0]


async def test_a_body_that_is_gone_is_not_sent_again(
    logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_in.server.access_tokens = set()
    words = ("-sS", "-X", "GET", "-d", "@-")
    done = await curl(logged_in, *words)
    assert isinstance(done.problem, SendAgain)
    assert done.code == NetworkFailure.exit_code
    assert "invalid_token" in capfd.readouterr().out
    assert (await curl(logged_in, *words)).code == 0, "the token was renewed for the next one"


async def test_a_token_that_cannot_be_renewed_is_known_to_be_refused_from_then_on(
    logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the clock says: no program gets it any more, and a login is not there."""
    await without_refresh_token(logged_in)
    logged_in.server.access_tokens = set()
    with pytest.raises(LoginNeeded):
        await curl(logged_in, "-sS")
    assert capfd.readouterr().out == ""
    grant = logged_in.credentials.list()[0]
    assert grant.last_verdict is TokenVerdict.REFUSED
    asked = len(logged_in.server.seen)
    with pytest.raises(LoginNeeded, match="refuses the access token"):
        await usable_token(logged_in.credentials, logged_in.wire, grant)
    assert len(logged_in.server.seen) == asked


async def test_a_resource_that_refuses_the_new_token_too_is_a_refusal(
    logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_in.server.answers("/mcp", *[UNAUTHORIZED] * 5)
    done = await curl(logged_in, "-sS")
    assert (done.code, type(done.problem)) == (Refused.exit_code, Refused)
    assert "invalid_token" in capfd.readouterr().out
    assert logged_in.credentials.list()[0].last_verdict is TokenVerdict.REFUSED
    await curl(logged_in, "-sS")
    assert len(logged_in.server.posts("/token")) == 2, "one refresh a call"
    logged_in.server.script.clear()
    assert (await curl(logged_in, "-sS")).code == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Scripted(302, None, (("Location", LOGIN_PAGE), *BY_ACCESS)), "redirects to its login page"),
        (Scripted(302, None, (("Location", "https://idp.example/sso/start?x=1"),)), "/sso/start."),
        (Scripted(302, None, (("Location", "/elsewhere"),)), "redirects to /elsewhere."),
        (Scripted(403, None, (("CF-Access-Aud", "a" * 64), *BY_ACCESS)), "no policy of the application"),
        (Scripted(403, None, (("cf-mitigated", "challenge"), *BY_ACCESS)), "a challenge page"),
    ],
)
async def test_a_login_page_and_a_challenge_are_no_success_unless_asked_for(
    answer: Scripted, words: str, logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_in.server.answers("/mcp", answer, answer, answer)
    done = await curl(logged_in, "-sS")
    assert (done.code, type(done.problem)) == (Refused.exit_code, Refused)
    assert words in str(done.problem)
    assert (await curl(logged_in, "-sS", "-w", "%{http_code}")).code == 0
    assert capfd.readouterr().out == str(answer.status)
    done = await curl(logged_in, "-sS", "--fail")
    assert done.problem is not None, "with --fail the cause is all there is"
    assert done.code == Refused.exit_code


async def test_a_web_page_of_access_is_shown_as_curl_shows_it_with_its_cause_beside(
    logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    by_access = (("Content-Type", "text/html"), ("CF-Access-Aud", "a" * 64), *BY_ACCESS)
    logged_in.server.answers("/mcp", Scripted(403, "<h1>Forbidden</h1>", by_access))
    done = await curl(logged_in, "-sS", "--fail-with-body")
    assert "Forbidden" in capfd.readouterr().out
    assert done.code == Refused.exit_code
    assert "Ask the owner" in str(done.problem.cure if done.problem else "")


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(404, {}),
        Scripted(403, {}),
        Scripted(304, None),
        Scripted(201, {}, (("Location", LOGIN_PAGE),)),
    ],
)
async def test_what_the_resource_itself_says_is_curls_answer(
    answer: Scripted, logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_in.server.answers("/mcp", answer)
    done = await curl(logged_in, "-sS")
    assert (done.code, done.problem) == (0, None)


@pytest.mark.parametrize(("words", "code"), [(("-sS", "-X", "POST"), 0), (("-sSL", "-X", "POST"), 5)])
async def test_a_redirect_after_a_post_is_an_answer_unless_it_is_to_be_followed(
    words: tuple[str, ...], code: int, logged_in: LoggedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    logged_in.server.answers("/mcp", Scripted(303, None, (("Location", "/elsewhere"),)))
    assert (await curl(logged_in, *words)).code == code


@pytest.mark.parametrize(
    ("words", "repeatable"),
    [
        (["-d", "a=b"], True),
        (["-d", '{"mail": "ada@example.com"}'], True),
        (["-d", "a=b@c", "-H", "X: @-"], True),
        (["-d", "@file"], False),
        (["-T", "file"], False),
        (["--data-urlencode", "a=b"], True),
        (["-F", "a=b"], True),
        (["-F", "a=@file"], False),
        (["-d", "@-"], False),
        (["-d", "@pipe"], False),
        (["-d", "@/dev/fd/63"], False),
        (["--data-urlencode", "a@-"], False),
        (["-F", "a=<-"], False),
        (["-T", "-"], False),
        (["--json", "@-"], False),
        (["-b", ""], True),
        (["-b", "a=b"], True),
        (["-b", "-"], False),
    ],
)
def test_only_what_can_be_read_twice_is_sent_twice(words: list[str], repeatable: bool) -> None:
    assert read_request(words, "https://r.example/a").is_repeatable is repeatable


@pytest.fixture
async def bound() -> AsyncIterator[tuple[LoggedIn, Emulator]]:
    """A login at a server that wants its nonce in each proof."""
    session = Session(Wire(), Credentials.memory())
    async with Emulator(Profile.GENERIC, faults=["dpop-nonce"]) as emulator, session:
        await log_in(emulator, session=session)
        at = LoggedIn(session.credentials, session.wire, None, emulator.resource_url)  # type: ignore[arg-type]
        yield at, emulator


async def test_curl_learns_the_nonce_that_a_refusal_brings(
    bound: tuple[LoggedIn, Emulator], capfd: pytest.CaptureFixture[str]
) -> None:
    """DP-5: and the next call has it already."""
    at, emulator = bound
    emulator.dpop_nonce += "x"
    notes: list[str] = []
    assert [(await curl(at, "-sSf", notes=notes)).code for _ in range(2)] == [0, 0]
    assert len(notes) == 1
    assert "sent the request again" in notes[0]


async def test_fields_for_another_program_have_the_nonce_of_now(
    bound: tuple[LoggedIn, Emulator],
) -> None:
    """DP-4: what sends them cannot learn it."""
    at, emulator = bound
    emulator.dpop_nonce += "x"
    fields = await headers_for(at.credentials, at.wire, at.url)
    assert await renew_nonce(at.wire, fields, at.url)
    sent = await at.wire.send(fields.signer.sign(fields.request(at.url)), loopback_http=True)  # type: ignore[union-attr]
    assert sent.response is not None
    assert sent.response.status == 200


BEARER_0 = (("Authorization", "Bearer access-canary-0"),)
BEARER_1 = (("Authorization", "Bearer access-canary-1"),)


def credential(at: LoggedIn) -> RequestCredential:
    """Return the credential for the resource."""
    return RequestCredential(at.credentials, at.wire, at.url)


async def test_a_token_that_lasts_is_given_without_a_request(logged_in: LoggedIn) -> None:
    found = await credential(logged_in).fields()
    assert found.fields == BEARER_0
    assert logged_in.server.seen == []


async def test_concurrent_callers_share_one_refresh_of_an_expired_token(expired: LoggedIn) -> None:
    shared = credential(expired)
    found = await asyncio.gather(*(shared.fields() for _ in range(8)))
    assert {one.fields for one in found} == {BEARER_1}
    assert len(expired.server.posts("/token")) == 1


async def test_concurrent_callers_share_one_refresh_after_a_401(logged_in: LoggedIn) -> None:
    """Each of them brings the same refused token."""
    shared = credential(logged_in)
    refused = await shared.fields()
    found = await asyncio.gather(*(shared.renewed(refused) for _ in range(8)))
    assert {None if one is None else one.fields for one in found} == {BEARER_1}
    assert len(logged_in.server.posts("/token")) == 1
    assert shared.refreshes == 1


async def test_a_new_token_that_is_refused_too_is_not_refreshed_again(logged_in: LoggedIn) -> None:
    """A resource that refuses everything costs one refresh, not one a request."""
    shared = credential(logged_in)
    second = await shared.renewed(await shared.fields())
    assert second is not None
    assert await shared.renewed(second) is None
    shared.accepted(second)
    assert await shared.renewed(second) is not None
    assert len(logged_in.server.posts("/token")) == 2


async def test_a_login_that_was_forgotten_meanwhile_is_not_used_on(
    logged_in: LoggedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes it; held fields are checked against the index after a second."""
    shared = credential(logged_in)
    await shared.fields()
    await logged_in.credentials.forget("grant-1")
    monkeypatch.setattr(request_credential, "_RECHECK", 0.0)
    with pytest.raises(LoginNeeded):
        await shared.fields()


async def test_another_host_gets_nothing(logged_in: LoggedIn) -> None:
    elsewhere = RequestCredential(logged_in.credentials, logged_in.wire, "https://other.example/mcp")
    with pytest.raises(LoginNeeded, match=r"other\.example"):
        await elsewhere.fields()


async def test_a_program_that_cannot_renew_a_token_gets_one_that_was_tried(logged_in: LoggedIn) -> None:
    """Refused before its end: renewed once, and given whatever the resource says then."""
    assert (await credential(logged_in).tried()).fields == BEARER_0
    logged_in.server.access_tokens = set()
    assert (await credential(logged_in).tried()).fields == BEARER_1
    assert len(logged_in.server.posts("/token")) == 1


async def test_an_answer_about_something_else_keeps_the_token(logged_in: LoggedIn) -> None:
    logged_in.server.answers("/mcp", Scripted(503))
    assert (await credential(logged_in).tried()).fields == BEARER_0
    assert logged_in.server.posts("/token") == []

"""Revoked means that the server confirmed it."""

import asyncio
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome, RevokeOutcome
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, usable_token
from authlens_core.credentials.lifecycle.revoke import proof_pauses, revoke
from authlens_core.credentials.records.grant import GrantSecrets, GrantState, utc_now
from authlens_core.credentials.vault.interrupted import recover
from authlens_core.oauth.revocation import RevocationOutcome
from authlens_core.trace.record import Outcome, TraceKind
from authlens_core.values.check import Severity
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.secret import Secret
from support.grants import Stored
from support.rotating_server import Scripted


async def test_both_tokens_are_revoked_and_the_resource_refuses(stored: Stored, store: Any) -> None:
    """RV-1, RV-5, RV-6: refresh token first, then access token, then the 401, only then removal."""
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.REVOKED
    assert [token.token for token in result.tokens] == ["refresh_token", "access_token"]
    assert [seen.path for seen in stored.server.seen] == ["/revoke", "/revoke", "/mcp"]
    assert stored.server.seen[0].form == {
        "token": "refresh-canary-0",
        "token_type_hint": "refresh_token",
        "client_id": "client",
    }
    assert stored.server.seen[1].form["token_type_hint"] == "access_token"
    assert result.still_accepted is False
    assert result.removed
    assert stored.credentials.list() == ()
    assert store.entries == {}
    assert (result.trace.kind, result.trace.records[0].outcome) == (TraceKind.REVOKE, Outcome.PASSED)
    assert "canary" not in repr(result)
    event = stored.credentials.index.events(stored.grant.grant_id)[0]
    assert event.kind == "revoked"
    assert "the resource answered the token with 401, " in event.detail


async def test_tokens_that_the_server_never_knew_are_revoked(stored: Stored) -> None:
    """RV-2, H138: 200 is the word, whatever the body."""
    stored.server.answers("/revoke", Scripted(200, {"error": "ha"}), Scripted(200, "anything"))
    stored.server.access_tokens = set()
    assert (await stored.revoke()).outcome is RevokeOutcome.REVOKED


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(400, {"error": "unsupported_token_type"}),
        Scripted(400, {"error": "invalid_request"}),
        Scripted(401, {"error": "invalid_client"}),
        Scripted(403),
        Scripted(404),
        Scripted(302, None, (("Location", "https://elsewhere.example"),)),
        Scripted(500),
        Scripted(drop=True),
    ],
)
async def test_anything_else_than_200_keeps_the_grant(stored: Stored, answer: Scripted) -> None:
    """RV-4, RV-7, H138: reported, marked, kept for another try; the words say how long it lasts."""
    stored.server.answers("/revoke", answer, answer)
    stored.credentials.update(replace(stored.grant, expires_at=utc_now() + timedelta(seconds=600)))
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.FAILED
    assert "may work until" in result.summary
    assert "forget" in str(result.cure)
    assert result.trace.records[0].outcome is Outcome.FAILED
    grant, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert grant.state is GrantState.REVOCATION_FAILED
    assert secrets.refresh_token == Secret("refresh-canary-0")
    assert (await stored.revoke()).outcome is RevokeOutcome.REVOKED


async def test_a_server_that_is_down_is_reported_in_whole_sentences(stored: Stored) -> None:
    stored.server.answers("/revoke", *[Scripted(drop=True)] * 2)
    stored.server.answers("/mcp", *[Scripted(drop=True)] * 4)
    result = await stored.revoke()
    assert result.details[-1] == "The resource did not answer."
    for sentence in (result.summary, *result.details):
        assert ".;" not in sentence
        assert ".." not in sentence


async def test_a_login_with_which_nothing_can_be_sent_is_kept(stored: Stored) -> None:
    """The record is of a newer authlens, or was changed by hand."""
    grant = replace(stored.grant, token_endpoint_auth_method="private_key_jwt")
    await stored.credentials.save(grant, GrantSecrets(Secret("two words"), Secret("refresh-canary-0")))
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.FAILED
    assert [words.partition(":")[0] for words in result.details] == ["Refresh token", "Access token"]
    assert stored.server.seen == []


async def test_503_says_when_to_try_again(stored: Stored) -> None:
    """RV-3: the token still exists; Retry-After is honoured in words."""
    busy = Scripted(503, None, (("Retry-After", "42"),))
    stored.server.answers("/revoke", busy, busy)
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.FAILED
    assert [token.retry_after for token in result.tokens] == [42, 42]
    assert "42 s" in str(result.cure)


async def test_each_token_has_its_own_result(stored: Stored) -> None:
    """H139: one succeeds and the other fails; both are shown."""
    stored.server.answers("/revoke", Scripted(200), Scripted(500))
    result = await stored.revoke()
    assert [token.outcome for token in result.tokens] == [
        RevocationOutcome.REVOKED,
        RevocationOutcome.NOT_REVOKED,
    ]
    assert result.outcome is RevokeOutcome.FAILED
    assert [fact.name for fact in result.trace.records[0].facts] == ["refresh_token", "access_token"]


async def test_an_access_token_that_cannot_be_revoked_counts_when_it_is_refused(stored: Stored) -> None:
    """Design §9: some servers revoke refresh tokens only, and end the access token with it."""
    stored.server.revokes_access = False
    result = await stored.revoke()
    assert result.tokens[1].outcome is RevocationOutcome.UNSUPPORTED
    assert result.outcome is RevokeOutcome.REVOKED


async def test_a_resource_that_still_accepts_is_reported(stored: Stored) -> None:
    """H142: confirmed by the server, and the words do not claim more."""
    stored.server.answers("/mcp", Scripted(200), Scripted(200))
    result = await stored.revoke(pauses=(0.01,))
    assert result.outcome is RevokeOutcome.REVOKED
    assert result.still_accepted is True
    assert "still accepts" in result.summary
    assert result.trace.records[0].outcome is Outcome.FAILED


async def test_a_resource_that_takes_a_while_to_refuse_is_asked_until_it_does(stored: Stored) -> None:
    """Cloudflare needs up to half a minute; every call is in the record, and the wait is announced once."""
    stored.credentials.update(replace(stored.grant, expires_at=utc_now() + timedelta(seconds=600)))
    stored.server.answers("/mcp", Scripted(200), Scripted(200))
    announced: list[float] = []
    result = await revoke(
        stored.credentials,
        stored.wire,
        stored.grant.grant_id,
        waiting=announced.append,
        pauses=(0.01, 0.02, 0.03),
    )
    assert announced == [pytest.approx(0.06)]
    assert (result.outcome, result.still_accepted, result.removed) == (RevokeOutcome.REVOKED, False, True)
    record = result.trace.records[0]
    assert [e.response.status for e in record.exchanges if e.response and e.request.method == "GET"] == [
        200,
        200,
        401,
    ]
    (proof,) = [check for check in record.checks if check.name == "revoke.proof"]
    assert proof.severity is Severity.PASS
    assert record.outcome is Outcome.PASSED


async def test_who_does_not_wait_for_the_proof_finds_the_word_of_the_server(stored: Stored) -> None:
    """The grant is kept until the resource was seen to refuse, and its note says how far it came."""
    stored.server.answers("/mcp", Scripted(200))
    begun = asyncio.Event()
    task = asyncio.create_task(
        revoke(
            stored.credentials,
            stored.wire,
            stored.grant.grant_id,
            waiting=lambda _: begun.set(),
            pauses=(60.0,),
        )
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = stored.credentials.get(stored.grant.grant_id)
    assert kept.state is GrantState.REVOCATION_FAILED
    assert kept.note.startswith("The server confirmed the revocation, but")


async def test_the_refusal_of_a_token_that_had_ended_is_not_called_a_proof(stored: Stored) -> None:
    """It would have been refused anyway."""
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.REVOKED
    assert "does not verify it" in result.summary
    (proof,) = [c for c in result.trace.records[0].checks if c.name == "revoke.proof"]
    assert proof.severity is Severity.NOTICE


async def test_without_an_endpoint_it_is_said_and_nothing_changes(stored: Stored) -> None:
    """RV-7: not a silent removal; the way to do that is named."""
    kept = await stored.credentials.save(replace(stored.grant, revocation_endpoint=None), stored.secrets)
    result = await stored.revoke()
    assert result.outcome is RevokeOutcome.NO_ENDPOINT
    assert "authlens forget" in str(result.cure)
    assert stored.server.seen == []
    assert stored.credentials.list() == (kept,)


async def test_a_stored_endpoint_without_encryption_is_refused(stored: Stored) -> None:
    """RV-1: TLS, checked again each time."""
    await stored.credentials.save(replace(stored.grant, issuer="https://as.example"), stored.secrets)
    assert (await stored.revoke()).outcome is RevokeOutcome.NO_ENDPOINT
    assert stored.server.seen == []


async def test_a_cancelled_revocation_is_marked_and_can_go_on(stored: Stored) -> None:
    """H141: no silent half-way state."""
    stored.server.hold = threading.Event()
    task = asyncio.create_task(stored.revoke())
    while not stored.server.seen:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored.server.hold.set()
    assert stored.credentials.get(stored.grant.grant_id).state is GrantState.REVOCATION_FAILED
    assert (await stored.revoke()).outcome is RevokeOutcome.REVOKED


async def test_a_grant_that_was_to_be_revoked_is_not_refreshed(stored: Stored) -> None:
    """RV-6: its tokens are not used again."""
    stored.server.answers("/revoke", Scripted(500), Scripted(500))
    await stored.revoke()
    result = await stored.refresh(RefreshOptions(force=True))
    assert (result.outcome, result.exit_code) == (RefreshOutcome.LOGIN_NEEDED, 4)
    assert stored.server.posts("/token") == []


async def test_without_a_refresh_token_only_the_access_token_is_revoked(stored: Stored) -> None:
    """RF-4: none is assumed."""
    await stored.credentials.save(stored.grant, GrantSecrets(Secret("access-canary-0")))
    result = await stored.revoke()
    assert [token.token for token in result.tokens] == ["access_token"]
    assert result.outcome is RevokeOutcome.REVOKED


async def test_forgetting_tells_the_server_nothing_and_says_so(stored: Stored, store: Any) -> None:
    """RV-7: removing locally and revoking are two actions with two words."""
    assert await stored.credentials.forget(stored.grant.grant_id)
    assert stored.server.seen == []
    assert (stored.credentials.list(), store.entries) == ((), {})
    assert "not revoked at the server" in stored.credentials.index.events(stored.grant.grant_id)[0].detail


UNSUPPORTED = Scripted(400, {"error": "unsupported_token_type"})


async def test_an_access_token_that_cannot_be_revoked_ends_its_renewal_and_counts_down(
    stored: Stored,
) -> None:
    """RFC 7009 §2.2.1: trying again cannot help; the end of the token is shown, and then the row goes."""
    stored.credentials.update(replace(stored.grant, expires_at=utc_now() + timedelta(minutes=15)))
    stored.server.answers("/revoke", Scripted(200), UNSUPPORTED)
    result = await stored.revoke()
    assert (result.outcome, result.exit_code) == (RevokeOutcome.RENEWAL_ENDED, 11)
    assert "this login cannot be renewed" in result.summary
    assert re.search(r"may work until .*\d\d:\d\d \(\d+ (min|h)\)", result.summary)
    assert "Try" not in str(result.cure)
    (row,) = stored.credentials.list()
    assert row.status().word == "renewal ended"
    _, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert secrets.refresh_token is None
    with pytest.raises(LoginNeeded):
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(stored.grant.resource_url)
        )
    stored.credentials.update(replace(row, expires_at=utc_now() - timedelta(seconds=1)))
    assert stored.credentials.list() == ()
    await recover(stored.credentials)
    assert stored.credentials.index.grants() == ((), ())


@pytest.mark.parametrize("seconds", [0.0, 0.5, 10.0, 31.0])
def test_the_pauses_of_the_verification_add_up_to_what_was_asked_for(seconds: float) -> None:
    pauses = proof_pauses(seconds)
    assert sum(pauses) == pytest.approx(seconds)
    assert all(0 < pause <= 8 for pause in pauses)

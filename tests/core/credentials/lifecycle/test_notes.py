"""What is noted of a grant beside its tokens: a proof changes one field, and history stops nothing."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import RefreshOptions
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, TokenVerdict
from authlens_core.credentials.records.index import Index, Pending
from authlens_core.credentials.records.record_json import record_from_json, to_json
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.interrupted import recover
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.errors import LoginNeeded, StateUnusable
from authlens_core.values.exchange import Exchange
from authlens_core.values.secret import Secret
from support.grants import Stored
from support.rotating_server import Scripted

Open = Callable[..., Credentials]
MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
STATES = [GrantState.REVOCATION_FAILED, GrantState.LOGIN_NEEDED, GrantState.UNKNOWN, GrantState.INTERRUPTED]


@pytest.mark.parametrize("grant_state", STATES)
async def test_a_proof_changes_nothing_but_what_the_resource_said(
    stored: Stored, grant_state: GrantState
) -> None:
    """RV-6: a grant that was to be revoked is not live again because a token still worked."""
    marked = replace(stored.grant, state=grant_state, note="why", scope="read")
    stored.credentials.update(marked)
    expected = replace(
        marked,
        last_proven_at=MOMENT,
        last_tested=MOMENT,
        last_verdict=TokenVerdict.ACCEPTED,
        last_words="It works.",
    )
    assert stored.credentials.note_verdict(stored.grant, MOMENT, accepted=True, words="It works.") == expected
    assert stored.credentials.get(stored.grant.grant_id) == expected


async def test_a_refusal_is_noted_and_the_last_proof_stays(credentials: Credentials, saved: Grant) -> None:
    """It worked once, and when that was is worth knowing."""
    credentials.update(replace(saved, last_proven_at=MOMENT))
    later = MOMENT + timedelta(hours=1)
    noted = credentials.note_verdict(saved, later, accepted=False, words="No policy\x1b[2J admits you.")
    assert (noted.last_proven_at, noted.last_tested) == (MOMENT, later)
    assert (noted.last_verdict, noted.last_words) == (TokenVerdict.REFUSED, "No policy\\e[2J admits you.")


@pytest.mark.parametrize(
    ("second", "word"),
    [
        ("refresh", "live"),
        ("refresh of what never worked", "not tested"),
        ("proof", "live"),
        ("unclear", "resource refuses it"),
    ],
)
async def test_a_refused_token_is_not_called_live_until_a_refresh_or_a_proof(
    stored: Stored, second: str, word: str
) -> None:
    """The newest word of the resource counts; an answer about something else is none."""
    proven = None if second == "refresh of what never worked" else MOMENT
    stored.credentials.update(replace(stored.grant, expires_at=None, last_proven_at=proven))
    stored.server.answers("/mcp", Scripted(403, None, (("cf-access-aud", "a" * 64),)))
    refused = (await stored.probe()).grant
    assert refused.status().word == "resource refuses it"
    assert "no policy of the application allows you" in refused.status().note
    if second.startswith("refresh"):
        await stored.refresh(RefreshOptions(force=True))
    else:
        stored.server.answers("/mcp", Scripted(200 if second == "proof" else 530))
        await stored.probe()
    status = stored.credentials.get(stored.grant.grant_id).status()
    assert status.word.startswith(word)
    assert ("refused the token before this one" in status.note) is (word == "not tested")


async def test_a_refusal_of_a_token_that_was_replaced_meanwhile_says_nothing_of_the_new_one(
    stored: Stored, open_credentials: Open
) -> None:
    """RF-6: a refresh elsewhere between the question and the answer."""
    renewed = await open_credentials().save(
        replace(stored.grant, refreshed_at=MOMENT), GrantSecrets(Secret("access-canary-1"))
    )
    assert stored.credentials.note_verdict(stored.grant, MOMENT, accepted=False, words="No.") == renewed


def test_a_record_of_a_newer_version_is_read_without_what_is_new_in_it(saved: Grant) -> None:
    values = json.loads(to_json(saved)) | {"colour": {"of": ["a", "newer", 1.0]}}
    assert record_from_json(Grant, json.dumps(values), saved.generation, saved.place) == saved


@pytest.mark.parametrize("grant_state", STATES)
async def test_a_state_that_changes_while_the_resource_is_asked_stays(
    stored: Stored, open_credentials: Open, grant_state: GrantState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RV-6: another authlens fails to revoke the grant between the question and the answer."""
    other, send = open_credentials(), stored.wire.send

    async def meanwhile(*arguments: Any, **settings: Any) -> Exchange:
        exchange = await send(*arguments, **settings)
        other.update(replace(stored.grant, state=grant_state, note="The server did not answer."))
        return exchange

    monkeypatch.setattr(stored.wire, "send", meanwhile)
    probed = await stored.probe()
    assert probed.result.accepted is True
    grant = stored.credentials.get(stored.grant.grant_id)
    assert (grant.state, grant.note) == (grant_state, "The server did not answer.")
    assert grant.last_proven_at is not None
    assert probed.grant == grant


async def test_a_generation_that_is_earned_while_the_resource_is_asked_stays(
    stored: Stored, open_credentials: Open
) -> None:
    """RF-6: a refresh elsewhere; the pointer to its tokens is not moved back."""
    renewed = await open_credentials().save(
        replace(stored.grant, refreshed_at=MOMENT), GrantSecrets(Secret("access-canary-1"))
    )
    noted = stored.credentials.note_verdict(stored.grant, MOMENT, accepted=True)
    assert noted == replace(renewed, last_proven_at=MOMENT)
    assert (await stored.credentials.load(stored.grant.grant_id))[1].access_token == Secret("access-canary-1")


async def test_a_proof_of_a_grant_that_is_gone_is_noted_nowhere(stored: Stored) -> None:
    await stored.credentials.forget(stored.grant.grant_id)
    with pytest.raises(LoginNeeded):
        stored.credentials.note_verdict(stored.grant, MOMENT, accepted=True)
    assert stored.credentials.list() == ()


async def test_a_proof_that_cannot_be_noted_is_a_proof_all_the_same(stored: Stored) -> None:
    """A disk that is read-only says nothing about the token."""
    stored.credentials.index.read_only = "The disk is read-only."
    probed = await stored.probe()
    assert probed.result.accepted is True
    assert probed.grant == stored.grant


@pytest.fixture
def full(state: Path, credentials: Credentials) -> Iterator[Path]:
    """An index in which the grants can be written and the history cannot, as when its page is the last."""
    with sqlite3.connect(state / "index.sqlite3") as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        )
    connection.close()
    yield state
    with pytest.raises(StateUnusable, match="full"):
        credentials.index.add_event("kind", "grant", "the history is full to the end")


@pytest.mark.usefixtures("full")
async def test_a_refresh_is_stored_although_the_history_is_full(stored: Stored) -> None:
    """TK-12: what it would tell of has happened."""
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFRESHED
    assert (await stored.credentials.load(stored.grant.grant_id))[1].refresh_token == Secret(
        "refresh-canary-1"
    )
    stored.server.dead = True
    refused = await stored.refresh(RefreshOptions(force=True))
    assert refused.outcome is RefreshOutcome.LOGIN_NEEDED
    assert stored.credentials.get(stored.grant.grant_id).state is GrantState.LOGIN_NEEDED


@pytest.mark.usefixtures("full")
async def test_everything_else_goes_on_although_the_history_is_full(stored: Stored) -> None:
    client = Client("id", "http://localhost:8400/callback")
    await stored.credentials.clients.remember("https://as.example", client)
    assert await stored.credentials.clients.find("https://as.example", client.redirect_uri) == client
    await stored.credentials.clients.forget("https://as.example", client.redirect_uri)
    assert (await stored.probe()).result.accepted is True
    stored.credentials.index.mark_pending(Pending(stored.grant.grant_id, stored.grant.generation, MOMENT))
    [interrupted] = await recover(stored.credentials)
    assert interrupted.state is GrantState.INTERRUPTED
    assert await stored.credentials.forget(stored.grant.grant_id)
    assert stored.credentials.list() == ()


def test_an_index_that_can_only_be_read_takes_no_history_and_says_nothing(
    credentials: Credentials, state: Path
) -> None:
    credentials.index.read_only = "The disk is read-only."
    credentials.record("kind", "grant", "detail")
    with closing(Index(state / "index.sqlite3")) as again:
        assert again.events() == ()

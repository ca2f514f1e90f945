"""Refreshing without ever losing a grant, against a server that rotates and punishes reuse."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.records.grant import (
    Grant,
    GrantSecrets,
    GrantState,
    StatusKind,
    utc_now,
)
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.credentials.vault.interrupted import recover
from authlens_core.state.locks import LockBusy
from authlens_core.trace.record import Outcome, Stage, TraceKind
from authlens_core.values.errors import SecretStoreDenied
from authlens_core.values.secret import Secret
from support.grants import Stored, make_grant
from support.made_checks import present
from support.rotating_server import Scripted
from support.waiting import PATIENCE

Open = Callable[..., Credentials]


def tokens(body: dict[str, object]) -> Scripted:
    return Scripted(200, body)


def _but_for_the_wait(credentials: Credentials) -> Grant:
    """Return the one grant without what a failed attempt notes of itself; that it is noted is held, too."""
    (grant,) = credentials.list()
    assert grant.attempts == 1
    assert grant.retry_at is not None
    assert "The last refresh failed" in grant.note
    return replace(grant, note="", attempts=0, retry_at=None)


async def test_a_new_refresh_token_replaces_the_old_one(stored: Stored) -> None:
    """RF-2, H122: generation n+1, with expiry counted from before the request; the old one is gone."""
    before = utc_now()
    result = await stored.refresh()
    grant, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert result.outcome is RefreshOutcome.REFRESHED
    assert secrets == GrantSecrets(Secret("access-canary-1"), Secret("refresh-canary-1"))
    assert result.grant == grant
    assert grant.generation == stored.grant.generation + 1
    assert abs((present(grant.expires_at) - before).total_seconds() - 900) < 2
    assert stored.server.refresh_token == "refresh-canary-1"


async def test_without_a_new_refresh_token_the_old_one_stays(stored: Stored) -> None:
    """RF-2, H123: none in the answer."""
    stored.server.rotates = False
    await stored.refresh()
    assert (await stored.credentials.load(stored.grant.grant_id))[1] == GrantSecrets(
        Secret("access-canary-1"), Secret("refresh-canary-0")
    )


async def test_the_request_names_client_and_resource_and_no_scope(stored: Stored) -> None:
    """RF-1: grant type, authentication as registered, the same resource, never a wider scope."""
    stored.credentials.update(replace(stored.grant, scope="read"))
    await stored.refresh()
    (post,) = stored.server.posts("/token")
    assert post.authorization is None
    assert post.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-canary-0",
        "client_id": "client",
        "resource": f"{stored.server.base}/mcp",
    }


SCOPE_WANTED = Scripted(
    400,
    {
        "error": "invalid_request",
        "error_description": "AADSTS90014: The required field 'scope' is missing from the credential.",
    },
)


async def test_a_server_that_needs_scope_gets_what_it_granted_from_then_on(stored: Stored) -> None:
    """Issue 23, 3: sent again once, both are in the record, and the grant knows it."""
    stored.server.answers("/token", SCOPE_WANTED)
    stored.credentials.update(replace(stored.grant, scope="read write"))
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFRESHED
    assert len(result.trace.records[0].exchanges) == 2
    assert any("sent again with the granted scope" in c.seen for c in result.trace.records[0].checks)
    await stored.refresh(RefreshOptions(force=True))
    scopes = [post.form.get("scope") for post in stored.server.posts("/token")]
    assert scopes == [None, "read write", "read write"]


@pytest.mark.parametrize("secret", [None, Secret("a+b/c")])
async def test_a_server_that_refuses_every_refresh_gets_few_requests_and_no_wider_scope(
    stored: Stored, secret: Secret | None
) -> None:
    """Each thing that it says is missing is sent once, and always to the same place."""
    _, secrets = await stored.credentials.load(stored.grant.grant_id)
    method = "client_secret_basic" if secret else "none"
    grant = replace(stored.grant, scope="read", token_endpoint_auth_method=method)
    await stored.credentials.save(grant, replace(secrets, client_secret=secret))
    words = "client_secret, client_id and scope are missing; the required scope is: read admin"
    refusal = {"error": "invalid_client", "error_description": words, "scope": "read admin"}
    stored.server.answers("/token", *[Scripted(401, refusal)] * 20)
    await refresh(stored.credentials, stored.wire, grant.grant_id, RefreshOptions(force=True))
    assert len(stored.server.seen) == len(stored.server.posts("/token")) <= 4
    assert {post.form.get("scope") for post in stored.server.posts("/token")} <= {None, "read"}


async def test_where_the_granted_scope_is_not_known_none_is_made_up(stored: Stored) -> None:
    """RFC 6749 §6: never more than was granted."""
    stored.server.answers("/token", SCOPE_WANTED)
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFUSED
    assert len(stored.server.posts("/token")) == 1
    # That is what the bridge and the proxy say, too.
    assert "The server wants a scope" in result.summary


async def test_a_confidential_client_authenticates_as_it_registered(stored: Stored) -> None:
    """RF-1: client_secret_basic, with the secret from the store, which stays there."""
    secrets = GrantSecrets(Secret("a"), Secret("refresh-canary-0"), Secret("hush"))
    await stored.credentials.save(
        replace(stored.grant, token_endpoint_auth_method="client_secret_basic"), secrets
    )
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFRESHED
    assert (stored.server.posts("/token")[0].authorization or "").startswith("Basic ")
    assert (await stored.credentials.load(stored.grant.grant_id))[1].client_secret == Secret("hush")


async def test_the_trace_shows_what_was_sent_and_no_secret(stored: Stored) -> None:
    """H122: request, answer, checks, facts; the tokens only as masks."""
    result = await stored.refresh()
    record = result.trace.records[0]
    assert (result.trace.kind, record.stage, record.outcome) == (
        TraceKind.REFRESH,
        Stage.REFRESH,
        Outcome.PASSED,
    )
    assert [exchange.purpose for exchange in record.exchanges] == ["refresh"]
    assert {fact.name for fact in record.facts} >= {"access_token", "refresh_token", "generation"}
    assert "canary" not in repr(result)
    assert b"refresh-canary-0" in record.exchanges[0].request.body.reveal()


async def test_a_token_that_lasts_is_left_alone(stored: Stored) -> None:
    """RF-7: 60 s before the end at the earliest, unless a person asks."""
    ends = present(stored.grant.expires_at)

    async def at(seconds: int, *, force: bool = False) -> RefreshOutcome:
        moment = ends - timedelta(seconds=seconds)
        result = await refresh(
            stored.credentials,
            stored.wire,
            stored.grant.grant_id,
            RefreshOptions(force=force),
            now=lambda: moment,
        )
        return result.outcome

    assert await at(61) is RefreshOutcome.NOT_NEEDED
    assert stored.server.posts("/token") == []
    assert await at(61, force=True) is RefreshOutcome.REFRESHED


async def test_a_grant_without_a_refresh_token_needs_a_person(stored: Stored) -> None:
    """RF-4: none is assumed; nothing is sent."""
    await stored.credentials.save(stored.grant, GrantSecrets(Secret("access-canary-0")))
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.LOGIN_NEEDED
    assert stored.server.seen == []
    assert result.grant.status().kind is StatusKind.EXPIRED


async def test_invalid_grant_is_terminal(stored: Stored) -> None:
    """RF-5, H137: marked, said, and never asked again, by force neither; the echo of the token is masked."""
    stored.server.dead = True
    for force in (False, True, True):
        result = await stored.refresh(RefreshOptions(force=force))
        assert result.outcome is RefreshOutcome.LOGIN_NEEDED
    assert len(stored.server.posts("/token")) == 1
    grant, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert grant.state is GrantState.LOGIN_NEEDED
    assert "a policy now refuses access" in grant.note
    assert "canary" not in grant.note
    assert secrets.refresh_token == Secret("refresh-canary-0")


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_invalid_grant_is_terminal_on_any_status(stored: Stored, status: int) -> None:
    """Design §9: errors may come as 400, 401, 403 or 500."""
    stored.server.answers("/token", Scripted(status, {"error": "invalid_grant"}))
    assert (await stored.refresh()).outcome is RefreshOutcome.LOGIN_NEEDED


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_server_in_trouble_changes_nothing(stored: Stored, status: int) -> None:
    """RF-5, H126: transient; Retry-After is shown; the next attempt works."""
    stored.server.answers("/token", Scripted(status, None, (("Retry-After", "7"),)))
    result = await stored.refresh()
    assert (result.outcome, result.cure) == (RefreshOutcome.TRANSIENT, "Try again in 7 s.")
    assert _but_for_the_wait(stored.credentials) == stored.grant
    assert stored.credentials.index.pending() == ()
    assert (await stored.refresh()).outcome is RefreshOutcome.REFRESHED


async def test_a_server_that_is_not_there_changes_nothing(stored: Stored) -> None:
    """H126: nothing left this machine, so nothing is unknown."""
    closed = await stored.credentials.save(
        replace(stored.grant, token_endpoint="http://127.0.0.1:9/token"), stored.secrets
    )
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.TRANSIENT
    assert _but_for_the_wait(stored.credentials) == closed
    assert stored.credentials.index.pending() == ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("invalid_client", RefreshOutcome.LOGIN_NEEDED),
        *((error, RefreshOutcome.REFUSED) for error in ("unauthorized_client", "invalid_target", "odd")),
    ],
)
async def test_another_refusal_keeps_the_grant(stored: Stored, error: str, outcome: RefreshOutcome) -> None:
    """RF-5, H125: the refresh token is kept until the person decides; a lost client needs a login."""
    stored.server.answers("/token", Scripted(400, {"error": error}))
    result = await stored.refresh()
    assert result.outcome is outcome
    assert error in result.summary
    assert result.cure
    assert _but_for_the_wait(stored.credentials) == stored.grant


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(drop=True, spend=True),
        Scripted(200, "not an object", spend=True),
        Scripted(200, {"token_type": "bearer"}),
        Scripted(200, {"access_token": "x", "token_type": "DPoP"}),
        Scripted(200, {"access_token": "a\nb", "token_type": "bearer"}),
        Scripted(200, {"access_token": "x", "token_type": "bearer", "resource": "https://other.example"}),
    ],
)
async def test_an_unknown_outcome_is_said_and_never_tried_again_by_itself(
    stored: Stored, answer: Scripted
) -> None:
    """H127, H133: the refresh token may be spent; a second use could end every session."""
    stored.server.answers("/token", answer)
    for force in (False, False, True):
        result = await stored.refresh(RefreshOptions(force=force))
        assert result.outcome is RefreshOutcome.UNKNOWN
        assert "may have replaced" in result.summary
    assert len(stored.server.posts("/token")) == 1
    grant, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert grant.state is GrantState.UNKNOWN
    assert secrets.access_token == Secret("access-canary-0")


async def test_a_person_may_try_an_unknown_one_again(stored: Stored) -> None:
    """The choice is the person's; the request had not arrived, and all is well."""
    stored.server.answers("/token", Scripted(drop=True))
    await stored.refresh()
    result = await stored.refresh(RefreshOptions(despite_unknown=True))
    assert result.outcome is RefreshOutcome.REFRESHED
    assert result.grant.state is GrantState.LIVE
    assert result.grant.note == ""


async def test_a_refresh_whose_caller_was_cancelled_goes_on_by_itself(stored: Stored) -> None:
    """TK-12: the person cancels while the server thinks; what it answers is stored all the same."""
    stored.server.hold = threading.Event()
    task = asyncio.create_task(stored.refresh())
    while not stored.server.posts("/token"):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored.server.hold.set()
    await stored.credentials.unfinished.settle()
    grant, secrets = await stored.credentials.load(stored.grant.grant_id)
    assert (grant.state, secrets.refresh_token) == (GrantState.LIVE, Secret("refresh-canary-1"))


async def test_a_cancellation_does_not_stop_the_storing(
    stored: Stored, open_credentials: Open, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TK-12: tokens that the server has replaced are stored, whoever is in a hurry."""
    tasks: list[asyncio.Task[Any]] = []
    quick = store.set

    async def slow(entry: str, value: Secret) -> None:
        await asyncio.sleep(0.05)
        await quick(entry, value)

    monkeypatch.setattr(store, "set", slow)

    def cancel(step: SaveStep) -> None:
        if step is SaveStep.BEGUN:
            tasks[0].cancel()

    credentials = open_credentials(on_step=cancel)
    tasks.append(asyncio.create_task(refresh(credentials, stored.wire, stored.grant.grant_id)))
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    await credentials.unfinished.settle()
    grant, secrets = await credentials.load(stored.grant.grant_id)
    assert secrets.refresh_token == Secret("refresh-canary-1")
    assert grant.state is GrantState.LIVE


async def test_tokens_that_cannot_be_stored_are_kept_in_memory_and_said(
    stored: Stored, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H130: loud, with a retry; and if the program ends here, the next one knows."""

    async def denied(entry: str, value: Secret) -> None:
        raise SecretStoreDenied("The keyring is locked.", "Unlock it.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "set", denied)
        result = await stored.refresh()
    assert result.outcome is RefreshOutcome.STORE_FAILED
    assert "could not be stored" in result.summary
    assert [pending.grant_id for pending in stored.credentials.index.pending()] == [stored.grant.grant_id]
    assert result.secrets == GrantSecrets(Secret("access-canary-1"), Secret("refresh-canary-1"))
    await stored.credentials.save(result.grant, result.secrets)
    assert (await stored.credentials.load(stored.grant.grant_id))[1] == result.secrets
    assert stored.credentials.index.pending() == ()


async def test_an_index_that_cannot_be_written_stops_before_anything_is_sent(stored: Stored) -> None:
    """What cannot be stored is not asked for."""
    stored.credentials.index.read_only = "The disk is read-only."
    with pytest.raises(Exception, match="read-only"):
        await stored.refresh()
    assert stored.server.seen == []


async def test_a_refresh_asks_the_stored_endpoint_alone_whatever_the_resource_names_by_now(
    stored: Stored,
) -> None:
    """RF-3, H134, H135: the refresh token goes only to the issuer that issued it; no metadata is read."""
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFRESHED
    assert [f"{stored.server.base}{seen.path}" for seen in stored.server.seen] == [
        stored.grant.token_endpoint
    ]


@pytest.mark.parametrize("field", ["resource_url", "issuer"])
async def test_plain_http_needs_resource_and_issuer_on_loopback(stored: Stored, field: str) -> None:
    """BR-2: stored endpoints are checked again each time."""
    change: dict[str, Any] = {field: "https://wiki.example"}
    await stored.credentials.save(replace(stored.grant, **change), stored.secrets)
    result = await stored.refresh()
    assert result.outcome is RefreshOutcome.REFUSED
    assert "token endpoint" in result.summary
    assert stored.server.seen == []


PROGRAM = """
import asyncio, sys
from pathlib import Path
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.wire.client import Wire

def note_the_wait():
    Path(sys.argv[1]).with_name("waits").touch()
    return False

async def main():
    credentials = Credentials.open(KeyringStore(), Path(sys.argv[1]))
    async with Wire() as wire:
        print("ready", flush=True)
        sys.stdin.readline()
        options = RefreshOptions(force=True, give_up=note_the_wait)
        result = await refresh(credentials, wire, sys.argv[2], options)
        _, secrets = await credentials.load(sys.argv[2])
    print(result.outcome, secrets.access_token.reveal(), flush=True)
    await credentials.aclose()

asyncio.run(main())
"""


def _program(keyring: Any, state: Path, grant: Grant) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(state), grant.grant_id]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=keyring.environ("FileKeyring"), stdin=pipe, stdout=pipe, text=True)


@pytest.fixture
async def shared(open_keyring: Any, state: Path, saved: Grant, secrets: GrantSecrets) -> Credentials:
    """The saved grant once more, in a keyring that other processes see."""
    credentials = Credentials.open(open_keyring(), state)
    await credentials.save(saved, secrets)
    credentials.index.close()
    return Credentials.open(open_keyring(), state)


async def test_two_processes_that_refresh_at_once_send_one_request(
    stored: Stored, shared: Credentials, keyring: Any, state: Path
) -> None:
    """RF-6: one POST, both end valid, and the server never sees a token twice."""
    programs = [_program(keyring, state, stored.grant) for _ in range(2)]
    for program in programs:
        assert present(program.stdout).readline() == "ready\n"
    stored.server.hold = threading.Event()
    for program in programs:
        present(program.stdin).write("go\n")
        present(program.stdin).flush()
    while not (stored.server.posts("/token") and state.with_name("waits").exists()):
        await asyncio.sleep(0.01)
    stored.server.hold.set()
    outputs = sorted(
        [(await asyncio.to_thread(p.communicate, timeout=PATIENCE))[0].split() for p in programs]
    )
    assert outputs == [["adopted", "access-canary-1"], ["refreshed", "access-canary-1"]]
    assert len(stored.server.posts("/token")) == 1
    assert not stored.server.dead
    shared.index.close()


async def test_a_process_killed_after_the_request_leaves_a_note(
    stored: Stored, shared: Credentials, keyring: Any, state: Path
) -> None:
    """H129: flagged as interrupted, with the time; nothing is claimed and nothing is sent again."""
    stored.server.hold = threading.Event()
    with _program(keyring, state, stored.grant) as program:
        present(program.stdin).write("go\n")
        present(program.stdin).flush()
        while not stored.server.posts("/token"):
            await asyncio.sleep(0.01)
        assert await recover(shared) == ()
        program.kill()
    stored.server.hold.set()
    (marked,) = await recover(shared)
    assert marked.state is GrantState.INTERRUPTED
    assert f"{datetime.now(UTC):%Y-%m-%d}" in marked.note
    result = await refresh(shared, stored.wire, stored.grant.grant_id, RefreshOptions(force=True))
    assert result.outcome is RefreshOutcome.UNKNOWN
    assert len(stored.server.posts("/token")) == 1
    await shared.aclose()


async def test_a_refresh_finds_the_note_of_a_dead_process_itself(stored: Stored) -> None:
    """H129: without `recover` before it."""
    from authlens_core.credentials.records.index import Pending

    stored.credentials.index.mark_pending(Pending(stored.grant.grant_id, stored.grant.generation, utc_now()))
    result = await stored.refresh()
    assert result.grant.state is GrantState.INTERRUPTED
    assert stored.server.seen == []


async def test_tasks_of_one_process_send_one_request(stored: Stored) -> None:
    """RF-6: a dashboard and a script in one program."""
    results = await asyncio.gather(*(stored.refresh() for _ in range(5)))
    outcomes = sorted(result.outcome for result in results)
    assert outcomes == [RefreshOutcome.ADOPTED] * 4 + [RefreshOutcome.REFRESHED]
    assert len(stored.server.posts("/token")) == 1


async def test_a_busy_lock_sends_nothing(stored: Stored, open_credentials: Open) -> None:
    """H131: never refresh unlocked."""
    from authlens_core.credentials.vault.credentials import refresh_lock

    async with open_credentials().locks.hold(*refresh_lock(stored.grant), purpose="refreshing"):
        with pytest.raises(LockBusy):
            await stored.refresh(RefreshOptions(give_up=lambda: True))
    assert stored.server.seen == []


async def test_new_tokens_that_the_store_did_not_take_count_until_a_save_succeeds(
    credentials: Credentials,
) -> None:
    """H130: they exist in this program only, and nothing uses the old ones, which may be spent."""
    old = GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0"))
    new = GrantSecrets(Secret("access-canary-1"), Secret("refresh-canary-1"))
    saved = await credentials.save(make_grant(), old)

    credentials.held[saved.grant_id] = saved, new

    assert (await credentials.load(saved.grant_id))[1] == new
    again = await credentials.save(saved, new)
    assert (await credentials.load(saved.grant_id))[0].generation == again.generation


async def test_what_the_store_did_not_take_is_offered_to_it_once_more_when_the_program_ends(
    open_credentials: Callable[..., Credentials],
) -> None:
    """H130: leaving is the last moment at which the tokens can be kept."""
    new = GrantSecrets(Secret("access-canary-1"), Secret("refresh-canary-1"))
    first = open_credentials()
    saved = await first.save(make_grant(), GrantSecrets(Secret("access-canary-0")))
    first.held[saved.grant_id] = saved, new

    await first.aclose()

    assert (await open_credentials().load(saved.grant_id))[1] == new


async def test_the_wait_after_a_failure_is_shown_grows_and_ends_with_success(stored: Stored) -> None:
    """H126: the back-off is visible and kept for every program; a person may try at once."""
    stored.server.answers(
        "/token", Scripted(503), Scripted(503), Scripted(503, None, (("Retry-After", "3000"),))
    )
    now, waits = utc_now(), []
    for _ in range(3):
        grant = (await stored.refresh(now=lambda: now)).grant
        waits.append((present(grant.retry_at) - now).total_seconds())
    assert 10 <= waits[0] <= 12
    assert 20 <= waits[1] <= 24
    assert 3_000 <= waits[2] <= 3_600
    note = stored.credentials.get(stored.grant.grant_id).status(now).note
    assert "failed" in note
    assert "Auto-refresh tries again in " in note
    patient = await stored.refresh(RefreshOptions(patient=True), now=lambda: now)
    assert (patient.outcome, len(stored.server.posts("/token"))) == (RefreshOutcome.TRANSIENT, 3)
    assert patient.cure == f"The next attempt is in {round(waits[2])} s."
    renewed = (await stored.refresh(now=lambda: now)).grant
    assert (renewed.attempts, renewed.retry_at, renewed.note) == (0, None, "")

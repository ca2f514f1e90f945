"""Service tokens in the store, tried on an application of each mode, and replaced without losing one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.cloudflare.cloudflared_files import CloudflaredDirectory
from authlens_core.cloudflare.cloudflared_token import CloudflaredKind
from authlens_core.credentials.lifecycle.cloudflared_target import probe_cloudflared, probe_jwt
from authlens_core.credentials.lifecycle.request_headers import headers_for, matching_credentials
from authlens_core.credentials.records.grant import StatusKind, TokenVerdict
from authlens_core.credentials.records.service_token import (
    ServiceToken,
    TokenForm,
    expiry_from_text,
)
from authlens_core.credentials.store.secret_store import MemoryStore, SecretStoreFailed
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.desk.lifecycle import probe_service_token, replace_service_token
from authlens_core.desk.session import Session
from authlens_core.trace.record import TraceKind
from authlens_core.values.errors import LoginNeeded, NetworkFailure, Refused, UsageError
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator
from support.cloudflared_stub import AUD, jwt
from support.emulated_access import program_at
from support.made_checks import present

ID = f"{'0123456789abcdef' * 2}.access"
OLD, NEW = Secret("a" * 64), Secret("b" * 64)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def a_token(url: str = "https://wiki.example.com/", client_id: str = ID) -> ServiceToken:
    return replace(ServiceToken.new(url, client_id), added_at=NOW)


async def test_a_secret_comes_back_and_stands_nowhere_but_in_the_store(
    open_credentials: Callable[..., Credentials], state: Path
) -> None:
    """No secret in the index; another process finds the token."""
    token = await open_credentials().service_tokens.save(a_token(), OLD)
    other = open_credentials()
    assert other.service_tokens.list() == (token,)
    assert (await other.service_tokens.load(token.token_id))[1] == OLD
    written = [file.read_bytes() for file in state.iterdir() if file.is_file()]
    assert any(token.client_id.encode() in content for content in written)
    assert not any(OLD.reveal().encode() in content for content in written)
    assert OLD.reveal() not in repr(token)


@pytest.mark.parametrize("step", list(SaveStep))
async def test_a_write_that_dies_leaves_the_old_secret_or_the_new_one(
    open_credentials: Callable[..., Credentials], step: SaveStep
) -> None:
    """Bars: killed at every step of a write, it is one or the other, never neither."""

    class Died(BaseException):
        pass

    def die(reached: SaveStep) -> None:
        if reached is step:
            raise Died

    token = await open_credentials().service_tokens.save(a_token(), OLD)
    with pytest.raises(Died):
        await open_credentials(on_step=die).service_tokens.save(token, NEW)
    found = (await open_credentials().service_tokens.load(token.token_id))[1]
    assert found == (NEW if step in {SaveStep.SWITCHED, SaveStep.OLD_DELETED} else OLD)
    again = open_credentials()
    await again.service_tokens.save(token, NEW)
    assert again.index.leftovers() == ()


async def test_a_store_that_fails_keeps_the_old_secret(credentials: Credentials) -> None:
    token = await credentials.service_tokens.save(a_token(), OLD)

    async def fail(_entry: str, _value: Secret) -> None:
        raise SecretStoreFailed("It broke.")

    store = credentials.store
    assert isinstance(store, MemoryStore)
    working, store.set = store.set, fail  # type: ignore[method-assign, assignment]
    with pytest.raises(SecretStoreFailed):
        await credentials.service_tokens.save(token, NEW)
    store.set = working  # type: ignore[method-assign]
    assert (await credentials.service_tokens.load(token.token_id))[1] == OLD


async def test_a_removed_token_leaves_nothing(credentials: Credentials) -> None:
    """Its secret goes, its traces go; the history says that not deleted at Access."""
    token = await credentials.service_tokens.save(a_token(), OLD)
    assert await credentials.service_tokens.remove(token.token_id)
    assert (credentials.service_tokens.list(), credentials.index.leftovers()) == ((), ())
    with pytest.raises(LoginNeeded):
        await credentials.service_tokens.load(token.token_id)
    assert "not deleted at Access" in credentials.index.events(token.token_id)[0].detail


async def test_the_closest_url_wins_and_no_other_host_gets_it(credentials: Credentials) -> None:
    """TK-10: a token goes nowhere else."""
    wide = await credentials.service_tokens.save(a_token("https://a.example.com/"), OLD)
    near = await credentials.service_tokens.save(a_token("https://a.example.com/api"), OLD)
    find = credentials.service_tokens.find
    assert find("https://a.example.com/api/x") == near
    assert find("https://a.example.com/apix") == wide
    assert find("https://b.example.com/api") is None


@pytest.mark.parametrize(
    "token",
    [
        replace(a_token(), client_id="0" * 32),
        replace(a_token(), header="X Y"),
        replace(a_token(), url="ftp://x"),
    ],
)
async def test_what_cannot_be_right_is_not_stored(credentials: Credentials, token: ServiceToken) -> None:
    """The shape is checked before anything is written."""
    with pytest.raises(UsageError):
        await credentials.service_tokens.save(token, OLD)
    assert credentials.service_tokens.list() == ()


@pytest.mark.parametrize("form", list(TokenForm))
@pytest.mark.parametrize("strict", [False, True])
async def test_a_good_token_is_accepted_in_either_form_and_mode(
    credentials: Credentials, wire: Wire, form: TokenForm, strict: bool
) -> None:
    """Two headers or one, classic or strict; the trace is kept without the secret."""
    header = "X-Service-Token" if form is TokenForm.SINGLE_HEADER else ""
    async with Emulator(
        faults=("service-auth-only",), strict_service_tokens=strict, service_token_header=header
    ) as emulator:
        client_id, secret = emulator.service_token
        token = replace(a_token(emulator.resource_url, client_id), form=form, header="X-Service-Token")
        token = await credentials.service_tokens.save(token, Secret(secret))
        tried = await probe_service_token(Session(wire, credentials), token)
    assert tried.result.outcome is TokenVerdict.ACCEPTED
    assert tried.result.error_type is None
    assert credentials.service_tokens.get(token.token_id).last_proven_at is not None
    (kept,) = credentials.traces.of(token.token_id)
    assert kept.kind is TraceKind.PROBE
    sent = credentials.traces.open(kept.trace_id).records[0].exchanges[0].request
    assert secret not in str(sent.headers.fields)


@pytest.mark.parametrize(
    ("settings", "known", "in_policy", "cause"),
    [
        ({"faults": ("service-auth-only",)}, False, True, "service_token_not_authorised"),
        ({"faults": ("oauth-off",)}, False, True, "service_token_unknown"),
        ({"faults": ("oauth-off",)}, True, False, "service_auth_missing"),
        ({}, False, True, "service_token_ignored"),
        ({"strict_service_tokens": True}, False, True, "service_token_not_authenticated"),
        ({"strict_service_tokens": True}, True, False, "service_token_not_authorised"),
    ],
)
async def test_each_refusal_has_the_cause_of_its_mode(
    credentials: Credentials,
    wire: Wire,
    settings: dict[str, object],
    known: bool,
    in_policy: bool,
    cause: str,
) -> None:
    """Research §2: what classic and strict mode say to an unknown token, and to one that no policy names."""
    async with Emulator(**settings) as emulator:  # type: ignore[arg-type]
        made = emulator.service_tokens.create(in_policy=in_policy)
        token = a_token(emulator.resource_url, made.client_id)
        token = await credentials.service_tokens.save(token, Secret(made.secret) if known else NEW)
        tried = await probe_service_token(Session(wire, credentials), token)
    assert tried.result.outcome is TokenVerdict.REFUSED
    assert present(tried.result.diagnosis).name == cause
    assert tried.result.error_type is Refused
    assert tried.token.status().kind is StatusKind.REFUSED


async def test_a_network_that_is_down_says_nothing_about_the_token(
    credentials: Credentials, wire: Wire
) -> None:
    """Unclear is not refused."""
    token = await credentials.service_tokens.save(a_token("http://127.0.0.1:1/"), OLD)
    tried = await probe_service_token(Session(wire, credentials), token)
    assert tried.result.outcome is TokenVerdict.UNCLEAR
    assert tried.result.error_type is NetworkFailure
    assert tried.token.last_proven_at is None


async def test_a_rotated_secret_replaces_the_old_one_only_when_it_works(
    credentials: Credentials, wire: Wire
) -> None:
    async with Emulator(faults=("service-auth-only",)) as emulator:
        client_id, secret = emulator.service_token
        token = await credentials.service_tokens.save(
            a_token(emulator.resource_url, client_id), Secret(secret)
        )
        refused = await replace_service_token(Session(wire, credentials), token, NEW)
        assert not refused.stored
        assert (await credentials.service_tokens.load(token.token_id))[1].reveal() == secret
        rotated = Secret(emulator.service_tokens.rotate(client_id))
        done = await replace_service_token(Session(wire, credentials), token, rotated)
        assert done.stored
        assert (await credentials.service_tokens.load(token.token_id))[1] == rotated
        forced = await replace_service_token(Session(wire, credentials), done.token, NEW, anyway=True)
        assert forced.stored
        assert forced.token.last_verdict is TokenVerdict.REFUSED


@pytest.mark.parametrize(
    ("left", "verdict", "kind", "word"),
    [
        (timedelta(days=200), TokenVerdict.ACCEPTED, StatusKind.LIVE, "live"),
        (None, TokenVerdict.ACCEPTED, StatusKind.UNKNOWN_END, "live"),
        (timedelta(days=20, hours=1), TokenVerdict.ACCEPTED, StatusKind.SOON, "ends in 20 days"),
        (timedelta(days=30), TokenVerdict.UNTESTED, StatusKind.SOON, "ends in 30 days"),
        (timedelta(hours=5), TokenVerdict.ACCEPTED, StatusKind.SOON, "ends in 5 hours"),
        (timedelta(0), TokenVerdict.ACCEPTED, StatusKind.EXPIRED, "expired"),
        (timedelta(days=20), TokenVerdict.REFUSED, StatusKind.REFUSED, "refused"),
        (None, TokenVerdict.UNTESTED, StatusKind.UNTESTED, "not tested"),
    ],
)
def test_the_reminder_begins_thirty_days_before_the_end(
    left: timedelta | None, verdict: TokenVerdict, kind: StatusKind, word: str
) -> None:
    token = replace(a_token(), expires_at=None if left is None else NOW + left, last_verdict=verdict)
    status = token.status(NOW)
    assert (status.kind, status.word) == (kind, word)


def test_an_expiry_is_typed_as_a_date() -> None:
    """The beginning of that day in UTC: sooner rather than too late."""
    assert expiry_from_text("2027-03-31") == datetime(2027, 3, 31, tzinfo=UTC)
    with pytest.raises(UsageError):
        expiry_from_text("next year")


async def test_whichever_credential_covers_a_url_gives_its_header_fields(
    credentials: Credentials, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §6: `headers` and `curl`; a service token comes before a token of cloudflared."""
    monkeypatch.setenv("HOME", str(tmp_path))
    url = "https://wiki.example.com/x"
    with pytest.raises(LoginNeeded):
        await headers_for(credentials, wire, url)
    (tmp_path / ".cloudflared").mkdir()
    text = jwt()
    (tmp_path / ".cloudflared" / f"wiki.example.com-{AUD}-token").write_text(text)
    found = await headers_for(credentials, wire, url)
    assert (found.kind, found.fields) == (CredentialKind.CLOUDFLARED, (("cf-access-token", text),))
    await credentials.service_tokens.save(a_token(), OLD)
    assert [match.kind for match in matching_credentials(credentials, url)] == [
        CredentialKind.SERVICE_TOKEN,
        CredentialKind.CLOUDFLARED,
    ]
    pair = await headers_for(credentials, wire, url)
    assert dict(pair.fields) == {"CF-Access-Client-Id": ID, "CF-Access-Client-Secret": OLD.reveal()}
    assert OLD.reveal() not in repr(pair)
    only = await headers_for(credentials, wire, url, kind=CredentialKind.CLOUDFLARED)
    assert only.kind is CredentialKind.CLOUDFLARED


async def test_a_token_of_access_is_proven_in_its_own_header(credentials: Credentials, wire: Wire) -> None:
    """Used in `cf-access-token`; with Service Auth only it replaces no pair."""
    async with program_at() as program:
        client_id, secret = program.emulator.service_token
        answer = await program.open(cf_access_client_id=client_id, cf_access_client_secret=secret)
        token = Secret(answer.cookies["CF_Authorization"])
        said = await probe_jwt(credentials, wire, program.emulator.resource_url, token)
        assert said.accepted
        assert token.reveal() not in repr(said)
    async with Emulator(faults=("service-auth-only",)) as emulator:
        said = await probe_jwt(credentials, wire, emulator.resource_url, token)
        assert said.accepted is False
        assert present(said.diagnosis).name == "jwt_needs_allow_policy"


async def test_a_token_of_cloudflared_is_read_at_need_and_its_trace_outlives_that_of_others(
    credentials: Credentials, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No copy is stored; what was found out is stored under the id of the file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    directory = tmp_path / ".cloudflared"
    directory.mkdir()
    file = directory / f"127.0.0.1-{AUD}-token"
    file.write_text(jwt())
    (directory / "team.cloudflareaccess.com-org-token").write_text(jwt(type="org"))
    by_kind = {token.kind: token for token in CloudflaredDirectory().find()}
    application = by_kind[CloudflaredKind.APPLICATION]
    async with Emulator(faults=("oauth-off",)) as emulator:
        said = await probe_cloudflared(credentials, wire, application, emulator.resource_url)
        assert present(said.diagnosis).name == "jwt_refused"
        token = await credentials.service_tokens.save(a_token(emulator.resource_url), OLD)
        await probe_service_token(Session(wire, credentials), token)
    assert len(credentials.traces.of(application.token_id)) == 1
    assert [event.kind for event in credentials.index.events(application.token_id)] == ["not verified"]
    with pytest.raises(UsageError, match="does not open any application"):
        await probe_cloudflared(credentials, wire, by_kind[CloudflaredKind.ORGANISATION])
    file.unlink()
    with pytest.raises(LoginNeeded):
        await probe_cloudflared(credentials, wire, application)


async def test_a_token_that_was_refreshed_in_zero_trust_is_edited_and_keeps_its_secret(
    credentials: Credentials,
) -> None:
    """The reminder names that first; a new end takes it away, and so does none."""
    soon = replace(a_token(), expires_at=NOW + timedelta(days=3), label="ci")
    token = await credentials.service_tokens.save(soon, OLD)
    status = token.status(NOW)
    assert status.kind is StatusKind.SOON
    assert status.note.index("service-token edit https://") < status.note.index(
        "service-token replace https://"
    )
    for end in (NOW + timedelta(days=365), None):
        edited = credentials.service_tokens.edit(token.token_id, label="nightly", expires_at=end)
        assert (edited.label, edited.expires_at) == ("nightly", end)
        assert edited.status(NOW).kind is StatusKind.UNTESTED
    assert (await credentials.service_tokens.load(token.token_id))[1] == OLD
    assert credentials.index.events(token.token_id)[0].kind == "service token edited"
    with pytest.raises(LoginNeeded):
        credentials.service_tokens.edit("service-unknown", label="", expires_at=None)

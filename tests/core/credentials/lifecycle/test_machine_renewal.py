"""A program's next token: got like the last one, without a user, and without losing the one at hand."""

import shlex
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh, usable_token
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, MachineSource
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import LoginNeeded, Refused, UsageError
from authlens_core.values.fix import commands_of
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from support.grants import Site
from support.rotating_server import Scripted

NEW = Scripted(200, {"access_token": "machine-canary-1", "token_type": "Bearer", "expires_in": 900})
Store = Callable[..., Awaitable[Grant]]


@pytest.fixture
def machine(credentials: Credentials, saved: Grant) -> Store:
    """Store the login of a program, whose token has just expired."""

    async def stored(grant_type: GrantType, *, valid: bool = False, **changes: Any) -> Grant:
        names = ("client_secret", "client_key", "idp_client_secret", "assertion_command")
        given = {name: Secret(changes.pop(name)) for name in names if name in changes}
        method = "private_key_jwt" if "client_key" in given else "client_secret_basic"
        now = datetime.now(UTC)
        end: dict[str, Any] = {}
        if valid:
            end = {"refreshed_at": now, "expires_at": now + timedelta(seconds=900)}
        grant = replace(
            saved, token_endpoint_auth_method=method, machine=MachineSource(grant_type, **changes), **end
        )
        return await credentials.save(grant, GrantSecrets(Secret("access-canary-0"), **given))

    return stored


async def test_a_token_that_has_ended_is_replaced_without_a_user(site: Site, machine: Store) -> None:
    grant = await machine(GrantType.CLIENT_CREDENTIALS, client_secret="se:cret")
    site.server.answers("/token", NEW)
    usable = await usable_token(site.credentials, site.wire, grant)
    assert usable.token.reveal() == "machine-canary-1"
    [asked] = site.server.posts("/token")
    assert asked.form == {"grant_type": "client_credentials", "resource": f"{site.server.base}/mcp"}
    assert (asked.authorization or "").startswith("Basic ")
    again, secrets = await site.credentials.load(grant.grant_id)
    assert secrets == GrantSecrets(Secret("machine-canary-1"), client_secret=Secret("se:cret"))
    assert again.generation == grant.generation + 1
    assert again.machine == grant.machine


async def test_the_assertion_of_a_command_is_new_each_time_and_stored_nowhere(
    site: Site, machine: Store, tmp_path: Path
) -> None:
    """MG-5."""
    count = tmp_path / "count"
    program = (
        "import pathlib,sys; p=pathlib.Path(sys.argv[1]); "
        "n=int(p.read_text()) + 1 if p.exists() else 1; p.write_text(str(n)); print(f'assertion-{n}')"
    )
    command = shlex.join([sys.executable, "-c", program, str(count)])
    grant = await machine(GrantType.JWT_BEARER, assertion_command=command)
    site.server.answers("/token", NEW, NEW)
    for _ in range(2):
        result = await refresh(site.credentials, site.wire, grant.grant_id, RefreshOptions(force=True))
        assert result.outcome is RefreshOutcome.REFRESHED
    assert [asked.form["assertion"] for asked in site.server.posts("/token")] == [
        "assertion-1",
        "assertion-2",
    ]
    assert (await site.credentials.load(grant.grant_id))[1] == GrantSecrets(
        Secret("machine-canary-1"), assertion_command=Secret(command)
    )


async def test_an_identity_is_exchanged_at_its_provider_first(
    site: Site, machine: Store, tmp_path: Path
) -> None:
    source = tmp_path / "id-token"
    source.write_text("id-token-canary\n")
    grant = await machine(
        GrantType.TOKEN_EXCHANGE,
        client_secret="s",
        assertion_file=str(source),
        idp=f"{site.server.base}/idp",
        idp_client_id="at-idp",
    )
    issued = {"access_token": "jag-canary", "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"}
    site.server.answers("/idp", Scripted(200, {**issued, "token_type": "N_A"}))
    site.server.answers("/token", NEW)
    result = await refresh(site.credentials, site.wire, grant.grant_id)
    assert result.secrets.access_token.reveal() == "machine-canary-1"
    # The record says which way this was, and holds neither the identity nor what was exchanged for it.
    assert result.trace.grant_type is GrantType.TOKEN_EXCHANGE
    [kept] = site.credentials.traces.of(grant.grant_id)
    assert "canary" not in repr(site.credentials.traces.open(kept.trace_id))
    [exchanged], [asked] = site.server.posts("/idp"), site.server.posts("/token")
    assert (exchanged.form["subject_token"], exchanged.form["client_id"]) == ("id-token-canary", "at-idp")
    assert (exchanged.form["audience"], exchanged.authorization) == (site.server.base, None)
    assert asked.form["assertion"] == "jag-canary"


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "other-canary", "token_type": "Bearer"},
        {"access_token": "a b", "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"},
    ],
)
async def test_what_a_provider_gives_for_another_place_is_no_token_of_ours(
    site: Site, machine: Store, tmp_path: Path, answer: dict[str, str]
) -> None:
    source = tmp_path / "id-token"
    source.write_text("id-token-canary")
    grant = await machine(GrantType.TOKEN_EXCHANGE, assertion_file=str(source), idp=f"{site.server.base}/idp")
    site.server.answers("/idp", Scripted(200, answer))
    result = await refresh(site.credentials, site.wire, grant.grant_id)
    assert result.outcome is RefreshOutcome.TRANSIENT
    assert not site.server.posts("/token")
    assert (await site.credentials.load(grant.grant_id))[1].access_token.reveal() == "access-canary-0"


async def test_a_signature_is_made_for_the_audience_that_worked(site: Site, machine: Store) -> None:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256").as_pem(private=True).decode()
    grant = await machine(GrantType.CLIENT_CREDENTIALS, client_key=key)
    site.server.answers("/token", Scripted(401, {"error": "invalid_client"}), NEW, NEW)
    for _ in range(2):
        await refresh(site.credentials, site.wire, grant.grant_id, RefreshOptions(force=True))
    signed = [parse_jwt(asked.form["client_assertion"]) for asked in site.server.posts("/token")]
    claims = [token.claims for token in signed if token is not None and token.claims is not None]
    endpoint = f"{site.server.base}/token"
    assert [one["aud"] for one in claims] == [site.server.base, endpoint, endpoint]
    assert {one["sub"] for one in claims} == {"client"}


@pytest.mark.parametrize(
    "answer", [Scripted(drop=True), Scripted(503), Scripted(200, {"access_token": 1})], ids=str
)
async def test_an_answer_that_is_lost_leaves_nothing_in_doubt(
    site: Site, machine: Store, answer: Scripted
) -> None:
    """Nothing is used up: the same request is sent again, and the token at hand serves meanwhile."""
    grant = await machine(GrantType.CLIENT_CREDENTIALS, client_secret="s", valid=True)
    site.server.answers("/token", answer, NEW)
    options = RefreshOptions(force=True)
    first = await refresh(site.credentials, site.wire, grant.grant_id, options)
    assert first.outcome is RefreshOutcome.TRANSIENT
    assert first.grant.state is GrantState.LIVE
    assert (await usable_token(site.credentials, site.wire, first.grant)).token.reveal() == "access-canary-0"
    assert (
        await refresh(site.credentials, site.wire, grant.grant_id, options)
    ).outcome is RefreshOutcome.REFRESHED


async def test_an_assertion_that_is_gone_is_no_failure_of_the_network(
    site: Site, machine: Store, tmp_path: Path
) -> None:
    """Issue 23: exit code 6 sent whoever runs the job to look for the network. It is tried again later."""
    source = tmp_path / "assertion"
    grant = await machine(GrantType.JWT_BEARER, assertion_file=str(source))
    gone = await refresh(site.credentials, site.wire, grant.grant_id, RefreshOptions(force=True))
    assert (gone.outcome, gone.exit_code) == (RefreshOutcome.TRANSIENT, UsageError.exit_code)
    assert f"no file {source}" in gone.summary
    source.write_text("assertion-canary")
    site.server.answers("/token", NEW)
    again = await refresh(site.credentials, site.wire, grant.grant_id, RefreshOptions(force=True))
    assert again.outcome is RefreshOutcome.REFRESHED


async def test_a_server_that_refuses_the_program_does_not_end_its_login(site: Site, machine: Store) -> None:
    """Its assertion may be a new one tomorrow."""
    grant = await machine(GrantType.CLIENT_CREDENTIALS, client_secret="s")
    site.server.answers("/token", Scripted(400, {"error": "invalid_grant"}), NEW)
    with pytest.raises(Refused):
        await usable_token(site.credentials, site.wire, grant)
    assert (await usable_token(site.credentials, site.wire, grant)).token.reveal() == "machine-canary-1"


async def test_a_file_that_was_edited_in_the_index_is_not_read(
    site: Site, machine: Store, tmp_path: Path
) -> None:
    """The index is a plain file; how the next token is got is bound to the stored secrets."""
    grant = await machine(GrantType.JWT_BEARER, assertion_command="printf assertion")
    assert grant.machine is not None
    other = replace(grant.machine, assertion_file=str(tmp_path / "other"))
    site.credentials.update(replace(grant, machine=other))
    with pytest.raises(LoginNeeded, match="changed outside authlens"):
        await usable_token(site.credentials, site.wire, grant)


@pytest.mark.parametrize(
    "answer", [Scripted(401, {"error": "invalid_client"}), Scripted(400, {"error": "invalid_grant"})]
)
async def test_what_leads_on_is_the_login_of_the_program_and_not_a_users(
    site: Site, machine: Store, answer: Scripted
) -> None:
    grant = await machine(
        GrantType.JWT_BEARER,
        client_secret="s",
        assertion_command=shlex.join([sys.executable, "-c", "print('a')"]),
    )
    site.server.answers("/token", *[answer] * 2)
    result = await refresh(site.credentials, site.wire, grant.grant_id)
    login = f"authlens login {grant.resource_url} --client-id {grant.client_id} --client-secret"
    [command] = commands_of(result.cure)
    assert command == f"{login} --assertion-command CMD --machine jwt-bearer"
    assert "--new-client" not in str(result.cure)

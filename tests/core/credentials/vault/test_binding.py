"""A stored secret belongs to one record: swapped entries and an edited index send no token anywhere."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh, usable_token
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records.grant import Grant, GrantSecrets, MachineSource, utc_now
from authlens_core.credentials.records.record_json import secrets_to_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire
from support.grants import make_grant
from support.rotating_server import RotatingServer

OTHER = GrantSecrets(Secret("access-canary-other"), Secret("refresh-canary-other"))
Act = Callable[[Credentials, Wire, Grant], Any]

ACTIONS: dict[str, Act] = {
    "token": lambda credentials, wire, grant: usable_token(
        credentials, wire, credentials.covering(grant.resource_url)
    ),
    "refresh": lambda credentials, wire, grant: refresh(
        credentials, wire, grant.grant_id, RefreshOptions(force=True)
    ),
    "revoke": lambda credentials, wire, grant: revoke(credentials, wire, grant.grant_id),
}


def _source_digest(grant_type: GrantType, command: str | None) -> str:
    text = json.dumps([grant_type, None, command, None, None])
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("action", ACTIONS)
async def test_swapped_entries_are_damaged_and_sent_nowhere(
    credentials: Credentials, wire: Wire, saved: Grant, store: Any, server: RotatingServer, action: str
) -> None:
    """The other login's tokens are whole and valid; only the key tells whose they are."""
    other = await credentials.save(replace(saved, grant_id="other", client_id="other"), OTHER)
    assert other.generation == saved.generation
    names = [sealed.entry_name(one.grant_id, one.generation, 0) for one in (saved, other)]
    store.entries[names[0]], store.entries[names[1]] = store.entries[names[1]], store.entries[names[0]]
    with pytest.raises(sealed.SecretsDamaged, match="differ from what was stored"):
        await ACTIONS[action](credentials, wire, saved)
    assert server.seen == []


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "field",
    [
        *("token_endpoint", "revocation_endpoint", "issuer", "resource", "resource_url", "client_id"),
        "token_type",
    ],
)
async def test_a_record_edited_in_the_index_gets_no_token(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer, field: str, action: str
) -> None:
    """The index is a plain file: an endpoint written there by another program is not believed."""
    value = f"{server.base}/mcp/elsewhere"
    change: dict[str, Any] = {field: value}
    edited = credentials.update(replace(saved, **change))
    url = edited.resource_url if field != "resource" else value
    with pytest.raises(sealed.SecretsDamaged, match="changed outside authlens"):
        await ACTIONS[action](credentials, wire, replace(edited, resource_url=url))
    assert server.seen == []


async def test_a_service_token_goes_to_no_url_edited_in_the_index(credentials: Credentials) -> None:
    token = await credentials.service_tokens.save(
        ServiceToken(
            token_id="one", url="https://a.example/", client_id=f"{'a' * 32}.access", added_at=utc_now()
        ),
        Secret("f" * 64),
    )
    with credentials.index.writing() as connection:
        connection.execute(
            "UPDATE service_tokens SET record = replace(record, 'https://a.example/', 'https://b.example/')"
        )
    with pytest.raises(sealed.SecretsDamaged, match="changed outside authlens"):
        await credentials.service_tokens.load(token.token_id)


async def test_secrets_that_name_no_owner_are_sent_nowhere(
    credentials: Credentials, saved: Grant, secrets: GrantSecrets, store: Any
) -> None:
    members = json.loads(secrets_to_json(secrets, saved).reveal())
    del members["owner"]
    (entry,) = sealed.split(Secret(json.dumps(members)), saved.grant_id, saved.generation)
    store.entries[sealed.entry_name(saved.grant_id, saved.generation, 0)] = entry
    with pytest.raises(sealed.SecretsDamaged, match="changed outside authlens"):
        await credentials.load(saved.grant_id)


def test_the_label_of_stored_secrets_is_the_one_that_earlier_trees_wrote() -> None:
    """The homes of those who have tried authlens before its release stay readable."""
    grant = make_grant()
    values = [
        *(grant.issuer, grant.token_endpoint, grant.revocation_endpoint, grant.resource, grant.resource_url),
        *(grant.client_id, grant.token_endpoint_auth_method),
    ]
    owner = hashlib.sha256(json.dumps(values).encode()).hexdigest()
    members = json.loads(secrets_to_json(OTHER, grant).reveal())
    assert (members["owner"], members["token_type"]) == (owner, "Bearer")


async def test_a_token_bound_to_a_key_cannot_be_sent_as_a_bearer_token(
    credentials: Credentials, saved: Grant, secrets: GrantSecrets
) -> None:
    """H325: the type is in the index, and decides whether a proof goes along (RFC 9449)."""
    bound = await credentials.save(
        replace(saved, token_type="DPoP"), replace(secrets, dpop_key=Secret("key-canary"))
    )
    credentials.update(replace(bound, token_type="Bearer"))
    with pytest.raises(sealed.SecretsDamaged, match="type of the token"):
        await credentials.load(saved.grant_id)


async def test_a_login_that_was_stored_with_its_command_in_the_index_says_so(
    credentials: Credentials, saved: Grant, secrets: GrantSecrets, store: Any
) -> None:
    grant = await credentials.save(replace(saved, machine=MachineSource(GrantType.JWT_BEARER)), secrets)
    members = json.loads(secrets_to_json(secrets, grant).reveal())
    members["machine"] = _source_digest(GrantType.JWT_BEARER, "printf assertion")
    (entry,) = sealed.split(Secret(json.dumps(members)), grant.grant_id, grant.generation)
    store.entries[sealed.entry_name(grant.grant_id, grant.generation, 0)] = entry
    with pytest.raises(sealed.SecretsDamaged, match="earlier version stored it with --assertion-command"):
        await credentials.load(grant.grant_id)

"""Forgetting a credential, whichever kind it is."""

from __future__ import annotations

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.forget import ForgottenCredentials, forget
from authlens_core.desk.session import Session
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind
from support.grants import NOW, grant

SECRETS = GrantSecrets(Secret("access-canary"), Secret("refresh-canary"))


TOKEN = ServiceToken("service-1", "https://ci.example.com/", f"{'0' * 32}.access", NOW)


async def test_a_grant_is_removed_and_called_one() -> None:
    credentials = Credentials.memory()
    saved = await credentials.save(grant(), SECRETS)
    assert (await forget(Session(None, credentials), saved.grant_id)).kind is CredentialKind.OAUTH
    assert credentials.list() == ()
    await credentials.aclose()


async def test_a_service_token_is_removed_and_called_one() -> None:
    credentials = Credentials.memory()
    await credentials.service_tokens.save(TOKEN, Secret("a" * 64))
    assert (await forget(Session(None, credentials), TOKEN.token_id)).kind is CredentialKind.SERVICE_TOKEN
    assert credentials.service_tokens.list() == ()
    await credentials.aclose()


async def test_both_kinds_can_be_restored_where_an_undo_is_given() -> None:
    credentials, undo = Credentials.memory(), ForgottenCredentials()
    saved = await credentials.save(grant(), SECRETS)
    await credentials.service_tokens.save(TOKEN, Secret("a" * 64))
    for record_id in (saved.grant_id, TOKEN.token_id):
        await forget(Session(None, credentials), record_id, undo)
        assert undo.last == record_id
        await undo.restore(Session(None, credentials))
    assert [found.grant_id for found in credentials.list()] == [saved.grant_id]
    assert [found.token_id for found in credentials.service_tokens.list()] == [TOKEN.token_id]
    await credentials.aclose()

"""A login on the stored credentials: its tokens are stored, its client is reused, its record is kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from authlens_core.credentials.lifecycle.dpop import note_nonces
from authlens_core.credentials.lifecycle.probe_result import token_accepted
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import Grant, GrantSecrets, grant_id_for
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.save_login import save_login
from authlens_core.diagnosis.answer import classify
from authlens_core.login.events import AuthorizationReady, DeviceCodeReady, Event, StageEnded
from authlens_core.login.facts import Facts, Options
from authlens_core.login.failure_reason import failure_reason
from authlens_core.login.login import Login
from authlens_core.login.protocols import Stored
from authlens_core.state.locks import LockBusy
from authlens_core.trace.record import Stage
from authlens_core.values.check import CheckId, passed, warned
from authlens_core.values.errors import AuthlensError, NoSecretStore, StateUnusable
from authlens_core.wire.client import Wire


def session_login(
    wire: Wire, credentials: Credentials, resource_url: str, options: Options | None = None
) -> Login:
    """Return a login whose tokens are stored in `credentials`, and whose client it reuses.

    Raises:
        UrlRefused: when the URL cannot be used, with all the reasons.
    """
    earlier = None
    with suppress(StateUnusable):  # a login needs no index until its tokens are stored
        earlier = credentials.find(resource_url)
    login = Login(
        resource_url,
        wire,
        options=options,
        registry=credentials.clients,
        keeper=partial(store_tokens, credentials),
        earlier_issuer=earlier.issuer if earlier is not None else None,
    )
    login.watch(lambda event: _note_verdict(credentials, login, event))
    login.watch(_TraceKeeper(credentials, login).on_event)
    return login


class _TraceKeeper:
    """Keeps the record of a login that received tokens, once, when its requests are over.

    Masking and storing it takes longer than the request that follows the exchange. It is kept after that one;
    when the user leaves it for later, after `PATIENCE`; or before the credentials are closed.
    """

    PATIENCE: Final = 1.0  # seconds

    def __init__(self, credentials: Credentials, login: Login) -> None:
        self._credentials = credentials
        self._login = login
        self._due: asyncio.TimerHandle | None = None

    def on_event(self, event: Event) -> None:
        if isinstance(event, AuthorizationReady | DeviceCodeReady):
            # Nothing else is to be done while the user is at the browser.
            asyncio.get_running_loop().run_in_executor(None, self._credentials.get_ready)
        if not isinstance(event, StageEnded):
            return
        if event.record.stage is Stage.EXCHANGE and self._due is None:
            self._due = asyncio.get_running_loop().call_later(self.PATIENCE, self.keep)
            self._credentials.before_close.append(self.keep)
        elif event.record.stage is Stage.ACCESS:
            self.keep()

    def keep(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
            self._credentials.before_close.remove(self.keep)
        if self._login.facts.grant_id is not None and not self._login.keeps_nothing:
            self._credentials.traces.keep(self._login.facts.grant_id, self._login.trace)


def _note_verdict(credentials: Credentials, login: Login, event: Event) -> None:
    """Note what the resource said to a token that this login has just received."""
    if not isinstance(event, StageEnded) or event.record.stage is not Stage.ACCESS:
        return
    grant_id, exchanges = login.facts.grant_id, event.record.exchanges
    if grant_id is None or not exchanges or login.keeps_nothing:
        return
    note_nonces(credentials, exchanges)
    accepted = token_accepted(exchanges[-1], classify(exchanges[-1]))
    if accepted is None:
        return
    reason = failure_reason(event.record)
    words = "The resource accepts the token." if accepted else reason.cause if reason else ""
    # A watcher does not affect the login: a note that cannot be written costs the login nothing.
    with suppress(AuthlensError):
        grant = credentials.get(grant_id)
        # A refresh may have replaced the token that was sent: its verdict is not the new one's.
        grant = replace(grant, refreshed_at=login.facts.tokens_asked_at or grant.refreshed_at)
        credentials.note_verdict(grant, datetime.now(UTC), accepted=accepted, words=words)


async def store_tokens(credentials: Credentials, facts: Facts) -> Stored:
    """Store the tokens of a login and report where; a store that fails is a warning, not the end."""
    received = grant_of(facts, datetime.now(UTC))
    if received is None:
        return Stored()
    grant, secrets = received
    store = credentials.store
    expected = "The tokens are stored where only you can read them."
    try:
        await credentials.written(save_login(credentials, grant, secrets))
    except AuthlensError as error:
        reason = "The login continues, but its tokens are lost when authlens ends."
        failed = warned(CheckId.EXCHANGE_STORED, expected, error.cause, why=reason, cure=error.cure)
        return Stored(checks=(failed,))
    with suppress(NoSecretStore, LockBusy):  # the tokens are kept, with or without a line in the history
        url = grant.resource_url
        credentials.record(AccessKind.LOGIN, grant.grant_id, f"{url} at {grant.issuer}", resource=url)
    good = passed(CheckId.EXCHANGE_STORED, expected, f"in {store.name}, read back and verified")
    return Stored(grant.grant_id, (good,))


def grant_of(facts: Facts, now: datetime) -> tuple[Grant, GrantSecrets] | None:
    """Return the tokens the login returned, or None before its exchange has passed."""
    tokens, metadata, client = facts.tokens, facts.server_metadata, facts.client
    if tokens is None or metadata is None or client is None:
        return None
    resource = facts.resource
    asked_at = now if facts.tokens_asked_at is None else facts.tokens_asked_at
    grant = Grant(
        grant_id=grant_id_for(
            metadata.issuer, resource or facts.resource_url.text, client.client_id, client.redirect_uri
        ),
        resource_url=facts.resource_url.text,
        resource=resource,
        issuer=metadata.issuer,
        token_endpoint=metadata.token_endpoint,
        revocation_endpoint=metadata.revocation_endpoint,
        client_id=client.client_id,
        redirect_uri=client.redirect_uri,
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        scope=tokens.scope,
        token_type=tokens.token_type,
        method=facts.method,
        obtained_at=asked_at,
        refreshed_at=asked_at,
        expires_at=facts.expires_at,
    )
    key = None if facts.dpop_key is None else facts.dpop_key.private_jwk
    return grant, GrantSecrets(tokens.access_token, tokens.refresh_token, client.client_secret, key)

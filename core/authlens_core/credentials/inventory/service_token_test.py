"""Trying a service token on its resource, and replacing a secret without losing one that works."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from authlens_core.access.service_token import token_fields
from authlens_core.credentials.inventory.resource_call import ResourceAnswer, call_resource
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.service_token import ServiceToken, TokenVerdict
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.secret import Secret
from authlens_core.state.paths import StateUnusable
from authlens_core.wire.client import Wire
from authlens_core.wire.purpose import Purpose

__all__ = ["Replaced", "Tried", "replace_service_token", "try_service_token"]

_VERDICTS = {True: TokenVerdict.ACCEPTED, False: TokenVerdict.REFUSED, None: TokenVerdict.UNCLEAR}


@dataclass(frozen=True, slots=True)
class Tried:
    """A service token after a trial, and what the resource said."""

    token: ServiceToken
    verdict: TokenVerdict
    said: ResourceAnswer


@dataclass(frozen=True, slots=True)
class Replaced:
    """What came of a replacement: whether the new secret is stored now, and what the resource said to it."""

    token: ServiceToken
    stored: bool
    said: ResourceAnswer


async def try_service_token(
    credentials: Credentials, wire: Wire, token_id: str, *, now: Callable[[], datetime] = utc_now
) -> Tried:
    """Call the resource with a stored service token, note the verdict, and keep the trace.

    Raises:
        LoginNeeded: there is no such token, or its secret is gone or damaged.
        NoSecretStore: the store could not be read.
        UsageError: its URL cannot be used; nothing was sent.
    """
    token, secret = await credentials.service_tokens.load(token_id)
    said = await _call(wire, token, secret, now)
    return Tried(_note(credentials, token, said, now()), _VERDICTS[said.accepted], said)


async def replace_service_token(
    credentials: Credentials,
    wire: Wire,
    changed: ServiceToken,
    secret: Secret,
    *,
    anyway: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> Replaced:
    """Put a new secret in place of the stored one, after the resource has accepted it.

    Args:
        credentials: where the token is.
        wire: what sends.
        changed: the token with what else is new: its client id, its expiry.
        secret: the new secret.
        anyway: store it although the resource did not accept it; the old one is gone then.
        now: the clock, in UTC.

    Raises:
        LoginNeeded: there is no such token.
        UsageError: the pair cannot be right; nothing was sent.
        NoSecretStore: it could not be stored; the old secret stands.
    """
    credentials.service_tokens.get(changed.token_id)
    credentials.service_tokens.refuse_shape(changed, secret)
    said = await _call(wire, changed, secret, now)
    if not said.accepted and not anyway:
        credentials.traces.keep(changed.token_id, said.trace)
        credentials.record("service token kept", changed.token_id, "the new secret was not accepted")
        return Replaced(credentials.service_tokens.get(changed.token_id), stored=False, said=said)
    stored = await credentials.service_tokens.save(changed, secret)
    return Replaced(_note(credentials, stored, said, now()), stored=True, said=said)


async def _call(
    wire: Wire, token: ServiceToken, secret: Secret, now: Callable[[], datetime]
) -> ResourceAnswer:
    fields = token_fields(token.client_id, secret, token.form, token.header)
    return await call_resource(
        wire,
        token.url,
        fields,
        secret=secret,
        method=token.method,
        purpose=Purpose.SERVICE_TOKEN,
        now=now,
    )


def _note(credentials: Credentials, token: ServiceToken, said: ResourceAnswer, at: datetime) -> ServiceToken:
    """Note a trial; what was found stands, with or without a note of it."""
    verdict = _VERDICTS[said.accepted]
    noted = replace(token, last_tested=at, last_verdict=verdict, last_words=said.summary)
    with suppress(StateUnusable):
        noted = credentials.service_tokens.note_test(token.token_id, at, verdict, said.summary) or noted
    credentials.record("proven" if said.accepted else "not proven", token.token_id, said.answer.evidence[0])
    credentials.traces.keep(token.token_id, said.trace)
    return noted

"""Test a service token at its resource, and replace its secret by one that the resource accepts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from authlens_core.cloudflare.service_token import ServiceTokenPair
from authlens_core.credentials.inventory.probe import call_resource
from authlens_core.credentials.inventory.request_headers import token_fields
from authlens_core.credentials.lifecycle.action_result import ProbeResult, failed_probe
from authlens_core.credentials.lifecycle.probe_result import note_probe
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import AuthlensError, StateUnusable
from authlens_core.values.purpose import Purpose
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

__all__ = ["ServiceTokenPair", "ServiceTokenProbe", "probe_service_token", "replace_service_token"]


@dataclass(frozen=True, slots=True)
class ServiceTokenProbe:
    """A service token after a probe.

    Attributes:
        stored: whether the secret that was sent is the stored one.
    """

    token: ServiceToken
    result: ProbeResult
    stored: bool = True


async def probe_service_token(session: Session, token: ServiceToken) -> ServiceTokenProbe:
    """Call the resource with the stored secret of a token, and note the verdict; an error is a result."""
    credentials = session.credentials
    try:
        known, secret = await credentials.service_tokens.load(token.token_id)
        result = await _call(session.wire, known, secret)
    except AuthlensError as error:
        return ServiceTokenProbe(token, failed_probe(error))
    return ServiceTokenProbe(_note(credentials, known, result), result)


async def replace_service_token(
    session: Session,
    changed: ServiceToken,
    secret: Secret,
    *,
    anyway: bool = False,
) -> ServiceTokenProbe:
    """Replace the stored secret by a new one, after the resource has accepted that.

    Args:
        changed: the token with what else is new: its client id, its expiry.
        anyway: store it although the resource did not accept it; the old one is gone then.

    Raises:
        LoginNeeded: there is no such token.
        UsageError: the pair cannot be right; nothing was sent.
        NoSecretStore: it could not be stored; the old secret stays.
    """
    credentials, tokens = session.credentials, session.credentials.service_tokens
    known = tokens.get(changed.token_id)
    tokens.refuse_shape(changed, secret)
    result = await _call(session.wire, changed, secret)
    if not result.accepted and not anyway:
        credentials.traces.keep(changed.token_id, result.trace)
        words = "the resource did not accept the new secret"
        credentials.record(AccessKind.SERVICE_TOKEN_UNCHANGED, changed.token_id, words)
        return ServiceTokenProbe(known, result, stored=False)
    stored = await tokens.save(changed, secret)
    return ServiceTokenProbe(_note(credentials, stored, result), result)


async def _call(wire: Wire, token: ServiceToken, secret: Secret) -> ProbeResult:
    return await call_resource(
        wire,
        token.url,
        token_fields(token, secret),
        secret=secret,
        method=token.method,
        purpose=Purpose.SERVICE_TOKEN,
    )


def _note(credentials: Credentials, token: ServiceToken, result: ProbeResult) -> ServiceToken:
    """Note a probe; its result counts, with or without a note of it."""
    at = utc_now()
    noted = token.tested(at, result.outcome, result.summary)
    with suppress(StateUnusable):
        stored = credentials.service_tokens.note_test(token.token_id, at, result.outcome, result.summary)
        noted = stored or noted
    note_probe(credentials, token.token_id, result)
    return noted

"""Probing a service token on its resource, and replacing a secret without losing one that works."""

from __future__ import annotations

from contextlib import suppress

from authlens_core.access.service_token import token_fields
from authlens_core.credentials.inventory.resource_call import call_resource
from authlens_core.credentials.lifecycle.probe_result import ProbeResult, note_probe
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.quick_dataclass import dataclass
from authlens_core.secret import Secret
from authlens_core.state.paths import StateUnusable
from authlens_core.wire.client import Wire
from authlens_core.wire.purpose import Purpose


@dataclass(frozen=True, slots=True)
class ServiceTokenProbe:
    """A service token after a probe.

    Attributes:
        stored: whether the secret that was sent is the stored one.
    """

    token: ServiceToken
    result: ProbeResult
    stored: bool = True


async def probe_service_token(credentials: Credentials, wire: Wire, token_id: str) -> ServiceTokenProbe:
    """Call the resource with a stored service token, note the verdict, and keep the trace.

    Raises:
        LoginNeeded: there is no such token, or its secret is gone or damaged.
        NoSecretStore: the store could not be read.
        UsageError: its URL cannot be used; nothing was sent.
    """
    token, secret = await credentials.service_tokens.load(token_id)
    said = await _call(wire, token, secret)
    return ServiceTokenProbe(_note(credentials, token, said), said)


async def replace_service_token(
    credentials: Credentials,
    wire: Wire,
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
    credentials.service_tokens.get(changed.token_id)
    credentials.service_tokens.refuse_shape(changed, secret)
    said = await _call(wire, changed, secret)
    if not said.accepted and not anyway:
        credentials.traces.keep(changed.token_id, said.trace)
        words = "the resource did not accept the new secret"
        credentials.record(AccessKind.SERVICE_TOKEN_UNCHANGED, changed.token_id, words)
        return ServiceTokenProbe(credentials.service_tokens.get(changed.token_id), said, stored=False)
    stored = await credentials.service_tokens.save(changed, secret)
    return ServiceTokenProbe(_note(credentials, stored, said), said)


async def _call(wire: Wire, token: ServiceToken, secret: Secret) -> ProbeResult:
    fields = token_fields(token.client_id, secret, token.form, token.header)
    return await call_resource(
        wire,
        token.url,
        fields,
        secret=secret,
        method=token.method,
        purpose=Purpose.SERVICE_TOKEN,
    )


def _note(credentials: Credentials, token: ServiceToken, said: ProbeResult) -> ServiceToken:
    """Note a probe; what was found stays, with or without a note of it."""
    at = utc_now()
    noted = token.tested(at, said.outcome, said.summary)
    with suppress(StateUnusable):
        noted = credentials.service_tokens.note_test(token.token_id, at, said.outcome, said.summary) or noted
    note_probe(credentials, token.token_id, said)
    return noted

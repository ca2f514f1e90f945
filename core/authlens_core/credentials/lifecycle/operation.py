"""What refresh, revoke and probe have in common: a trace of one record, and a grant whose lock is held."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.diagnosis.server_kind import server_kind
from authlens_core.oauth.client_adaptation import adaptation_check, adapted
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.dpop import BadDpopKey, DpopNonces, DpopSigner, load_dpop_key, send_with_proof
from authlens_core.trace.fact import Fact
from authlens_core.trace.failure_reason import diagnosis_of, without_echoes
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import Check, Diagnosis, requirement
from authlens_core.values.errors import LoginNeeded, NoSecretStore, StateUnusable, TimedOut
from authlens_core.values.exchange import Exchange, Purpose, Request, WireFailure
from authlens_core.values.fix import LOG_IN_AGAIN, Fix
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url, UrlRefused, parse_url, usable_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import TOKEN


class RecordBuilder(Struct):
    """Collects what happened, in the order in which it happened, and makes a trace of it."""

    stage: Stage
    resource_url: str
    started_at: datetime
    grant_type: GrantType | None = None
    server: tuple[str, ...] = ()
    """Addresses of the authorization server, as the login found them."""
    exchanges: list[Exchange] = []
    checks: list[Check] = []
    facts: list[Fact] = []
    diagnosis: Diagnosis | None = None

    def trace(self, *, passed: bool) -> Trace:
        elapsed = sum(exchange.elapsed for exchange in self.exchanges)
        diagnosis = self.diagnosis
        if diagnosis is None and not passed:
            # What an error code means differs by product.
            product = server_kind(self.server)
            diagnosis = diagnosis_of(self.stage, self.checks, self.exchanges, kind=product)
        record = StageRecord(
            self.stage,
            Outcome.PASSED if passed else Outcome.FAILED,
            self.started_at,
            elapsed,
            tuple(self.exchanges),
            tuple(self.checks),
            tuple(self.facts),
            diagnosis=diagnosis,
            grant_type=self.grant_type,
        )
        identifier, kind = secrets.token_hex(8), TraceKind(self.stage.value)
        return Trace(identifier, kind, self.resource_url, self.started_at, (without_echoes(record),))

    @property
    def lost(self) -> WireFailure | None:
        """Why a request got no answer; None if each did."""
        return next((exchange.failure for exchange in self.exchanges if exchange.failure is not None), None)

    def failed(self, name: str, seen: str, result: str = "", *, cure: str | Fix = "") -> None:
        """Record that the check `name` failed; `result` as in `Requirement`."""
        check = requirement(name)
        self.checks.append(check.failed(seen, result, cure=cure) if cure else check.failed(seen, result))


def _client(grant: Grant, secrets: GrantSecrets) -> Client:
    return Client(
        client_id=grant.client_id,
        redirect_uri=grant.redirect_uri,
        token_endpoint_auth_method=grant.token_endpoint_auth_method,
        client_secret=secrets.client_secret,
        needs=grant.needs,
        client_key=secrets.client_key,
    )


@dataclass(eq=False)
class LockedGrant:
    """A grant and its tokens, read under its lock, and the record of what is done with them.

    Attributes:
        client: the client of the grant, to authenticate with at its issuer as that has asked for so far.
    """

    stage: ClassVar[Stage]
    credentials: Credentials
    wire: Wire
    grant: Grant
    secrets: GrantSecrets
    now: Callable[[], datetime]
    record: RecordBuilder = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        grant = self.grant
        server = (grant.issuer, grant.token_endpoint)
        self.record = RecordBuilder(self.stage, grant.resource_url, self.now(), grant.grant_type, server)
        self.client = _client(grant, self.secrets)

    def endpoint(self, text: str) -> Url:
        """Return a stored endpoint of the grant, parsed strictly each time before a secret is sent to it.

        Raises:
            UrlRefused: it is no URL that a secret may be sent to.
        """
        return parse_url(text, loopback_http=loopback_http(self.grant))

    def signer(self) -> DpopSigner | None:
        """Return what signs the requests of the grant, as `signer_for` does."""
        return signer_for(self.credentials, self.secrets.dpop_key)

    def mark(self, note: str, kind: AccessKind | None = None, **changes: Any) -> None:
        """Store a note, and what else has changed of the grant; in the history as well if it has a `kind`."""
        self.grant = self.credentials.update(replace(self.grant, note=note, **changes))
        if kind is not None:
            self.credentials.record(kind, self.grant.grant_id, note)

    def proved(self) -> Client:
        """Return the client with a fresh assertion, if it has a key to sign one.

        Raises:
            ValueError: its key cannot sign.
        """
        # For each try: a server takes an assertion only once (RFC 7523 §3, jti).
        if self.client.client_key is None:
            return self.client
        from authlens_core.oauth.client_assertion import signed  # few clients sign

        endpoint = self.endpoint(self.grant.token_endpoint)
        return signed(self.client, self.grant.issuer, endpoint, now=self.now())

    async def send(self, request: Request, purpose: Purpose, signer: DpopSigner | None) -> Exchange:
        """Send a request to an endpoint of the grant and record that; return the exchange that counts."""
        plain = loopback_http(self.grant)

        async def send(signed: Request) -> Exchange:
            exchange = await self.wire.send(signed, limits=TOKEN, loopback_http=plain, purpose=purpose)
            self.record.exchanges.append(exchange)
            return exchange

        return (await send_with_proof(signer, request, send))[-1]

    async def lose_client(self) -> bool:
        """Forget the client, which its server does not know; return whether it was stored."""
        grant = self.grant
        with suppress(NoSecretStore, TimedOut):  # it is noticed again at the next login
            return await self.credentials.clients.lose(grant.issuer, grant.redirect_uri, grant.client_id)
        return False

    async def send_as_client(
        self,
        request_of: Callable[[Client], Request],
        purpose: Purpose,
        signer: DpopSigner | None,
        *,
        scope: str | None = None,
    ) -> Exchange:
        """Send what `request_of` makes for the client, as `send` does; again where a refusal says how.

        Args:
            scope: what a refresh may name, as `adapted` has it.

        Raises:
            ValueError: no request can be made for the client.
        """
        while True:
            exchange = await self.send(request_of(self.proved()), purpose, signer)
            if exchange.response is None:
                return exchange
            other = adapted(self.client, exchange.response, scope=scope)
            if other is None:
                return exchange
            self.record.checks.append(adaptation_check(self.stage, self.client, other, exchange.response))
            self.client = other


def loopback_http(grant: Grant) -> bool:
    """Return whether plain http is allowed: only where resource and issuer are both http on loopback."""
    return all(map(_is_plain_loopback, (grant.resource_url, grant.issuer)))


def _is_plain_loopback(text: str) -> bool:
    url = usable_url(text, loopback_http=True)
    return url is not None and url.scheme == "http" and url.is_loopback


# -- proofs (RFC 9449) --------------------------------------------------------------------------------------


_NONCES: Final = "dpop nonces"


def signer_for(credentials: Credentials, dpop_key: Secret | None) -> DpopSigner | None:
    """Return what signs the requests of a grant with this key; None if its tokens are not bound.

    The servers' nonces are stored in the index, for the next program.

    Raises:
        LoginNeeded: the key cannot be read.
    """
    if dpop_key is None:
        return None
    try:
        key = load_dpop_key(dpop_key)
    except BadDpopKey:
        raise LoginNeeded(
            "The key that the tokens of this login are bound to cannot be read.", LOG_IN_AGAIN
        ) from None
    return DpopSigner(key, _stored_nonces(credentials), lambda nonces: _store_nonces(credentials, nonces))


def note_nonces(credentials: Credentials, exchanges: Sequence[Exchange]) -> None:
    """Store the nonces that came with answers to signed requests."""
    nonces = before = _stored_nonces(credentials)
    for exchange in exchanges:
        if exchange.response is not None and exchange.request.headers.get("dpop") is not None:
            with suppress(UrlRefused):
                nonces = nonces.with_response(exchange.request, exchange.response)
    if nonces != before:
        _store_nonces(credentials, nonces)


def _stored_nonces(credentials: Credentials) -> DpopNonces:
    try:
        nonces = object_in((credentials.index.fact(_NONCES) or "{}").encode())
    except StateUnusable:
        return DpopNonces()
    return DpopNonces({key: nonce for key, nonce in nonces.items() if isinstance(nonce, str)})


def _store_nonces(credentials: Credentials, nonces: DpopNonces) -> None:
    with suppress(StateUnusable):  # without it the next request is refused once and sent again
        credentials.index.set_fact(_NONCES, json.dumps(dict(nonces.by_key)))

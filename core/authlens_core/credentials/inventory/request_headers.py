"""The header fields for a URL, from whichever credential covers it: what `headers` and `curl` send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from authlens_core.cloudflare.cloudflared_files import (
    cloudflared_fields,
    find_cloudflared_token,
    read_cloudflared_token,
)
from authlens_core.cloudflare.credential import CLIENT_ID, CLIENT_SECRET
from authlens_core.credentials.inventory.cloudflared_target import place_for
from authlens_core.credentials.lifecycle.access_token import usable_token
from authlens_core.credentials.lifecycle.dpop import signer_for
from authlens_core.credentials.records.coverage import rewrite
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.service_token import ServiceToken, TokenForm
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.dpop import is_bound
from authlens_core.oauth.resource_request import authorization_field
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.http_message import Headers, Request, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_core.wire.dpop import DpopSigner


@dataclass(frozen=True, slots=True, repr=False)
class CredentialHeaders:
    """Header fields that carry a credential; `repr` shows their names only.

    Attributes:
        fields: names and values, without the proof that a bound token needs; see `for_request`.
        token: the OAuth access token in them, or None.
        expires_at: when they stop working, in UTC; None if unknown.
        signer: makes the proofs of a token that is bound to a key (RFC 9449), or None.
    """

    kind: CredentialKind
    fields: tuple[tuple[str, str], ...]
    token: Secret | None = None
    expires_at: datetime | None = None
    signer: DpopSigner | None = None

    def for_request(self, method: str, url: str) -> tuple[tuple[str, str], ...]:
        """Return the fields of one request, with a fresh proof if the token needs one.

        Raises:
            ValueError: the URL cannot be signed.
        """
        if self.signer is None:
            return self.fields
        return self.signer.sign(Request(method, url, Headers.of(self.fields))).headers.fields

    def learn(self, url: str, response: Response) -> bool:
        """Note the nonce in an answer; return whether the request may be sent again with it."""
        return self.signer is not None and self.signer.learn(url, response)

    def __repr__(self) -> str:
        return f"<CredentialHeaders {self.kind} {', '.join(name for name, _ in self.fields)}>"


def credential_kinds(
    credentials: Credentials, url: str, *, now: Callable[[], datetime] = utc_now
) -> tuple[CredentialKind, ...]:
    """Return the kinds of credential that cover `url`, in the order in which they are tried.

    Of cloudflared it is the name of a file that does; whether the address agrees is asked at need.
    """
    found = []
    if credentials.find(url) is not None:
        found.append(CredentialKind.OAUTH)
    if credentials.service_tokens.find(url) is not None:
        found.append(CredentialKind.SERVICE_TOKEN)
    if find_cloudflared_token(url, now=now()) is not None:
        found.append(CredentialKind.CLOUDFLARED)
    return tuple(found)


async def headers_for(
    credentials: Credentials,
    wire: Wire,
    url: str,
    *,
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
    refused: CredentialHeaders | None = None,
    now: Callable[[], datetime] = utc_now,
) -> CredentialHeaders:
    """Return the header fields that may be sent to `url`; never opens a browser.

    An OAuth grant comes first, refreshed if it would not last; then a service token, then a token of
    cloudflared. A kind that a user would have to renew is passed over where the next one covers the URL.

    Args:
        wire: what sends a refresh, and asks an address which application it is; see `cloudflared_target`.
        kind: the only kind that is wanted, or None.
        min_ttl: how long an access token has to last; None as in `usable_token`.
        refused: the fields that the resource answered with 401: their access token is refreshed, unless a
            newer one is stored.

    Raises:
        LoginNeeded: nothing covers the URL, or a user has to renew it.
        Refused, NetworkFailure, NoSecretStore: as `usable_token`.
    """
    kinds = credential_kinds(credentials, url, now=now)
    problem: LoginNeeded | None = None
    for one in kinds if kind is None else (kind,):
        try:
            return await _fields(credentials, wire, url, one, min_ttl, refused, now)
        # Of another kind there may be one that works; the first problem is the one to report.
        except LoginNeeded as error:
            problem = problem or error
    raise problem or LoginNeeded(
        f"No credential on this machine covers {url}.",
        rewrite(url) or f"Log in: authlens login {url}     Or: authlens service-token add {url}",
    )


async def _fields(
    credentials: Credentials,
    wire: Wire,
    url: str,
    kind: CredentialKind,
    min_ttl: timedelta | None,
    refused: CredentialHeaders | None,
    now: Callable[[], datetime],
) -> CredentialHeaders:
    if kind is CredentialKind.OAUTH:
        old = None if refused is None else refused.token
        found = await usable_token(credentials, wire, url, min_ttl=min_ttl, refused=old, now=now)
        token_type = found.grant.token_type
        signer = signer_for(credentials, found.dpop_key, now) if is_bound(token_type) else None
        field = authorization_field(token_type, found.token)
        return CredentialHeaders(kind, (field,), found.token, found.grant.expires_at, signer)
    if kind is CredentialKind.SERVICE_TOKEN:
        service_token = credentials.service_tokens.find(url)
        if service_token is None:
            raise _missing("service token", url)
        known, secret = await credentials.service_tokens.load(service_token.token_id)
        fields = token_fields(known, secret)
        return CredentialHeaders(kind, fields, expires_at=known.expires_at)
    file = await asyncio.to_thread(find_cloudflared_token, url, now=now())
    if file is None:
        raise _missing("token of cloudflared", url)
    # It raises where the token is not for this address; the answer itself is not needed.
    await place_for(wire, file, url)
    jwt = read_cloudflared_token(file)
    if jwt is None:
        raise _missing("token of cloudflared", url)
    return CredentialHeaders(kind, cloudflared_fields(jwt), expires_at=file.expires_at)


def token_fields(token: ServiceToken, secret: Secret) -> tuple[tuple[str, str], ...]:
    """Return the header fields that carry a service token; here the secret leaves its box, to be sent."""
    if token.form is TokenForm.TWO_HEADERS:
        return (("CF-Access-Client-Id", token.client_id), ("CF-Access-Client-Secret", secret.reveal()))
    return ((token.header, json.dumps({CLIENT_ID: token.client_id, CLIENT_SECRET: secret.reveal()})),)


def _missing(what: str, url: str) -> LoginNeeded:
    return LoginNeeded(f"There is no {what} for {url} on this machine.", "See: authlens list")

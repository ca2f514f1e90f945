"""The header fields for a URL, from whichever credential covers it: what `headers` and `curl` send."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from authlens_core.cloudflare.cloudflared_files import (
    cloudflared_fields,
    find_cloudflared_token,
    read_cloudflared_token,
)
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.cloudflare.service_token_headers import CLIENT_ID, CLIENT_SECRET
from authlens_core.credentials.lifecycle.cloudflared_target import place_for
from authlens_core.credentials.lifecycle.operation import signer_for
from authlens_core.credentials.lifecycle.refresh import UsableToken, usable_token
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.service_token import ServiceToken, TokenForm
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.dpop import DpopSigner
from authlens_core.oauth.mcp import resource_request
from authlens_core.oauth.token import authorization_field
from authlens_core.values.errors import LoginNeeded, NoCredential, UsageError
from authlens_core.values.exchange import Headers, Purpose, Request, Response
from authlens_core.values.fix import fix, step
from authlens_core.values.secret import Secret, Unprinted
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import rewrite, usable_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE


class CredentialMatch(Struct, frozen=True):
    """A stored credential that covers a URL; no secret has been read.

    Attributes:
        source: its record.
    """

    kind: CredentialKind
    source: Grant | ServiceToken | CloudflaredToken

    @property
    def urls(self) -> tuple[str, ...]:
        """What it is stored for; empty for a token of `cloudflared`, whose file name can mean several."""
        match self.source:
            case Grant(resource=resource, resource_url=url):
                return (url,) if resource is None else (resource, url)
            case ServiceToken(url=url):
                return (url,)
            case _:
                return ()

    @property
    def description(self) -> str:
        """Whose credential it is, in a few words; no secret."""
        match self.source:
            case Grant() as grant:
                return f"{grant.resource_identifier} at {grant.issuer}"
            case ServiceToken() as token:
                return f"{token.url} {token.label or token.client_id}"
            case file:
                return f"{file.host} {file.person}".strip()

    @property
    def version(self) -> object:
        """A value that changes when a login, a refresh or an edit stores something else."""
        match self.source:
            case Grant() as grant:
                return grant.grant_id, grant.generation, grant.state
            case ServiceToken() as token:
                return token
            case file:
                return file.token_id, file.fingerprint


class CredentialHeaders(Unprinted, Struct, frozen=True):
    """Header fields that carry a credential; `repr` shows their names only.

    Attributes:
        match: the credential, as its record was when they were read.
        fields: names and values, without the proof that a bound token needs; see `for_request`.
        token: the OAuth access token in them, or None.
        expires_at: when they stop working, in UTC; None if unknown.
        signer: makes the proofs of a token that is bound to a key (RFC 9449), or None.
        ended: why only a login renews them, although they may work until they expire; empty if something
            else may.
    """

    match: CredentialMatch
    fields: tuple[tuple[str, str], ...]
    token: Secret | None = None
    expires_at: datetime | None = None
    signer: DpopSigner | None = None
    ended: str = ""

    @property
    def kind(self) -> CredentialKind:
        return self.match.kind

    @property
    def is_bound(self) -> bool:
        """True if each request needs a proof, which only a program with the key can make."""
        return self.signer is not None

    def for_request(self, method: str, url: str) -> tuple[tuple[str, str], ...]:
        """Return the fields of one request, with a fresh proof if the token needs one.

        Raises:
            ValueError: the URL cannot be signed.
        """
        if self.signer is None:
            return self.fields
        return self.signer.sign(Request(method, url, Headers.of(self.fields))).headers.fields

    def signed(self, method: str, url: str) -> tuple[tuple[str, str], ...]:
        """Return the fields of one request, as `for_request` does.

        Raises:
            UsageError: the URL cannot be signed.
        """
        try:
            return self.for_request(method, url)
        except ValueError as error:
            raise UsageError(f"The request cannot be signed: {error}.", "Correct the URL.") from None

    def refuse_bound(self, url: str, program: str) -> None:
        """Refuse to hand a bound token to a program that cannot sign its requests.

        Raises:
            UsageError: the token is bound.
        """
        if self.is_bound:
            raise UsageError(
                f"The token is bound to a key (DPoP), and {program} cannot sign its requests.",
                step("Use", f"authlens proxy {shlex.quote(url)}"),
            )

    def variables(self, name: str) -> dict[str, Secret]:
        """Return environment variables: the access token as `name`, else one for each header field.

        A field's variable is its name in capitals: `CF-Access-Client-Id` is `CF_ACCESS_CLIENT_ID`.
        """
        if self.token is not None:
            return {name: self.token}
        return {field.upper().replace("-", "_"): Secret(value) for field, value in self.fields}

    def learn(self, url: str, response: Response) -> bool:
        """Note the nonce in an answer of the resource; return whether to send the request again with it."""
        if self.signer is None:
            return False
        return self.signer.learn(self.request(url), response)

    def request(self, url: str) -> Request:
        """Return a request with them, unsigned: its origin and its credential say whose nonce it needs."""
        return Request("GET", url, Headers.of(self.fields))

    def __repr__(self) -> str:
        return f"<CredentialHeaders {self.kind} {', '.join(name for name, _ in self.fields)}>"


def matching_credentials(
    credentials: Credentials,
    url: str,
    *,
    kind: CredentialKind | None = None,
    usable: bool = True,
) -> Iterator[CredentialMatch]:
    """Yield the credentials that cover `url`, the one that is tried first at the start.

    Each kind is looked up when it is asked for: the files of `cloudflared` are not read where a login is
    found. Of these the name covers the URL; whether its application agrees is asked before the token is sent.
    """
    grant = credentials.find(url, kind)
    if grant is not None:
        yield CredentialMatch(grant.kind, grant)
    if kind in (None, CredentialKind.SERVICE_TOKEN):
        token = credentials.service_tokens.find(url)
        if token is not None:
            yield CredentialMatch(CredentialKind.SERVICE_TOKEN, token)
    if kind in (None, CredentialKind.CLOUDFLARED):
        file = find_cloudflared_token(url, usable=usable)
        if file is not None:
            yield CredentialMatch(CredentialKind.CLOUDFLARED, file)


async def headers_for(
    credentials: Credentials,
    wire: Wire,
    url: str,
    *,
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
    refused: CredentialHeaders | None = None,
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
        NoCredential: nothing covers the URL.
        LoginNeeded: a user has to renew what covers it.
        Refused, NetworkFailure, NoSecretStore: as `usable_token`.
    """
    problem: LoginNeeded | None = None
    old_token = None if refused is None else refused.token
    for match in matching_credentials(credentials, url, kind=kind):
        try:
            match match.source:
                case Grant() as grant:
                    token = await usable_token(credentials, wire, grant, min_ttl=min_ttl, refused=old_token)
                    return _token_headers(credentials, token)
                case ServiceToken(token_id=token_id):
                    stored, secret = await credentials.service_tokens.load(token_id)
                    fields = token_fields(stored, secret)
                    return CredentialHeaders(match, fields, expires_at=stored.expires_at)
                case file:
                    return await _cloudflared_headers(wire, match, file, url)
        # Of another kind there may be one that works; the first problem is the one to report.
        except LoginNeeded as error:
            problem = problem or error
    raise problem or _nothing_covers(credentials, url, kind)


async def renew_nonce(wire: Wire, headers: CredentialHeaders, url: str) -> bool:
    """Learn the newest nonce of a resource that is known to want one in proofs; return whether it gave one.

    It is asked once, with GET: a nonce may have been replaced since the last answer (RFC 9449 §8.2), and what
    sends the fields elsewhere cannot learn it.
    """
    target = usable_url(url, loopback_http=True)
    if headers.signer is None or target is None or not headers.signer.knows_nonce(headers.request(url)):
        return False
    # A plain GET, whatever is sent afterwards: an answer to it changes nothing and carries the nonce.
    asked = headers.signer.sign(resource_request(target, None, authorization=headers.fields[0]))
    plain = target.scheme == "http"
    exchange = await wire.send(asked, limits=RESOURCE, loopback_http=plain, purpose=Purpose.ACCESS)
    if exchange.response is None or not exchange.response.headers.get_all("dpop-nonce"):
        return False
    headers.learn(url, exchange.response)
    return True


def _nothing_covers(credentials: Credentials, url: str, kind: CredentialKind | None) -> LoginNeeded:
    match kind:
        case CredentialKind.OAUTH:
            return credentials.no_login(url)
        case CredentialKind.MACHINE:
            return NoCredential(
                f"No program has logged in to {url} on this machine.",
                step("Run", f"authlens login {shlex.quote(url)} --machine client-credentials --client-id ID"),
            )
        case CredentialKind.SERVICE_TOKEN:
            return _missing("service token", url)
        case CredentialKind.CLOUDFLARED:
            return _missing("token of cloudflared", url)
        case None:
            return no_credential(url)


def no_credential(url: str, *, service_token: bool = True) -> NoCredential:
    """Return the error where no credential covers `url`; with a way on that the resource may take."""
    shown = shlex.quote(url)
    other = (step("Or", f"authlens service-token add {shown}"),) if service_token else ()
    cure = rewrite(url) or fix(step("Log in", f"authlens login {shown}"), *other)
    return NoCredential(f"No credential on this machine covers {url}.", cure)


def _token_headers(credentials: Credentials, usable: UsableToken) -> CredentialHeaders:
    grant = usable.grant
    return CredentialHeaders(
        CredentialMatch(grant.kind, grant),
        (authorization_field(grant.token_type, usable.token),),
        usable.token,
        grant.expires_at,
        signer_for(credentials, usable.secrets.dpop_key) if usable.is_bound else None,
        grant.note if grant.state is GrantState.LOGIN_NEEDED else "",
    )


async def _cloudflared_headers(
    wire: Wire, match: CredentialMatch, file: CloudflaredToken, url: str
) -> CredentialHeaders:
    # It raises where the token is not for this address; the answer itself is not needed.
    await place_for(wire, file, url)
    jwt = read_cloudflared_token(file)
    if jwt is None:
        raise _missing("token of cloudflared", url)
    return CredentialHeaders(match, cloudflared_fields(jwt), expires_at=file.expires_at)


def token_fields(token: ServiceToken, secret: Secret) -> tuple[tuple[str, str], ...]:
    """Return the header fields that carry a service token; here the secret leaves its box, to be sent."""
    if token.form is TokenForm.TWO_HEADERS:
        return (("CF-Access-Client-Id", token.client_id), ("CF-Access-Client-Secret", secret.reveal()))
    return ((token.header, json.dumps({CLIENT_ID: token.client_id, CLIENT_SECRET: secret.reveal()})),)


def _missing(what: str, url: str) -> LoginNeeded:
    return LoginNeeded(f"There is no {what} for {url} on this machine.", step("See", "authlens list"))

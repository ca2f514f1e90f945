"""What a login knows. Each stage returns new facts; going back is taking earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from authlens_core.diagnosis.answer import Answer
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.device_authorization import DeviceAuthorization
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.oauth.discovery.server_metadata import ServerMetadata
from authlens_core.oauth.dpop import DpopKey
from authlens_core.oauth.mcp import McpCall
from authlens_core.oauth.pkce import Pkce
from authlens_core.oauth.token import TokenResponse
from authlens_core.trace.flow import Flow, flow_of
from authlens_core.trace.record import Stage
from authlens_core.values.grant_type import GrantType
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, usable_url

# Seconds; what the browser gets if the user says nothing else.
BROWSER_WAIT: Final = 300.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user decided before the login began.

    Attributes:
        port: where the callback listener is bound; 0 lets the operating system choose.
        listen: whether a port is bound; without one, what the user pastes is the only way back.
        redirect_host: the host name in the redirect URI. Access has a switch for each.
        client_id: a client registered beforehand; no registration is made.
        client_metadata_url: the URL of a Client ID Metadata Document to use as client_id.
        scope: asked for instead of what the challenge names.
        resource: sent instead of what the resource metadata names (RFC 8707).
        issuer: chosen where the resource names several authorization servers.
        method: how the resource is asked; None tries GET, then the calls of an MCP client.
        legacy_paths: use /authorize, /token and /register of the resource's origin if it publishes nothing,
            as servers of MCP 2025-03-26 do.
        grant_type: how the tokens are got, which decides the flow.
        dpop: ask for tokens that are bound to a key (RFC 9449) although the resource does not require it.
        any_issuer: take an answer of the browser whose `iss` is missing or different (RFC 9207).
        anyway: log in although the resource answers without a login, if it publishes metadata.
        wait: seconds to wait for the user: at most five minutes for the browser, and at most the life of a
            device's code, if it is None.
    """

    port: int = 8400
    redirect_host: Literal["localhost", "127.0.0.1"] = "localhost"
    client_id: str | None = None
    client_secret: Secret | None = None
    client_metadata_url: str | None = None
    scope: str | None = None
    resource: str | None = None
    issuer: str | None = None
    method: Literal["GET", "POST"] | None = None
    wait: float | None = None
    anyway: bool = False
    any_issuer: bool = False
    grant_type: GrantType = GrantType.AUTHORIZATION_CODE
    dpop: bool = False
    legacy_paths: bool = False
    listen: bool = True


# The first stage in which each option matters, the earliest stage first, because `first_changed` takes the
# first that fits. How long to wait changes nothing that was learned.
_MATTERS_FROM: Final[Mapping[str, Stage]] = MappingProxyType(
    {
        "method": Stage.DETECTION,
        "anyway": Stage.DETECTION,
        "issuer": Stage.RESOURCE_METADATA,
        "legacy_paths": Stage.RESOURCE_METADATA,
        "client_id": Stage.SERVER_METADATA,
        "client_metadata_url": Stage.SERVER_METADATA,
        "dpop": Stage.SERVER_METADATA,
        "port": Stage.REGISTRATION,
        "redirect_host": Stage.REGISTRATION,
        "listen": Stage.REGISTRATION,
        "client_secret": Stage.REGISTRATION,
        "grant_type": Stage.REGISTRATION,
        "scope": Stage.PKCE,
        "any_issuer": Stage.PKCE,
        "resource": Stage.PKCE,
    }
)


def first_changed(before: Options, after: Options) -> Stage | None:
    """Return the first stage that has to run again when the user decides again, or None."""
    changed = (s for name, s in _MATTERS_FROM.items() if getattr(before, name) != getattr(after, name))
    return next(changed, None)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything learned so far. Immutable: a stage returns new facts and never changes old ones.

    Attributes:
        loopback_http: true when the resource is plain http on loopback, the only case in which plain http
            is allowed for the server too.
        resource_is_public: true when the resource answered from a public address; server-supplied URLs may
            then not lead to private ones (RFC 9728 §7.7).
        approved: names of the failed checks that the user chose to override.
        call: what an MCP server is asked by POST.
        mcp_version: the protocol version that an MCP server named; text from outside.
        anonymous: true if the resource answered without a token; its answer to one then verifies nothing.
        metadata_candidates: where the resource metadata may be, in order.
        metadata_guessed: true when no one named these places: they are where the specification says.
        issuer_identifier: its name, letter for letter as the resource gives it; compared, never fetched.
        earlier_issuer: the authorization server of the last login to this resource, if there was one.
        redirect_uri: set once the listener is bound.
        known_client: a client registered earlier for (issuer, redirect URI).
        dpop_key: the key that the tokens are bound to; drawn if they have to be.
        device_shown_at: when the code for another device was shown, UTC: the wait for it counts from here.
        nonce: binds an ID token to this login; drawn if `openid` is asked for.
        tokens_asked_at: when the token request was sent, UTC; lifetimes count from here.
        expires_at: when the access token expires, UTC; None if the server did not say.
        step_ups: how often this login authorized again because the resource wanted more scope.
        grant_id: the credential that the tokens were stored as.
    """

    resource_url: Url
    options: Options = field(default_factory=Options)
    loopback_http: bool = False
    resource_is_public: bool = False
    approved: frozenset[str] = frozenset()
    method: Literal["GET", "POST"] = "GET"
    call: McpCall | None = None
    mcp_version: str | None = None
    anonymous: bool = False
    answer: Answer | None = None
    challenge_scope: str | None = None
    metadata_candidates: tuple[Url, ...] = ()
    metadata_guessed: bool = False
    resource_metadata: ResourceMetadata | None = None
    issuer: Url | None = None
    issuer_identifier: str | None = None
    earlier_issuer: str | None = None
    server_metadata: ServerMetadata | None = None
    redirect_uri: str | None = None
    known_client: Client | None = None
    client: Client | None = None
    pkce: Pkce | None = None
    state: Secret | None = None
    nonce: Secret | None = None
    dpop_key: DpopKey | None = None
    scope: str | None = None
    authorization_url: str | None = field(default=None, repr=False)
    code: Secret | None = None
    device: DeviceAuthorization | None = None
    device_asked_at: datetime | None = None
    device_shown_at: datetime | None = None
    tokens: TokenResponse | None = None
    tokens_asked_at: datetime | None = None
    expires_at: datetime | None = None
    step_ups: int = 0
    grant_id: str | None = None

    @property
    def flow(self) -> Flow:
        """The way in which the user logs in."""
        return flow_of(self.options.grant_type)

    def url(self, text: str | None) -> Url | None:
        """Return an address that a server named, or None where it cannot be used in this login."""
        return usable_url(text, loopback_http=self.loopback_http)

    @property
    def device_ends_at(self) -> datetime | None:
        """When the wait for the code is over: it has expired, or the user wanted to wait no longer."""
        if self.device is None or self.device_asked_at is None:
            return None
        expires_at = self.device_asked_at + timedelta(seconds=self.device.expires_in)
        if self.options.wait is None or self.device_shown_at is None:
            return expires_at
        return min(expires_at, self.device_shown_at + timedelta(seconds=self.options.wait))

    @property
    def token_endpoint(self) -> Url | None:
        return None if self.server_metadata is None else self.url(self.server_metadata.token_endpoint)

    @property
    def resource(self) -> str | None:
        """The `resource` parameter (RFC 8707): the user's choice, else verbatim from the metadata."""
        if self.options.resource is not None:
            return self.options.resource
        return self.resource_metadata.resource if self.resource_metadata else None

    @property
    def needs_dpop(self) -> bool:
        """Whether the tokens have to be bound to a key (RFC 9449).

        The user chose so, the resource metadata requires it, or the challenge names DPoP and not Bearer. That
        the server can do it is no reason: the resource may not take such tokens.
        """
        metadata = self.resource_metadata
        if self.options.dpop or (metadata is not None and metadata.dpop_bound_access_tokens_required):
            return True
        challenges = self.answer.challenge_field.challenges if self.answer is not None else ()
        schemes = {c.scheme.lower() for c in challenges}
        return "dpop" in schemes and "bearer" not in schemes

    @property
    def grant_secrets(self) -> tuple[Secret, ...]:
        """The secrets of a token request, of any grant: a server may repeat them in its errors."""
        found = (
            self.code,
            self.pkce and self.pkce.code_verifier,
            self.device and self.device.device_code,
            self.tokens and self.tokens.refresh_token,
        )
        return tuple(secret for secret in found if secret)

    @property
    def client_is_given(self) -> bool:
        """True when the user named the client, by id or by document: it was not registered here."""
        given = (self.options.client_id, self.options.client_metadata_url)
        return self.client is not None and self.client.client_id in given

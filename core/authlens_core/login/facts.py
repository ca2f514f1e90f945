"""What a login knows. Each stage returns new facts; going back is taking earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, Self

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.diagnosis.classification import Classification
from authlens_core.diagnosis.server_kind import ServerKind, server_kind
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.device_authorization import DeviceAuthorization
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.oauth.discovery.server_metadata import ServerMetadata
from authlens_core.oauth.dpop import DpopKey
from authlens_core.oauth.id_token import OPENID
from authlens_core.oauth.mcp import McpCall
from authlens_core.oauth.pkce import Pkce
from authlens_core.oauth.token import TokenResponse
from authlens_core.trace.flow import FLOWS, Flow, flow_of
from authlens_core.values.check import Layer
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.login_options import (
    Options,
    StoredOptions,
    own_options,
    to_remember,
    with_remembered,
)
from authlens_core.values.secret import Secret, Unprinted
from authlens_core.values.url import Url, usable_url

_NO_METADATA: Final = ServerMetadata("", None, "")


class Facts(Unprinted, Struct, frozen=True):
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
        earlier_by_program: whether that was the login of a program.
        remembered: what was decided in earlier logins, for each issuer.
        redirect_uri: set once the listener is bound.
        stored_client: a client registered earlier for (issuer, redirect URI).
        lost_clients: the ids of those that the server has shown in this login not to know any more.
        registered_at: when this login registered its client, UTC; None if it did not.
        dpop_key: the key that the tokens are bound to; drawn if they have to be.
        device_until: when the time that the user gave the login is over, UTC, once a code for another device
            is shown.
        nonce: binds an ID token to this login; drawn if `openid` is asked for.
        tokens_asked_at: when the token request was sent, UTC; lifetimes count from here.
        expires_at: when the access token expires, UTC; None if the server did not say.
        assertion: what a program logs in with; read for one stage, and in no later facts.
        step_ups: how often this login authorized again because the resource wanted more scope.
        grant_id: the credential that the tokens were stored as.
    """

    resource_url: Url
    options: Options = Options()
    loopback_http: bool = False
    resource_is_public: bool = False
    approved: frozenset[str] = frozenset()
    method: Literal["GET", "POST"] = "GET"
    call: McpCall | None = None
    mcp_version: str | None = None
    anonymous: bool = False
    classification: Classification | None = None
    challenge_scope: str | None = None
    metadata_candidates: tuple[Url, ...] = ()
    metadata_guessed: bool = False
    resource_metadata: ResourceMetadata | None = None
    issuer: Url | None = None
    issuer_identifier: str | None = None
    earlier_issuer: str | None = None
    earlier_by_program: bool = False
    remembered: Mapping[str, StoredOptions] = {}
    server_metadata: ServerMetadata | None = None
    redirect_uri: str | None = None
    stored_client: Client | None = None
    lost_clients: frozenset[str] = frozenset()
    client: Client | None = None
    registered_at: datetime | None = None
    pkce: Pkce | None = None
    state: Secret | None = None
    nonce: Secret | None = None
    dpop_key: DpopKey | None = None
    scope: str | None = None
    authorization_url: str | None = None
    code: Secret | None = None
    device: DeviceAuthorization | None = None
    device_answered_at: datetime | None = None
    device_expires_at: datetime | None = None
    device_until: datetime | None = None
    tokens: TokenResponse | None = None
    tokens_asked_at: datetime | None = None
    expires_at: datetime | None = None
    assertion: Secret | None = None
    step_ups: int = 0
    grant_id: str | None = None

    def at_issuer(self, url: Url | None, identifier: str) -> Self:
        """Return the facts with an authorization server, and what was decided for it in earlier logins."""
        options = with_remembered(self.options, self.remembered.get(identifier, ()))
        return replace(self, issuer=url, issuer_identifier=identifier, options=options)

    def own_options(self, options: Options, before: Options) -> Options:
        """Return `options` as the user decided them, who had decided `before`: another server may follow."""
        return own_options(options, self.remembered_here, before)

    @property
    def wants_id_token(self) -> bool:
        """Whether this login asks for an ID token (OpenID Connect Core §3.1.2.1)."""
        return OPENID in (self.scope or "").split()

    @property
    def accepted_issuer(self) -> str | None:
        """What the user lets the server call itself, if that is not what the resource calls it.

        Only this server: the user named it as well, or decided so in an earlier login at it. Otherwise a
        resource could name another one, which calls itself so (mix-up, RFC 9700 §4.4).
        """
        name, server = self.options.issuer_name, self.issuer_identifier
        remembered = dict(self.remembered_here).get("issuer_name")
        is_meant = self.options.issuer == server or name == remembered
        return name if name != server and is_meant else None

    @property
    def to_remember(self) -> StoredOptions:
        """What is stored with the tokens of this login, for the next ones at the same server."""
        return to_remember(self.options, self.remembered_here)

    @property
    def remembered_here(self) -> StoredOptions:
        """What was decided for the authorization server in earlier logins."""
        return self.remembered.get(self.issuer_identifier or "", ())

    @property
    def server(self) -> ServerMetadata:
        """What the authorization server says about itself; nothing as long as that was not read."""
        return self.server_metadata or _NO_METADATA

    @property
    def server_kind(self) -> ServerKind:
        """Which product the authorization server is, as far as the answers until now show."""
        if self.classification is not None and self.classification.layer is Layer.ACCESS:
            return ServerKind.ACCESS
        endpoints = (self.server.authorization_endpoint, self.server.token_endpoint)
        # Where the specification says that metadata may be, no one has answered yet.
        candidates = () if self.metadata_guessed else tuple(url.text for url in self.metadata_candidates)
        return server_kind(filter(None, (self.issuer_identifier, *endpoints, *candidates)))

    @property
    def flow(self) -> Flow:
        """The way in which the user logs in."""
        return flow_of(self.options.grant_type)

    @property
    def other_flow(self) -> Flow | None:
        """The flow that the user can change to; None unless the server offers both."""
        metadata = self.server_metadata
        offered = [
            flow
            for flow in FLOWS.values()
            if metadata is not None and not flow.is_by_program and flow.is_offered(metadata)
        ]
        if self.flow not in offered or len(offered) < 2:
            return None
        return offered[(offered.index(self.flow) + 1) % len(offered)]

    def url(self, text: str | None) -> Url | None:
        """Return an address that a server named, or None where it cannot be used in this login."""
        return usable_url(text, loopback_http=self.loopback_http)

    @property
    def device_ends_at(self) -> datetime | None:
        """When the wait for the code is over: it has expired, or the user wanted to wait no longer."""
        return min(filter(None, (self.device_expires_at, self.device_until)), default=None)

    @property
    def token_endpoint(self) -> Url | None:
        return self.url(self.server.token_endpoint)

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
        challenges = self.classification.challenge_field.challenges if self.classification is not None else ()
        schemes = {c.scheme.lower() for c in challenges}
        # A resource that names both takes plain bearer tokens as well (RFC 9449 §7.2).
        return "dpop" in schemes and "bearer" not in schemes

    @property
    def grant_secrets(self) -> tuple[Secret, ...]:
        """The secrets of a token request, of any grant: a server may repeat them in its errors."""
        secrets = (
            self.code,
            self.pkce and self.pkce.code_verifier,
            self.device and self.device.device_code,
            self.tokens and self.tokens.refresh_token,
            self.assertion,
        )
        return tuple(secret for secret in secrets if secret)

    @property
    def access_token_is_jwt(self) -> bool:
        return self.tokens is not None and parse_jwt(self.tokens.access_token) is not None

    @property
    def client_is_preregistered(self) -> bool:
        """True when the user named the client, by id or by document: it was not registered here."""
        chosen_ids = (self.options.client_id, self.options.client_metadata_url)
        if self.client is None:
            return False
        return self.flow.is_by_program or self.client.client_id in chosen_ids

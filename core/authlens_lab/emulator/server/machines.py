"""Programs at the emulator: their clients and keys, tokens of others for them, and the grants they get.

Three keys sign for them: the client's own, that of the platform on which a workload runs, and that of the
identity provider of a company. They use client credentials (RFC 6749 §4.4), or a JWT as the grant (RFC 7523
§2.1). The identity provider gives a grant for this server in exchange for an ID token (RFC 8693, ID-JAG).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from authlens_lab.emulator import randomness
from authlens_lab.emulator.documents import TOKEN_EXCHANGE
from authlens_lab.emulator.issued import (
    CLIENT_CREDENTIALS_GRANT,
    JWT_BEARER_GRANT,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
)
from authlens_lab.emulator.profile import Fault
from authlens_lab.emulator.server.authorization import granted_scope
from authlens_lab.emulator.signed_tokens import (
    CLIENT_ASSERTION,
    Jwk,
    new_ec_key,
    private_pem,
    signed,
    unverified,
)

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

PLATFORM: Final = "https://platform.example"
SUBJECT: Final = "system:serviceaccount:build:pipeline"
ID_JAG: Final = "urn:ietf:params:oauth:token-type:id-jag"
ID_JAG_TYPE: Final = "oauth-id-jag+jwt"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a token type
ASSERTION_LIFETIME: Final = 300  # seconds
ID_TOKEN_LIFETIME: Final = 3600  # seconds
USER: Final = "ada@example.com"
IDP_CLIENT: Final = "idp-client"


class MachineClient(StrEnum):
    """A client that the owner of the server registered; the value is its id."""

    BASIC = "machine-basic"
    POST = "machine-post"
    KEY = "machine-key"
    WORKLOAD = "machine-workload"
    ENTERPRISE = "machine-enterprise"


_METHODS: Final = {
    MachineClient.BASIC: ("client_secret_basic", CLIENT_CREDENTIALS_GRANT),
    MachineClient.POST: ("client_secret_post", CLIENT_CREDENTIALS_GRANT),
    MachineClient.KEY: ("private_key_jwt", CLIENT_CREDENTIALS_GRANT),
    MachineClient.WORKLOAD: ("none", JWT_BEARER_GRANT),
    MachineClient.ENTERPRISE: ("client_secret_basic", JWT_BEARER_GRANT),
}
"""How each client authenticates, and its grant."""


class Machines:
    """The keys and the secret of one emulator, and what is signed with them."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.secret = randomness.token_urlsafe(24)
        self.surroundings: Mapping[str, Callable[[], str]] = {
            "secret": lambda: self.secret,
            "key": lambda: self.private_key,
            "assertion": self.assertion,
            "id-token": self.id_token,
        }
        """What a program's surroundings give it, by the last part of its URL."""

    @cached_property
    def client_key(self) -> Jwk:
        return new_ec_key()

    @cached_property
    def platform_key(self) -> Jwk:
        return new_ec_key()

    @cached_property
    def idp_key(self) -> Jwk:
        return new_ec_key()

    @cached_property
    def _another_key(self) -> Jwk:
        return new_ec_key()

    @property
    def idp(self) -> str:
        """The issuer of the identity provider."""
        return f"{self._emulator.server_url}/idp"

    def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client with this id, or None."""
        if client_id not in set(MachineClient):
            return None
        method, grant = _METHODS[MachineClient(client_id)]
        return RegisteredClient(
            client_id,
            (),
            name=client_id,
            auth_method=method,
            # RFC 6749 §5.2: a client may be registered and still not be allowed this grant.
            grant_types=() if self._emulator.has(Fault.GRANT_NOT_ALLOWED) else (grant,),
            secret=self.secret if method.startswith("client_secret") else "",
            key=self.registered_key(self.client_key) if method == "private_key_jwt" else None,
        )

    @property
    def private_key(self) -> str:
        """The private key of `machine-key` in PEM."""
        return private_pem(self.client_key)

    def registered_key(self, key: Jwk) -> Jwk:
        """Return the key that the server has in its register instead of `key`; under a fault another one."""
        return self._another_key if self._emulator.has(Fault.KEY_UNKNOWN) else key

    def assertion(self, *, once: bool = True) -> str:
        """Return the platform's statement about a workload, for the server that `aud` names.

        Args:
            once: whether it has a `jti`, so that it is good once; without it, until it expires.
        """
        emulator = self._emulator
        is_for_another = emulator.has(Fault.ASSERTION_AUDIENCE)
        issued_at = int(emulator.now())
        if emulator.has(Fault.ASSERTION_EXPIRED):
            issued_at -= 2 * ASSERTION_LIFETIME
        claims = {
            "iss": PLATFORM,
            "sub": SUBJECT,
            "aud": "https://another.example" if is_for_another else emulator.issuer,
            "iat": issued_at,
            "exp": issued_at + ASSERTION_LIFETIME,
        }
        if once:
            claims["jti"] = randomness.token_urlsafe(12)
        return signed(claims, self.platform_key)

    def id_token(self) -> str:
        """Return the ID token of a user who is signed in at the identity provider."""
        now = int(self._emulator.now())
        claims = {
            "iss": self.idp,
            "aud": IDP_CLIENT,
            "sub": "ada",
            "email": USER,
            "iat": now,
            "exp": now + ID_TOKEN_LIFETIME,
        }
        return signed(claims, self.idp_key)

    def facts(self) -> dict[str, Any]:
        """Return what a test in another process needs to log in."""
        credentials = {name.replace("-", "_"): value() for name, value in self.surroundings.items()}
        return {"machines": {"clients": list(MachineClient), "idp": self.idp, **credentials}}


class MachineGrants:
    """Gives programs their grants; each method raises `OAuthRefusal`."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def authenticate(self, form: Mapping[str, str], client: RegisteredClient) -> None:
        """Check that the key of the client signed the client assertion (RFC 7523 §3)."""
        if form.get("client_assertion_type") != CLIENT_ASSERTION:
            raise OAuthRefusal("invalid_client", "client_assertion_type is not supported", 401)
        claims = self._emulator.assertions.accepted(
            form["client_assertion"], client.key, self._audiences, error="invalid_client", status=401
        )
        # RFC 7523 §3: a client assertion is about the client itself, by the client itself.
        if claims["iss"] != client.client_id or claims["sub"] != client.client_id:
            raise OAuthRefusal("invalid_client", "iss and sub have to be the client", 401)

    def grant(self, form: Mapping[str, str], client: RegisteredClient) -> IssuedGrant:
        """Return the grant of a program."""
        grant_type = form["grant_type"]
        if grant_type not in client.grant_types:
            raise OAuthRefusal("unauthorized_client", "The client may not use this grant")
        scope = form.get("scope", "")
        if self._emulator.has(Fault.SCOPE_REFUSED) and "write" in scope.split():
            raise OAuthRefusal("invalid_scope", "Programs get the scope read only")
        user = client.client_id
        if grant_type == JWT_BEARER_GRANT:
            user = self._subject(form.get("assertion", ""), client)
        if user in self._emulator.grants.denied:
            raise OAuthRefusal("unauthorized_client", "The policy does not admit it")
        granted = granted_scope(self._emulator, scope)
        return IssuedGrant(client_id=client.client_id, user=user, scope=granted, refreshable=False)

    @property
    def _audiences(self) -> tuple[str, str]:
        issuer = self._emulator.issuer
        return issuer, f"{issuer}/token"

    def _subject(self, assertion: str, client: RegisteredClient) -> str:
        machines, accepted = self._emulator.machines, self._emulator.assertions.accepted
        header, claims = unverified(assertion, "invalid_grant")
        if claims.get("iss") != machines.idp:
            is_of_platform = claims.get("iss") == PLATFORM
            key = machines.registered_key(machines.platform_key) if is_of_platform else None
            return str(accepted(assertion, key, self._audiences, error="invalid_grant")["sub"])
        # The type keeps an ID token of the same issuer from being taken for a grant.
        if header.get("typ") != ID_JAG_TYPE:
            raise OAuthRefusal("invalid_grant", f"typ of the assertion is not {ID_JAG_TYPE}")
        expected = {"client_id": client.client_id, "resource": self._emulator.resource_url}
        for name, value in expected.items():
            if claims.get(name) != value:
                raise OAuthRefusal("invalid_grant", f"{name} of the assertion is another one")
        # The draft of the ID-JAG wants the issuer as its audience, and nothing else.
        accepted(assertion, machines.idp_key, self._audiences[:1], error="invalid_grant")
        return USER

    def check_exchange(self, form: Mapping[str, str]) -> str:
        """Return the subject of the ID token that is to be exchanged at the identity provider."""
        emulator = self._emulator
        if form.get("grant_type") != TOKEN_EXCHANGE:
            raise OAuthRefusal("unsupported_grant_type", "Only token exchange is supported here")
        if form.get("client_id") != IDP_CLIENT:
            raise OAuthRefusal("invalid_client", "Client not found", 401)
        expected = {"requested_token_type": ID_JAG, "subject_token_type": ID_TOKEN}
        for name, value in expected.items():
            if form.get(name) != value:
                raise OAuthRefusal("invalid_request", f"{name} has to be {value}")
        # A user who is signed in may ask more than once, so the ID token has no `jti` to remember.
        claims = emulator.assertions.accepted(
            form.get("subject_token", ""), emulator.machines.idp_key, (IDP_CLIENT,), error="invalid_grant"
        )
        # Without this an assertion for one server would open another one.
        if form.get("audience") != emulator.issuer or form.get("resource") != emulator.resource_url:
            raise OAuthRefusal("invalid_target", "audience or resource is not known here")
        return str(claims["sub"])

    def exchanged(self, subject: str, scope: str) -> dict[str, Any]:
        """Return an identity assertion authorization grant for a user of the identity provider."""
        emulator, now = self._emulator, int(self._emulator.now())
        claims: dict[str, Any] = {
            "iss": emulator.machines.idp,
            "sub": subject,
            "aud": emulator.issuer,
            "client_id": MachineClient.ENTERPRISE,
            "resource": emulator.resource_url,
            "scope": scope,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME,
            "jti": randomness.token_urlsafe(12),
        }
        return {
            "access_token": signed(claims, emulator.machines.idp_key, typ=ID_JAG_TYPE),
            "issued_token_type": ID_JAG,
            # RFC 8693 §2.2.1: what was issued is no access token, whatever its member is called.
            "token_type": "N_A",
            "expires_in": ASSERTION_LIFETIME,
        }

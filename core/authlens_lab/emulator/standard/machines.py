"""Programs at the emulator: known clients, their keys, tokens of others for them, and the grants they get.

Three keys sign for them: the client's own, that of the platform on which a workload runs, and that of the
identity provider of a company. They use client credentials (RFC 6749 §4.4), or a JWT as the grant (RFC 7523
§2.1).

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from authlens_lab.emulator import randomness
from authlens_lab.emulator.issued import (
    CLIENT_CREDENTIALS_GRANT,
    JWT_BEARER_GRANT,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
)
from authlens_lab.emulator.profile import Fault
from authlens_lab.emulator.signed_tokens import CLIENT_ASSERTION, Jwk, signed, unverified

if TYPE_CHECKING:
    from authlens_lab.emulator.standard.server_state import ServerState

PLATFORM: Final = "https://platform.example"
SUBJECT: Final = "system:serviceaccount:build:pipeline"
ID_JAG: Final = "urn:ietf:params:oauth:token-type:id-jag"
ID_JAG_TYPE: Final = "oauth-id-jag+jwt"
ASSERTION_LIFETIME: Final = 300  # seconds
USER: Final = "ada@example.com"
IDP_CLIENT: Final = "idp-client"


class MachineClient(StrEnum):
    """A client that the owner of the server made known; the value is its id."""

    BASIC = "machine-basic"
    POST = "machine-post"
    KEY = "machine-key"
    WORKLOAD = "machine-workload"
    ENTERPRISE = "machine-enterprise"


_METHODS: Final = {
    MachineClient.BASIC: "client_secret_basic",
    MachineClient.POST: "client_secret_post",
    MachineClient.KEY: "private_key_jwt",
    MachineClient.WORKLOAD: "none",
    MachineClient.ENTERPRISE: "client_secret_basic",
}
_BY_ASSERTION: Final = frozenset({MachineClient.WORKLOAD, MachineClient.ENTERPRISE})


@dataclass
class Machines:
    """The keys and the secret of one emulator, and what is signed with them."""

    state: ServerState
    secret: str = field(default_factory=lambda: randomness.token_urlsafe(24), repr=False)

    @cached_property
    def client_key(self) -> Jwk:
        return _new_key()

    @cached_property
    def platform_key(self) -> Jwk:
        return _new_key()

    @cached_property
    def idp_key(self) -> Jwk:
        return _new_key()

    @cached_property
    def _another_key(self) -> Jwk:
        return _new_key()

    @property
    def idp(self) -> str:
        """The issuer of the identity provider."""
        return f"{self.state.server_url}/idp"

    def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client with this id, or None."""
        if client_id not in set(MachineClient):
            return None
        known = MachineClient(client_id)
        method = _METHODS[known]
        grant = JWT_BEARER_GRANT if known in _BY_ASSERTION else CLIENT_CREDENTIALS_GRANT
        return RegisteredClient(
            client_id,
            (),
            name=client_id,
            auth_method=method,
            # RFC 6749 §5.2: a client may be known and still not be allowed this grant.
            grant_types=() if self.state.has(Fault.GRANT_NOT_ALLOWED) else (grant,),
            secret=self.secret if method.startswith("client_secret") else "",
            key=self.known(self.client_key) if method == "private_key_jwt" else None,
        )

    @property
    def private_key(self) -> str:
        """The private key of `machine-key` in PEM."""
        from joserfc.jwk import ECKey

        return ECKey.import_key(dict(self.client_key)).as_pem(private=True).decode()

    def known(self, key: Jwk) -> Jwk:
        """Return the key that the server knows instead of `key`: the same, unless that is the fault."""
        return self._another_key if self.state.has(Fault.KEY_UNKNOWN) else key

    def assertion(self, *, once: bool = True) -> str:
        """Return what the platform says of a workload: who it is, to the server that `aud` names.

        Args:
            once: whether it has a `jti`, so that it is good once; without it, until it expires.
        """
        state, now = self.state, int(self.state.clock())
        expired = state.has(Fault.ASSERTION_EXPIRED)
        elsewhere = state.has(Fault.ASSERTION_AUDIENCE)
        claims = {
            "iss": PLATFORM,
            "sub": SUBJECT,
            "aud": "https://another.example" if elsewhere else state.issuer,
            "iat": now - 2 * ASSERTION_LIFETIME if expired else now,
            "exp": now - ASSERTION_LIFETIME if expired else now + ASSERTION_LIFETIME,
            **({"jti": randomness.token_urlsafe(12)} if once else {}),
        }
        return signed(claims, self.platform_key)

    def id_token(self) -> str:
        """Return the ID token of a user who is signed in at the identity provider."""
        now = int(self.state.clock())
        claims = {"iss": self.idp, "aud": IDP_CLIENT, "sub": "ada", "email": USER, "iat": now}
        return signed({**claims, "exp": now + 3600}, self.idp_key)

    def given(self, what: str) -> str | None:
        """Return what a program's surroundings give it, by the last part of its URL; None for the rest."""
        match what:
            case "secret":
                return self.secret
            case "key":
                return self.private_key
            case "assertion":
                return self.assertion()
            case "id-token":
                return self.id_token()
        return None

    def facts(self) -> dict[str, Any]:
        """Return what a test in another process needs to log in."""
        names = ("secret", "key", "assertion", "id-token")
        given = {name.replace("-", "_"): self.given(name) for name in names}
        return {"machines": {"clients": list(MachineClient), "idp": self.idp, **given}}


def _new_key() -> Jwk:
    from joserfc.jwk import ECKey

    return dict(ECKey.generate_key("P-256", private=True).as_dict(private=True))


class MachineGrants:
    """Gives programs their grants; each method raises `OAuthRefusal`."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def authenticated(self, form: Mapping[str, str], client: RegisteredClient) -> RegisteredClient:
        """Return the client whose key signed the client assertion (RFC 7523 §3)."""
        if form.get("client_assertion_type") != CLIENT_ASSERTION:
            raise OAuthRefusal("invalid_client", "client_assertion_type is not supported", 401)
        claims = self._state.assertions.accepted(
            form["client_assertion"], client.key, self._audiences, error="invalid_client", status=401
        )
        # RFC 7523 §3: a client assertion is about the client itself, by the client itself.
        if claims["iss"] != client.client_id or claims["sub"] != client.client_id:
            raise OAuthRefusal("invalid_client", "iss and sub have to be the client", 401)
        return client

    def grant(self, form: Mapping[str, str], client: RegisteredClient, *, jkt: str) -> IssuedGrant:
        """Return the grant that a program asks for, bound to the key with the thumbprint `jkt`, if any."""
        grant_type = form["grant_type"]
        if grant_type not in client.grant_types:
            raise OAuthRefusal("unauthorized_client", "The client may not use this grant")
        asked = form.get("scope", "")
        if self._state.has(Fault.SCOPE_REFUSED) and "write" in asked.split():
            raise OAuthRefusal("invalid_scope", "Programs get the scope read only")
        user = client.client_id
        if grant_type == JWT_BEARER_GRANT:
            user = self._subject(form.get("assertion", ""), client)
        if user in self._state.grants.denied:
            raise OAuthRefusal("unauthorized_client", "The policy does not admit it")
        scope = self._state.granted_scope(asked)
        return IssuedGrant(client.client_id, user, scope=scope, jkt=jkt, refreshable=False)

    @property
    def _audiences(self) -> tuple[str, str]:
        issuer = self._state.issuer
        return issuer, f"{issuer}/token"

    def _subject(self, assertion: str, client: RegisteredClient) -> str:
        machines, accepted = self._state.machines, self._state.assertions.accepted
        header, claims = unverified(assertion, "invalid_grant")
        if claims.get("iss") != machines.idp:
            key = machines.known(machines.platform_key) if claims.get("iss") == PLATFORM else None
            return str(accepted(assertion, key, self._audiences, error="invalid_grant")["sub"])
        # The type keeps an ID token of the same issuer from being taken for a grant.
        if header.get("typ") != ID_JAG_TYPE:
            raise OAuthRefusal("invalid_grant", f"typ of the assertion is not {ID_JAG_TYPE}")
        meant: dict[str, Any] = {"client_id": client.client_id, "resource": self._state.resource}
        for name, value in meant.items():
            if claims.get(name) != value:
                raise OAuthRefusal("invalid_grant", f"{name} of the assertion is another one")
        # The draft of the ID-JAG wants the issuer as its audience, and nothing else.
        accepted(assertion, machines.idp_key, self._audiences[:1], error="invalid_grant")
        return USER

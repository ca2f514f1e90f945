"""The grants of programs: client credentials (RFC 6749 §4.4), and a JWT as the grant (RFC 7523 §2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlens_core.emulator.assertions import CLIENT_ASSERTION, unverified
from authlens_core.emulator.issued import (
    JWT_BEARER_GRANT,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
)
from authlens_core.emulator.profile import StandardFault
from authlens_core.emulator.standard.machines import ID_JAG_TYPE, PLATFORM, USER
from authlens_core.emulator.standard.server_state import ServerState


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
        if claims["iss"] != client.client_id or claims["sub"] != client.client_id:
            raise OAuthRefusal("invalid_client", "iss and sub have to be the client", 401)
        return client

    def grant(self, form: Mapping[str, str], client: RegisteredClient, *, jkt: str) -> IssuedGrant:
        """Return the grant that a program asks for, bound to the key with the thumbprint `jkt`, if any."""
        grant_type = form["grant_type"]
        if grant_type not in client.grant_types:
            raise OAuthRefusal("unauthorized_client", "The client may not use this grant")
        asked = form.get("scope", "")
        if self._state.has(StandardFault.SCOPE_REFUSED) and "write" in asked.split():
            raise OAuthRefusal("invalid_scope", "Programs get the scope read only")
        user = client.client_id
        if grant_type == JWT_BEARER_GRANT:
            user = self._subject(form.get("assertion", ""), client)
        if user in self._state.denied:
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
        accepted(assertion, machines.idp_key, self._audiences[:1], error="invalid_grant")
        return USER

"""The authorization server's origin: its metadata (RFC 8414), its routes, and what a program asks there.

Beside it is a company's identity provider: for an ID token it gives a grant for another server (RFC 8693,
ID-JAG).

"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authlens_lab.emulator import randomness
from authlens_lab.emulator.admin import refused
from authlens_lab.emulator.answers import AUTH_METHODS, NO_STORE, json_answer, read_fields
from authlens_lab.emulator.issued import DEVICE_GRANT, MACHINE_GRANTS, IssuedGrant, OAuthRefusal, put
from authlens_lab.emulator.profile import Fault
from authlens_lab.emulator.signed_tokens import ALGORITHM, signed
from authlens_lab.emulator.standard.client_registry import EXAMPLE_DOCUMENT, EmulatedClients
from authlens_lab.emulator.standard.machines import (
    ASSERTION_LIFETIME,
    ID_JAG,
    ID_JAG_TYPE,
    IDP_CLIENT,
    MachineClient,
    MachineGrants,
)
from authlens_lab.emulator.standard.proof_check import proof_key, with_nonce
from authlens_lab.emulator.standard.server_pages import StandardAuthorizationEndpoint
from authlens_lab.emulator.standard.server_state import SCOPES, ServerState
from authlens_lab.emulator.standard.weakness import PublishedMember
from authlens_lab.emulator.token_endpoint import TokenEndpoint

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
_ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a token type


def identity_provider_routes(state: ServerState) -> list[Route]:
    """Return the routes of the identity provider, and of what a program's surroundings give it."""

    async def metadata(_: Request) -> Response:
        idp = state.machines.idp
        return json_answer(
            {
                "issuer": idp,
                "authorization_endpoint": f"{idp}/authorize",
                "token_endpoint": f"{idp}/token",
                "jwks_uri": f"{idp}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": [TOKEN_EXCHANGE],
                "token_endpoint_auth_methods_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def token(request: Request) -> Response:
        return _exchanged(state, await read_fields(request))

    async def given(request: Request) -> Response:
        # A page of another site must not read the private key of a client.
        if refusal := refused(request):
            return refusal
        text = state.machines.given(request.path_params["what"])
        if text is None:
            return json_answer({"error": "not_found"}, 404)
        return Response(text, headers=dict(NO_STORE), media_type="text/plain")

    return [
        Route("/idp/.well-known/openid-configuration", metadata),
        Route("/.well-known/oauth-authorization-server/idp", metadata),
        Route("/idp/token", token, methods=["POST"]),
        Route("/workload/{what}", given),
    ]


def _exchanged(state: ServerState, form: Mapping[str, str]) -> Response:
    """Exchange an ID token for an identity assertion authorization grant.

    Raises:
        OAuthRefusal: a parameter is missing, the ID token is wrong, or the policy denies it.
    """
    machines = state.machines
    if form.get("grant_type") != TOKEN_EXCHANGE:
        raise OAuthRefusal("unsupported_grant_type", "Only token exchange is supported here")
    if form.get("client_id") != IDP_CLIENT:
        raise OAuthRefusal("invalid_client", "Client not found", 401)
    wanted = {"requested_token_type": ID_JAG, "subject_token_type": _ID_TOKEN}
    for name, value in wanted.items():
        if form.get(name) != value:
            raise OAuthRefusal("invalid_request", f"{name} has to be {value}")
    # A user who is signed in may ask more than once, so the ID token has no `jti` to remember.
    error = "invalid_grant"
    user = state.assertions.accepted(
        form.get("subject_token", ""), machines.idp_key, (IDP_CLIENT,), error=error
    )
    # Without this an assertion for one server would open another one.
    if form.get("audience") != state.issuer or form.get("resource") != state.resource:
        raise OAuthRefusal("invalid_target", "audience or resource is not known here")
    if state.has(Fault.POLICY_DENIES):
        raise OAuthRefusal("access_denied", "A policy of the company denies this server to the user")
    now = int(state.clock())
    claims: dict[str, Any] = {
        "iss": machines.idp,
        "sub": user["sub"],
        "aud": state.issuer,
        "client_id": MachineClient.ENTERPRISE,
        "resource": state.resource,
        "scope": form.get("scope", ""),
        "iat": now,
        "exp": now + ASSERTION_LIFETIME,
        "jti": randomness.token_urlsafe(12),
    }
    answer = {
        "access_token": signed(claims, machines.idp_key, typ=ID_JAG_TYPE),
        "issued_token_type": ID_JAG,
        # RFC 8693 §2.2.1: what was issued is no access token, whatever its member is called.
        "token_type": "N_A",
        "expires_in": ASSERTION_LIFETIME,
    }
    return json_answer(answer, headers=NO_STORE)


_WELL_KNOWN: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
PUSHED_LIFETIME: Final = 60  # seconds


def server_routes(state: ServerState) -> list[Route]:
    """Return the routes of the authorization server; `/moved` is the issuer after a move."""
    clients = EmulatedClients(state)
    browser, tokens = StandardAuthorizationEndpoint(state, clients), StandardTokenEndpoint(state, clients)

    async def metadata(request: Request) -> Response:
        wanted = request.path_params.get("suffix", "")
        known = "moved" if state.moved else ""
        if state.has(Fault.DEFAULT_PATHS) or wanted != known:
            return json_answer({"error": "not_found"}, 404)
        return json_answer(_metadata(state))

    async def jwks(_: Request) -> Response:
        return json_answer({"keys": await state.keys.public()})

    # Both well-known names, because clients of OpenID Connect ask for theirs first.
    routes = [Route(f"{path}{rest}", metadata) for path in _WELL_KNOWN for rest in ("", "/{suffix}")]
    if state.is_for_machines:
        routes += identity_provider_routes(state)
    # The routes of both issuers are always there; which one the resource names changes with `move`.
    for prefix in ("", "/moved"):
        routes += [
            Route(f"{prefix}/authorize", browser.authorize, methods=["GET", "POST"]),
            Route(f"{prefix}/device", browser.device, methods=["GET", "POST"]),
            Route(f"{prefix}/token", tokens.token, methods=["POST"]),
            Route(f"{prefix}/revoke", tokens.revoke, methods=["POST"]),
            Route(f"{prefix}/par", tokens.push, methods=["POST"]),
            Route(f"{prefix}/device_authorization", tokens.device_authorization, methods=["POST"]),
            Route(f"{prefix}/register", clients.register, methods=["POST"]),
            Route(f"{prefix}/register/{{client_id}}", clients.manage, methods=["GET", "DELETE"]),
            Route(f"{prefix}/jwks", jwks),
        ]
    return [*routes, Route(EXAMPLE_DOCUMENT, clients.example_document)]


def _metadata(state: ServerState) -> dict[str, Any]:
    base = state.issuer
    shared: dict[str, Any] = {
        "issuer": state.says(PublishedMember.ISSUER, state.issuer),
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "jwks_uri": f"{base}/jwks",
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    return shared | (_for_machines() if state.is_for_machines else _for_users(state))


def _for_machines() -> dict[str, Any]:
    return {
        # RFC 8414 §2 requires it, also where no endpoint answers a browser.
        "response_types_supported": [],
        "scopes_supported": ["read", "write"],
        "grant_types_supported": sorted(MACHINE_GRANTS),
        "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
        "token_endpoint_auth_methods_supported": [*sorted(AUTH_METHODS), "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
    }


def _for_users(state: ServerState) -> dict[str, Any]:
    base = state.issuer
    document: dict[str, Any] = {
        "authorization_endpoint": f"{base}/authorize",
        "device_authorization_endpoint": f"{base}/device_authorization",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "require_pushed_authorization_requests": state.has(Fault.PAR_REQUIRED),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    if not state.has(Fault.NO_REGISTRATION):
        document["registration_endpoint"] = f"{base}/register"
    return document


class StandardTokenEndpoint:
    """The endpoints at which a client authenticates; each raises `OAuthRefusal`."""

    def __init__(self, state: ServerState, clients: EmulatedClients) -> None:
        self._state = state
        self._machines = MachineGrants(state)
        self._tokens = TokenEndpoint(state.grants, clients.find, self._machines.authenticated)

    async def token(self, request: Request) -> Response:
        """Exchange what the profile takes for tokens: a code or a refresh token, or what a program has."""
        state = self._state
        form, client = await self._tokens.asked(request)
        jkt = proof_key(state, request)
        if state.needs_dpop and not jkt:
            raise OAuthRefusal("invalid_dpop_proof", "This server issues only tokens bound to a key")
        if state.is_for_machines and form.get("grant_type") in MACHINE_GRANTS:
            grant = self._machines.grant(form, client, jkt=jkt)
        else:
            slow = state.has(Fault.DEVICE_SLOW_DOWN)
            grant = self._tokens.grant(form, client, jkt=jkt, refuses_first_poll=slow)
        tokens = state.grants.issue(grant, await self._access_token(grant))
        body = {
            "access_token": tokens["access_token"],
            "token_type": "DPoP" if jkt else "Bearer",
            **tokens,
            "scope": grant.scope,
        }
        if "openid" in grant.scope.split():
            # OpenID Connect Core §12.2: a refreshed ID token should have no nonce.
            nonce = grant.nonce if form["grant_type"] == "authorization_code" else ""
            body["id_token"] = await self._id_token(grant, nonce)
        return with_nonce(state, json_answer(body, headers=NO_STORE))

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009); a self-contained access token cannot be ended."""
        form, client = await self._tokens.asked(request)
        # It is valid wherever its signature is checked, whatever this server remembers.
        known = self._state.grants.knows_access_token(form.get("token", ""))
        if known and self._state.has(Fault.JWT_ACCESS_TOKENS):
            raise OAuthRefusal("unsupported_token_type", "JWT access tokens cannot be revoked")
        return self._tokens.revoke(form, client)

    async def push(self, request: Request) -> Response:
        """Store an authorization request (RFC 9126 §2)."""
        form, client = await self._tokens.asked(request)
        # RFC 9126 §2.1: a reference to a reference would never have been checked.
        if "request_uri" in form:
            raise OAuthRefusal("invalid_request", "request_uri may not be pushed")
        described = client.client_id.startswith("http")  # the URL of its document
        if form.get("redirect_uri", "") not in client.redirect_uris and not described:
            raise OAuthRefusal("invalid_request", "The redirect URI is not registered for this client")
        reference = f"urn:ietf:params:oauth:request_uri:{randomness.token_urlsafe(24)}"
        # The secret authenticated this request, and is no part of the one that is stored.
        parameters = {name: value for name, value in form.items() if name != "client_secret"}
        expires_at = self._state.clock() + PUSHED_LIFETIME
        put(self._state.pushed, reference, (client.client_id, parameters, expires_at))
        return json_answer({"request_uri": reference, "expires_in": PUSHED_LIFETIME}, 201, NO_STORE)

    async def device_authorization(self, request: Request) -> Response:
        """Start a device login (RFC 8628 §3.1)."""
        form, client = await self._tokens.asked(request)
        if DEVICE_GRANT not in client.grant_types or self._state.device_off:
            raise OAuthRefusal("unauthorized_client", "The client is not registered for the device grant")
        scope = self._state.granted_scope(form.get("scope", ""))
        # Two seconds, so that no one waits long to see it expire.
        lifetime = 2.0 if self._state.has(Fault.DEVICE_EXPIRED) else self._state.device_lifetime
        login = self._state.grants.start_device(client, scope, lifetime=lifetime)
        page = f"{self._state.issuer}/device"
        return json_answer(
            {
                "device_code": login.device_code,
                "user_code": login.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={login.user_code}",
                "expires_in": round(login.expires_at - self._state.clock()),
                "interval": login.interval,
            },
            headers=NO_STORE,
        )

    async def _access_token(self, grant: IssuedGrant) -> str:
        state = self._state
        if not state.has(Fault.JWT_ACCESS_TOKENS):
            return randomness.token_urlsafe(40)
        now = int(state.clock())
        claims: dict[str, Any] = {
            "iss": state.issuer,
            "aud": state.resource,
            "sub": grant.user,
            "client_id": grant.client_id,
            "scope": grant.scope,
            "iat": now,
            "exp": now + state.access_token_lifetime,
            "jti": randomness.token_urlsafe(12),
        }
        if grant.jkt:
            claims["cnf"] = {"jkt": grant.jkt}
        return await state.keys.sign(claims)

    async def _id_token(self, grant: IssuedGrant, nonce: str) -> str:
        """Return an ID token (OpenID Connect Core §2)."""
        now = int(self._state.clock())
        claims: dict[str, Any] = {
            "iss": self._state.issuer,
            "aud": grant.client_id,
            "sub": grant.user.partition("@")[0],
            "email": grant.user,
            "iat": now,
            "exp": now + 300,
        }
        if nonce:
            claims["nonce"] = nonce
        return await self._state.keys.sign(claims)

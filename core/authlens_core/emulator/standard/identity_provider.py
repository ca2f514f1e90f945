"""A company's identity provider: for an ID token it gives a grant for another server (RFC 8693, ID-JAG)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authlens_core.emulator import randomness
from authlens_core.emulator.answers import NO_STORE, json_answer, read_fields
from authlens_core.emulator.assertions import signed
from authlens_core.emulator.issued import OAuthRefusal
from authlens_core.emulator.profile import StandardFault
from authlens_core.emulator.standard.machines import (
    ASSERTION_LIFETIME,
    ID_JAG,
    ID_JAG_TYPE,
    IDP_CLIENT,
    MachineClient,
)
from authlens_core.emulator.standard.server_state import ServerState

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
    if form.get("audience") != state.issuer or form.get("resource") != state.resource:
        raise OAuthRefusal("invalid_target", "audience or resource is not known here")
    if state.has(StandardFault.POLICY_DENIES):
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

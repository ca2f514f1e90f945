"""The authorization server's origin: its metadata (RFC 8414) and the routes to its endpoints."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authlens_core.emulator.answers import json_answer
from authlens_core.emulator.issued import DEVICE_GRANT
from authlens_core.emulator.profile import StandardFault
from authlens_core.emulator.standard.clients import EXAMPLE_DOCUMENT, EmulatedClients
from authlens_core.emulator.standard.server_pages import StandardAuthorizationEndpoint
from authlens_core.emulator.standard.server_state import SCOPES, ServerState
from authlens_core.emulator.standard.server_tokens import StandardTokenEndpoint

_WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


def server_routes(state: ServerState) -> list[Route]:
    """Return the routes of the authorization server; `/moved` is the issuer after a move."""
    clients = EmulatedClients(state)
    browser, tokens = StandardAuthorizationEndpoint(state, clients), StandardTokenEndpoint(state, clients)

    async def metadata(request: Request) -> Response:
        wanted = request.path_params.get("suffix", "")
        known = "moved" if state.moved else ""
        if state.has(StandardFault.DEFAULT_PATHS) or wanted != known:
            return json_answer({"error": "not_found"}, 404)
        return json_answer(_metadata(state))

    async def jwks(_: Request) -> Response:
        return json_answer({"keys": await state.keys.public()})

    routes = [Route(f"{place}{rest}", metadata) for place in _WELL_KNOWN for rest in ("", "/{suffix}")]
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
    document: dict[str, Any] = {
        "issuer": state.issuer,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "device_authorization_endpoint": f"{base}/device_authorization",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "require_pushed_authorization_requests": state.has(StandardFault.PAR_REQUIRED),
        "jwks_uri": f"{base}/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "dpop_signing_alg_values_supported": ["ES256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    if not state.has(StandardFault.NO_REGISTRATION):
        document["registration_endpoint"] = f"{base}/register"
    return document

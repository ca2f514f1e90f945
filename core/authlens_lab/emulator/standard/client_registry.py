"""Clients: registration (RFC 7591), its management (RFC 7592) and client id metadata documents."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator.answers import (
    LONGEST_NAME,
    NO_STORE,
    client_information,
    client_metadata,
    json_answer,
    read_body,
)
from authlens_lab.emulator.issued import DEVICE_GRANT, OAuthRefusal, RegisteredClient
from authlens_lab.emulator.loopback_http import request as http_request
from authlens_lab.emulator.profile import Fault
from authlens_lab.emulator.standard.server_state import GRANT_TYPES, ServerState

EXAMPLE_DOCUMENT: Final = "/example-client.json"


class EmulatedClients:
    """Finds, registers and deletes clients."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def register(self, request: Request) -> Response:
        if self._state.has(Fault.NO_REGISTRATION):
            return json_answer({"error": "not_found"}, 404)
        client = self._registered(await read_body(request))
        return json_answer(self._information(client), 201, NO_STORE)

    async def manage(self, request: Request) -> Response:
        """Read or delete a registration (RFC 7592 §2.1, §2.3); the token is for that one client only."""
        client = self._state.grants.client(request.path_params["client_id"])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        # One answer for an unknown client and a wrong token: neither can be probed.
        known = client is not None and hmac.compare_digest(token.encode(), client.management_token.encode())
        if client is None or scheme.lower() != "bearer" or not known:
            return json_answer({"error": "invalid_token"}, 401, {"www-authenticate": "Bearer", **NO_STORE})
        if request.method == "GET":
            return json_answer(self._information(client), headers=NO_STORE)
        self._state.grants.delete_client(client)
        return Response(b"", 204, dict(NO_STORE))

    async def example_document(self, _: Request) -> Response:
        """A client metadata document that this server serves itself, for a login without registration."""
        return json_answer(
            {
                "client_id": f"{self._state.server_url}{EXAMPLE_DOCUMENT}",
                "client_name": "authlens",
                "redirect_uris": [f"http://{host}:8400/callback" for host in ("localhost", "127.0.0.1")],
                "grant_types": ["authorization_code", "refresh_token", DEVICE_GRANT],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            }
        )

    async def find(self, client_id: str) -> RegisteredClient:
        """Return a registered client, or the one that the document at the URL `client_id` describes.

        Raises:
            OAuthRefusal: invalid_client.
        """
        # A real server fetches https only; on loopback there is no certificate.
        if self._state.is_for_machines and (known := self._state.machines.client(client_id)) is not None:
            return known
        # A client id that is a URL is fetched only if no registered client has it as its id.
        described = urlsplit(client_id).scheme in ("http", "https")
        if described and self._state.grants.client(client_id) is None:
            return await self._from_document(client_id)
        return self._state.grants.registered(client_id)

    async def _from_document(self, url: str) -> RegisteredClient:
        """Fetch and check a client metadata document; this emulator goes to loopback only."""
        try:
            async with asyncio.timeout(5):
                shown = await http_request(url)
            document = json.loads(shown.text)
            uris = tuple(map(str, document["redirect_uris"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise OAuthRefusal("invalid_client", "The client metadata document cannot be read", 401) from None
        # CIMD draft §4.1: the document has to name the very URL that it was fetched from.
        if shown.status != 200 or document.get("client_id") != url:
            raise OAuthRefusal("invalid_client", "The document is not that of this client_id", 401)
        grant_types = tuple(map(str, document.get("grant_types", ("authorization_code",))))
        name = str(document.get("client_name", ""))[:LONGEST_NAME]
        return RegisteredClient(url, uris, name, grant_types=grant_types)

    def _registered(self, body: bytes) -> RegisteredClient:
        asked = client_metadata(body)
        if not set(asked.grant_types) <= GRANT_TYPES:
            raise OAuthRefusal("invalid_client_metadata", "A grant is not supported")
        if not asked.redirect_uris and "authorization_code" in asked.grant_types:
            raise OAuthRefusal("invalid_redirect_uri", "redirect_uris is missing")
        if not all(urlsplit(uri).scheme in ("http", "https") for uri in asked.redirect_uris):
            raise OAuthRefusal("invalid_redirect_uri", "A redirect URI is not an http or https URL")
        return self._state.grants.register(
            asked.redirect_uris,
            name=asked.client_name,
            auth_method=asked.token_endpoint_auth_method,
            grant_types=asked.grant_types,
            managed=True,
        )

    def _information(self, client: RegisteredClient) -> dict[str, Any]:
        management_url = f"{self._state.issuer}/register/{client.client_id}"
        return {
            **client_information(client, management_url),
            "registration_access_token": client.management_token,
        }

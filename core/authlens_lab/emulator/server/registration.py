"""Clients: registration (RFC 7591), its management (RFC 7592) and client id metadata documents."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator.answers import NO_STORE, bite, json_answer, read_json
from authlens_lab.emulator.documents import AUTH_METHODS
from authlens_lab.emulator.issued import DEVICE_GRANT, OAuthRefusal, RegisteredClient
from authlens_lab.emulator.loopback_http import request as http_request
from authlens_lab.emulator.profile import TABLE, Fault

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

LONGEST_NAME: Final = 200  # characters of a client's name
MOST_REDIRECT_URIS: Final = 20
_REFUSED_URI: Final = TABLE.refusals[Fault.REDIRECT_URI_REFUSED]["redirect_uri"]


class ClientMetadata(Struct, frozen=True):
    """What a client says of itself; what a member means that is left out (RFC 7591 §2)."""

    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - a name
    client_name: str = ""


class EmulatedClients:
    """Finds, registers and deletes clients."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def register(self, request: Request) -> Response:
        bite(self._emulator, "registration")
        value = await read_json(request)
        if not isinstance(value, dict):
            raise OAuthRefusal("invalid_request", "The body is not a JSON object")
        try:
            metadata = msgspec.convert(value, ClientMetadata)
        except msgspec.ValidationError as error:
            raise _invalid(str(error)) from None
        if metadata.token_endpoint_auth_method not in AUTH_METHODS:
            raise _invalid("token_endpoint_auth_method is not supported")
        if self._emulator.is_access:
            self._check_for_access(metadata)
        else:
            self._check(metadata)
        client = self._emulator.grants.register(
            metadata.redirect_uris,
            name=metadata.client_name[:LONGEST_NAME],
            auth_method=metadata.token_endpoint_auth_method,
            grant_types=metadata.grant_types,
            managed=not self._emulator.is_access,
        )
        return json_answer(self._information(client), 201, NO_STORE)

    async def manage(self, request: Request) -> Response:
        """Read or delete a registration (RFC 7592 §2.1, §2.3); the token is for that one client only."""
        client = self._emulator.grants.client(request.path_params["client_id"])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer"
        # One answer for an unknown client and a wrong token: neither can be probed.
        if client is None or not is_bearer or not _same(token, client.management_token):
            return json_answer({"error": "invalid_token"}, 401, {"www-authenticate": "Bearer", **NO_STORE})
        if request.method == "GET":
            return json_answer(self._information(client), headers=NO_STORE)
        self._emulator.grants.delete_client(client)
        return Response(b"", 204, dict(NO_STORE))

    async def example_document(self, _: Request) -> Response:
        """Return a client metadata document of this server, for a login without registration."""
        return json_answer(
            {
                "client_id": self._emulator.example_client,
                "client_name": "authlens",
                "redirect_uris": ["http://localhost:8400/callback", "http://127.0.0.1:8400/callback"],
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
        emulator = self._emulator
        program = emulator.machines.client(client_id) if emulator.is_for_machines else None
        if program is not None:
            return program
        # A client id that is a URL is fetched only if no registered client has it as its id.
        # A real server fetches https only; on loopback there is no certificate.
        is_url = not emulator.is_access and urlsplit(client_id).scheme in ("http", "https")
        if is_url and emulator.grants.client(client_id) is None:
            return await _from_document(client_id)
        return emulator.grants.registered(client_id)

    def _check(self, metadata: ClientMetadata) -> None:
        if not set(metadata.grant_types) <= {"authorization_code", "refresh_token", DEVICE_GRANT}:
            raise _invalid("A grant is not supported")
        if not metadata.redirect_uris and "authorization_code" in metadata.grant_types:
            raise OAuthRefusal("invalid_redirect_uri", "redirect_uris is missing")
        if not all(urlsplit(uri).scheme in ("http", "https") for uri in metadata.redirect_uris):
            raise OAuthRefusal("invalid_redirect_uri", "A redirect URI is not an http or https URL")

    def _check_for_access(self, metadata: ClientMetadata) -> None:
        if not 1 <= len(metadata.redirect_uris) <= MOST_REDIRECT_URIS:
            raise _invalid("redirect_uris must hold one to twenty URIs")
        bite(self._emulator, "redirect_uri")
        if not all(map(self._allows, metadata.redirect_uris)):
            raise OAuthRefusal(*_REFUSED_URI)
        if "authorization_code" not in metadata.grant_types or "code" not in metadata.response_types:
            raise _invalid("Only the authorization code grant is supported")

    def _allows(self, redirect_uri: str) -> bool:
        """Return whether the settings of the account that are live allow a redirect URI.

        They allow any port and path on the two loopback names.
        """
        names = {"127.0.0.1"} if self._emulator.has(Fault.LOCALHOST_REFUSED) else {"localhost", "127.0.0.1"}
        try:
            parts = urlsplit(redirect_uri)
            is_loopback = parts.scheme == "http" and parts.hostname in names and parts.port != 0
        except ValueError:
            return False
        is_plain = parts.username is None and not parts.fragment
        return is_loopback and is_plain and self._emulator.account.settings_live

    def _information(self, client: RegisteredClient) -> dict[str, Any]:
        """Return the answer to a registration (RFC 7591 §3.2.1)."""
        name = "registration" if self._emulator.is_access else "register"
        information: dict[str, Any] = {
            "client_id": client.client_id,
            "client_name": self._emulator.hostile(client.name),
            "redirect_uris": list(client.redirect_uris),
            "grant_types": list(client.grant_types),
            "response_types": ["code"],
            "token_endpoint_auth_method": client.auth_method,
            "registration_client_uri": f"{self._emulator.endpoint}/{name}/{client.client_id}",
        }
        if client.secret:
            information |= {"client_secret": client.secret, "client_secret_expires_at": 0}
        if self._emulator.is_access:
            return information | {"client_id_issued_at": client.issued_at}
        return information | {"registration_access_token": client.management_token}


async def _from_document(url: str) -> RegisteredClient:
    """Fetch and check a client metadata document; this emulator goes to loopback only."""
    try:
        async with asyncio.timeout(5):
            response = await http_request(url)
        document = json.loads(response.text)
        uris = tuple(map(str, document["redirect_uris"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise OAuthRefusal("invalid_client", "The client metadata document cannot be read", 401) from None
    # CIMD draft §4.1: the document has to name the very URL that it was fetched from.
    if response.status != 200 or document.get("client_id") != url:
        raise OAuthRefusal("invalid_client", "The document is not that of this client_id", 401)
    grant_types = tuple(map(str, document.get("grant_types", ("authorization_code",))))
    name = str(document.get("client_name", ""))[:LONGEST_NAME]
    return RegisteredClient(url, uris, name, grant_types=grant_types)


def _invalid(description: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client_metadata", description)


def _same(token: str, other: str) -> bool:
    return hmac.compare_digest(token.encode(), other.encode())

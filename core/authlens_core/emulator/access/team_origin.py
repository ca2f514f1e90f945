"""The team's origin: the authorization server."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_core.emulator.access.account import OAUTH, Account, new_token, server_metadata
from authlens_core.emulator.access.cloudflared_pages import certificate_route
from authlens_core.emulator.access.edge import Edge, session_routes
from authlens_core.emulator.access.team_login import AuthorizationEndpoint
from authlens_core.emulator.answers import (
    NO_STORE,
    Answered,
    answered,
    client_information,
    client_metadata,
    json_answer,
    page,
    read_body,
    refusal,
)
from authlens_core.emulator.issued import OAuthRefusal, RegisteredClient
from authlens_core.emulator.profile import HOSTILE_TEXT, Fault
from authlens_core.emulator.token_endpoint import TokenEndpoint

REFUSED_URI: Final = "redirect_uri is not allowed by the account configuration"
MOST_REDIRECT_URIS: Final = 20


def team_origin(account: Account) -> ASGIApp:
    team, authorization = TeamOrigin(account), AuthorizationEndpoint(account)
    routes = [
        Route("/", team.front_page),
        Route("/.well-known/oauth-authorization-server", team.metadata),
        Route(f"{OAUTH}/registration", team.register, methods=["POST"]),
        Route(f"{OAUTH}/authorization", authorization.authorize),
        Route(f"{OAUTH}/token", team.token, methods=["POST"]),
        Route(f"{OAUTH}/revoke", team.revoke, methods=["POST"]),
        Route("/cdn-cgi/access/login/{host}", authorization.login, methods=["GET", "POST"]),
        Route("/cdn-cgi/access/certs", team.certs),
        *session_routes(account),
        certificate_route(account),
    ]

    def refused(request: Request, error: Any) -> Response:
        if account.has(Fault.HOSTILE_TEXT):
            error = OAuthRefusal(error.error, error.description + HOSTILE_TEXT, error.status)
        return refusal(request, error)

    handlers = {OAuthRefusal: refused, Answered: answered}
    return Edge(Starlette(routes=routes, exception_handlers=handlers), account, "team")


def _is_loopback(uri: str) -> bool:
    """Return whether the account allows this redirect URI: any port and path on the two loopback names."""
    try:
        parts = urlsplit(uri)
        named = parts.hostname in {"localhost", "127.0.0.1"} and parts.port != 0
    except ValueError:
        return False
    return parts.scheme == "http" and named and parts.username is None and not parts.fragment


class TeamOrigin:
    """Answers for the team's host, apart from the login."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tokens = TokenEndpoint(account.grants, self._client)

    async def _client(self, client_id: str) -> RegisteredClient:
        return self._account.grants.registered(client_id)

    async def front_page(self, _: Request) -> Response:
        return page("Team", "<p>Nothing to see here. Open the protected resource instead.</p>")

    async def metadata(self, _: Request) -> Response:
        return json_answer(server_metadata(self._account))

    async def register(self, request: Request) -> Response:
        if self._account.has(Fault.NO_REGISTRATION_ENDPOINT):
            return json_answer({"error": "not found"}, 404)
        client = self._registered(await read_body(request))
        return json_answer(self._registration_answer(client), 201, NO_STORE)

    def _registered(self, body: bytes) -> RegisteredClient:
        asked = client_metadata(body)
        if not 1 <= len(asked.redirect_uris) <= MOST_REDIRECT_URIS:
            raise OAuthRefusal("invalid_client_metadata", "redirect_uris must hold one to twenty URIs")
        if not all(map(self._allows, asked.redirect_uris)):
            raise OAuthRefusal("invalid_client_metadata", REFUSED_URI)
        if "authorization_code" not in asked.grant_types or "code" not in asked.response_types:
            raise OAuthRefusal("invalid_client_metadata", "Only the authorization code grant is supported")
        return self._account.grants.register(
            asked.redirect_uris,
            name=asked.client_name,
            auth_method=asked.token_endpoint_auth_method,
            grant_types=asked.grant_types,
        )

    def _allows(self, redirect_uri: str) -> bool:
        """Return whether the account's settings, as far as they are live, allow a redirect URI."""
        account = self._account
        if account.has(Fault.REDIRECT_URI_REFUSED) or not account.settings_live:
            return False
        if account.has(Fault.LOCALHOST_REFUSED) and urlsplit(redirect_uri).hostname == "localhost":
            return False
        return _is_loopback(redirect_uri)

    def _registration_answer(self, client: RegisteredClient) -> dict[str, Any]:
        management_url = f"{self._account.server_url}{OAUTH}/registration/{client.client_id}"
        answer = {**client_information(client, management_url), "client_id_issued_at": client.issued_at}
        if self._account.has(Fault.HOSTILE_TEXT):
            answer["client_name"] += HOSTILE_TEXT
        return answer

    async def certs(self, _: Request) -> Response:
        return json_answer({"keys": await self._account.keys.public()})

    async def token(self, request: Request) -> Response:
        account = self._account
        if account.has(Fault.HTML_ERROR):
            return page("Error 500: Internal server error", status=500)
        form, client = await self._tokens.asked(request)
        self._refuse(form)
        tokens = account.grants.issue(self._tokens.grant(form, client), new_token())
        # As Access answers: no scope, and the resource that the token is for.
        body = {**tokens, "token_type": "bearer", "scope": "", "resource": account.resource}
        if account.has(Fault.HOSTILE_TEXT):
            body["message"] = HOSTILE_TEXT
        return json_answer(body, headers=NO_STORE)

    def _refuse(self, form: dict[str, str]) -> None:
        """Refuse what Access, or a fault, refuses before it looks at the code or refresh token.

        Raises:
            OAuthRefusal: invalid_target, invalid_request or invalid_grant.
        """
        account, grant_type = self._account, form.get("grant_type")
        if form.get("resource") and not account.covers(form["resource"]):
            raise OAuthRefusal("invalid_target", "The resource is not an application of this team")
        if not grant_type:
            raise OAuthRefusal("invalid_request", "grant_type is missing")
        if grant_type == "authorization_code" and account.has(Fault.INVALID_GRANT):
            raise OAuthRefusal("invalid_grant", "Authorization code expired")
        if grant_type == "refresh_token" and account.has(Fault.EXPIRED_REFRESH_TOKEN):
            raise OAuthRefusal("invalid_grant", "Refresh token expired")

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009)."""
        if self._account.has(Fault.NO_REVOCATION_ENDPOINT):
            return json_answer({"error": "not found"}, 404)
        if self._account.has(Fault.REVOCATION_UNAVAILABLE):
            return page("Service unavailable", status=503, headers={"retry-after": "30"})
        form, client = await self._tokens.asked(request)
        if not form.get("token"):
            raise OAuthRefusal("invalid_request", "token is missing")
        return self._tokens.revoke(form, client)

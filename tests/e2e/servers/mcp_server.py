"""The authorization server of the Python MCP SDK, and a resource behind the SDK's bearer middleware.

The endpoints, the metadata and the challenge are the SDK's; the store and the login page are ours. When the
server is up, one JSON line on stdout names its URLs; everything else goes to stderr. The process ends when
its standard input closes, so it cannot outlive the test that started it.

The one option is a JSON object: {"access_token_seconds": 900}.
"""

import asyncio
import json
import secrets
import socket
import sys
import time
from dataclasses import dataclass, field

import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.routes import (
    build_resource_metadata_url,
    create_auth_routes,
    create_protected_resource_routes,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

SCOPES = ["read"]
REFRESH_TOKEN_SECONDS = 86_400
LOGIN_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<h1>Sign in</h1><form method="post">
<label>Login <input name="login" required></label>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button></form></html>"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An authorization request whose person has not answered yet."""

    client_id: str
    params: AuthorizationParams


@dataclass
class Store(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """What the SDK asks of a provider, kept in memory. Every token belongs to a grant, and dies with it."""

    resource: str
    access_token_seconds: int
    clients: dict[str, OAuthClientInformationFull] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return a registered client."""
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a client that registered itself (RFC 7591)."""
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Send the person to the login page; only this server's own resource may be asked for (RFC 8707)."""
        if params.resource not in (None, self.resource):
            raise AuthorizeError("invalid_target", "this server knows no such resource")
        ticket = secrets.token_urlsafe(16)
        self.waiting[ticket] = Waiting(client.client_id, params)
        return f"/login?ticket={ticket}"

    def decide(self, ticket: str, login: str, *, allow: bool) -> str | None:
        """Return the redirect that carries the person's answer; None for an unknown ticket."""
        waiting = self.waiting.pop(ticket, None)
        if waiting is None:
            return None
        params = waiting.params
        if not allow:
            return construct_redirect_uri(
                str(params.redirect_uri),
                error="access_denied",
                error_description="denied",
                state=params.state,
            )
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            scopes=params.scopes or SCOPES,
            expires_at=time.time() + 60,
            client_id=waiting.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=login,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        """Return a code that has not been used."""
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        """Spend the code: it works once."""
        if self.codes.pop(authorization_code.code, None) is None:
            raise TokenError("invalid_grant", "the code was used already")
        return self._issue(secrets.token_hex(8), authorization_code, authorization_code.scopes)

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> RefreshToken | None:
        """Return a refresh token that is still the newest of its grant."""
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """Rotate: the old refresh token and the old access token die at once."""
        grant = self.grants[refresh_token.token]
        self._end(grant)
        return self._issue(grant, refresh_token, scopes)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Return a live access token."""
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """End the whole grant, whichever of its tokens was named (RFC 7009 §2.1)."""
        self._end(self.grants[token.token])

    def _issue(self, grant: str, source: AuthorizationCode | RefreshToken, scopes: list[str]) -> OAuthToken:
        now = int(time.time())
        access = AccessToken(
            token=secrets.token_urlsafe(32),
            client_id=source.client_id,
            scopes=scopes,
            expires_at=now + self.access_token_seconds,
            resource=source.resource,
            subject=source.subject,
        )
        refresh = RefreshToken(
            token=secrets.token_urlsafe(32),
            client_id=source.client_id,
            scopes=source.scopes,
            expires_at=now + REFRESH_TOKEN_SECONDS,
            resource=source.resource,
            subject=source.subject,
        )
        self.access[access.token] = access
        self.refresh[refresh.token] = refresh
        self.grants[access.token] = self.grants[refresh.token] = grant
        return OAuthToken(
            access_token=access.token,
            expires_in=self.access_token_seconds,
            scope=" ".join(scopes),
            refresh_token=refresh.token,
        )

    def _end(self, grant: str) -> None:
        for token in [token for token, owner in self.grants.items() if owner == grant]:
            del self.grants[token]
            self.access.pop(token, None)
            self.refresh.pop(token, None)


def build_app(settings: AuthSettings, store: Store) -> Starlette:
    """Put the SDK's routes and middleware together as the SDK's own server does, with a plain resource."""
    resource_url = settings.resource_server_url
    if resource_url is None:
        raise ValueError("the settings name no resource")

    async def login(request: Request) -> Response:
        if request.method == "GET":
            return HTMLResponse(LOGIN_PAGE, headers={"Cache-Control": "no-store"})
        async with request.form() as form:
            allow = form.get("decision") != "deny"
            name = str(form.get("login") or "someone")
        target = store.decide(request.query_params.get("ticket", ""), name, allow=allow)
        if target is None:
            return HTMLResponse("This login is over.", status_code=400)
        return RedirectResponse(target, status_code=303)

    async def hello(request: Request) -> Response:
        return JSONResponse({"hello": request.user.access_token.subject})

    guarded = RequireAuthMiddleware(
        Route("/mcp", hello, methods=["GET", "POST"]).app, SCOPES, build_resource_metadata_url(resource_url)
    )
    routes = create_auth_routes(
        store,
        settings.issuer_url,
        client_registration_options=settings.client_registration_options,
        revocation_options=settings.revocation_options,
    )
    routes += create_protected_resource_routes(resource_url, [settings.issuer_url], SCOPES, "MCP test server")
    routes += [Route("/login", login, methods=["GET", "POST"]), Route("/mcp", guarded)]
    backend = BearerAuthBackend(ProviderTokenVerifier(store), resource_server_url=resource_url)
    return Starlette(routes=routes, middleware=[Middleware(AuthenticationMiddleware, backend=backend)])


async def serve(options: dict[str, int]) -> None:
    """Serve on a free loopback port until standard input closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    resource = f"{origin}/mcp"
    settings = AuthSettings.model_validate(
        {
            "issuer_url": origin,
            "resource_server_url": resource,
            "validate_token_resource": True,
            "client_registration_options": ClientRegistrationOptions(
                enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES
            ),
            "revocation_options": RevocationOptions(enabled=True),
        }
    )
    store = Store(resource=resource, access_token_seconds=options.get("access_token_seconds", 900))
    server = uvicorn.Server(uvicorn.Config(build_app(settings, store), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    metadata = f"{origin}/.well-known/oauth-protected-resource/mcp"
    sys.stdout.write(
        json.dumps({"issuer": origin, "resource": resource, "resource_metadata": metadata}) + "\n"
    )
    sys.stdout.flush()
    await asyncio.wait(
        {serving, asyncio.ensure_future(standard_input_closed())}, return_when="FIRST_COMPLETED"
    )
    server.should_exit = True
    await serving


async def standard_input_closed() -> None:
    """Return when the parent process closed our standard input, or ended."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}))

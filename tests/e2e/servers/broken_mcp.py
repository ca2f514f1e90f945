"""An MCP server of the Python SDK behind an OAuth of its developer's own, with one fault of `FAULTS`.

When it is up, one JSON line on stdout names its URLs. The process ends when its standard input closes. GET
/opened at the authorization server answers how often a browser was there. PYTHONPATH has to name the
directory of the tests.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from e2e.servers.mcp_server import standard_input_closed

KEY: Final = OctKey.import_key(secrets.token_hex(32))
HOUR: Final = 3_600
FAULTS: Final[Mapping[str, str]] = {
    "none": "nothing",
    # What a stranger met with a server of his own.
    "resource": "resource in the resource metadata is /api",
    "resource metadata": "the resource metadata answers 404",
    "server metadata": "the server metadata answers 404; /authorize, /token and /register answer",
    "secret": "none is advertised, and the token endpoint demands a secret",
    "issuer": "issuer in the server metadata is another host",
    "issuer slash": "issuer in the server metadata has a slash too many",
    "audience": "aud of the token is another server",
    # What others meet.
    "expired": "exp of the token is in the past: local time was taken for UTC",
    "no resource parameter": "the server refuses resource as a parameter that it does not have",
    "scopes": "the resource metadata lists scopes of another resource",
    "proof": "the resource wants a proof of possession, and no metadata says so",
    "registration page": "the registration answers 403 with a page",
    "localhost": "the registration refuses localhost, and takes 127.0.0.1",
    "confidential": "a client of none is stored as confidential",
    "wanted audience": "the token is for a resource only where audience was sent",
    "declined": "the user declines on the page of the device code",
    # What a referee made up.
    "form": "the token endpoint reads JSON alone",
    "verifier": "the token endpoint compares the challenge with a hash that has = at its end",
    "token issuer": "iss of the token is localhost, and the resource compares it with 127.0.0.1",
    "sign-in page": "the resource redirects what has no token to a page to sign in",
    "inner address": "the endpoints in the server metadata are those of a network inside",
    "named otherwise": "resource in the resource metadata is /api, so aud is; the resource wants /mcp in it",
    "no metadata": "the resource metadata answers 404, the challenge names none, and nothing else is there",
    "default paths": "the same, and /authorize answers at the origin of the resource",
    "unnamed scope": "the resource requires a scope, and names it in words alone, as the SDK does",
    "challenge inside": "resource_metadata in the challenge is at a name of a network inside",
    "issuer with a path": "the resource names a path of the server, whose metadata is at its origin",
}


class Broken:
    """The authorization server, and what the resource asks of it."""

    def __init__(self, fault: str, resource: str, issuer: str) -> None:
        self.fault, self.origin, self.issuer = fault, resource, issuer
        self.resource = f"{resource}/mcp"
        self.clients: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.opened = 0

    def routes(self) -> list[Route]:
        """Return what the authorization server answers."""
        return [
            Route("/.well-known/oauth-authorization-server", self.metadata),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/register", self.register, methods=["POST"]),
            Route("/device", self.device, methods=["POST"]),
            Route("/opened", lambda _: JSONResponse({"opened": self.opened})),
        ]

    async def metadata(self, _: Request) -> Response:
        """Answer as RFC 8414 has it."""
        if self.fault == "server metadata":
            return Response(status_code=404)
        base = "http://auth:8080" if self.fault == "inner address" else self.issuer
        issuers = {"issuer": "https://login.example", "issuer slash": f"{self.issuer}/"}
        return JSONResponse(
            {
                "issuer": issuers.get(self.fault, self.issuer),
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "registration_endpoint": f"{base}/register",
                "device_authorization_endpoint": f"{base}/device",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            }
        )

    def beside_resource(self, path: str, *, has_token: bool) -> ASGIApp | None:
        """Return what the origin of the resource answers at `path`; None if the SDK's server answers."""
        if path.startswith("/.well-known/oauth-protected-resource"):
            return self.resource_metadata()
        if path.startswith("/.well-known/"):
            return Response(status_code=404)
        if self.fault == "default paths" and path != "/mcp":
            return Starlette(routes=self.routes())
        if self.fault in ("default paths", "no metadata") and path == "/mcp" and not has_token:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if self.fault == "challenge inside" and path == "/mcp" and not has_token:
            place = "http://mcp:8000/.well-known/oauth-protected-resource/mcp"
            return Response(
                status_code=401, headers={"WWW-Authenticate": f'Bearer resource_metadata="{place}"'}
            )
        if self.fault == "sign-in page":
            return RedirectResponse("/login", 302)
        return None

    def resource_metadata(self) -> Response:
        """Answer as RFC 9728 has it."""
        if self.fault in ("resource metadata", "no metadata", "default paths"):
            return Response(status_code=404)
        misnamed = self.fault in ("resource", "named otherwise")
        named = f"{self.origin}/api" if misnamed else self.resource
        scopes = {"scopes_supported": ["api://other/read"]} if self.fault == "scopes" else {}
        server = f"{self.issuer}/tenant" if self.fault == "issuer with a path" else self.issuer
        return JSONResponse({"resource": named, "authorization_servers": [server], **scopes})

    async def register(self, request: Request) -> Response:
        """Register a client (RFC 7591)."""
        asked = await request.json()
        if self.fault == "registration page":
            return HTMLResponse("<h1>403 Forbidden</h1>", 403)
        if self.fault == "localhost" and "localhost" in asked["redirect_uris"][0]:
            return _error("invalid_redirect_uri", "localhost is not allowed")
        client = {**asked, "client_id": secrets.token_hex(8)}
        if self.fault == "confidential":
            client["token_endpoint_auth_method"] = "client_secret_post"
        if self.fault in ("secret", "confidential") and asked.get("token_endpoint_auth_method") != "none":
            client["client_secret"] = secrets.token_hex(16)
        self.clients[client["client_id"]] = client
        return JSONResponse(client, 201)

    async def authorize(self, request: Request) -> Response:
        """Send the browser back with a code, or with an error."""
        self.opened += 1
        asked = dict(request.query_params)
        if asked.get("client_id") not in self.clients:
            return HTMLResponse("<h1>unknown client</h1>", 400)
        answer = {"state": asked.get("state", "")}
        if self.fault == "no resource parameter" and "resource" in asked:
            answer |= {
                "error": "invalid_request",
                "error_description": "extra fields not permitted: resource",
            }
        elif self.fault == "scopes" and asked.get("scope"):
            answer |= {"error": "invalid_scope"}
        else:
            code = secrets.token_hex(16)
            self.codes[code] = asked
            answer["code"] = code
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def device(self, _: Request) -> Response:
        """Hand out a code that the user declines."""
        codes = {"device_code": secrets.token_hex(16), "user_code": "WDJB-MJHT", "interval": 1}
        return JSONResponse({**codes, "verification_uri": f"{self.issuer}/page", "expires_in": 60})

    async def token(self, request: Request) -> Response:
        """Issue a token (RFC 6749 §4.1.3)."""
        form = {} if self.fault == "form" else dict(parse_qsl((await request.body()).decode()))
        if not form:
            return _error("invalid_request", "grant_type is required")
        client = self.clients.get(form.get("client_id", ""), {})
        secret = form.get("client_secret")
        if self.fault in ("secret", "confidential") and (not secret or secret != client.get("client_secret")):
            return _error("invalid_client", status=401)
        if "device_code" in form:
            return _error("access_denied")
        if form.get("grant_type") == "refresh_token":
            return self.issued({})
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        padding = b"" if self.fault == "verifier" else b"="
        challenge = base64.urlsafe_b64encode(digest).rstrip(padding).decode()
        if asked is None or asked["code_challenge"] != challenge:
            return _error("invalid_grant", "code_verifier does not match the code_challenge")
        return self.issued(asked)

    def issued(self, asked: Mapping[str, str]) -> Response:
        """Answer with a token whose claims are as wrong as the fault says."""
        audience = "http://127.0.0.1:8000/mcp" if self.fault == "audience" else self.resource
        if self.fault == "named otherwise":
            audience = asked.get("resource", self.resource)
        if self.fault == "wanted audience" and not asked.get("audience"):
            audience = f"{self.issuer}/userinfo"
        now = int(time.time()) - (2 * HOUR if self.fault == "expired" else 0)
        host = "localhost" if self.fault == "token issuer" else "127.0.0.1"
        issuer = self.issuer.replace("127.0.0.1", host)
        claims = {"iss": issuer, "sub": "ada", "aud": audience, "iat": now, "exp": now + HOUR}
        claims["scope"] = asked.get("scope", "")
        kind = "DPoP" if self.fault == "proof" and asked.get("dpop_jkt") else "Bearer"
        if kind == "DPoP":
            claims["cnf"] = {"jkt": asked["dpop_jkt"]}
        members = {"token_type": kind, "expires_in": HOUR, "refresh_token": secrets.token_hex(16)}
        return JSONResponse({**members, "access_token": jwt.encode({"alg": "HS256"}, claims, KEY)})

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a good token grants: what the SDK asks of a verifier."""
        try:
            claims = jwt.decode(token, KEY).claims
        except (JoseError, ValueError):
            return None
        named = claims["iss"] == self.issuer and claims["aud"] == self.resource
        good = named and claims["exp"] > time.time()
        bound = self.fault != "proof" or "cnf" in claims
        scopes = claims.get("scope", "").split()
        return AccessToken(token=token, client_id="any", scopes=scopes) if good and bound else None


def _error(error: str, description: str = "", status: int = 400) -> Response:
    said = {"error_description": description} if description else {}
    return JSONResponse({"error": error, **said}, status)


def protected(broken: Broken) -> ASGIApp:
    """Return the SDK's server, with the developer's own resource metadata."""
    settings = AuthSettings.model_validate(
        {
            "issuer_url": broken.issuer,
            "resource_server_url": broken.resource,
            "validate_token_resource": False,
            "required_scopes": ["mcp:tools"] if broken.fault == "unnamed scope" else None,
        }
    )
    sdk = MCPServer("broken", token_verifier=broken, auth=settings).streamable_http_app()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope.get("headers", ())}
        is_call = scope["type"] == "http"
        answer = is_call and broken.beside_resource(scope["path"], has_token=b"authorization" in names)
        if answer:
            await answer(scope, receive, send)
            return
        # A proof beside the token is not looked at: the SDK knows the scheme Bearer alone.
        if scope["type"] == "http":
            named = [(n, v.replace(b"DPoP ", b"Bearer ")) for n, v in scope["headers"]]
            scope = {**scope, "headers": named}
        await sdk(scope, receive, send)

    return app


async def main(fault: str) -> None:
    """Serve until standard input closes."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    resource, issuer = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    broken = Broken(fault, resource, issuer)
    apps = (protected(broken), Starlette(routes=broken.routes()))
    servers = [uvicorn.Server(uvicorn.Config(app, log_level="warning")) for app in apps]
    running = [
        asyncio.ensure_future(server.serve(sockets=[one]))
        for server, one in zip(servers, sockets, strict=True)
    ]
    sys.stdout.write(json.dumps({"resource": broken.resource, "issuer": issuer}) + "\n")
    sys.stdout.flush()
    await standard_input_closed()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

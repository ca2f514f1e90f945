"""The app's origin: the protected resource and its metadata (RFC 9728)."""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import SESSION_LIFETIME, Account, server_metadata
from authlens_lab.emulator.access.edge import Edge, approval_route, session_routes, wants_json
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceToken, NoServiceToken
from authlens_lab.emulator.answers import INVALID_NONCE, NO_STORE, json_answer, page
from authlens_lab.emulator.profile import HOSTILE_TEXT, Fault

CLOUDFLARE_METADATA: Final = "/.well-known/cloudflare-access-protected-resource"
STANDARD_METADATA: Final = "/.well-known/oauth-protected-resource"
CLOUDFLARED_WORDS: Final = "Use `cloudflared access curl` or `cloudflared access login`."
CLOUDFLARED_PAGE: Final = "https://developers.cloudflare.com/cloudflare-one/tutorials/cli/"
EVERY_METHOD: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
FORBIDDEN: Final = (
    "Forbidden. You don't have permission to view this. Please contact your system administrator."
)

_Sent = IssuedServiceToken | NoServiceToken


def app_origin(account: Account) -> ASGIApp:
    app = AppOrigin(account)
    routes = [
        Route("/.well-known/oauth-authorization-server", app.team_metadata),
        Route("/cdn-cgi/access/authorized", app.authorized),
        *session_routes(account),
        approval_route(account),
        *(
            Route(path + rest, app.resource_metadata)
            for path in (CLOUDFLARE_METADATA, STANDARD_METADATA)
            for rest in ("", "/{suffix:path}")
        ),
        Route("/{path:path}", app.resource, methods=EVERY_METHOD),
    ]
    return Edge(Starlette(routes=routes), account, "app")


def _is_browser(request: Request) -> bool:
    """Tell a browser from a program; the rule is inferred, not documented."""
    return (
        "text/html" in request.headers.get("accept", "")
        or request.headers.get("sec-fetch-mode") == "navigate"
    )


class AppOrigin:
    """Answers for the app's host."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def resource(self, request: Request) -> Response:
        account = self._account
        if account.has(Fault.PUBLIC):
            return self._welcome(request, "everybody", {})
        if account.has(Fault.POST_ONLY) and request.method in {"GET", "HEAD"}:
            return Response("Method Not Allowed\n", 405, {"allow": "POST"}, media_type="text/plain")
        # How cloudflared since 2026.8.0 asks which application a host has, without a credential.
        if request.method == "HEAD" and request.headers.get("cf-access-metadata-request") == "true":
            return await self._match()
        # A browser's preflight carries no credential, so Access refuses it unless the app's CORS settings
        # answer it.
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return self._forbidden(request)
        sent = account.service_tokens.judge(request.headers)
        refusal = await self._refused_at_once(request, sent)
        if refusal is not None:
            return refusal
        identity = await self._identity(request, sent)
        if identity is None:
            return await self._challenge(request, sent)
        if account.has(Fault.ORIGIN_DOWN):
            return page("Error 1033: the tunnel is down", "<p>error code: 1033</p>", status=530)
        answer = self._welcome(request, identity.get("email") or identity["common_name"], identity)
        # Access gives a session for a service token, so that later requests need not carry the secret.
        if isinstance(sent, IssuedServiceToken) and not account.service_tokens.strict:
            token = await account.sign_service_token(sent)
            answer.set_cookie(
                "CF_Authorization", token, expires=SESSION_LIFETIME, secure=True, samesite="none"
            )
        return answer

    async def _refused_at_once(self, request: Request, sent: _Sent) -> Response | None:
        """Refuse a service token in strict mode, and a bearer token under the faults for it."""
        account = self._account
        if account.service_tokens.strict and sent in (NoServiceToken.UNKNOWN, NoServiceToken.NOT_AUTHORISED):
            return self._forbidden(request, 401 if sent is NoServiceToken.UNKNOWN else 403)
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            return None
        if account.has(Fault.OAUTH_TURNED_OFF):
            return await self._to_login(request, self._metadata_url(request.url.path))
        return self._forbidden(request) if account.has(Fault.POLICY_REFUSES_TOKEN) else None

    async def _identity(self, request: Request, sent: _Sent) -> dict[str, Any] | None:
        account = self._account
        if isinstance(sent, IssuedServiceToken):
            return {"type": "app", "common_name": sent.client_id, "sub": "", "aud": account.aud}
        if account.has(Fault.SERVICE_AUTH_ONLY):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and account.oauth_on and not account.has(Fault.ACCESS_TOKEN_REFUSED):
            issued = account.grants.access_token(token.strip())
            if issued is not None:
                return {
                    "type": "app",
                    "email": issued.grant.user,
                    "aud": [account.aud],
                    "iss": account.server_url,
                }
        for token in self._tokens_of_access(request):
            claims = await account.identity(token)
            if claims is not None and claims["email"] not in account.grants.denied:
                return claims
            claims = await account.service_identity(token)
            if claims is not None:
                return claims
        return None

    def _tokens_of_access(self, request: Request) -> tuple[str, ...]:
        """Return the JWTs that count: with the Binding Cookie on, only one that came with that cookie."""
        cookie = request.cookies.get("CF_Authorization", "")
        if self._account.has(Fault.BINDING_COOKIE):
            return (cookie,) if "CF_Binding" in request.cookies else ()
        headers = request.headers
        return headers.get("cf-access-token", ""), headers.get("cf-access-jwt-assertion", ""), cookie

    def _welcome(self, request: Request, who: str, identity: dict[str, Any]) -> Response:
        """The origin itself, which learns who came by `Cf-Access-Jwt-Assertion` alone."""
        if self._account.origin is not None:
            return self._account.origin.answer(who)
        message = f"Welcome, {who}"
        if self._account.has(Fault.HOSTILE_TEXT):
            message += HOSTILE_TEXT
        if not _is_browser(request):
            return json_answer(
                {
                    "message": message,
                    "method": request.method,
                    "path": request.url.path,
                    "seen_by_the_origin": {"cf-access-jwt-assertion": identity},
                }
            )
        return page(message.encode("utf-8", "replace").decode(), "<p>This is the protected page.</p>")

    async def _challenge(self, request: Request, sent: _Sent) -> Response:
        """Ask for a login in the way that the app's settings say."""
        account = self._account
        if account.has(Fault.SERVICE_AUTH_ONLY):
            return self._forbidden(request)
        metadata_url = self._metadata_url(request.url.path)
        if not account.oauth_on and request.headers.get("x-requested-with") == "XMLHttpRequest":
            fields = {
                "www-authenticate": f'Cloudflare-Access resource_metadata="{metadata_url}"',
                "access-control-allow-headers": "x-requested-with",
                "access-control-allow-credentials": "true",
            }
            return page("401 Unauthorized", status=401, headers=fields)
        # A browser follows a redirect to a page; a program would take the page for the answer.
        if not account.oauth_on or _is_browser(request):
            known = sent is NoServiceToken.NOT_AUTHORISED
            return await self._to_login(request, metadata_url, service_token_known=known)
        return self._bearer_challenge(metadata_url)

    def _metadata_url(self, path: str) -> str:
        return f"{self._account.resource_url}{CLOUDFLARE_METADATA}{path}"

    def _bearer_challenge(self, metadata_url: str) -> Response:
        account = self._account
        if account.has(Fault.NO_WWW_AUTHENTICATE):
            return json_answer({"error": "Unauthorized"}, 401, NO_STORE)
        if account.has(Fault.CHALLENGE_WITHOUT_METADATA):
            return Response(b"", 401, {**NO_STORE, "www-authenticate": "Bearer"})
        words = "Missing or invalid access token"
        facts = {"error": "invalid_token", "error_description": words, "resource_metadata": metadata_url}
        said = words
        if account.has(Fault.HOSTILE_TEXT):
            facts["error_description"] = words + HOSTILE_TEXT
            # A header field is bytes, so it goes as they are.
            said = (words + HOSTILE_TEXT).encode().decode("latin-1")
        challenge = (
            f'Bearer realm="OAuth", error="invalid_token", error_description="{said}", '
            f'resource_metadata="{metadata_url}"'
        )
        return json_answer(facts, 401, {**NO_STORE, "www-authenticate": challenge})

    async def _to_login(
        self, request: Request, metadata_url: str, *, service_token_known: bool = False
    ) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        fields = {
            "location": await self._account.login_url(path, "app", service_token_known=service_token_known),
            "www-authenticate": f'Cloudflare-Access resource_metadata="{metadata_url}"',
            "access-control-allow-credentials": "true",
            "cache-control": "private, max-age=0, no-store, no-cache, must-revalidate",
            "expires": "Thu, 01 Jan 1970 00:00:01 GMT",
        }
        return page("302 Found", status=302, headers=fields)

    def _forbidden(self, request: Request, status: int = 0) -> Response:
        account = self._account
        status = status or (401 if account.service_auth_401 else 403)
        fields = {"cf-access-aud": account.aud, "cf-access-domain": account.app_host}
        if wants_json(request):
            facts = {
                "message": FORBIDDEN,
                "status_code": status,
                "aud": account.aud,
                "ray_id": randomness.token_hex(8),
            }
            return json_answer(facts, status, fields)
        return page("Forbidden", f"<p>{FORBIDDEN}</p>", status=status, headers=fields)

    async def _match(self) -> Response:
        account = self._account
        claims = {
            "type": "match",
            "hostname": account.app_host,
            "auth_domain": account.team_host,
            "aud": account.aud,
            "app_hostname": account.app_host,
            "iat": int(account.now()),
        }
        return Response(b"", 200, {"cf-access-metadata": await account.keys.sign(claims)})

    async def resource_metadata(self, request: Request) -> Response:
        account = self._account
        standard = request.url.path.startswith(STANDARD_METADATA)
        if account.faults & {Fault.PUBLIC, Fault.NO_WWW_AUTHENTICATE}:
            return json_answer({"error": "not found"}, 404)
        # The standard place exists only with Managed OAuth; Cloudflare's own is served always.
        if standard and not account.oauth_on:
            return await self._to_login(request, self._metadata_url("/"))
        suffix = request.path_params.get("suffix", "")
        owner = "https://elsewhere.example" if account.has(Fault.RESOURCE_MISMATCH) else account.resource_url
        methods = [
            {
                "name": "cloudflared",
                "description": CLOUDFLARED_WORDS,
                "documentation": CLOUDFLARED_PAGE,
            }
        ]
        if account.oauth_on:
            methods.append({"name": "oauth", "description": "OAuth 2.0 authorization code with PKCE."})
        document: dict[str, Any] = {
            "resource": f"{owner}/{suffix}" if suffix else owner,
            "protected": True,
            "team_domain": account.team_host,
            "authorization_servers": [account.server_url],
            "authentication_method": "cloudflared",
            "authentication_method_description": CLOUDFLARED_WORDS,
            "authentication_method_documentation": CLOUDFLARED_PAGE,
            "authentication_methods": methods,
        }
        if account.has(Fault.HOSTILE_TEXT):
            document["resource_name"] = f"Wiki{HOSTILE_TEXT}"
            document["authentication_method_description"] += HOSTILE_TEXT
        return json_answer(document)

    async def team_metadata(self, request: Request) -> Response:
        if not self._account.oauth_on or self._account.has(Fault.NO_WWW_AUTHENTICATE):
            return await self.resource(request)
        return json_answer(server_metadata(self._account))

    async def authorized(self, request: Request) -> Response:
        """Where the team's login sends a browser back to: sets the app's cookie."""
        account = self._account
        claims = await account.keys.verify(request.query_params.get("state", ""))
        nonce = request.query_params.get("nonce", "")
        if claims is None or claims.get("nonce") != nonce or nonce not in account.sessions:
            return page(INVALID_NONCE, status=400)
        answer = RedirectResponse(f"{account.resource_url}{claims['redirect_url']}", 302, dict(NO_STORE))
        token = await account.sign_identity(nonce)
        answer.set_cookie("CF_Authorization", token, max_age=SESSION_LIFETIME, httponly=True, samesite="lax")
        if account.has(Fault.BINDING_COOKIE):
            answer.set_cookie("CF_Binding", randomness.token_hex(16), httponly=True, samesite="lax")
        return answer

"""The application: the protected resource of Access, its challenges and its metadata (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import COOKIE, SESSION_LIFETIME
from authlens_lab.emulator.access.edge import wants_json
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceToken, NoServiceToken
from authlens_lab.emulator.answers import NO_STORE, Answered, bite, json_answer, page
from authlens_lab.emulator.documents import resource_document, server_document
from authlens_lab.emulator.profile import Fault

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

FORBIDDEN: Final = (
    "Forbidden. You don't have permission to view this. Please contact your system administrator."
)
REFUSED_TOKEN: Final = "Missing or invalid access token"  # noqa: S105 - a description

# In strict mode "who are you" differs from "you may not".
_STRICT: Final = {NoServiceToken.UNKNOWN: 401, NoServiceToken.NOT_AUTHORISED: 403}

_Credential = IssuedServiceToken | NoServiceToken


def _is_browser(request: Request) -> bool:
    """Tell a browser from a program; the rule is inferred, not documented."""
    is_navigation = request.headers.get("sec-fetch-mode") == "navigate"
    return is_navigation or "text/html" in request.headers.get("accept", "")


class Application:
    """Answers for the app's host."""

    METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._account = emulator.account

    async def answer(self, request: Request) -> Response:
        emulator, service_tokens = self._emulator, self._account.service_tokens
        if emulator.has(Fault.PUBLIC):
            return self._welcome(request, "everybody", {})
        if request.method in ("GET", "HEAD"):
            bite(emulator, "read")
        # A browser's preflight carries no credential, so Access refuses it unless the app's CORS settings
        # answer it.
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return self._forbidden(request)
        credential = service_tokens.judge(request.headers)
        await self._refuse_at_once(request, credential)
        identity = await self._identity(request, credential)
        if identity is None:
            return await self._challenge(request, credential)
        bite(emulator, "origin")
        answer = self._welcome(request, identity.get("email") or identity["common_name"], identity)
        # Access gives a session for a service token, so that later requests need not carry the secret.
        if isinstance(credential, IssuedServiceToken) and not service_tokens.strict:
            token = await self._account.sign_service_token(credential)
            answer.set_cookie(COOKIE, token, expires=SESSION_LIFETIME, secure=True, samesite="none")
        return answer

    async def metadata(self, request: Request) -> Response:
        emulator = self._emulator
        bite(emulator, "resource")
        is_standard = request.url.path.startswith("/.well-known/oauth-protected-resource")
        # The standard URL exists only with Managed OAuth; Cloudflare's own is served always.
        if is_standard and not self._account.oauth_on:
            return await self._to_login(request, self._metadata_url("/"))
        suffix = request.path_params.get("suffix", "")
        path = f"/{suffix}" if suffix else ""
        return json_answer(resource_document(emulator, emulator.resource_url, path))

    async def team_metadata(self, request: Request) -> Response:
        if not self._account.oauth_on or self._emulator.has(Fault.NO_WWW_AUTHENTICATE):
            return await self.answer(request)
        return json_answer(server_document(self._emulator))

    async def _refuse_at_once(self, request: Request, credential: _Credential) -> None:
        """Refuse a service token in strict mode, and a bearer token under the faults for it.

        Raises:
            Answered: it is refused.
        """
        status = _STRICT.get(credential) if isinstance(credential, NoServiceToken) else None
        if status is not None and self._account.service_tokens.strict:
            raise Answered(self._forbidden(request, status))
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            return
        if self._emulator.has(Fault.OAUTH_TURNED_OFF):
            raise Answered(await self._to_login(request, self._metadata_url(request.url.path)))
        if self._emulator.has(Fault.POLICY_REFUSES_TOKEN):
            raise Answered(self._forbidden(request))

    async def _identity(self, request: Request, credential: _Credential) -> dict[str, Any] | None:
        emulator, account = self._emulator, self._account
        if isinstance(credential, IssuedServiceToken):
            return {"type": "app", "common_name": credential.client_id, "sub": "", "aud": account.aud}
        if emulator.has(Fault.SERVICE_AUTH_ONLY):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_accepted = account.oauth_on and not emulator.has(Fault.ACCESS_TOKEN_REFUSED)
        issued = (
            emulator.grants.access_token(token.strip())
            if is_accepted and scheme.lower() == "bearer"
            else None
        )
        if issued is not None:
            user = issued.grant.user
            return {"type": "app", "email": user, "aud": [account.aud], "iss": emulator.server_url}
        for jwt in self._jwts(request):
            claims = await account.identity(jwt)
            if claims is not None and claims["email"] not in emulator.grants.denied:
                return claims
            claims = await account.service_identity(jwt)
            if claims is not None:
                return claims
        return None

    def _jwts(self, request: Request) -> tuple[str, ...]:
        """Return the JWTs that count: with the Binding Cookie on, only one that came with that cookie."""
        cookie = request.cookies.get(COOKIE, "")
        if self._emulator.has(Fault.BINDING_COOKIE):
            return (cookie,) if "CF_Binding" in request.cookies else ()
        headers = request.headers
        return headers.get("cf-access-token", ""), headers.get("cf-access-jwt-assertion", ""), cookie

    def _welcome(self, request: Request, user: str, identity: dict[str, Any]) -> Response:
        """Return the origin's answer, which learns who came by `Cf-Access-Jwt-Assertion` alone."""
        if self._emulator.origin is not None:
            return self._emulator.origin.answer(user)
        message = self._emulator.hostile(f"Welcome, {user}")
        if _is_browser(request):
            return page(message, "<p>This is the protected page.</p>")
        return json_answer(
            {
                "message": message,
                "method": request.method,
                "path": request.url.path,
                "seen_by_the_origin": {"cf-access-jwt-assertion": identity},
            }
        )

    async def _challenge(self, request: Request, credential: _Credential) -> Response:
        """Ask for a login in the way of the app's settings."""
        if self._emulator.has(Fault.SERVICE_AUTH_ONLY):
            return self._forbidden(request)
        metadata_url = self._metadata_url(request.url.path)
        # A browser follows a redirect to a page; a program would take the page for the answer.
        if not self._account.oauth_on or _is_browser(request):
            has_service_token = credential is NoServiceToken.NOT_AUTHORISED
            return await self._to_login(request, metadata_url, has_service_token=has_service_token)
        bite(self._emulator, "challenge")
        description = self._emulator.hostile(REFUSED_TOKEN)
        facts = {
            "error": "invalid_token",
            "error_description": description,
            "resource_metadata": metadata_url,
        }
        # A header field is bytes, so it goes as they are.
        challenge = (
            f'Bearer realm="OAuth", error="invalid_token", '
            f'error_description="{description.encode().decode("latin-1")}", '
            f'resource_metadata="{metadata_url}"'
        )
        return json_answer(facts, 401, {**NO_STORE, "www-authenticate": challenge})

    def _metadata_url(self, path: str) -> str:
        origin = self._emulator.resource_origin
        return f"{origin}/.well-known/cloudflare-access-protected-resource{path}"

    async def _to_login(
        self, request: Request, metadata_url: str, *, has_service_token: bool = False
    ) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.url.path + query
        fields = {
            "location": await self._account.login_url(path, "app", has_service_token=has_service_token),
            "www-authenticate": f'Cloudflare-Access resource_metadata="{metadata_url}"',
            "access-control-allow-credentials": "true",
            "cache-control": "private, max-age=0, no-store, no-cache, must-revalidate",
            "expires": "Thu, 01 Jan 1970 00:00:01 GMT",
        }
        return page("302 Found", status=302, headers=fields)

    def _forbidden(self, request: Request, status: int = 403) -> Response:
        aud = self._account.aud
        fields = {"cf-access-aud": aud, "cf-access-domain": self._account.app_host}
        if not wants_json(request):
            return page("Forbidden", f"<p>{FORBIDDEN}</p>", status=status, headers=fields)
        ray_id = randomness.token_hex(8)
        facts = {"message": FORBIDDEN, "status_code": status, "aud": aud, "ray_id": ray_id}
        return json_answer(facts, status, fields)

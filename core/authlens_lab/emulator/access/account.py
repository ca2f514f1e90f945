"""The account: what Access remembers of browsers, of service tokens and of cloudflared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceToken, IssuedServiceTokens
from authlens_lab.emulator.issued import put
from authlens_lab.emulator.profile import Fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from authlens_lab.emulator.emulator import Emulator

COOKIE: Final = "CF_Authorization"
SESSION_LIFETIME: Final = 86_400  # seconds
META_LIFETIME: Final = 300  # seconds
# A changed setting of Access takes about a minute to reach every edge.
PROPAGATION: Final = 60.0
MOST_SESSIONS: Final = 1000

Claims = dict[str, Any]


class Account:
    """The sessions and service tokens of one emulated account.

    Args:
        strict: the organisation's strict mode for service tokens.
        header: the app's `read_service_tokens_from_header`; empty if it is not set.

    Attributes:
        aud: the application's audience tag, 64 hexadecimal digits.
        sessions: the user of each session, by its nonce.
        service_token: the one that the app lets in.
        transfers: tokens that the user approved for cloudflared, by the public key of the request.
    """

    def __init__(self, emulator: Emulator, *, strict: bool, header: str) -> None:
        self._emulator = emulator
        self._creation = emulator.clock()
        self.aud = randomness.token_hex(32)
        self.sessions: dict[str, str] = {}
        self.transfers: dict[str, str] = {}
        self.service_tokens = IssuedServiceTokens(emulator.now, strict=strict, header=header)
        in_policy = not emulator.has(Fault.SERVICE_AUTH_MISSING)
        self.service_token = self.service_tokens.create(in_policy=in_policy)

    @property
    def oauth_on(self) -> bool:
        return not self._emulator.has(Fault.OAUTH_OFF, Fault.SERVICE_AUTH_ONLY, Fault.PUBLIC)

    @property
    def settings_live(self) -> bool:
        """Whether the last change of a setting has reached the edge, which takes a minute."""
        is_late = self._emulator.clock() >= self._creation + PROPAGATION
        return is_late or not self._emulator.has(Fault.SETTINGS_NOT_LIVE)

    @property
    def app_host(self) -> str:
        return urlsplit(self._emulator.resource_origin).netloc

    @property
    def team_host(self) -> str:
        """The team's host and port, used as the team domain."""
        return urlsplit(self._emulator.server_url).netloc

    def refuses(self, user: str) -> bool:
        """Return whether the policy keeps a user out."""
        return user in self._emulator.grants.denied or self._emulator.has(Fault.DENIED_USER)

    async def login_url(self, path: str, flow: str, *, has_service_token: bool = False) -> str:
        """Return the team's login page that leads back to `path`.

        The `meta` token carries the return address, so a hand-built URL leads nowhere.

        Args:
            path: with its query: of the app, or of the authorization endpoint.
            flow: `app` or `oauth`.
            has_service_token: whether a service token came that no policy names.
        """
        now = int(self._emulator.now())
        claims = {
            "type": "meta",
            "aud": self.aud,
            "hostname": self.app_host,
            "redirect_url": path,
            "flow": flow,
            "service_token_status": has_service_token,
            "auth_status": "NONE",
            "iat": now,
            "nbf": now,
            "exp": now + META_LIFETIME,
        }
        meta = await self._emulator.keys.sign(claims)
        query = urlencode({"kid": self.aud, "meta": meta, "redirect_url": path})
        return f"{self._emulator.server_url}/cdn-cgi/access/login/{self.app_host}?{query}"

    def start_session(self, user: str) -> str:
        """Remember that `user` logged in; return the nonce of the session."""
        nonce = randomness.token_urlsafe(16)
        put(self.sessions, nonce, user, MOST_SESSIONS)
        return nonce

    def forget_sessions(self) -> None:
        """Forget sessions and what waits for cloudflared; service tokens stay."""
        self.sessions.clear()
        self.transfers.clear()

    def end_sessions(self, user: str | None = None) -> None:
        """End the sessions of a user, or all."""
        self.sessions = {
            nonce: owner for nonce, owner in self.sessions.items() if user is not None and owner != user
        }

    async def sign_identity(self, nonce: str) -> str:
        """Return the signed token (`CF_Authorization`) of a session."""
        now = int(self._emulator.now())
        user = self.sessions[nonce]
        claims = {
            "aud": [self.aud],
            "email": user,
            "sub": f"{user.partition('@')[0]}-{self.aud[:8]}",
            "iat": now,
            "nbf": now,
            "exp": now + SESSION_LIFETIME,
            "iss": self._emulator.server_url,
            "type": "app",
            "identity_nonce": nonce,
            "country": "XX",
        }
        return await self._emulator.keys.sign(claims)

    async def sign_service_token(self, token: IssuedServiceToken) -> str:
        """Return the signed token that a service token is exchanged for; `aud` is plain text in it."""
        now = int(self._emulator.now())
        claims = {
            "type": "app",
            "aud": self.aud,
            "iss": self._emulator.server_url,
            "iat": now,
            "exp": now + SESSION_LIFETIME,
            "sub": "",
            "common_name": token.client_id,
        }
        return await self._emulator.keys.sign(claims)

    async def verified(self, token: str, kind: str) -> Claims | None:
        """Return the claims of a live token of this type that the team signed, or None."""
        claims = await self._emulator.keys.verify(token) if token else None
        if claims is None or claims.get("type") != kind or claims.get("exp", 0) <= self._emulator.now():
            return None
        return claims

    async def identity(self, token: str) -> Claims | None:
        """Return the claims of a live `CF_Authorization` token of a user, or None."""
        claims = await self.verified(token, "app")
        # A list, as in a user's token; the one that a service token is exchanged for has plain text.
        if claims is None or claims.get("aud") != [self.aud]:
            return None
        return claims if claims.get("identity_nonce") in self.sessions else None

    async def visitor(self, request: Request) -> Claims | None:
        """Return who is logged in to the browser that sent a request, or None."""
        return await self.identity(request.cookies.get(COOKIE, ""))

    async def service_identity(self, token: str) -> Claims | None:
        """Return the claims of a live token that a service token was exchanged for, or None."""
        claims = await self.verified(token, "app")
        if claims is None or claims.get("aud") != self.aud:
            return None
        issued = self.service_tokens.get(str(claims.get("common_name")))
        return claims if issued is not None and issued.enabled else None

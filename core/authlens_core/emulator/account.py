"""The account: what the two origins of the emulator share."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.emulator.faults import Fault
from authlens_core.emulator.grants import Grants
from authlens_core.emulator.keys import SigningKeys

__all__ = ["USERS", "Account", "SeenRequest", "email_of"]

USERS: Final = ("ada@example.com", "grace@example.com", "mallory@example.com")
DENIED_BY_POLICY: Final = "mallory@example.com"
CLOCK_SKEW: Final = 3600.0
SESSION_LIFETIME: Final = 86_400
META_LIFETIME: Final = 300
MOST_SESSIONS: Final = 1000
MOST_SEEN: Final = 2000


def email_of(user: str) -> str:
    """Return the e-mail address of a demo user, who may be named by the part before the @."""
    return user if "@" in user else f"{user}@example.com"


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that reached the emulator: enough to tell who was sent which credential, and no value of it.

    Attributes:
        origin: `app` or `team`.
        header_names: the field names in lower case, in order.
    """

    origin: str
    method: str
    path: str
    header_names: tuple[str, ...]


@dataclass(slots=True)
class Account:
    """The settings, the users and the memory of one emulated account.

    Attributes:
        app_url: the app's origin, without a slash at the end.
        team_url: the team's origin, without a slash at the end; also the issuer.
        slow_seconds: how late each answer is under the fault `slow`.
        aud: the application's audience tag, 64 hexadecimal digits.
    """

    clock: Callable[[], float]
    faults: frozenset[Fault]
    access_token_lifetime: int
    grant_lifetime: int
    slow_seconds: float = 30.0
    app_url: str = ""
    team_url: str = ""
    aud: str = field(default_factory=lambda: secrets.token_hex(32))
    service_client_id: str = field(default_factory=lambda: f"{secrets.token_hex(16)}.access")
    service_client_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    denied: set[str] = field(default_factory=lambda: {DENIED_BY_POLICY})
    sessions: dict[str, str] = field(default_factory=dict, repr=False)
    seen: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=MOST_SEEN), repr=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    keys: SigningKeys = field(default_factory=SigningKeys, repr=False)
    grants: Grants = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.grants = Grants(
            self.now,
            access_token_lifetime=self.access_token_lifetime,
            grant_lifetime=self.grant_lifetime,
            rotation=Fault.ROTATION_OFF not in self.faults,
            may_enter=lambda user: user not in self.denied,
        )

    def has(self, fault: Fault) -> bool:
        """Tell whether a fault is being played."""
        return fault in self.faults

    def now(self) -> float:
        """Return the server's time, in seconds since the epoch."""
        return self.clock() + (CLOCK_SKEW if self.has(Fault.CLOCK_SKEW) else 0.0)

    @property
    def oauth_on(self) -> bool:
        """Whether Managed OAuth is on for the app."""
        return not self.faults & {Fault.OAUTH_OFF, Fault.SERVICE_AUTH_ONLY, Fault.PUBLIC}

    @property
    def app_host(self) -> str:
        """The app's host and port."""
        return urlsplit(self.app_url).netloc

    @property
    def team_host(self) -> str:
        """The team's host and port, which stands for the team domain."""
        return urlsplit(self.team_url).netloc

    @property
    def resource(self) -> str:
        """The resource as token answers print it: the app's origin with a slash."""
        return f"{self.app_url}/"

    def covers(self, resource: str) -> bool:
        """Tell whether a `resource` parameter (RFC 8707) names this app."""
        return resource == self.app_url or resource.startswith(self.resource)

    async def pause(self) -> None:
        """Wait as long as the fault `slow` says, or until the emulator stops."""
        try:
            await asyncio.wait_for(self.stopping.wait(), self.slow_seconds)
        except TimeoutError:
            return

    async def login_url(self, redirect_url: str, flow: str) -> str:
        """Return the team's login page that leads back to `redirect_url`.

        The `meta` token carries the way back, so a hand-built URL leads nowhere.

        Args:
            redirect_url: a path with its query: of the app, or of the authorization endpoint.
            flow: `app` or `oauth`.
        """
        from urllib.parse import urlencode

        now = int(self.now())
        meta = {
            "type": "meta",
            "aud": self.aud,
            "hostname": self.app_host,
            "redirect_url": redirect_url,
            "flow": flow,
            "service_token_status": False,
            "auth_status": "NONE",
            "iat": now,
            "nbf": now,
            "exp": now + META_LIFETIME,
        }
        query = urlencode({"kid": self.aud, "meta": await self.keys.sign(meta), "redirect_url": redirect_url})
        return f"{self.team_url}/cdn-cgi/access/login/{self.app_host}?{query}"

    def start_session(self, user: str) -> str:
        """Remember that `user` logged in; return the nonce of the session."""
        if len(self.sessions) >= MOST_SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        nonce = secrets.token_urlsafe(16)
        self.sessions[nonce] = user
        return nonce

    def end_sessions(self, user: str | None = None) -> None:
        """End the browser sessions of one user or of all."""
        self.sessions = {n: u for n, u in self.sessions.items() if user is not None and u != user}

    async def sign_identity(self, nonce: str) -> str:
        """Return the signed token (`CF_Authorization`) of a session."""
        now = int(self.now())
        user = self.sessions[nonce]
        claims = {
            "aud": [self.aud],
            "email": user,
            "sub": f"{user.partition('@')[0]}-{self.aud[:8]}",
            "iat": now,
            "nbf": now,
            "exp": now + SESSION_LIFETIME,
            "iss": self.team_url,
            "type": "app",
            "identity_nonce": nonce,
            "country": "XX",
        }
        return await self.keys.sign(claims)

    async def identity(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a live `CF_Authorization` token, or None."""
        claims = await self.keys.verify(token) if token else None
        if claims is None or claims.get("type") != "app" or claims.get("aud") != [self.aud]:
            return None
        live = claims.get("exp", 0) > self.now() and claims.get("identity_nonce") in self.sessions
        return claims if live else None

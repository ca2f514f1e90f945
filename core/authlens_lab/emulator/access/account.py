"""The account: what the two origins of the emulator share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.values.word_files import words
from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceToken, IssuedServiceTokens
from authlens_lab.emulator.grants import Grants, ServerMemory
from authlens_lab.emulator.issued import GrantRules, put
from authlens_lab.emulator.profile import HOSTILE_TEXT, Fault, Profile

OAUTH: Final = "/cdn-cgi/access/oauth"
FOREIGN_ISSUER: Final = "https://elsewhere.example"  # RFC 6761 §6.5: no one can own it
DENIED_BY_POLICY: Final = "mallory@example.com"
CLOCK_SKEW: Final = 3600.0  # seconds
SESSION_LIFETIME: Final = 86_400  # seconds
META_LIFETIME: Final = 300  # seconds
# A changed setting of Access takes about a minute to reach every edge.
PROPAGATION: Final = 60.0
MOST_SESSIONS: Final = 1000
TOKEN_CHARACTERS: Final = 65  # after the prefix, as observed


def new_token() -> str:
    """Return an access or a refresh token, in the form in which Access issues both."""
    return "oauth:" + randomness.token_urlsafe(64)[:TOKEN_CHARACTERS]


@dataclass(slots=True, kw_only=True)
class Account(ServerMemory):
    """The settings, the users and the memory of one emulated account; the app is its resource.

    Attributes:
        stopping: set while the emulator is stopped.
        slow_seconds: how late each answer is under the fault `slow`.
        strict_service_tokens: the organisation's strict mode for service tokens.
        service_token_header: the app's `read_service_tokens_from_header`; empty if it is not set.
        service_auth_401: the app's `service_auth_401_redirect`: a refusal is 401 instead of 403.
        refresh_grace: a refresh token that was rotated out is good until the new one is used.
        made_at: when the account was made, by `clock`.
        transfers: tokens that the user approved for cloudflared, by the public key that asked.
        aud: the application's audience tag, 64 hexadecimal digits.
    """

    profile: Profile = Profile.ACCESS
    stopping: asyncio.Event = field(repr=False)
    grant_lifetime: int
    slow_seconds: float = 30.0
    aud: str = field(default_factory=lambda: randomness.token_hex(32))
    strict_service_tokens: bool = False
    service_token_header: str = ""
    service_auth_401: bool = False
    refresh_grace: bool = False
    sessions: dict[str, str] = field(default_factory=dict, repr=False)
    service_tokens: IssuedServiceTokens = field(init=False, repr=False)
    service_token: IssuedServiceToken = field(init=False, repr=False)
    made_at: float = field(init=False)
    transfers: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        rules = GrantRules(
            words=words("emulator", "authlens_lab")["access-refusals"],
            grant_types=frozenset({"authorization_code", "refresh_token"}),
            client_id=lambda: str(randomness.uuid4()),
            refresh_token=new_token,
            grant_lifetime=self.grant_lifetime,
            rotation=Fault.ROTATION_OFF not in self.faults,
            grace=self.refresh_grace,
            denied=frozenset({DENIED_BY_POLICY}),
        )
        self.grants = Grants(self.now, rules, access_token_lifetime=self.access_token_lifetime)
        self.made_at = self.clock()
        self.service_tokens = IssuedServiceTokens(
            self.now, strict=self.strict_service_tokens, header=self.service_token_header
        )
        in_policy = Fault.SERVICE_AUTH_MISSING not in self.faults
        self.service_token = self.service_tokens.create(in_policy=in_policy)

    def now(self) -> float:
        """Return the server's time, in seconds since the epoch."""
        return self.clock() + (CLOCK_SKEW if self.has(Fault.CLOCK_SKEW) else 0.0)

    @property
    def oauth_on(self) -> bool:
        return not self.faults & {Fault.OAUTH_OFF, Fault.SERVICE_AUTH_ONLY, Fault.PUBLIC}

    @property
    def app_host(self) -> str:
        return urlsplit(self.resource_url).netloc

    @property
    def team_host(self) -> str:
        """The team's host and port, used as the team domain."""
        return urlsplit(self.server_url).netloc

    def covers(self, resource: str) -> bool:
        """Return whether a `resource` parameter (RFC 8707) names this app."""
        return resource == self.resource_url or resource.startswith(self.resource)

    async def pause(self) -> None:
        """Wait as long as the fault `slow` says, or until the emulator stops."""
        try:
            # Not a sleep: the emulator would stop only after its slowest answer.
            await asyncio.wait_for(self.stopping.wait(), self.slow_seconds)
        except TimeoutError:
            return

    async def login_url(self, redirect_url: str, flow: str, *, service_token_known: bool = False) -> str:
        """Return the team's login page that leads back to `redirect_url`.

        The `meta` token carries the return address, so a hand-built URL leads nowhere.

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
            "service_token_status": service_token_known,
            "auth_status": "NONE",
            "iat": now,
            "nbf": now,
            "exp": now + META_LIFETIME,
        }
        query = urlencode({"kid": self.aud, "meta": await self.keys.sign(meta), "redirect_url": redirect_url})
        return f"{self.server_url}/cdn-cgi/access/login/{self.app_host}?{query}"

    def start_session(self, user: str) -> str:
        """Remember that `user` logged in; return the nonce of the session."""
        nonce = randomness.token_urlsafe(16)
        put(self.sessions, nonce, user, MOST_SESSIONS)
        return nonce

    def forget_everything(self) -> None:
        """Forget clients, grants and sessions; service tokens stay."""
        self.grants.forget_everything()
        self.sessions.clear()
        self.transfers.clear()

    def end_sessions(self, user: str | None = None) -> None:
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
            "iss": self.server_url,
            "type": "app",
            "identity_nonce": nonce,
            "country": "XX",
        }
        return await self.keys.sign(claims)

    async def sign_service_token(self, token: IssuedServiceToken) -> str:
        """Return the signed token that a service token is exchanged for; `aud` is plain text in it."""
        now = int(self.now())
        claims = {
            "type": "app",
            "aud": self.aud,
            "iss": self.server_url,
            "iat": now,
            "exp": now + SESSION_LIFETIME,
            "sub": "",
            "common_name": token.client_id,
        }
        return await self.keys.sign(claims)

    async def service_identity(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a live token that a service token was exchanged for, or None."""
        claims = await self.keys.verify(token) if token else None
        if claims is None or claims.get("aud") != self.aud or claims.get("exp", 0) <= self.now():
            return None
        known = self.service_tokens.get(str(claims.get("common_name")))
        return claims if known is not None and known.enabled else None

    @property
    def settings_live(self) -> bool:
        """Whether the last change of a setting has reached the edge, which takes a minute."""
        return not self.has(Fault.SETTINGS_NOT_LIVE) or self.clock() >= self.made_at + PROPAGATION

    async def identity(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a live `CF_Authorization` token, or None."""
        claims = await self.keys.verify(token) if token else None
        # A list, as in a user's token; the one that a service token is exchanged for has plain text.
        if claims is None or claims.get("type") != "app" or claims.get("aud") != [self.aud]:
            return None
        live = claims.get("exp", 0) > self.now() and claims.get("identity_nonce") in self.sessions
        return claims if live else None


def _issuer(account: Account) -> str:
    if account.has(Fault.WRONG_ISSUER):
        return FOREIGN_ISSUER
    return account.team_host if account.has(Fault.BARE_ISSUER) else account.server_url


def server_metadata(account: Account) -> dict[str, Any]:
    """Return the authorization server metadata of the team (RFC 8414)."""
    endpoint = account.server_url + OAUTH
    methods = ["client_secret_basic", "client_secret_post", "none"]
    if account.has(Fault.NONE_NOT_ADVERTISED):
        methods.remove("none")
    document: dict[str, Any] = {
        "issuer": _issuer(account),
        "authorization_endpoint": f"{endpoint}/authorization",
        "token_endpoint": f"{endpoint}/token",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["plain" if account.has(Fault.S256_NOT_ADVERTISED) else "S256"],
    }
    if not account.has(Fault.NO_REVOCATION_ENDPOINT):
        document["revocation_endpoint"] = f"{endpoint}/revoke"
    if not account.has(Fault.NO_REGISTRATION_ENDPOINT):
        document["registration_endpoint"] = f"{endpoint}/registration"
    if account.has(Fault.ISS_MISMATCH):
        document["authorization_response_iss_parameter_supported"] = True
    if account.has(Fault.HOSTILE_TEXT):
        document["service_documentation"] = f"https://docs.example/{HOSTILE_TEXT}"
    return document

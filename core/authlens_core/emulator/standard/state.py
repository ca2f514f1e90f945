"""What the standard server remembers: clients, codes, device logins, pushed requests, grants and tokens.

Nothing here knows HTTP, and all is bounded. It shares no code with the client that it is used to test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from authlens_core.emulator import randomness
from authlens_core.emulator.access.grants import (
    AccessToken,
    AuthorizationCode,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
    put,
    s256,
)
from authlens_core.emulator.keys import SigningKeys
from authlens_core.emulator.profile import Profile, StandardFault

DEVICE_LIFETIME: Final = 600  # seconds
SCOPES: Final = ("openid", "offline_access", "read", "write")
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words


@dataclass(slots=True)
class DeviceLogin:
    """A device login (RFC 8628): `user` is set once the user has decided."""

    client_id: str
    user_code: str
    scope: str
    expires_at: float
    next_poll: float
    interval: int = 1
    polls: int = 0
    user: str = ""
    denied: bool = False


@dataclass(slots=True)
class ServerState:
    """The settings and the memory of one standard server.

    Attributes:
        resource_url: the resource's origin, without a final slash.
        server_url: the authorization server's origin, without a final slash.
        moved: true once the resource names another issuer (`move`).
    """

    profile: Profile
    faults: frozenset[StandardFault]
    clock: Callable[[], float]
    access_token_lifetime: int = 60
    resource_url: str = ""
    server_url: str = ""
    moved: bool = False
    keys: SigningKeys = field(default_factory=SigningKeys, repr=False)
    clients: dict[str, RegisteredClient] = field(default_factory=dict, repr=False)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict, repr=False)
    devices: dict[str, DeviceLogin] = field(default_factory=dict, repr=False)
    pushed: dict[str, tuple[str, dict[str, str], float]] = field(default_factory=dict, repr=False)
    refresh_tokens: dict[str, IssuedGrant] = field(default_factory=dict, repr=False)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    seen_proofs: dict[str, float] = field(default_factory=dict, repr=False)
    dpop_nonce: str = field(default_factory=lambda: randomness.token_urlsafe(16), repr=False)

    def has(self, *faults: StandardFault) -> bool:
        return any(fault in self.faults for fault in faults)

    @property
    def issuer(self) -> str:
        """The issuer, with which the endpoints' URLs start; old servers have them at the resource."""
        if self.has(StandardFault.NO_RESOURCE_METADATA, StandardFault.DEFAULT_PATHS):
            return self.resource_url
        return f"{self.server_url}/moved" if self.moved else self.server_url

    @property
    def resource(self) -> str:
        return f"{self.resource_url}/mcp" if self.profile is Profile.MCP else f"{self.resource_url}/"

    @property
    def needs_dpop(self) -> bool:
        return self.has(StandardFault.DPOP_REQUIRED, StandardFault.DPOP_NONCE)

    def move(self) -> None:
        """Have the resource name another issuer, which knows no client and no token of the old one."""
        self.moved = True
        for table in (self.clients, self.codes, self.devices, self.pushed):
            table.clear()
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def granted_scope(self, asked: str) -> str:
        """Return the scopes that exist out of those asked for; `read` without any."""
        return " ".join(scope for scope in asked.split() if scope in SCOPES) or "read"

    def start_device(self, client: RegisteredClient, scope: str) -> tuple[str, DeviceLogin]:
        """Return the device code of a new device login, and the login."""
        now = self.clock()
        lifetime = 2 if self.has(StandardFault.DEVICE_EXPIRED) else DEVICE_LIFETIME
        letters = [randomness.choice(_LETTERS) for _ in range(8)]
        user_code = f"{''.join(letters[:4])}-{''.join(letters[4:])}"
        login = DeviceLogin(client.client_id, user_code, scope, now + lifetime, now + 1)
        device_code = randomness.token_urlsafe(32)
        put(self.devices, device_code, login)
        return device_code, login

    def poll_device(self, device_code: str, client: RegisteredClient) -> IssuedGrant:
        """Return the grant of a device login that the user approved (RFC 8628 §3.5).

        Raises:
            OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token or invalid_grant.
        """
        login, now = self.devices.get(device_code), self.clock()
        if login is None or login.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Device code not found")
        login.polls += 1
        if now >= login.expires_at:
            raise OAuthRefusal("expired_token", "The device code has expired")
        slow = self.has(StandardFault.DEVICE_SLOW_DOWN) and login.polls == 1
        if slow or now < login.next_poll - 0.2:  # a poll that is a little early is forgiven
            login.interval += 5
            login.next_poll = now + login.interval
            raise OAuthRefusal("slow_down", "Poll less often")
        login.next_poll = now + login.interval
        if login.denied:
            raise OAuthRefusal("access_denied", "The user denied the request")
        if not login.user:
            raise OAuthRefusal("authorization_pending", "The user has not finished yet")
        del self.devices[device_code]
        return IssuedGrant(client.client_id, login.user, scope=login.scope)

    def device_of(self, user_code: str) -> DeviceLogin | None:
        """Return the device login that waits with this user code, or None."""
        wanted = user_code.strip().upper()
        return next((login for login in self.devices.values() if login.user_code == wanted), None)

    def redeem(self, form: dict[str, str], client: RegisteredClient) -> tuple[IssuedGrant, AuthorizationCode]:
        """Return the grant that a code stands for; the code works once.

        Raises:
            OAuthRefusal: invalid_grant.
        """
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != client.client_id or code.expires_at <= self.clock():
            raise OAuthRefusal("invalid_grant", "The code is unknown, used or expired")
        if code.redirect_uri != form.get("redirect_uri"):
            raise OAuthRefusal("invalid_grant", "redirect_uri differs from the authorization request")
        if s256(form.get("code_verifier", "")) != code.challenge:
            raise OAuthRefusal("invalid_grant", "code_verifier does not match the code_challenge")
        return IssuedGrant(client.client_id, code.user, scope=code.scope), code

    def refreshed(self, refresh_token: str, client: RegisteredClient) -> IssuedGrant:
        """Return the grant of a refresh token; one that was rotated out ends its grant.

        Raises:
            OAuthRefusal: invalid_grant.
        """
        grant = self.refresh_tokens.get(refresh_token)
        if grant is not None and grant.refresh_token != refresh_token:
            grant.alive = False
        if grant is None or grant.client_id != client.client_id or not grant.alive:
            raise OAuthRefusal("invalid_grant", "The refresh token is unknown, revoked or was used before")
        return grant

    def token(self, access_token: str) -> AccessToken | None:
        token = self.access_tokens.get(access_token)
        if token is None or token.expires_at <= self.clock():
            return None
        # A JWT is judged by its signature and its times alone, so it outlives the end of its grant.
        return token if token.grant.alive or self.has(StandardFault.JWT_ACCESS_TOKENS) else None

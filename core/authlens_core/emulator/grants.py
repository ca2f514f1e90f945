"""What an authorization server remembers: clients, codes, device logins, grants and tokens.

One store for every profile; what differs is data (`GrantRules`). Nothing here knows HTTP, and all is bounded.
Sources: RFC 6749, 7009, 7591, 7592, 7636, 8628, 9449, 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from authlens_core.emulator import randomness
from authlens_core.emulator.issued import (
    AccessToken,
    AuthorizationCode,
    DeviceLogin,
    GrantRules,
    InvalidGrant,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
)

CODE_LIFETIME: Final = 60.0  # seconds
DEVICE_LIFETIME: Final = 600.0  # seconds
MOST_ENTRIES: Final = 5000  # of one table, so that a client in a loop cannot fill the memory
# A SHA-256 digest in base64url (RFC 7636 §4.2).
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words
_EARLY: Final = 0.2  # seconds that a poll may be early, because clocks and networks jitter

Entry = TypeVar("Entry")


def s256(text: str) -> str:
    """Return the digest of a verifier, or of a token (RFC 7636 §4.2, RFC 9449 §4.1)."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def put(entries: dict[str, Entry], key: str, value: Entry, most: int = MOST_ENTRIES) -> None:
    """Store `value`, and drop the oldest entry of a full table."""
    if len(entries) >= most:
        del entries[next(iter(entries))]
    entries[key] = value


class Grants:
    """The memory of an authorization server.

    Args:
        clock: the time in seconds since the epoch.
        access_token_lifetime: seconds an access token is good for.
        may_enter: returns whether the policy still admits a user; called at each use of a grant.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        rules: GrantRules,
        *,
        access_token_lifetime: int,
        may_enter: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._clock = clock
        self.rules = rules
        self.access_token_lifetime = access_token_lifetime
        self._may_enter = may_enter
        self._clients: dict[str, RegisteredClient] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._used_codes: dict[str, IssuedGrant | None] = {}
        self._devices: dict[str, DeviceLogin] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._refresh_tokens: dict[str, IssuedGrant] = {}

    def forget_everything(self) -> None:
        for table in (self._clients, self._codes, self._used_codes, self._devices):
            table.clear()
        self._access_tokens.clear()
        self._refresh_tokens.clear()

    # Clients

    def register(
        self,
        redirect_uris: tuple[str, ...],
        *,
        name: str = "",
        auth_method: str = "none",
        grant_types: tuple[str, ...] = ("authorization_code", "refresh_token"),
        managed: bool = False,
    ) -> RegisteredClient:
        """Return a new client; one that is `managed` has a token that reads and deletes it (RFC 7592)."""
        client = RegisteredClient(
            client_id=self.rules.client_id(),
            redirect_uris=redirect_uris,
            name=name,
            auth_method=auth_method,
            grant_types=grant_types,
            issued_at=int(self._clock()),
            secret="" if auth_method == "none" else randomness.token_urlsafe(32),
            management_token=randomness.token_urlsafe(32) if managed else "",
        )
        put(self._clients, client.client_id, client)
        return client

    def client(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)

    def registered(self, client_id: str) -> RegisteredClient:
        """Return the client with this id.

        Raises:
            OAuthRefusal: invalid_client.
        """
        client = self._clients.get(client_id)
        if client is None:
            reason = "Client not found" if client_id else "client_id is missing"
            raise OAuthRefusal("invalid_client", reason, 401)
        return client

    def delete_client(self, client: RegisteredClient) -> None:
        """Forget a client; with it its grants and tokens end (RFC 7592 §2.3)."""
        del self._clients[client.client_id]
        for grant in self._refresh_tokens.values():
            grant.alive = grant.alive and grant.client_id != client.client_id

    # Codes

    def issue_code(
        self,
        client: RegisteredClient,
        *,
        redirect_uri: str,
        challenge: str,
        user: str,
        scope: str = "",
        nonce: str = "",
    ) -> str:
        """Return a new code for `user`, good once and for a minute."""
        code = randomness.token_urlsafe(32)
        expires_at = self._clock() + CODE_LIFETIME
        entry = AuthorizationCode(
            client.client_id, redirect_uri, challenge, user, expires_at, scope=scope, nonce=nonce
        )
        put(self._codes, code, entry)
        return code

    def redeem(
        self, code: str, client: RegisteredClient, *, redirect_uri: str | None, verifier: str
    ) -> IssuedGrant:
        """Return a new grant for a code (RFC 6749 §4.1.3, RFC 7636 §4.6).

        Raises:
            OAuthRefusal: invalid_grant, saying which of the checks failed.
        """
        if code in self._used_codes:
            grant = self._used_codes[code]
            # RFC 6749 §4.1.2: a code used twice was stolen, so the tokens of its first use end too.
            if grant is not None and self.rules.code_reuse_ends_grant:
                grant.alive = False
            raise self._invalid(InvalidGrant.CODE_USED)
        entry = self._codes.pop(code, None)
        if entry is None:
            raise self._invalid(InvalidGrant.CODE_UNKNOWN)
        # From here on it is used, whatever is wrong with the request: a guess must not be made twice.
        put(self._used_codes, code, None)
        if entry.expires_at <= self._clock():
            raise self._invalid(InvalidGrant.CODE_EXPIRED)
        if entry.client_id != client.client_id:
            raise self._invalid(InvalidGrant.CODE_OF_ANOTHER_CLIENT)
        if entry.redirect_uri != redirect_uri:
            raise self._invalid(InvalidGrant.ANOTHER_REDIRECT_URI)
        if not hmac.compare_digest(s256(verifier).encode(), entry.challenge.encode()):
            raise self._invalid(InvalidGrant.WRONG_VERIFIER)
        expires_at = self._clock() + self.rules.grant_lifetime
        grant = IssuedGrant(client.client_id, entry.user, expires_at, scope=entry.scope, nonce=entry.nonce)
        self._used_codes[code] = grant
        return grant

    # Device logins

    def start_device(
        self, client: RegisteredClient, scope: str, *, lifetime: float = DEVICE_LIFETIME
    ) -> tuple[str, DeviceLogin]:
        """Return the device code of a new device login, and the login."""
        now = self._clock()
        letters = [randomness.choice(_LETTERS) for _ in range(8)]
        user_code = f"{''.join(letters[:4])}-{''.join(letters[4:])}"
        # The first poll may come after one interval, which is a second.
        login = DeviceLogin(client.client_id, user_code, scope, now + lifetime, now + 1)
        device_code = randomness.token_urlsafe(32)
        put(self._devices, device_code, login)
        return device_code, login

    def device_of(self, user_code: str) -> DeviceLogin | None:
        """Return the device login that waits with this user code, or None."""
        wanted = user_code.strip().upper()
        return next((login for login in self._devices.values() if login.user_code == wanted), None)

    def poll_device(
        self, device_code: str, client: RegisteredClient, *, refuses_first_poll: bool = False
    ) -> IssuedGrant:
        """Return the grant of a device login that the user approved (RFC 8628 §3.5).

        Raises:
            OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token or invalid_grant.
        """
        login, now = self._devices.get(device_code), self._clock()
        if login is None or login.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Device code not found")
        login.polls += 1
        if now >= login.expires_at:
            raise OAuthRefusal("expired_token", "The device code has expired")
        slow = refuses_first_poll and login.polls == 1
        if slow or now < login.next_poll - _EARLY:
            # RFC 8628 §3.5: five seconds more, for this poll and for every later one.
            login.interval += 5
            login.next_poll = now + login.interval
            raise OAuthRefusal("slow_down", "Poll less often")
        login.next_poll = now + login.interval
        if login.denied:
            raise OAuthRefusal("access_denied", "The user denied the request")
        if not login.user:
            raise OAuthRefusal("authorization_pending", "The user has not finished yet")
        del self._devices[device_code]  # it works once, like any other code
        expires_at = now + self.rules.grant_lifetime
        return IssuedGrant(client.client_id, login.user, expires_at, scope=login.scope)

    # Tokens

    def refresh(self, refresh_token: str, client: RegisteredClient) -> IssuedGrant:
        """Return the grant of a refresh token (RFC 6749 §6, RFC 9700 §4.14).

        A token that was rotated out ends the whole grant: there is a copy of it. With `grace`, the one
        before the newest is accepted until the newest is used.

        Raises:
            OAuthRefusal: invalid_grant.
        """
        grant = self._refresh_tokens.get(refresh_token)
        if grant is None or grant.client_id != client.client_id:
            raise self._invalid(InvalidGrant.REFRESH_TOKEN_UNKNOWN)
        is_newest = grant.refresh_token == refresh_token
        if not is_newest and not (self.rules.grace and grant.previous_token == refresh_token):
            grant.alive = False
        if not grant.alive:
            raise self._invalid(InvalidGrant.GRANT_ENDED)
        if grant.expires_at <= self._clock():
            raise self._invalid(InvalidGrant.GRANT_EXPIRED)
        if not self._may_enter(grant.user):
            raise self._invalid(InvalidGrant.USER_REFUSED)
        grant.previous_token = refresh_token
        return grant

    def issue(self, grant: IssuedGrant, access_token: str) -> dict[str, Any]:
        """Store a new access token; return what the answer says of the tokens (RFC 6749 §5.1)."""
        expires_at = self._clock() + self.access_token_lifetime
        put(self._access_tokens, access_token, AccessToken(grant, expires_at))
        answer = {"access_token": access_token, "expires_in": self.access_token_lifetime}
        if grant.refreshable and (self.rules.rotation or not grant.refresh_token):
            # The old one stays in the table: that it comes again is how a theft shows.
            answer["refresh_token"] = grant.refresh_token = self.rules.refresh_token()
            put(self._refresh_tokens, grant.refresh_token, grant)
        return answer

    def knows_access_token(self, token: str) -> bool:
        return token in self._access_tokens

    def access_token(self, token: str, *, self_contained: bool = False) -> AccessToken | None:
        """Return what a live access token stands for, or None.

        Args:
            self_contained: it is judged by its signature and times alone, so it outlives its grant.
        """
        entry = self._access_tokens.get(token)
        if entry is None or entry.expires_at <= self._clock():
            return None
        grant = entry.grant
        ended = not grant.alive and not self_contained
        return None if ended or grant.refused_by_the_edge or not self._may_enter(grant.user) else entry

    def revoke(self, token: str, client: RegisteredClient) -> None:
        """End a token (RFC 7009 §2.1): a refresh token takes its whole grant, an access token goes alone.

        An unknown token, or one of another client, changes nothing (§2.2).
        """
        grant = self._refresh_tokens.get(token)
        if grant is not None and grant.client_id == client.client_id:
            grant.alive = False
        access = self._access_tokens.get(token)
        if access is not None and access.grant.client_id == client.client_id:
            del self._access_tokens[token]

    def expire_access_tokens(self, user: str | None = None) -> None:
        """End the access tokens of one user or of all; their grants can still be refreshed."""
        self._access_tokens = {
            token: entry
            for token, entry in self._access_tokens.items()
            if user is not None and entry.grant.user != user
        }

    def refuse_access_tokens(self) -> None:
        """Refuse the access tokens of today's grants, those of later refreshes too."""
        for grant in self._refresh_tokens.values():
            grant.refused_by_the_edge = True

    def end_grants(self) -> None:
        for grant in self._refresh_tokens.values():
            grant.alive = False

    def _invalid(self, reason: InvalidGrant) -> OAuthRefusal:
        return OAuthRefusal("invalid_grant", self.rules.words[reason])

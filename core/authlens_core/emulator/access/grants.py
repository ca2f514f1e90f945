"""What the authorization server remembers: clients, codes, grants and tokens.

Nothing here knows HTTP. Sources: RFC 6749, 7009, 7591, 7636 and the observed answers of Cloudflare Access.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from authlens_core.emulator import randomness

CODE_LIFETIME: Final = 60.0  # seconds
MOST_ENTRIES: Final = 5000
TOKEN_CHARACTERS: Final = 65
# A SHA-256 digest in base64url (RFC 7636 §4.2).
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

Entry = TypeVar("Entry")


class OAuthRefusal(Exception):
    """A refusal with an RFC 6749 §5.2 error code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A registered client (RFC 7591), or one of a client metadata document. A public one has no secret."""

    client_id: str
    redirect_uris: tuple[str, ...]
    name: str = ""
    auth_method: str = "none"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    issued_at: int = 0
    secret: str = field(default="", repr=False)
    management_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a code stands for (RFC 6749 §4.1.2, RFC 7636 §4.4)."""

    client_id: str
    redirect_uri: str
    challenge: str = field(repr=False)
    user: str
    expires_at: float
    scope: str = ""
    nonce: str = ""


@dataclass(slots=True)
class IssuedGrant:
    """One user's permission to one client; it lives as long as its refresh token.

    Attributes:
        jkt: the thumbprint of the key that it is bound to; empty without one (RFC 9449 §6).
        refresh_token: the newest.
    """

    client_id: str
    user: str
    expires_at: float = math.inf
    scope: str = ""
    jkt: str = ""
    refresh_token: str = field(default="", repr=False)
    previous_token: str = field(default="", repr=False)
    alive: bool = True
    refused_by_the_edge: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token stands for."""

    grant: IssuedGrant
    expires_at: float


def _token() -> str:
    return "oauth:" + randomness.token_urlsafe(64)[:TOKEN_CHARACTERS]


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
    """The memory of the authorization server.

    Args:
        clock: the time in seconds since the epoch.
        access_token_lifetime: seconds an access token is good for.
        grant_lifetime: seconds a grant, and so its refresh tokens, lives.
        rotation: whether a refresh hands out a new refresh token and ends the old one.
        may_enter: returns whether the policy still admits a user; called at each refresh.
        grace: whether the refresh token before the newest is good until the newest is used.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        access_token_lifetime: int,
        grant_lifetime: int,
        rotation: bool,
        may_enter: Callable[[str], bool],
        grace: bool = False,
    ) -> None:
        self._clock = clock
        self.access_token_lifetime = access_token_lifetime
        self._grant_lifetime = grant_lifetime
        self._rotation = rotation
        self._may_enter = may_enter
        self._grace = grace
        self._clients: dict[str, RegisteredClient] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._used_codes: dict[str, IssuedGrant | None] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._refresh_tokens: dict[str, IssuedGrant] = {}

    def register(
        self,
        redirect_uris: tuple[str, ...],
        *,
        name: str = "",
        auth_method: str = "none",
        grant_types: tuple[str, ...] = ("authorization_code", "refresh_token"),
    ) -> RegisteredClient:
        client = RegisteredClient(
            client_id=str(randomness.uuid4()),
            redirect_uris=redirect_uris,
            name=name,
            auth_method=auth_method,
            grant_types=grant_types,
            issued_at=int(self._clock()),
            secret="" if auth_method == "none" else randomness.token_urlsafe(32),
        )
        put(self._clients, client.client_id, client)
        return client

    def client(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)

    def issue_code(self, client: RegisteredClient, *, redirect_uri: str, challenge: str, user: str) -> str:
        """Return a new code for `user`, good once and for a minute."""
        code = randomness.token_urlsafe(32)
        expires_at = self._clock() + CODE_LIFETIME
        put(self._codes, code, AuthorizationCode(client.client_id, redirect_uri, challenge, user, expires_at))
        return code

    def redeem(
        self, code: str, client: RegisteredClient, *, redirect_uri: str, verifier: str
    ) -> dict[str, Any]:
        """Exchange a code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.6).

        Raises:
            OAuthRefusal: invalid_grant, saying which of the checks failed.
        """
        if code in self._used_codes:
            grant = self._used_codes[code]
            # RFC 6749 §4.1.2: a code used twice was stolen, so the tokens of its first use end too.
            if grant is not None:
                self._end(grant)
            raise OAuthRefusal("invalid_grant", "Authorization code was already used")
        known = self._codes.pop(code, None)
        if known is None:
            raise OAuthRefusal("invalid_grant", "Authorization code not found")
        # From here on it is used, whatever is wrong with the request: a guess must not be made twice.
        put(self._used_codes, code, None)
        if known.expires_at <= self._clock():
            raise OAuthRefusal("invalid_grant", "Authorization code expired")
        if known.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Authorization code was issued to another client")
        if known.redirect_uri != redirect_uri:
            raise OAuthRefusal("invalid_grant", "redirect_uri does not match the authorization request")
        if not hmac.compare_digest(s256(verifier).encode(), known.challenge.encode()):
            raise OAuthRefusal("invalid_grant", "code_verifier does not match the code_challenge")
        grant = IssuedGrant(client.client_id, known.user, self._clock() + self._grant_lifetime)
        self._used_codes[code] = grant
        return self._tokens(grant, new_refresh_token=True)

    def refresh(self, refresh_token: str, client: RegisteredClient) -> dict[str, Any]:
        """Exchange a refresh token for new tokens (RFC 6749 §6, RFC 9700 §4.14).

        A token that was rotated out ends the whole grant: there is a copy of it. With `grace`, the one
        before the newest is let through until the newest is used.

        Raises:
            OAuthRefusal: invalid_grant.
        """
        grant = self._refresh_tokens.get(refresh_token)
        if grant is None or grant.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Refresh token not found")
        is_newest = grant.refresh_token == refresh_token
        if not is_newest and not (self._grace and grant.previous_token == refresh_token):
            self._end(grant)
        if not grant.alive:
            raise OAuthRefusal("invalid_grant", "Grant was revoked or its refresh token was used twice")
        if grant.expires_at <= self._clock():
            raise OAuthRefusal("invalid_grant", "Grant expired")
        if not self._may_enter(grant.user):
            raise OAuthRefusal("invalid_grant", "User no longer has access")
        grant.previous_token = refresh_token
        return self._tokens(grant, new_refresh_token=self._rotation)

    def revoke(self, token: str, client: RegisteredClient) -> None:
        """End a token (RFC 7009 §2.1): a refresh token takes its whole grant, an access token goes alone.

        An unknown token, or one of another client, changes nothing.
        """
        grant = self._refresh_tokens.get(token)
        if grant is not None and grant.client_id == client.client_id:
            self._end(grant)
        access = self._access_tokens.get(token)
        if access is not None and access.grant.client_id == client.client_id:
            del self._access_tokens[token]

    def user_of(self, access_token: str) -> str | None:
        """Return whose live access token this is, or None."""
        known = self._access_tokens.get(access_token)
        if known is None or known.expires_at <= self._clock():
            return None
        grant = known.grant
        if not grant.alive or grant.refused_by_the_edge or not self._may_enter(grant.user):
            return None
        return grant.user

    def expire_access_tokens(self, user: str | None = None) -> None:
        """End the access tokens of one user or of all; their grants can still be refreshed."""
        kept = {t: a for t, a in self._access_tokens.items() if user is not None and a.grant.user != user}
        self._access_tokens = kept

    def refuse_access_tokens(self) -> None:
        """Refuse the access tokens of today's grants, those of later refreshes too."""
        for grant in self._refresh_tokens.values():
            grant.refused_by_the_edge = True

    def end_grants(self) -> None:
        for grant in self._refresh_tokens.values():
            self._end(grant)

    def _end(self, grant: IssuedGrant) -> None:
        grant.alive = False
        self._access_tokens = {t: a for t, a in self._access_tokens.items() if a.grant is not grant}

    def _tokens(self, grant: IssuedGrant, *, new_refresh_token: bool) -> dict[str, Any]:
        """Return the members of the answer that are about the tokens (RFC 6749 §5.1)."""
        access_token = _token()
        expires_at = self._clock() + self.access_token_lifetime
        put(self._access_tokens, access_token, AccessToken(grant, expires_at))
        answer = {"access_token": access_token, "expires_in": self.access_token_lifetime}
        if new_refresh_token:
            answer["refresh_token"] = grant.refresh_token = _token()
            put(self._refresh_tokens, grant.refresh_token, grant)
        return answer

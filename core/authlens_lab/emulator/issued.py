"""What an authorization server issues: clients, codes, grants and tokens; and what it refuses.

A code works once, for a minute (RFC 6749 §4.1.2, RFC 7636 §4.6).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator import randomness
from authlens_lab.emulator.ledger import Ledger, Reason, What

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_CREDENTIALS_GRANT: Final = "client_credentials"
JWT_BEARER_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MACHINE_GRANTS: Final = frozenset({CLIENT_CREDENTIALS_GRANT, JWT_BEARER_GRANT})
CODE_LIFETIME: Final = 60.0  # seconds
MOST_ENTRIES: Final = 5000  # of one table, so that a client in a loop cannot fill the memory
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


class RegisteredClient(Unprinted, Struct, frozen=True):
    """A registered client (RFC 7591), or one of a client metadata document. A public one has no secret.

    Attributes:
        key: the public JWK of one that authenticates with a signature, or None.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    name: str = ""
    auth_method: str = "none"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    issued_at: int = 0
    secret: str = ""
    management_token: str = ""
    key: Mapping[str, Any] | None = None


class AuthorizationCode(Unprinted, Struct, frozen=True):
    """What a code stands for (RFC 6749 §4.1.2, RFC 7636 §4.4)."""

    client_id: str
    redirect_uri: str
    challenge: str
    user: str
    expires_at: float
    scope: str = ""
    nonce: str = ""
    audience: str = ""


class IssuedGrant(Unprinted, Struct):
    """One user's permission to one client: the family of its tokens, which end together.

    Attributes:
        nonce: of the authorization request, for the first ID token; empty without one.
        audience: the party that its access tokens are for (RFC 8707); empty where none was asked for.
        jkt: the thumbprint of the key that it is bound to; empty without one (RFC 9449 §6).
        refresh_token: the newest.
        refreshable: whether it has a refresh token; a program's has none (RFC 6749 §4.4.3).
        refused_by_the_edge: it can be refreshed, but the resource refuses its access tokens.
    """

    client_id: str
    user: str
    expires_at: float = math.inf
    scope: str = ""
    nonce: str = ""
    jkt: str = ""
    refresh_token: str = ""
    previous_token: str = ""
    alive: bool = True
    refreshable: bool = True
    refused_by_the_edge: bool = False
    audience: str = ""


class AccessToken(Struct, frozen=True):
    """What an access token stands for."""

    grant: IssuedGrant
    expires_at: float


class DeviceLogin(Unprinted, Struct):
    """A device login (RFC 8628): `user` is set once the user has decided.

    Attributes:
        beside: whose browser was open where it began; empty if none was.
    """

    client_id: str
    device_code: str
    user_code: str
    scope: str
    expires_at: float
    next_poll: float
    interval: int = 1
    polls: int = 0
    beside: str = ""
    user: str = ""
    denied: bool = False


class GrantRules(Struct, frozen=True, kw_only=True):
    """How one profile's server differs from another's.

    Attributes:
        refusals: the descriptions of errors at `code`, `refresh_token` and `authorization`, by the reason.
        grant_types: those of its token endpoint.
        client_id: makes one.
        refresh_token: makes one.
        grant_lifetime: seconds a grant, and so its refresh tokens, lives.
        rotation: whether a refresh issues a new refresh token and ends the old one.
        grace: whether the refresh token before the newest is good until the newest is used.
        ends_replaced: whether a refresh token that was replaced is refused.
        detects_reuse: whether one that was replaced is refused, and ends its grant.
        denied: users that the policy refuses at the start.
    """

    refusals: Mapping[str, Mapping[str, str]]
    grant_types: tuple[str, ...]
    client_id: Callable[[], str]
    refresh_token: Callable[[], str]
    grant_lifetime: float = math.inf
    rotation: bool = True
    grace: bool = False
    ends_replaced: bool = True
    detects_reuse: bool = True
    denied: frozenset[str] = frozenset()


def s256(text: str) -> str:
    """Return the digest of a verifier, or of a token (RFC 7636 §4.2, RFC 9449 §4.1)."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def put(entries: dict[str, Entry], key: str, value: Entry, most: int = MOST_ENTRIES) -> None:
    """Store `value`, and drop the oldest entry of a full table."""
    if len(entries) >= most:
        del entries[next(iter(entries))]
    entries[key] = value


class AuthorizationCodes:
    """Issues codes and takes them back.

    Attributes:
        used: the grant that each used code led to, or None if it was refused.
        lifetime: seconds that a new code works.
    """

    def __init__(self, clock: Callable[[], float], ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._waiting: dict[str, AuthorizationCode] = {}
        self.used: dict[str, IssuedGrant | None] = {}
        self.lifetime = CODE_LIFETIME

    def forget(self) -> None:
        self._waiting.clear()
        self.used.clear()

    def issue(
        self,
        client: RegisteredClient,
        *,
        redirect_uri: str,
        challenge: str,
        user: str,
        scope: str = "",
        nonce: str = "",
        audience: str = "",
    ) -> str:
        """Return a new code for `user`; without a challenge it is redeemed without a verifier."""
        code = randomness.token_urlsafe(32)
        expires_at = self._clock() + self.lifetime
        entry = AuthorizationCode(
            client.client_id,
            redirect_uri,
            challenge,
            user,
            expires_at,
            scope=scope,
            nonce=nonce,
            audience=audience,
        )
        put(self._waiting, code, entry)
        self._ledger.note(What.CODE_ISSUED, at="server", user=user, scope=scope, code=code)
        return code

    def take(
        self, code: str, client: RegisteredClient, *, redirect_uri: str | None, verifier: str
    ) -> AuthorizationCode | Reason:
        """Return what a code stands for, or why it is refused.

        It is used from then on, whatever is wrong with the request: a guess must not be made twice.
        """
        # Taken away before anything is judged: a code is used up by a wrong attempt as well.
        entry = self._waiting.pop(code, None)
        if entry is None:
            reason = Reason.USED if code in self.used else Reason.UNKNOWN
            return self._refused(code, reason)
        put(self.used, code, None)
        if entry.expires_at <= self._clock():
            return self._refused(code, Reason.EXPIRED, entry.user)
        if entry.client_id != client.client_id:
            return self._refused(code, Reason.WRONG_CLIENT, entry.user)
        # RFC 6749 §4.1.3: it shows that the code was delivered to the client that asked for it.
        if entry.redirect_uri != redirect_uri:
            return self._refused(code, Reason.WRONG_REDIRECT, entry.user)
        # RFC 9700 §4.8.2: a verifier is refused where there was no challenge.
        proved = s256(verifier) if verifier or entry.challenge else ""
        if not hmac.compare_digest(proved.encode(), entry.challenge.encode()):
            return self._refused(code, Reason.WRONG_VERIFIER, entry.user)
        self._ledger.note(What.CODE_REDEEMED, at="server", user=entry.user, scope=entry.scope, code=code)
        return entry

    def _refused(self, code: str, reason: Reason, user: str = "") -> Reason:
        self._ledger.note(What.CODE_REFUSED, at="server", user=user, reason=reason, code=code)
        return reason

"""The authorization codes of a server: each works once, for a minute (RFC 6749 §4.1.2, RFC 7636 §4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final, TypeVar

from authlens_core.emulator import randomness
from authlens_core.emulator.issued import AuthorizationCode, IssuedGrant, RegisteredClient
from authlens_core.emulator.ledger import Ledger, Reason, What

CODE_LIFETIME: Final = 60.0  # seconds
MOST_ENTRIES: Final = 5000  # of one table, so that a client in a loop cannot fill the memory
# A SHA-256 digest in base64url (RFC 7636 §4.2).
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

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

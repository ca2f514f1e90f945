"""Service tokens: what the account remembers of them, and how it judges those that a request carries.

Sources: Cloudflare, Service tokens. Classic mode is that of organisations made
before October 2026; strict mode tells "who are you" (401) from "you may not" (403).
"""

from __future__ import annotations

import hmac
import json
import string
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator import randomness
from authlens_lab.emulator.issued import put

if TYPE_CHECKING:
    from starlette.datastructures import Headers

CLIENT_ID: Final = "cf-access-client-id"
CLIENT_SECRET: Final = "cf-access-client-secret"  # noqa: S105 - a header field, not a secret
LIFETIME: Final = 8760 * 3600.0  # seconds: a year, the default of Cloudflare's API
MOST_TOKENS: Final = 1000
ALPHANUMERIC: Final = string.ascii_letters + string.digits


class NoServiceToken(StrEnum):
    """Why a request has no service token that the app lets in."""

    ABSENT = "absent"
    UNKNOWN = "unknown"
    """It cannot be authenticated."""
    NOT_AUTHORISED = "not authorised"
    """It is known and good, and no policy with the action Service Auth names it."""


class IssuedServiceToken(Unprinted, Struct):
    """One service token; while it is not `enabled`, nothing of it opens the app."""

    client_id: str
    secret: str
    expires_at: float
    enabled: bool = True
    in_policy: bool = True
    previous_secret: str = ""
    previous_until: float = 0.0


def new_secret(*, new_format: bool) -> str:
    """Return a secret: 64 hexadecimal digits, or since August 2026 `cfast_`, 40 characters and a checksum.

    How the checksum is made is not published; here it is a CRC-32.
    """
    if not new_format:
        return randomness.token_hex(32)
    body = "".join(randomness.choice(ALPHANUMERIC) for _ in range(40))
    return f"cfast_{body}{zlib.crc32(body.encode()):08x}"


class IssuedServiceTokens:
    """The service tokens of an account.

    Args:
        clock: the time in seconds since the epoch.
        header: the one field that may hold a pair as JSON; empty if the app reads none.
    """

    def __init__(self, clock: Callable[[], float], *, strict: bool = False, header: str = "") -> None:
        self._clock = clock
        self.strict = strict
        self._header = header.lower()
        self._tokens: dict[str, IssuedServiceToken] = {}

    def create(
        self, *, new_format: bool = False, in_policy: bool = True, lifetime: float = LIFETIME
    ) -> IssuedServiceToken:
        """Make a token that is good for `lifetime` seconds.

        Args:
            new_format: a secret of today (`cfast_…`) instead of 64 hexadecimal digits.
            in_policy: whether a Service Auth policy of the app names it.
        """
        token = IssuedServiceToken(
            f"{randomness.token_hex(16)}.access",
            new_secret(new_format=new_format),
            self._clock() + lifetime,
            in_policy=in_policy,
        )
        put(self._tokens, token.client_id, token, MOST_TOKENS)
        return token

    def get(self, client_id: str) -> IssuedServiceToken | None:
        return self._tokens.get(client_id)

    def rotate(self, client_id: str, *, grace: float = 0.0) -> str:
        """Return a new secret for a token; the old one is good for `grace` seconds more.

        Raises:
            KeyError: there is no such token.
        """
        token = self._tokens[client_id]
        token.previous_secret, token.previous_until = token.secret, self._clock() + grace
        token.secret = new_secret(new_format=True)
        return token.secret

    def refresh(self, client_id: str) -> None:
        """Let a token be good for a year from now.

        Raises:
            KeyError: there is no such token.
        """
        self._tokens[client_id].expires_at = self._clock() + LIFETIME

    def judge(self, headers: Headers) -> IssuedServiceToken | NoServiceToken:
        """Return the service token of a request, or why there is none."""
        ids, secrets = headers.getlist(CLIENT_ID), headers.getlist(CLIENT_SECRET)
        pairs: list[tuple[str, str]] = []
        if ids or secrets:
            # Half a pair is a wrong one.
            pairs.append((ids[0], secrets[0]) if ids and secrets else ("", ""))
        pairs += self._pairs_in_one_field(headers)
        if not pairs:
            return NoServiceToken.ABSENT
        is_ambiguous = max(len(pairs), len(ids), len(secrets)) > 1
        if self.strict and is_ambiguous:
            return NoServiceToken.UNKNOWN
        return self._judged(*pairs[0])

    def _judged(self, client_id: str, secret: str) -> IssuedServiceToken | NoServiceToken:
        token = self._tokens.get(client_id)
        if token is None or not token.enabled or not self._is_secret_of(token, secret):
            return NoServiceToken.UNKNOWN
        if token.expires_at <= self._clock():
            return NoServiceToken.UNKNOWN
        return token if token.in_policy else NoServiceToken.NOT_AUTHORISED

    def _is_secret_of(self, token: IssuedServiceToken, secret: str) -> bool:
        secrets = [token.secret]
        if token.previous_until > self._clock():
            secrets.append(token.previous_secret)
        return any(hmac.compare_digest(secret.encode(), valid.encode()) for valid in secrets)

    def _pairs_in_one_field(self, headers: Headers) -> list[tuple[str, str]]:
        """Return the pair in the single-header form; without a JSON object the field is something else's."""
        text = headers.get(self._header, "") if self._header else ""
        if not text.lstrip().startswith("{"):
            return []
        try:
            pair = json.loads(text)
        except (ValueError, RecursionError):
            pair = {}
        return [(str(pair.get(CLIENT_ID, "")), str(pair.get(CLIENT_SECRET, "")))]

"""A service token as the index has it: everything but its secret (Cloudflare, Service tokens)."""

from __future__ import annotations

import secrets
import shlex
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.grant import (
    CredentialStatus,
    StatusKind,
    TokenVerdict,
    require_time_zones,
    utc_now,
)
from authlens_core.values.errors import UsageError
from authlens_core.values.safe_text import safe_fields
from authlens_core.values.store_kind import StoreKind

# How long before its end a service token is marked: renewing it takes a user, and often another one.
REMIND: Final = timedelta(days=30)
# The field that Cloudflare's guide names for the single-header form; an application may name another.
DEFAULT_HEADER: Final = "Authorization"


class TokenForm(StrEnum):
    """How a service token is sent."""

    TWO_HEADERS = "two-header"
    """`CF-Access-Client-Id` and `CF-Access-Client-Secret`."""
    SINGLE_HEADER = "single-header"
    """Both as a JSON object in one field, where the application has `read_service_tokens_from_header`."""


class ServiceToken(Struct, frozen=True):
    """One service token without its secret. All times are aware datetimes in UTC.

    Attributes:
        token_id: ours, random; names the record in the index and in the store.
        url: the resource that it is for; it goes nowhere else.
        label: what the user calls it, or the empty string.
        expires_at: when it ends, as Access showed it to the user; None if they did not say.
        header: the field of the single-header form.
        secret_from: when the present secret was stored.
        last_words: what the resource said last, as one sentence; made safe to show.
        generation: which generation of the secret is the valid one; 0 before the first save.
    """

    token_id: str
    url: str
    client_id: str
    added_at: datetime
    label: str = ""
    expires_at: datetime | None = None
    form: TokenForm = TokenForm.TWO_HEADERS
    header: str = DEFAULT_HEADER
    method: Literal["GET", "POST"] = "GET"
    secret_from: datetime | None = None
    last_tested: datetime | None = None
    last_verdict: TokenVerdict = TokenVerdict.UNTESTED
    last_words: str = ""
    last_proven_at: datetime | None = None
    generation: int = 0
    place: StoreKind = StoreKind.KEYRING

    def __post_init__(self) -> None:
        require_time_zones(self, "added_at", "expires_at", "secret_from", "last_tested", "last_proven_at")
        safe_fields(self, "last_words")

    @classmethod
    def new(
        cls,
        url: str,
        client_id: str,
        *,
        label: str = "",
        expires_at: datetime | None = None,
        header: str | None = None,
        method: Literal["GET", "POST"] = "GET",
    ) -> ServiceToken:
        """Return a token that is not stored yet.

        Args:
            header: the one header field that carries it; None for the usual two.
        """
        token = cls(
            token_id=f"service-{secrets.token_hex(10)}",
            url=url,
            client_id=client_id,
            added_at=utc_now(),
            label=label,
            expires_at=expires_at,
            method=method,
        )
        if not header:
            return token
        return replace(token, form=TokenForm.SINGLE_HEADER, header=header)

    def tested(self, at: datetime, verdict: TokenVerdict, words: str) -> ServiceToken:
        """Return the token after the resource was asked with it."""
        proven = at if verdict is TokenVerdict.ACCEPTED else self.last_proven_at
        return replace(self, last_tested=at, last_verdict=verdict, last_words=words, last_proven_at=proven)

    def status(self, now: datetime | None = None) -> CredentialStatus:
        """Return its status at `now` (default: the present), by its end and its last test."""
        left = None if self.expires_at is None else self.expires_at - (now or utc_now())
        seconds = None if left is None else left.total_seconds()
        kind, word, note = _standing(self, left)
        return CredentialStatus(kind, word, seconds, note=note)


def expiry_from_text(text: str) -> datetime:
    """Return the moment that a user typed: a date (its beginning, in UTC) or a moment of ISO 8601.

    Raises:
        UsageError: it is neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no date.", "Write it like 2027-03-31.") from None
    # Cloudflare's dashboard shows the end as a date in UTC.
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def _standing(token: ServiceToken, left: timedelta | None) -> tuple[StatusKind, str, str]:
    target = shlex.quote(token.url)
    renew = (
        f"Refresh it in Zero Trust (the secret stays the same), then: authlens service-token edit {target} "
        f"--expires DATE. Or rotate it there, then: authlens service-token replace {target}"
    )
    if left is not None and left <= timedelta(0):
        return StatusKind.EXPIRED, "expired", f"{renew}."
    # Before the end that comes near: a token that is refused today needs you today.
    if token.last_verdict is TokenVerdict.REFUSED:
        return StatusKind.REFUSED, "refused", token.last_words
    if left is not None and left <= REMIND:
        return StatusKind.SOON, f"ends in {_days(left)}", f"It expires in {_days(left)}. {renew}."
    if token.last_verdict is TokenVerdict.UNTESTED:
        return StatusKind.UNTESTED, "not tested", f"To test it: authlens service-token test {target}"
    if token.last_verdict is TokenVerdict.UNCLEAR:
        return StatusKind.UNTESTED, "test unclear", token.last_words
    return (StatusKind.UNKNOWN_END if left is None else StatusKind.LIVE), "live", ""


def _days(left: timedelta) -> str:
    if left >= timedelta(days=2):
        return f"{left.days} days"
    hours = max(1, round(left.total_seconds() / 3600))
    return "1 hour" if hours == 1 else f"{hours} hours"

"""How long a token lives, and how long a server asks to be left alone, read strictly.

Servers send strings, fractions, negative numbers and numbers beyond any calendar. None of them may raise, and
the odd ones are reported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from authlens_core.values.exchange import Response
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.safe_text import NAME, safe_line

LONGEST: Final = 10 * 365 * 24 * 3600  # ten years, in seconds: keeps every date within the calendar
# Characters of a number that is written as a string.
_LONGEST_TEXT: Final = 20
# Seconds; a server that asks for more is not believed.
LONGEST_WAIT: Final = 86_400
# draft-ietf-oauth-refresh-token-expiration-03 §3 has the first three; the last one is Keycloak's.
_LOGIN_LIFETIMES: Final = (
    "refresh_token_expires_in",
    "refresh_token_timeout",
    "authorization_expires_in",
    "refresh_expires_in",
)


class Missing(Enum):
    """The type of `MISSING`: the member is not there, which is not the same as `null`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Lifetime(Struct, frozen=True):
    """How long something is valid from the moment it was asked for.

    Attributes:
        seconds: 0 is expired already; None is unknown, and the token is then used until it is refused.
        note: what was odd about the value, safe to show; empty where nothing was.
    """

    seconds: int | None
    note: str = ""

    def ends_after(self, asked_at: datetime) -> datetime | None:
        """Return when it ends; None if that is unknown or beyond the calendar."""
        try:
            return None if self.seconds is None else asked_at + timedelta(seconds=self.seconds)
        except OverflowError:
            return None


def parse_expires_in(value: JsonValue | Missing = MISSING) -> Lifetime:
    """Return the lifetime that `expires_in` states (RFC 6749 §5.1); never raises.

    A whole number is taken, also when written as a string or with `.0`. Zero and less are expired now. More
    than ten years is cut to ten years. Anything else, and no value at all, is unknown.

    Args:
        value: the member as JSON gave it, or `MISSING`.
    """
    if value is MISSING:
        return Lifetime(None, "The server did not say how long the token lives.")
    number = _whole_number(value)
    if number is None:
        return Lifetime(None, f"expires_in is not a number of seconds: {_json_text(value)}.")
    if number <= 0:
        return Lifetime(0, f"expires_in is {_json_text(value)}: the token is expired already.")
    if number > LONGEST:
        return Lifetime(LONGEST, f"expires_in is {_json_text(value)} seconds, treated as ten years.")
    if isinstance(value, int):
        return Lifetime(number)
    return Lifetime(number, f"expires_in is {_json_text(value)}, treated as the number {number}.")


def parse_login_lifetime(document: Mapping[str, JsonValue]) -> Lifetime:
    """Return how long a token answer lets tokens be renewed: the shortest of what it states; never raises.

    Zero is no end: Keycloak writes it for a refresh token that does not expire.
    """
    numbers = (_whole_number(document.get(name)) for name in _LOGIN_LIFETIMES)
    stated = [min(number, LONGEST) for number in numbers if number is not None and number > 0]
    return Lifetime(min(stated, default=None))


def _whole_number(value: JsonValue | Missing) -> int | None:
    if type(value) is int:  # and not a bool, which is an int, too
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isascii():
        digits = value.removeprefix("-")
        return int(value) if digits.isdigit() else None
    return None


def _json_text(value: JsonValue | Missing) -> str:
    """Return the value as it looked in JSON, shortened; never the whole of a large one."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f'"{safe_line(value, NAME)}"'
    if isinstance(value, int):
        # str() refuses an int of more than 4,300 digits with a ValueError.
        return str(value) if abs(value) < 10**40 else "a number of more than 40 digits"
    if isinstance(value, float):
        return str(value)
    return "a list" if isinstance(value, list) else "an object"


def http_date(text: str) -> datetime | None:
    """Return the aware time of an HTTP date (RFC 9110 §5.6.7), or None for any other text; never raises."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # Every HTTP date is in UTC; the form of asctime does not say so, nor does the zone "-0000" to Python.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def retry_after(response: Response, now: datetime | None) -> int | None:
    """Return the seconds of Retry-After (RFC 9110 §10.2.3), or None if it cannot be read.

    A date counts only where `now`, an aware time, is given.
    """
    value = (response.headers.get("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        # Nine digits exceed the longest wait already, and keep int() cheap.
        return min(int(value[:9]), LONGEST_WAIT)
    moment = http_date(value)
    if moment is None or now is None:
        return None
    return min(max(int((moment - now).total_seconds()), 0), LONGEST_WAIT)

"""How long a server asks to be left alone (RFC 9110 §10.2.3)."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from authlens_core.oauth.http_message import Response

# Seconds; a server that asks for more is not believed.
LONGEST_WAIT: Final = 86_400


def retry_after(response: Response, now: datetime | None) -> int | None:
    """Return the seconds of Retry-After, or None where there is none that can be read.

    A date counts only where `now`, an aware time, is given.
    """
    value = (response.headers.get("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), LONGEST_WAIT)
    if now is None:
        return None
    try:
        wait = int((parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0), LONGEST_WAIT)

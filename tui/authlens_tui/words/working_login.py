"""What is said of a login that works, before another one for the same resource starts."""

from __future__ import annotations

from datetime import datetime

from authlens_core.credentials.records.grant import Grant
from authlens_tui.words.durations import in_words


def already_words(grant: Grant, now: datetime) -> str:
    """Return that the user is logged in, and how long the access token works."""
    if grant.expires_at is None:
        return "Already logged in, no expiry given."
    return f"Already logged in, expires in {in_words((grant.expires_at - now).total_seconds())}."

"""What the user is shown about a login that works."""

from __future__ import annotations

from datetime import datetime

from authlens_core.desk.log_in import Grant
from authlens_tui.words.times import in_words


def already_words(grant: Grant, now: datetime) -> str:
    """Return that the user is logged in, and how long the access token works."""
    if grant.expires_at is None:
        return "Already logged in, no expiry given."
    return f"Already logged in, expires in {in_words((grant.expires_at - now).total_seconds())}."

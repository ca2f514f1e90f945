"""When a credential is refreshed automatically, in a column and in a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from authlens_core.desk.credentials import Grant, refresh_due, seconds_until_retry
from authlens_core.desk.settings import Settings
from authlens_tui.words.times import in_one_unit


class UpcomingRefresh(NamedTuple):
    """What happens next to an access token without the user; empty if nothing does.

    Attributes:
        cell: what is below the title Refresh.
        sentence: the same where nothing else names the refresh.
    """

    cell: str = ""
    sentence: str = ""


def upcoming_refresh(
    grant: Grant | None, now: datetime, settings: Settings, trouble: str = ""
) -> UpcomingRefresh:
    """Return the next automatic refresh of a grant.

    Args:
        trouble: why the last automatic refresh could not be tried, or the empty string.
    """
    if grant is None or not grant.can_refresh:
        return UpcomingRefresh()
    if not settings.background_refresh:
        return UpcomingRefresh("off", "automatic refresh is off, press r")
    wait = seconds_until_retry(grant, now)
    if wait > 0:
        next_try = f"try in {in_one_unit(wait)}"
        return UpcomingRefresh(next_try, f"next {next_try}")
    if trouble:
        return UpcomingRefresh("see detail")
    lead = timedelta(seconds=settings.refresh_before)
    due = refresh_due(grant, now, fraction=settings.refresh_at, lead=lead)
    if due is None:
        return UpcomingRefresh()
    left = (due - now).total_seconds()
    when = f"in {in_one_unit(left)}" if left > 0 else "is due"
    return UpcomingRefresh(when, f"refresh {when}")

"""When a credential is refreshed automatically, in a column and in a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple, assert_never

from authlens_core.desk.credentials import Grant, refresh_due, seconds_until_retry
from authlens_core.desk.settings import Settings
from authlens_tui.words.times import in_one_unit


class NextRefresh(Enum):
    """What happens next to an access token without the user."""

    NOTHING = auto()
    """The login cannot be refreshed, or its access token does not expire."""
    TURNED_OFF = auto()
    RETRY = auto()
    """The last refresh failed; the next try has a time."""
    BLOCKED = auto()
    """The last refresh could not be tried; the detail pane says why."""
    LATER = auto()
    DUE = auto()


class UpcomingRefresh(NamedTuple):
    """The next automatic refresh of one grant.

    Attributes:
        seconds: until then, for RETRY and LATER.
    """

    next: NextRefresh
    seconds: float = 0.0

    @property
    def cell(self) -> str:
        """What is below the title Refresh."""
        match self.next:
            case NextRefresh.NOTHING:
                return ""
            case NextRefresh.TURNED_OFF:
                return "off"
            case NextRefresh.RETRY:
                return f"try in {in_one_unit(self.seconds)}"
            case NextRefresh.BLOCKED:
                return "see detail"
            case NextRefresh.LATER:
                return f"in {in_one_unit(self.seconds)}"
            case NextRefresh.DUE:
                return "is due"
        assert_never(self.next)

    @property
    def sentence(self) -> str:
        """The same where nothing else names the refresh."""
        match self.next:
            case NextRefresh.TURNED_OFF:
                return "automatic refresh is off, press r"
            case NextRefresh.RETRY:
                return f"next {self.cell}"
            case NextRefresh.LATER | NextRefresh.DUE:
                return f"refresh {self.cell}"
            case NextRefresh.NOTHING | NextRefresh.BLOCKED:
                return ""
        assert_never(self.next)


def upcoming_refresh(
    grant: Grant | None, now: datetime, settings: Settings, trouble: str = ""
) -> UpcomingRefresh:
    """Return the next automatic refresh of a grant.

    Args:
        trouble: why the last automatic refresh could not be tried, or the empty string.
    """
    if grant is None or not grant.can_refresh:
        return UpcomingRefresh(NextRefresh.NOTHING)
    if not settings.background_refresh:
        return UpcomingRefresh(NextRefresh.TURNED_OFF)
    wait = seconds_until_retry(grant, now)
    if wait > 0:
        return UpcomingRefresh(NextRefresh.RETRY, wait)
    if trouble:
        return UpcomingRefresh(NextRefresh.BLOCKED)
    lead = timedelta(seconds=settings.refresh_before)
    due = refresh_due(grant, now, fraction=settings.refresh_at, lead=lead)
    if due is None:
        return UpcomingRefresh(NextRefresh.NOTHING)
    left = (due - now).total_seconds()
    return UpcomingRefresh(NextRefresh.LATER, left) if left > 0 else UpcomingRefresh(NextRefresh.DUE)

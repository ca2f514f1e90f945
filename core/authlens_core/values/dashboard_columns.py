"""The columns of the dashboard: what the table, its help, the settings and their page say about each."""

from __future__ import annotations

from typing import Final

from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class DashboardColumn:
    """A column beside resource and state. What is in it: `row_of` in the app's `credential_row.py`.

    Attributes:
        key: its name in the settings.
        meaning: what it shows, after the title.
        width: in cells, without the gap that follows.
    """

    key: str
    title: str
    meaning: str
    width: int


# The most useful first: the last ones are left out where there is no room.
DASHBOARD_COLUMNS: Final = (
    DashboardColumn("life", "Expires", "is how long the token is valid", 20),
    DashboardColumn("kind", "Kind", "is OAuth, a service token or cloudflared", 11),
    DashboardColumn("proven", "Verified", "is when the resource last accepted it", 10),
    DashboardColumn(
        "next", "Refresh", "is when authlens gets a new token automatically, while it is open", 13
    ),
    DashboardColumn("login", "Login", "is how long ago you signed in", 10),
    DashboardColumn("team", "Team", "is the server that issued it", 22),
    DashboardColumn("person", "Account", "is who signed in", 22),
)
COLUMN_KEYS: Final = tuple(column.key for column in DASHBOARD_COLUMNS)

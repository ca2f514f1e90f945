"""What a user has set, and the columns of the dashboard that the settings name."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

# Shares of the life of an access token after which it may be refreshed.
FRACTIONS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
# Seconds before its end at which it is refreshed at the latest.
LEADS: Final = (30, 60, 120, 300)
MOST_FAVOURITES: Final = 20
_Favourite = Annotated[str, Meta(max_length=2_000)]


class Settings(Struct, frozen=True):
    """What a user has set.

    Attributes:
        background_refresh: refresh what is due while the dashboard is open.
        refresh_at: the share of its life after which an access token is due, from 0.5 to 1.
        refresh_before: seconds before its end at which it is due at the latest.
        open_browser: open the link of a login at once where the browser is on this machine; else on a key.
        theme: the name of the theme; empty for the one that fits the terminal.
        favourites: URLs that a new login offers first, the newest first.
    """

    background_refresh: bool = True
    refresh_at: Annotated[float, Meta(ge=0.5, lt=1)] = 0.8
    refresh_before: Annotated[int, Meta(ge=0, le=3600)] = 60
    open_browser: bool = False
    theme: Annotated[str, Meta(max_length=100)] = ""
    favourites: Annotated[tuple[_Favourite, ...], Meta(max_length=MOST_FAVOURITES)] = ()


class DashboardColumn(Struct, frozen=True):
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
    DashboardColumn("kind", "Kind", "is OAuth (machine: without a user), a service token or cloudflared", 13),
    DashboardColumn("proven", "Verified", "is when the resource last accepted it", 10),
    DashboardColumn(
        "next", "Refresh", "is when authlens gets a new token automatically, while it is open", 13
    ),
    DashboardColumn("login", "Login", "is how long ago you signed in", 10),
    DashboardColumn("team", "Team", "is the server that issued it", 22),
    DashboardColumn("person", "Account", "is who signed in", 22),
)
COLUMN_KEYS: Final = tuple(column.key for column in DASHBOARD_COLUMNS)

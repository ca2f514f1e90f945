"""A credential as a row of the dashboard: which columns there is room for, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from authlens_core.desk.credentials import (
    SOON,
    CredentialKind,
    CredentialStatus,
    Grant,
    InventoryEntry,
    StatusKind,
    refresh_due,
    seconds_until_retry,
)
from authlens_core.desk.settings import COLUMN_KEYS, DASHBOARD_COLUMNS, DashboardColumn, Settings
from authlens_tui.words.times import ago, expiry_of, in_one_unit

# Cells between two columns.
GAP: Final = 2
# Cells of the bar that shows how much of its life a token has left.
BAR: Final = 8
EXPIRY: Final = 11  # cells of the longest span: `59 min 59 s`
_SMALLEST_RESOURCE: Final = 20  # cells; in less, hosts of one domain look the same
_RESOURCE: Final = 28  # cells that a resource has before other columns take any
_LONGEST_STATE: Final = 22  # cells
_SHORT_STATE: Final = 13  # cells, on a narrow table
# Cells of a table that is not narrow.
_ROOMY: Final = 60
_OPTIONAL: Final = {column.key: column for column in DASHBOARD_COLUMNS}


def columns_for(
    width: int, state: int = _LONGEST_STATE, keys: Sequence[str] = COLUMN_KEYS
) -> tuple[DashboardColumn, ...]:
    """Return the columns that fit into `width` cells; the resource takes what the others leave.

    Args:
        state: cells of the longest state.
        keys: keys of the columns beside resource and state, in their order.
    """
    state = min(state, _LONGEST_STATE if width >= _ROOMY else _SHORT_STATE)
    available = width - state - GAP
    fitting = []
    for column in (_OPTIONAL[key] for key in keys if key in _OPTIONAL):
        if column.key == "life" and width < _ROOMY + BAR:
            column = replace(column, width=EXPIRY)  # noqa: PLW2901 - the bar gives way first
        least = _SMALLEST_RESOURCE if column.key == "life" else _RESOURCE
        if available - column.width - GAP >= least:
            available -= column.width + GAP
            fitting.append(column)
    resource = DashboardColumn("resource", "Resource", "", max(_SMALLEST_RESOURCE, available))
    return (resource, DashboardColumn("state", "State", "", state), *fitting)


_GOOD: Final = frozenset({StatusKind.LIVE, StatusKind.UNKNOWN_END})
_WARNING: Final = frozenset(
    {
        *(StatusKind.SOON, StatusKind.REFRESHABLE, StatusKind.UNKNOWN, StatusKind.INTERRUPTED),
        *(StatusKind.UNTESTED, StatusKind.LOGIN_WAITING, StatusKind.NOT_YET),
    }
)
# A sign and a word: the sign alone is found again at a glance.
_KINDS: Final = {
    CredentialKind.OAUTH: "◆ OAuth",
    CredentialKind.MACHINE: "◇ machine",
    CredentialKind.SERVICE_TOKEN: "■ service",
    CredentialKind.CLOUDFLARED: "☁ cloudflared",
}


_FULL, _SPENT = "━", "─"
# Share of a life below which it is worth a warning: a refresh is due by then (`lifetime.FRACTION`).
_LITTLE: Final = 0.2


class RowText(NamedTuple):
    """The text of a row by the key of its column, and two tones: the colour says nothing more.

    Attributes:
        life: the share of its life that is left, None if unknown.
    """

    cells: Mapping[str, str]
    tone: str
    life: float | None = None
    life_tone: str = ""


def life_bar(share: float | None, cells: int = BAR) -> tuple[str, str]:
    """Return the remaining and the spent part of a life as the two parts of a bar; blank if unknown.

    The last cell stays as long as anything is left.
    """
    if share is None:
        return "", " " * cells
    # Rounded, but never to nothing while there is something left.
    full = min(cells, max(1, round(share * cells))) if share > 0 else 0
    return _FULL * full, _SPENT * (cells - full)


def life_tone(entry: InventoryEntry, now: datetime) -> str:
    """Return the tone of an expiry, which says how urgent it is and nothing else."""
    share, ends = entry.life_left(now), entry.token_ends
    if tone_of(entry.status(now)) == "bad" or (ends is not None and ends <= now):
        return "bad"
    ends_soon = ends is not None and ends <= now + SOON
    return "warning" if ends_soon or (share is not None and share < _LITTLE) else "good"


class UpcomingRefresh(NamedTuple):
    """The next automatic refresh of an access token; empty if there is none.

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
    seconds = (due - now).total_seconds()
    when = f"in {in_one_unit(seconds)}" if seconds > 0 else "is due"
    return UpcomingRefresh(when, f"refresh {when}")


def row_of(
    entry: InventoryEntry, now: datetime, settings: Settings, busy: Mapping[str, str], trouble: str = ""
) -> RowText:
    """Return a credential as a row.

    Args:
        busy: what is running, by the id of the credential, in a word or two.
        trouble: see `upcoming_refresh`.
    """
    status = entry.status(now)
    doing = busy.get(entry.entry_id)
    # Of a revoked token nothing is left, whatever its expiry says.
    share = None if status.kind is StatusKind.REVOKED else entry.life_left(now)
    cells = {
        "state": f"{status.kind.symbol} {status.word}" if doing is None else f"⋯ {doing}",
        "life": expiry_of(entry.token_ends, now).cell,
        "login": _login(entry, now),
        "resource": entry.title,
        "kind": _KINDS[entry.kind],
        "next": upcoming_refresh(entry.grant, now, settings, trouble).cell,
        "proven": ago(entry.last_proven_at, now, in_one_unit),
        "team": entry.team,
        "person": entry.person,
    }
    tone = tone_of(status) if doing is None else "busy"
    return RowText(cells, tone, share, life_tone(entry, now))


def tone_of(status: CredentialStatus) -> str:
    """Return `good`, `warning` or `bad`."""
    if status.kind in _GOOD:
        return "good"
    return "warning" if status.kind in _WARNING else "bad"


def _login(entry: InventoryEntry, now: datetime) -> str:
    """Return the time until the login ends, or since it began."""
    if entry.login_ends is not None:
        seconds = (entry.login_ends - now).total_seconds()
        return f"{in_one_unit(seconds)} left" if seconds > 0 else "expired"
    if entry.kind in (CredentialKind.SERVICE_TOKEN, CredentialKind.MACHINE):
        return ""
    if entry.since is None:
        return "unknown"
    seconds = (now - entry.since).total_seconds()
    return f"{in_one_unit(seconds)} ago" if seconds >= 0 else "unknown"

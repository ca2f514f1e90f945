"""A credential as a row of the dashboard: which columns there is room for, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from authlens_core.credentials.inventory.inventory import Holding, HoldingKind, status_of
from authlens_core.credentials.lifecycle.refresh_schedule import refresh_due, seconds_until_retry
from authlens_core.credentials.records.grant import CredentialStatus, Grant, GrantState, StatusKind
from authlens_core.state.settings import Settings
from authlens_tui.words.durations import in_words

__all__ = ["GAP", "Column", "RowText", "ago", "columns_for", "next_words", "row_of", "tone_of", "until"]


class Column(NamedTuple):
    """A column of the dashboard; the width is in cells, without the gap that follows."""

    key: str
    title: str
    width: int


GAP: Final = 2
"""Cells between two columns."""
_SMALLEST_RESOURCE: Final = 20
_STATE: Final = Column("state", "State", 22)
_SHORT_STATE: Final = Column("state", "State", 13)
_ROOMY: Final = 60
_MORE: Final = (
    (48, Column("token", "Token", 11)),
    (60, Column("kind", "Kind", 11)),
    (86, Column("login", "Login", 10)),
    (100, Column("proven", "Proven", 12)),
    (114, Column("next", "Refresh", 13)),
    (144, Column("team", "Team", 22)),
    (168, Column("person", "Person", 22)),
)
"""From which width on there is room for what; left out is the least missed, which the detail has, too."""


def columns_for(width: int) -> tuple[Column, ...]:
    """Return the columns that fit into `width` cells; the resource takes what the others leave."""
    fixed = [_STATE if width >= _ROOMY else _SHORT_STATE]
    fixed += [column for least, column in _MORE if width >= least]
    resource = width - sum(column.width + GAP for column in fixed)
    shown = {column.key: column for column in fixed}
    shown["resource"] = Column("resource", "Resource", max(_SMALLEST_RESOURCE, resource))
    order = ("state", "token", "login", "resource", "kind", "next", "proven", "team", "person")
    return tuple(shown[key] for key in order if key in shown)


_GOOD: Final = frozenset({StatusKind.LIVE, StatusKind.UNKNOWN_END})
_WARNING: Final = frozenset(
    {
        *(StatusKind.SOON, StatusKind.REFRESHABLE, StatusKind.UNKNOWN, StatusKind.INTERRUPTED),
        *(StatusKind.UNTESTED, StatusKind.LOGIN_WAITING, StatusKind.NOT_YET),
    }
)
_KINDS: Final = {HoldingKind.SERVICE_TOKEN: "service"}


class RowText(NamedTuple):
    """The text of a row by the key of its column, and the tone of its state: the colour says nothing more."""

    cells: Mapping[str, str]
    tone: str


def row_of(
    holding: Holding, now: datetime, settings: Settings, busy: Mapping[str, str], trouble: str = ""
) -> RowText:
    """Return a credential as a row.

    Args:
        holding: the credential.
        now: the present.
        settings: they tell when it is refreshed automatically.
        busy: what is under way, by the id of the credential, in a word or two.
        trouble: see `next_words`.
    """
    standing = status_of(holding, now)
    doing = busy.get(holding.holding_id)
    cells = {
        "state": f"{standing.symbol} {standing.word}" if doing is None else f"⋯ {doing}",
        "token": until(holding.token_ends, now),
        "login": _login(holding, now),
        "resource": holding.title,
        "kind": _KINDS.get(holding.kind, holding.kind.value),
        "next": _next(holding, now, settings, trouble),
        "proven": _proven(holding, now),
        "team": holding.team,
        "person": holding.person,
    }
    return RowText(cells, tone_of(standing) if doing is None else "busy")


def tone_of(standing: CredentialStatus) -> str:
    """Return `good`, `warning` or `bad`."""
    if standing.kind in _GOOD:
        return "good"
    return "warning" if standing.kind in _WARNING else "bad"


def until(moment: datetime | None, now: datetime) -> str:
    """Return how long it is until `moment`."""
    if moment is None:
        return "unknown"
    seconds = (moment - now).total_seconds()
    if seconds <= 0:
        return "ended"
    # A token that lasts minutes is watched by the second.
    return f"{int(seconds) // 60} min {int(seconds) % 60} s" if 60 <= seconds < 3600 else in_words(seconds)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago `moment` was."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 5 else f"{in_words(seconds)} ago"


def _login(holding: Holding, now: datetime) -> str:
    """Return the second clock: until the login ends, else how long it has lasted."""
    if holding.login_ends is not None:
        left = (holding.login_ends - now).total_seconds()
        return _soon(left) if left > 0 else "ended"
    if holding.kind is HoldingKind.SERVICE_TOKEN:
        return "none"
    if holding.since is None:
        return "unknown"
    seconds = (now - holding.since).total_seconds()
    return f"for {_soon(seconds)}" if seconds >= 0 else "unknown"


def _proven(holding: Holding, now: datetime) -> str:
    if holding.kind is HoldingKind.CLOUDFLARED and holding.last_proven_at is None:
        return "not by us"
    if holding.last_proven_at is None:
        return "never"
    seconds = (now - holding.last_proven_at).total_seconds()
    return "just now" if seconds < 5 else f"{_soon(seconds)} ago"


def _next(holding: Holding, now: datetime, settings: Settings, trouble: str) -> str:
    """Return `next_words` as short as a column under the title Refresh has it."""
    words = next_words(holding, now, settings, trouble)
    return "see detail" if "see detail" in words else words.removeprefix("refresh ").removeprefix("next ")


def next_words(holding: Holding, now: datetime, settings: Settings, trouble: str = "") -> str:
    """Return what happens automatically next, in a few words; empty where nothing does.

    Args:
        holding: the credential.
        now: the present.
        settings: they tell when it is refreshed automatically.
        trouble: why the last automatic refresh could not be tried, or the empty string.
    """
    grant = holding.grant
    if grant is None or grant.state is not GrantState.LIVE or not grant.has_refresh_token:
        return ""
    if not settings.background_refresh:
        return "refresh is off"
    wait = seconds_until_retry(grant, now)
    if wait > 0:
        return f"next try in {_soon(wait)}"
    return "cannot, see detail" if trouble else _refresh_in(grant, now, settings)


def _refresh_in(grant: Grant, now: datetime, settings: Settings) -> str:
    lead = timedelta(seconds=settings.refresh_before)
    due = refresh_due(grant, now, fraction=settings.refresh_at, lead=lead)
    if due is None:
        return ""
    left = (due - now).total_seconds()
    return f"refresh in {_soon(left)}" if left > 0 else "refresh is due"


def _soon(seconds: float) -> str:
    """Return a span in one unit: a column is narrow."""
    return " ".join(in_words(seconds).split()[:2])

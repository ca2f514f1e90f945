"""A grant as a row of the dashboard, and in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from textual.content import Content

from authlens_core.credentials.index import Event
from authlens_core.credentials.model import Grant, Standing, StandingKind, describe
from authlens_core.safe_text import safe_line
from authlens_tui.durations import in_words

__all__ = ["Column", "columns_for", "grant_detail", "grant_row"]


class Column(NamedTuple):
    """A column of the dashboard; the width is in cells."""

    key: str
    title: str
    width: int


_STATE: Final = Column("state", "State", 22)
_LEFT: Final = Column("left", "Left", 11)
_PROVEN: Final = Column("proven", "Proven", 13)
_SERVER_WIDTH: Final = 24
_SMALLEST_RESOURCE: Final = 20
_PADDING: Final = 2  # cells that a table adds to each column


def columns_for(width: int) -> tuple[Column, ...]:
    """Return the columns that fit into `width` cells; the resource takes what the others leave.

    The server and the proof are left out where there is no room: the detail has them.
    """
    kept = [_STATE, _LEFT]
    if width >= 100:
        kept += [Column("server", "Server", _SERVER_WIDTH), _PROVEN]
    used = sum(column.width + _PADDING for column in kept) + _PADDING
    resource = Column("resource", "Resource", max(_SMALLEST_RESOURCE, width - used))
    return (*kept[:2], resource, *kept[2:])


_STYLES: Final = {
    StandingKind.LIVE: "$text-success",
    StandingKind.UNKNOWN_END: "$text-success",
    StandingKind.SOON: "$text-warning",
    StandingKind.REFRESHABLE: "$text-warning",
    StandingKind.UNKNOWN: "$text-warning",
    StandingKind.INTERRUPTED: "$text-warning",
}


def grant_row(grant: Grant, now: datetime, *, busy: bool = False) -> dict[str, Content]:
    """Return the cells of one row by the key of their column."""
    standing = describe(grant, now)
    return {
        "state": Content.styled("⋯ working", "$text-accent") if busy else _state(standing),
        "left": Content(_left(standing)),
        "resource": Content(safe_line(grant.resource_url.removeprefix("https://"), 200)),
        "server": Content(safe_line(grant.issuer.removeprefix("https://"), 200)),
        "proven": Content("never" if grant.last_proven_at is None else _ago(grant.last_proven_at, now)),
    }


def grant_detail(grant: Grant, now: datetime, events: Sequence[Event]) -> Content:
    """Return everything known of a grant, no secret among it."""
    standing = describe(grant, now)
    lines: list[Content] = [_state(standing), Content("")]
    if standing.note:
        lines += [Content(safe_line(standing.note, 400)), Content("")]
    for name, value in _facts(grant, standing, now):
        lines.append(Content.assemble((f"{name:<14}", "$quiet"), Content(safe_line(value, 400))))
    if events:
        lines += [Content(""), Content.styled("History", "bold")]
        lines += [
            Content.assemble((f"{_ago(event.at, now):<14}", "$quiet"), Content(safe_line(event.kind, 60)))
            for event in events
        ]
    return Content("\n").join(lines)


def _facts(grant: Grant, standing: Standing, now: datetime) -> tuple[tuple[str, str], ...]:
    ends = "not stated" if grant.expires_at is None else f"{grant.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return (
        ("resource", grant.resource_url),
        ("server", grant.issuer),
        ("access token", _left(standing)),
        ("ends at", ends),
        ("refresh token", "yes" if grant.has_refresh_token else "no: a login every time"),
        ("scope", grant.scope or "none stated"),
        ("client", grant.client_id),
        ("logged in", _ago(grant.obtained_at, now)),
        ("refreshed", _ago(grant.refreshed_at, now)),
        ("last proven", "never" if grant.last_proven_at is None else _ago(grant.last_proven_at, now)),
        (
            "revocation",
            "the server offers it" if grant.revocation_endpoint else "the server has no endpoint for it",
        ),
    )


def _state(standing: Standing) -> Content:
    return Content.styled(f"{standing.symbol} {standing.word}", _STYLES.get(standing.kind, "$text-error"))


def _left(standing: Standing) -> str:
    if standing.remaining_seconds is None:
        return "unknown"
    return in_words(standing.remaining_seconds) if standing.remaining_seconds > 0 else "ended"


def _ago(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 5 else f"{in_words(seconds)} ago"

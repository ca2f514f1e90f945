"""The history of access: what happened to which credential, without a secret, also as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.coverage import covers
from authlens_core.credentials.records.index import Event
from authlens_core.values.safe_text import safe_line

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

# As many as the index keeps.
_MOST_EVENTS: Final = 10_000


def access_events(
    session: Session,
    entry_id: str | None = None,
    *,
    limit: int = _MOST_EVENTS,
    names: Mapping[str, str] | None = None,
) -> tuple[Event, ...]:
    """Return the newest events, newest first, each with its resource without `https://`, where it is known.

    Args:
        entry_id: of one credential alone; None for all.
        names: the resource of each credential, by its id; those of the index by default.

    Raises:
        StateUnusable: the index cannot be used.
    """
    events = session.credentials.events(entry_id, limit)
    # The event that began a credential names its resource, also when the credential is gone.
    known = {event.grant_id: _bare(event.resource) for event in events if event.resource}
    known |= _stored_resources(session) if names is None else names
    return tuple(replace(event, resource=safe_line(known.get(event.grant_id, ""))) for event in events)


def _stored_resources(session: Session) -> dict[str, str]:
    credentials = session.credentials
    names = {grant.grant_id: _bare(grant.resource_url) for grant in credentials.list()}
    return names | {token.token_id: _bare(token.url) for token in credentials.service_tokens.list()}


def _bare(url: str) -> str:
    return url.removeprefix("https://")


def revoked_at(session: Session, url: str) -> datetime | None:
    """Return when a login that covered `url` was last revoked from here; None if none is known."""
    # The grant itself is gone once it is revoked; the history is what remembers it.
    for event in access_events(session):
        resource = event.resource if "://" in event.resource else f"https://{event.resource}"
        if event.kind == AccessKind.REVOKED and covers(resource, url):
            return event.at
    return None


def json_lines(events: Iterable[Event]) -> str:
    """Return events as JSON lines, in the order given; ASCII alone, so nothing in it can steer a terminal."""
    return "".join(f"{json.dumps(_as_json(event))}\n" for event in events)


def _as_json(event: Event) -> dict[str, str]:
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="seconds"),
        "event": event.kind,
        "credential": event.grant_id,
        "resource": event.resource,
        "detail": event.detail,
    }

"""The history of access: what happened to which credential, without a secret, on screen and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Final

from authlens_core.credentials.records.index import Event
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.safe_text import safe_line

# As many as the index keeps.
MOST_EVENTS: Final = 10_000


def access_events(
    credentials: Credentials,
    entry_id: str | None = None,
    *,
    limit: int = MOST_EVENTS,
    names: Mapping[str, str] | None = None,
) -> tuple[Event, ...]:
    """Return the newest events, newest first, each with its resource without `https://`, where it is known.

    Args:
        entry_id: of one credential alone; None for all.
        names: the resource of each credential, by its id; those of the index by default.

    Raises:
        StateUnusable: the index cannot be used.
    """
    events = credentials.events(entry_id, limit)
    known = {**_once(events), **(_present(credentials) if names is None else names)}
    return tuple(
        Event(one.at, one.kind, one.grant_id, one.detail, safe_line(known.get(one.grant_id, "")))
        for one in events
    )


def _present(credentials: Credentials) -> dict[str, str]:
    names = {grant.grant_id: _bare(grant.resource_url) for grant in credentials.list()}
    return names | {token.token_id: _bare(token.url) for token in credentials.service_tokens.list()}


def _once(events: Iterable[Event]) -> dict[str, str]:
    """Return the resources of credentials that may be gone, from the event that began each."""
    return {event.grant_id: _bare(event.resource) for event in events if event.resource}


def _bare(url: str) -> str:
    return url.removeprefix("https://")


def access_event_as_json(event: Event) -> dict[str, str]:
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="seconds"),
        "event": event.kind,
        "credential": event.grant_id,
        "resource": event.resource,
        "detail": event.detail,
    }


def json_lines(events: Iterable[Event]) -> str:
    """Return events as JSON lines, in the order given; ASCII alone, so nothing in it can steer a terminal."""
    return "".join(f"{json.dumps(access_event_as_json(event))}\n" for event in events)

"""The history of access: what happened to which credential, without a secret, on screen and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from authlens_core.credentials.records.access_kind import TROUBLES
from authlens_core.credentials.records.index import Event
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.quick_dataclass import dataclass
from authlens_core.safe_text import NAME, safe_line

# As many as the index keeps.
MOST_EVENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One event. Every text is safe to show and holds no secret.

    Attributes:
        at: when, in UTC.
        kind: what happened, one or a few words.
        entry_id: to which credential; empty for what belongs to none.
        resource: its resource, without `https://`; empty if it is not known any more.
        detail: more about it, or the empty string.
    """

    at: datetime
    kind: str
    entry_id: str
    resource: str
    detail: str

    @property
    def is_trouble(self) -> bool:
        """True for an event after which the credential may not work, or may work although it should not."""
        return self.kind in TROUBLES


def access_events(
    credentials: Credentials,
    entry_id: str | None = None,
    *,
    limit: int = MOST_EVENTS,
    names: Mapping[str, str] | None = None,
) -> tuple[AccessEvent, ...]:
    """Return the newest events, newest first.

    Args:
        entry_id: of one credential alone; None for all.
        names: the resource of each credential, by its id; those of the index by default.

    Raises:
        StateUnusable: the index cannot be used.
    """
    events = credentials.events(entry_id, limit)
    known = {**_once(events), **(_present(credentials) if names is None else names)}
    return tuple(
        AccessEvent(
            event.at,
            safe_line(event.kind, NAME),
            safe_line(event.grant_id, NAME),
            safe_line(known.get(event.grant_id, "")),
            safe_line(event.detail),
        )
        for event in events
    )


def _present(credentials: Credentials) -> dict[str, str]:
    names = {grant.grant_id: _bare(grant.resource_url) for grant in credentials.list()}
    return names | {token.token_id: _bare(token.url) for token in credentials.service_tokens.list()}


def _once(events: Iterable[Event]) -> dict[str, str]:
    """Return the resources of credentials that may be gone, from the event that began each."""
    return {event.grant_id: _bare(event.resource) for event in events if event.resource}


def _bare(url: str) -> str:
    return url.removeprefix("https://")


def access_event_as_json(event: AccessEvent) -> dict[str, str]:
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="seconds"),
        "event": event.kind,
        "credential": event.entry_id,
        "resource": event.resource,
        "detail": event.detail,
    }


def json_lines(events: Iterable[AccessEvent]) -> str:
    """Return events as JSON lines, in the order given; ASCII alone, so nothing in it can steer a terminal."""
    return "".join(f"{json.dumps(access_event_as_json(event))}\n" for event in events)

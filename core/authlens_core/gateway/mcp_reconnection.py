"""When and after which event a stream that broke off is resumed (WHATWG HTML §9.2.3; MCP, Transports)."""

from __future__ import annotations

from typing import Final

from authlens_core.grammars.server_sent_events import ServerEvent
from authlens_core.values.quick_dataclass import dataclass

# Seconds. A server may ask for any time with `retry`: shorter ones would keep both machines busy, longer ones
# would keep the client from its answer.
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
# Reconnections in a row that bring no event.
MOST_IN_VAIN: Final = 5
_LONGEST_ID: Final = 1_000  # characters


@dataclass(slots=True)
class Reconnection:
    """Where a stream is.

    Attributes:
        last_id: the event to resume after; None where it cannot be resumed.
        in_vain: how many reconnections in a row brought no event.
    """

    last_id: str | None = None
    in_vain: int = 0
    _asked_for: float = SHORTEST_PAUSE

    def seen(self, event: ServerEvent) -> None:
        """Note an event."""
        self.in_vain = 0
        if event.event_id is not None:
            self.last_id = event.event_id if _is_sendable(event.event_id) else None
        if event.retry is not None:
            self._asked_for = min(max(event.retry / 1000, SHORTEST_PAUSE), LONGEST_PAUSE)

    @property
    def is_given_up(self) -> bool:
        return self.in_vain >= MOST_IN_VAIN

    def next_pause(self) -> float:
        """Return the seconds to wait now: what the server asks for, and twice as many after each failure."""
        pause = min(self._asked_for * 2.0**self.in_vain, LONGEST_PAUSE)
        self.in_vain += 1
        return pause


def _is_sendable(event_id: str) -> bool:
    """Return whether `Last-Event-ID` can carry an id as it is (RFC 9110 §5.5)."""
    fits = 0 < len(event_id) <= _LONGEST_ID and event_id == event_id.strip()
    return fits and event_id.isprintable()

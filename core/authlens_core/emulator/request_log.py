"""The requests that reached an emulator: enough to tell who was sent which credential, and no value of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_KEPT: Final = 2_000


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that reached the emulator.

    Attributes:
        origin: `app` or `team`; `resource` or `server` of a standard server.
        header_names: the field names in lower case, in order.
    """

    origin: str
    method: str
    path: str
    header_names: tuple[str, ...]


class RequestLog:
    """The last 2,000 requests of one emulator."""

    def __init__(self) -> None:
        self._seen: deque[SeenRequest] = deque(maxlen=_KEPT)

    def add(self, origin: str, scope: Mapping[str, Any]) -> None:
        """Note a request, given the ASGI scope of its connection."""
        names = tuple(name.decode("latin-1") for name, _ in scope["headers"])
        self._seen.append(SeenRequest(origin, scope["method"], scope["path"], names))

    def requests(self) -> list[SeenRequest]:
        """Return them, oldest first."""
        return list(self._seen)

    def clear(self) -> None:
        self._seen.clear()

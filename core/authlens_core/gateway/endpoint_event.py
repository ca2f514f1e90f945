"""The first event of MCP's older transport (HTTP+SSE, 2024-11-05), which names where messages are posted.

Its address is one of the resource's origin, so behind the proxy it is written as it is there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Final

from authlens_core.gateway.forwarding import CrossOriginRedirect, Mapping
from authlens_core.oauth.mcp import EVENT_STREAM
from authlens_core.values.formats.server_sent_events import EventReader, EventTooLarge
from authlens_core.wire.streaming import RawField

ENDPOINT: Final = "endpoint"
_LONGEST: Final = 8 * 1024  # bytes in which the first event ends; a longer one names no address
_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
# With a length, or a coding, the bytes cannot be others.
_FIXED: Final = frozenset({b"content-length", b"content-encoding"})


def may_name_endpoint(method: str, status: int, fields: Iterable[RawField]) -> bool:
    """Return whether an answer can be a stream of the older transport whose first event may be changed."""
    named = {name.lower(): value for name, value in fields}
    kind = named.get(b"content-type", b"").partition(b";")[0].strip().lower()
    is_stream = method == "GET" and status == 200 and kind == EVENT_STREAM.encode("ascii")
    return is_stream and not _FIXED.intersection(named)


async def with_endpoint_here(chunks: AsyncIterator[bytes], mapping: Mapping) -> AsyncIterator[bytes]:
    """Pass a stream of events on; a first event that names an endpoint names it as it is here."""
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        # Only the first event can name the endpoint (MCP 2024-11-05); everything behind it passes as it
        # arrives.
        if _EVENT_END.search(start) is not None or len(start) > _LONGEST:
            break
    yield _rewritten(bytes(start), mapping)
    async for chunk in chunks:
        yield chunk


def _rewritten(start: bytes, mapping: Mapping) -> bytes:
    end = _EVENT_END.search(start)
    if end is None:
        return start
    with suppress(EventTooLarge, CrossOriginRedirect):
        for event in EventReader().feed(start[: end.end()] + b"\n"):
            if event.name == ENDPOINT:
                first = f"event: {ENDPOINT}\ndata: {mapping.here(event.data)}\n\n"
                return first.encode("utf-8") + start[end.end() :]
    return start

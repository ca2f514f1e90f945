"""The text of a kept trace: a session file, without bodies so large that masking them would hold up all."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from authlens_core.secret import Body
from authlens_core.trace.record import Trace
from authlens_core.wire.exchange import Exchange

__all__ = ["trace_from_text", "trace_text"]

_LARGE: Final = 64 * 1024  # bytes of a body that is not kept


def trace_text(trace: Trace, *, bodies: int) -> str:
    """Return `trace` as the text of a session file: secrets masked, at most `bodies` bytes of bodies.

    What writes and reads it is imported when it is needed: few verbs need it.
    """
    from authlens_core.export.session_file import session_json

    records = tuple(
        replace(record, exchanges=tuple(_without_large_body(one) for one in record.exchanges))
        for record in trace.records
    )
    return session_json(replace(trace, records=records), bodies=bodies)


def trace_from_text(text: str) -> Trace:
    """Return the trace that `trace_text` wrote.

    Raises:
        SessionFileRefused: the text is something else.
    """
    from authlens_core.export.session_file import read_session

    return read_session(text.encode("utf-8", "replace"))


def _without_large_body(exchange: Exchange) -> Exchange:
    """Return the exchange without a response body that is large; requests are our own, and small."""
    response = exchange.response
    if response is None or len(response.body) <= _LARGE:
        return exchange
    words = f"({len(response.body)} bytes left out of what is kept)".encode()
    return replace(exchange, response=replace(response, body=Body(words, truncated=True)))

"""Traces are kept as session files: how credentials, which know no format, come by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from authlens_core.credentials.traces import Traces
from authlens_core.secret import Body
from authlens_core.trace.record import Trace
from authlens_core.wire.exchange import Exchange

__all__ = ["SessionText", "keep_as_session_files"]

_LARGE: Final = 64 * 1024  # bytes of a body that is not kept: masking it would hold up the screen


class SessionText:
    """Writes and reads kept traces. What does it is imported when it is needed: few verbs need it."""

    def write(self, trace: Trace, bodies: int) -> str:
        """Return `trace` as the text of a session file."""
        from authlens_core.export.session_file import session_json

        records = tuple(
            replace(record, exchanges=tuple(_without_large_body(one) for one in record.exchanges))
            for record in trace.records
        )
        return session_json(replace(trace, records=records), bodies=bodies)

    def read(self, text: str) -> Trace:
        """Return the trace that the text of a session file holds.

        Raises:
            SessionFileRefused: it is none.
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


def keep_as_session_files() -> None:
    """Have the traces of credentials kept from now on; for whoever starts the program."""
    Traces.text = SessionText()

"""The credentials of a trace, to look for them where none may be."""

from __future__ import annotations

import re

from authlens_core.trace.record import Trace

__all__ = ["secrets_of"]


def secrets_of(trace: Trace) -> set[str]:
    """Return the codes and tokens of a trace."""
    bodies = [
        message.body.reveal().decode()
        for record in trace.records
        for exchange in record.exchanges
        for message in (exchange.request, exchange.response)
        if message is not None
    ]
    return set(re.findall(r'(?:code=|"(?:access|refresh)_token": ")([\w-]{20,})', "\n".join(bodies)))

"""A trace as a Mermaid sequence diagram: the user, authlens, and each server that was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from authlens_core.trace.fact import FactId, fact_text
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.values.exchange import Exchange
from authlens_core.values.safe_text import safe_line

_LONGEST: Final = 80  # characters of a label
_MOST_ARROWS: Final = 200  # a longer diagram is refused by its readers
_HARMLESS: Final = frozenset(" .,/_()")  # beside letters and digits of ASCII
_PERSON: Final = "person"


def sequence_diagram(trace: Trace) -> str:
    """Return the source of the diagram of a redacted trace; paths are shown without their query."""
    servers = _servers(trace)
    lines = [
        line for number, record in enumerate(trace.records, 1) for line in _record(number, record, servers)
    ]
    if len(lines) > _MOST_ARROWS:
        lines = [*lines[:_MOST_ARROWS], "  Note over authlens: the rest is left out"]
    names = [f"  participant {name} as {label(server)}" for server, name in servers.items()]
    return "\n".join(
        ["sequenceDiagram", f"  actor {_PERSON} as User", "  participant authlens", *names, *lines]
    )


def label(text: str) -> str:
    """Return `text` as Mermaid shows it and never reads it: all but plain characters as `#number;`."""
    line = safe_line(text, _LONGEST)
    plain = (c if (c.isascii() and c.isalnum()) or c in _HARMLESS else f"#{ord(c)};" for c in line)
    return "".join(plain) or "#32;"


def _origin(exchange: Exchange) -> str:
    try:
        return urlsplit(exchange.request.url).netloc
    except ValueError:
        return "an unreadable URL"


def _servers(trace: Trace) -> dict[str, str]:
    """Return the servers in the order in which they were asked, each with its name in the source."""
    found = dict.fromkeys(_origin(exchange) for record in trace.records for exchange in record.exchanges)
    return {server: f"server{number}" for number, server in enumerate(found, 1)}


def _record(number: int, record: StageRecord, servers: dict[str, str]) -> Iterator[str]:
    title = record.stage.replace("_", " ")
    yield f"  Note over authlens: {number} {title}, {record.outcome}"
    for exchange in record.exchanges:
        yield from _exchange(exchange, servers[_origin(exchange)])
    if record.stage is Stage.AUTHORIZATION and record.facts:
        yield f"  authlens->>{_PERSON}: the link to sign in"
        if record.outcome is Outcome.PASSED:
            code = next((fact_text(fact) for fact in record.facts if fact.name == FactId.CODE), "")
            yield f"  {_PERSON}->>authlens: {label(f'comes back with the code {code}')}"


def _exchange(exchange: Exchange, server: str) -> Iterator[str]:
    request, response = exchange.request, exchange.response
    try:
        path = urlsplit(request.url).path or "/"
    except ValueError:
        path = ""
    yield f"  authlens->>{server}: {label(f'{request.method} {path}')}"
    if response is not None:
        yield f"  {server}-->>authlens: {label(f'{response.status} {response.reason}'.strip())}"
    if exchange.failure is not None:
        yield f"  {server}--xauthlens: {label(f'no complete answer, {exchange.failure.kind}')}"

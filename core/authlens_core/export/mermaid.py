"""A trace as a Mermaid sequence diagram: the arrows of `trace.arrows`, each server a participant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from authlens_core.trace.arrows import Arrow, Party, messages
from authlens_core.trace.record import Stage, Trace
from authlens_core.values.safe_text import safe_line

_LONGEST: Final = 80  # characters of a label
_MOST_ARROWS: Final = 200  # a longer diagram is refused by its readers
_HARMLESS: Final = frozenset(" .,/_()")  # beside letters and digits of ASCII
_AT_HOME: Final = frozenset({Party.PERSON, Party.BROWSER, Party.AUTHLENS})


def sequence_diagram(trace: Trace) -> str:
    """Return the source of the diagram of a redacted trace; paths are shown without their query."""
    participants = _Participants(trace)
    lines = list(_lines(trace, participants))
    if len(lines) > _MOST_ARROWS:
        lines = [*lines[:_MOST_ARROWS], "  Note over authlens: the rest is left out"]
    servers = (f"  participant {name} as {label(host)}" for host, name in participants.servers.items())
    home = (f"  actor {Party.PERSON} as Person", f"  participant {Party.BROWSER} as Browser")
    return "\n".join(["sequenceDiagram", *home, f"  participant {Party.AUTHLENS}", *servers, *lines])


def label(text: str) -> str:
    """Return `text` as Mermaid shows it and never reads it: all but plain characters as `#number;`."""
    line = safe_line(text, _LONGEST)
    plain = (c if (c.isascii() and c.isalnum()) or c in _HARMLESS else f"#{ord(c)};" for c in line)
    return "".join(plain) or "#32;"


class _Participants:
    """The names of all who take part; each server that was asked is one, in the order of the requests."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.servers: dict[str, str] = {}
        for record in trace.records:
            for exchange in record.exchanges:
                self._named(_host(exchange.request.url))

    def name(self, party: Party, arrow: Arrow) -> str:
        """Return the name of one end of `arrow`; that of a server is the one that authlens asked there."""
        if party in _AT_HOME:
            return party.value
        if arrow.exchange_index is not None:
            record = self._trace.records[arrow.record_index]
            return self._named(_host(record.exchanges[arrow.exchange_index].request.url))
        return self._named(self._sign_in_host())

    def _sign_in_host(self) -> str:
        """Return the host of the token endpoint: that of the sign-in is only in the link."""
        record = self._trace.latest(Stage.EXCHANGE) or self._trace.latest(Stage.REGISTRATION)
        return _host(record.exchanges[0].request.url) if record and record.exchanges else "the server"

    def _named(self, host: str) -> str:
        return self.servers.setdefault(host, f"server{len(self.servers) + 1}")


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "an unreadable URL"


def _lines(trace: Trace, participants: _Participants) -> Iterator[str]:
    arrows = messages(trace.records)
    for index, record in enumerate(trace.records):
        title = record.stage.replace("_", " ")
        yield f"  Note over {Party.AUTHLENS}: {index + 1} {title}, {record.outcome}"
        yield from (_line(arrow, participants) for arrow in arrows if arrow.record_index == index)


def _line(arrow: Arrow, participants: _Participants) -> str:
    if arrow.sender is arrow.receiver:
        return f"  Note over {arrow.sender}: {label(arrow.label)}"
    is_lost = arrow.missing or (arrow.failed and arrow.reply)
    line = "--x" if is_lost else "-->>" if arrow.reply else "->>"
    sender, receiver = (participants.name(party, arrow) for party in (arrow.sender, arrow.receiver))
    return f"  {sender}{line}{receiver}: {label(arrow.label)}"

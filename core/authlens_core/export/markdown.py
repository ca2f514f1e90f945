"""A trace as Markdown for a ticket: what happened in each stage, and a Mermaid sequence diagram.

Whatever may come from outside is in a code span or a fenced block whose fence is longer than any run of
backticks within: there it cannot become a heading, a link, a mention or HTML, whatever renders it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from authlens_core.export.pretty_json import pretty_json
from authlens_core.export.redaction import body_text, redacted_trace
from authlens_core.trace.arrows import Arrow, Party, messages
from authlens_core.trace.fact import fact_text
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.values.check import Check, Diagnosis, Severity
from authlens_core.values.exchange import Exchange, Headers
from authlens_core.values.safe_text import DOCUMENT, safe_line, safe_text
from authlens_core.values.secret import Body

_BODY_SHOWN: Final = 20_000  # characters
_SPAN: Final = 1_000  # characters
_PROSE_SHOWN: Final = 1_000  # characters
_BACKTICKS: Final = re.compile("`+")
# Words with nothing that Markdown, HTML or a forge reads as its own; a dot only where no address can arise.
_HARMLESS: Final = re.compile(r"(?:[A-Za-z0-9 ,;()'?/=§-]|\.(?= |$)|(?<=\d)\.(?=\d)|:(?= |$))*")
_SYMBOLS: Final = {Severity.PASS: "✔", Severity.NOTICE: "i", Severity.WARNING: "!", Severity.FAILURE: "✘"}
_OUTCOMES: Final = {Outcome.PASSED: "✔", Outcome.FAILED: "✘", Outcome.CANCELLED: "–"}


def markdown(trace: Trace) -> str:
    """Return `trace` as Markdown (CommonMark), every secret replaced by its mask."""
    safe_trace = redacted_trace(trace)
    lines = [
        f"# authlens: {safe_trace.kind}",
        "",
        f"- Resource: {code_span(safe_trace.resource_url)}",
        f"- Began: {code_span(safe_trace.started_at.isoformat(sep=' ', timespec='seconds'))}",
        "- Secrets are replaced by masks; the same digits after the number sign mean the same secret.",
        *_tampered(safe_trace.tampering),
        "",
        *fenced(sequence_diagram(safe_trace), "mermaid"),
    ]
    for record in safe_trace.records:
        lines += ["", *_record(record)]
    return "\n".join(lines) + "\n"


def code_span(text: str) -> str:
    """Return `text` as a code span on one line; it cannot end before its end (CommonMark §6.1)."""
    line = safe_line(text, _SPAN) or " "
    ticks = "`" * (_longest_run(line) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def fenced(text: str, language: str = "") -> list[str]:
    """Return the lines of a fenced block that nothing in `text` can end (CommonMark §4.5)."""
    content = safe_text(text, _BODY_SHOWN)
    fence = "`" * max(3, _longest_run(content) + 1)
    return [f"{fence}{language}", *content.split("\n"), fence]


def prose(text: str) -> str:
    """Return a sentence as it is where nothing in it has a meaning of its own, otherwise as a code span."""
    # GitHub makes a link of a word that begins with www (GFM §6.9).
    if len(text) <= _PROSE_SHOWN and "www." not in text.lower() and _HARMLESS.fullmatch(text):
        return text
    return code_span(text)


def _longest_run(text: str) -> int:
    return max((len(run[0]) for run in _BACKTICKS.finditer(text)), default=0)


def _tampered(changes: tuple[str, ...]) -> Iterator[str]:
    if changes:
        yield ""
        yield "**TAMPERED: this was changed on purpose, and the servers answered to the change.**"
        yield ""
        yield from (f"- {prose(change)}" for change in changes)


def _title(record: StageRecord) -> str:
    again = f", attempt {record.attempt}" if record.attempt > 1 else ""
    return f"{record.flow.numbered(record.stage)}{again}"


def _record(record: StageRecord) -> Iterator[str]:
    yield f"## {_title(record)}: {_OUTCOMES[record.outcome]} {record.outcome}"
    yield ""
    yield f"Took {record.elapsed * 1000:.0f} ms."
    yield from _tampered(record.tampering)
    if record.facts:
        yield from ("", "### Facts", "")
        for fact in record.facts:
            remarks = "; ".join(prose(text) for text in (fact.note, fact.spec) if text)
            end = f" ({remarks})" if remarks else ""
            yield f"- {code_span(fact.name)}: {code_span(fact_text(fact))}{end}"
    if record.checks:
        yield from ("", "### Checks", "")
        for check in record.checks:
            yield from _check(check, overridden=check.name in record.overridden)
    if record.diagnosis is not None:
        yield from ("", "### Diagnosis", "", *_diagnosis(record.diagnosis))
    for exchange in record.exchanges:
        yield from ("", *_exchange(exchange))


def _check(check: Check, *, overridden: bool) -> Iterator[str]:
    word = f"{check.severity}, overridden" if overridden and check.overridable else f"{check.severity}"
    yield f"- {_SYMBOLS[check.severity]} {word} {code_span(check.name)}: {prose(check.expected)}"
    pairs = [("Seen", code_span(check.seen) if check.seen else ""), ("Specification", prose(check.spec))]
    if check.severity is not Severity.PASS:
        pairs += [("Why it matters", prose(check.why)), ("What to do", prose(str(check.cure)))]
    yield from (f"  - {name}: {text}" for name, text in pairs if text)


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    pairs = (
        ("Cause", diagnosis.cause),
        ("Answered by", diagnosis.layer),
        ("What to do", str(diagnosis.cure)),
        ("Source", diagnosis.source),
    )
    yield from (f"- {name}: {prose(text)}" for name, text in pairs if text)
    yield from (f"- Evidence: {code_span(quoted)}" for quoted in diagnosis.evidence if quoted)


def _exchange(exchange: Exchange) -> Iterator[str]:
    request, response, failure = exchange.request, exchange.response, exchange.failure
    yield f"### Request: {code_span(exchange.purpose or request.method)}"
    yield ""
    yield from _message(f"{request.method} {request.url}", request.headers, request.body)
    yield ""
    if response is not None:
        yield f"### Response after {exchange.elapsed * 1000:.0f} ms"
        yield ""
        status = f"{response.http_version} {response.status} {response.reason}".rstrip()
        yield from _message(status, response.headers, response.body)
    if failure is not None:
        yield f"- ✘ No complete answer ({failure.kind}): {prose(failure.cause)}"
        if failure.cure:
            yield f"  - What to do: {prose(failure.cure)}"
        if failure.may_have_arrived:
            yield "  - The request may have arrived: the server may have acted on it."


def _message(first_line: str, headers: Headers, body: Body) -> list[str]:
    fields = [f"{name}: {value}" for name, value in headers.fields]
    lines: list[str] = [safe_line(line, DOCUMENT) for line in (first_line, *fields)]
    if body:
        lines += ["", pretty_json(body_text(body))]
    if body.truncated:
        lines.append("… (cut off)")
    return fenced("\n".join(lines), "http")


_LONGEST: Final = 80  # characters of a label
_MOST_ARROWS: Final = 200  # a longer diagram is refused by its readers
_IN_A_LABEL: Final = frozenset(" .,/_()")  # beside letters and digits of ASCII
_AT_HOME: Final = frozenset({Party.PERSON, Party.BROWSER, Party.AUTHLENS, Party.MALLORY})


def sequence_diagram(trace: Trace) -> str:
    """Return the source of the diagram of a redacted trace; paths are shown without their query."""
    participants = _Participants(trace)
    lines = list(_lines(trace, participants))
    if len(lines) > _MOST_ARROWS:
        lines = [*lines[:_MOST_ARROWS], "  Note over authlens: the rest is left out"]
    servers = (f"  participant {name} as {label(host)}" for host, name in participants.servers.items())
    home: tuple[str, ...] = (f"  actor {Party.PERSON} as Person", f"  participant {Party.BROWSER} as Browser")
    if trace.flow.is_by_program:
        home = ()
    return "\n".join(["sequenceDiagram", *home, f"  participant {Party.AUTHLENS}", *servers, *lines])


def label(text: str) -> str:
    """Return `text` as Mermaid shows it and never reads it: all but plain characters as `#number;`."""
    line = safe_line(text, _LONGEST)
    plain = (c if (c.isascii() and c.isalnum()) or c in _IN_A_LABEL else f"#{ord(c)};" for c in line)
    return "".join(plain) or "#32;"


class _Participants:
    """The names of all who take part; each server that was asked is one, in the order of the requests."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.servers: dict[str, str] = {}
        for record in trace.records:
            for exchange in record.exchanges:
                self._participant(_host(exchange.request.url))

    def name(self, party: Party, arrow: Arrow) -> str:
        """Return the name of one end of `arrow`; that of a server is the one that authlens asked there."""
        if party in _AT_HOME:
            return party.value
        if arrow.exchange_index is not None:
            record = self._trace.records[arrow.record_index]
            return self._participant(_host(record.exchanges[arrow.exchange_index].request.url))
        return self._participant(self._sign_in_host())

    def _sign_in_host(self) -> str:
        """Return the host of the token endpoint: that of the sign-in is only in the link."""
        record = self._trace.latest(Stage.EXCHANGE) or self._trace.latest(Stage.REGISTRATION)
        return _host(record.exchanges[0].request.url) if record and record.exchanges else "the server"

    def _participant(self, host: str) -> str:
        return self.servers.setdefault(host, f"server{len(self.servers) + 1}")


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "an unreadable URL"


def _lines(trace: Trace, participants: _Participants) -> Iterator[str]:
    arrows = messages(trace.records)
    for index, record in enumerate(trace.records):
        yield f"  Note over {Party.AUTHLENS}: {label(_title(record))}, {record.outcome}"
        yield from (_line(arrow, participants) for arrow in arrows if arrow.record_index == index)


def _line(arrow: Arrow, participants: _Participants) -> str:
    if arrow.sender is arrow.receiver:
        return f"  Note over {arrow.sender}: {label(arrow.label)}"
    is_lost = arrow.missing or (arrow.failed and arrow.reply)
    # In Mermaid, a cross ends the arrow of a message that does not arrive.
    line = "-->>" if arrow.reply else "->>"
    if is_lost:
        line = "--x"
    sender, receiver = (participants.name(party, arrow) for party in (arrow.sender, arrow.receiver))
    return f"  {sender}{line}{receiver}: {label(arrow.label)}"

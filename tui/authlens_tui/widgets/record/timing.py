"""Where the time went: the waterfall of all exchanges, and the phases of those of one stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from authlens_core.export.redaction import Redactor
from authlens_core.trace.flow import flow_of
from authlens_core.trace.record import Stage, StageRecord, sent_once
from authlens_core.values.exchange import Exchange
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_line
from authlens_tui.widgets.document.lines import BLANK, Line, Piece, Tone, line
from authlens_tui.widgets.record.exchange_view import duration

_PAUSE: Final = 1.0  # seconds between two exchanges from which on the time is folded away


class Phase(StrEnum):
    """Where the time of an exchange goes, in order."""

    DNS = "DNS"
    CONNECT = "connect"
    TLS = "TLS"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Bar:
    """A phase of an exchange: from which second of the waterfall, for how many seconds."""

    phase: Phase
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One exchange, or a pause between two that is folded away.

    Attributes:
        exchange_index: its exchange in the record; None for a pause.
        start: seconds on the axis, pauses left out.
        seconds: how long it took; for a pause, how long that was.
        bars: where the time of the exchange went.
    """

    stage: Stage
    record_index: int
    exchange_index: int | None
    start: float
    seconds: float
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The rows of a trace on one axis.

    Attributes:
        rows: in the order in which they began.
        total: seconds of the axis.
        network: seconds spent on exchanges.
        paused: seconds folded away: the user signs in, or reads.
    """

    rows: tuple[WaterfallRow, ...]
    total: float
    network: float
    paused: float


def waterfall(records: Sequence[StageRecord]) -> Waterfall:
    """Return the waterfall of `records`; an exchange that two records share is in it once."""
    rows: list[WaterfallRow] = []
    axis, network, paused = 0.0, 0.0, 0.0
    last_end: datetime | None = None
    for index, number, exchange in sent_once(records):
        stage = records[index].stage
        # A clock that is set back between two exchanges would give a negative one.
        gap = 0.0 if last_end is None else max(0.0, (exchange.started_at - last_end).total_seconds())
        if gap >= _PAUSE:
            rows.append(WaterfallRow(stage, index, None, axis, gap))
            paused += gap
        else:
            axis += gap
        bars = tuple(_bars(exchange, axis))
        rows.append(WaterfallRow(stage, index, number, axis, exchange.elapsed, bars))
        axis += exchange.elapsed
        network += exchange.elapsed
        last_end = exchange.ended_at
    return Waterfall(tuple(rows), axis, network, paused)


def _bars(exchange: Exchange, start: float) -> Iterator[Bar]:
    timings, at = exchange.timings, start
    parts = (
        (Phase.DNS, timings.dns),
        (Phase.CONNECT, timings.connect),
        (Phase.TLS, timings.tls),
        (Phase.SEND, timings.send),
        (Phase.WAIT, timings.wait),
        (Phase.RECEIVE, timings.receive),
    )
    known = sum(seconds or 0.0 for _, seconds in parts)
    # Our own set-up comes before what the transport reports.
    own = exchange.elapsed - known
    if own > 0:
        yield Bar(Phase.OTHER, at, own)
        at += own
    for phase, seconds in parts:
        if seconds:
            yield Bar(phase, at, seconds)
            at += seconds


_BAR: Final = 40
_NARROWEST: Final = 60  # cells from which on there is room for the bars
_TIME: Final = 9  # cells of a duration and the blank before it
# Sign and tone of each phase: never colour alone.
_LOOKS: Final = {
    Phase.OTHER: ("·", Tone.MUTED),
    Phase.DNS: ("┄", Tone.NOTE),
    Phase.CONNECT: ("░", Tone.NOTE),
    Phase.TLS: ("▒", Tone.WARNING),
    Phase.SEND: ("▌", Tone.STRING),
    Phase.WAIT: ("━", Tone.KEY),
    Phase.RECEIVE: ("█", Tone.GOOD),
}
_NAMES: Final = {Phase.OTHER: "set-up"}


def stage_time_line(record: StageRecord) -> Line:
    own = max(0.0, record.elapsed - record.network)
    other = "your browser and you" if record.stage is Stage.AUTHORIZATION else "authlens"
    return line(
        ("This stage  ", Tone.NAME),
        (duration(record.elapsed), Tone.TITLE),
        (f"  network {duration(record.network)}, {other} {duration(own)}", Tone.MUTED),
        words=True,
    )


def waterfall_lines(
    records: Sequence[StageRecord], current: StageRecord | None, width: int, redactor: Redactor
) -> Iterator[Line]:
    """Yield every exchange of `records` as a bar on one axis of `width` cells; pauses are folded."""
    drawn = waterfall(records)
    if not drawn.rows:
        return
    requests = sum(row.exchange_index is not None for row in drawn.rows)
    paused = f" · {duration(drawn.paused)} between them" if drawn.paused else ""
    yield line(
        ("All stages  ", Tone.NAME),
        (duration(drawn.network), Tone.TITLE),
        (f" on the network · {requests} requests{paused}", Tone.MUTED),
        words=True,
    )
    for row in drawn.rows:
        yield _row(row, records, current, max(width, _NARROWEST // 2), drawn, redactor)
    if width >= _NARROWEST:
        yield _legend(drawn)


def _row(
    row: WaterfallRow,
    records: Sequence[StageRecord],
    current: StageRecord | None,
    width: int,
    drawn: Waterfall,
    redactor: Redactor,
) -> Line:
    names = min(44, width // 2)
    bar = max(0, width - names - _TIME - 1) if width >= _NARROWEST else 0
    record = records[row.record_index]
    mark = "›" if record is current else " "
    if row.exchange_index is None:
        until = "the browser came back" if row.stage is Stage.EXCHANGE else "the next stage"
        words = f"⋯ {duration(row.seconds)} until {until}"
        at = names + _TIME + round(bar * row.start / drawn.total) if bar and drawn.total else 2
        return line((f"{' ' * max(2, min(at, width - len(words)))}{words}", Tone.MUTED), hang=2)
    exchange = record.exchanges[row.exchange_index]
    label = f"{mark}{flow_of(record.grant_type).number(row.stage) or ' '} {_label(exchange, redactor)}"
    tone = Tone.TITLE if record is current else Tone.PLAIN
    status = _status(exchange)
    name = _cut(label, names - len(status[0]) - 2)
    pieces: list[Piece] = [
        (f"{name:<{names - len(status[0]) - 1}}", tone),
        status,
        (f"{duration(exchange.elapsed):>{_TIME}} ", Tone.MUTED),
        *(_bar(row, bar, drawn.total) if bar else ()),
    ]
    return line(*pieces)


def _bar(row: WaterfallRow, cells: int, total: float) -> Iterator[Piece]:
    """Yield the phases of an exchange, each where it was on the axis; an exchange has one cell at least."""
    scale = cells / total if total else 0.0
    begin = min(round(row.start * scale), cells - 1)
    end = max(begin + 1, round((row.start + row.seconds) * scale))
    yield " " * begin, Tone.PLAIN
    at = begin
    for number, bar in enumerate(row.bars, 1):
        until = end if number == len(row.bars) else min(end, round((bar.start + bar.seconds) * scale))
        sign, tone = _LOOKS[bar.phase]
        if until > at:
            yield sign * (until - at), tone
            at = until


def _legend(drawn: Waterfall) -> Line:
    used = {bar.phase for row in drawn.rows for bar in row.bars}
    pieces: list[Piece] = [(" ", Tone.PLAIN)]
    for phase, (sign, tone) in _LOOKS.items():
        if phase in used:
            pieces += [(sign, tone), (f" {_NAMES.get(phase, phase.value)}  ", Tone.MUTED)]
    return line(*pieces)


def _label(exchange: Exchange, redactor: Redactor) -> str:
    shown = redactor.text(exchange.request.url)
    rest = shown.partition("://")[2].partition("?")[0]
    return safe_line(f"{exchange.request.method[:8]} {rest}")


def _status(exchange: Exchange) -> Piece:
    if exchange.response is None:
        return "✖", Tone.BAD
    status = exchange.response.status
    return str(status), Tone.GOOD if status < 400 else Tone.WARNING


def _cut(text: str, cells: int) -> str:
    """Return `text` with its middle left out, because the end of a path says most."""
    if len(text) <= cells:
        return text
    head = max(1, (cells - 1) // 2)
    return f"{text[:head]}…{text[len(text) - max(0, cells - 1 - head) :]}"


def timing_lines(exchange: Exchange) -> Iterator[Line]:
    timings = exchange.timings
    phases = {
        "DNS": timings.dns,
        "connect": timings.connect,
        "TLS": timings.tls,
        "send": timings.send,
        "wait": timings.wait,
        "receive": timings.receive,
    }
    longest = max((seconds for seconds in phases.values() if seconds), default=0.0)
    for name, seconds in phases.items():
        if seconds is None:
            yield line((f"{name:<9}", Tone.NAME), ("       –", Tone.MUTED))
            continue
        cells = max(1, round(_BAR * seconds / longest)) if longest else 1
        yield line((f"{name:<9}", Tone.NAME), f"{duration(seconds):>8}  ", ("━" * cells, Tone.KEY))
    yield line((f"{'in all':<9}", Tone.NAME), (f"{duration(exchange.elapsed):>8}", Tone.TITLE))
    yield BLANK
    yield line(("started  ", Tone.NAME), f"{exchange.started_at:%Y-%m-%d %H:%M:%S} UTC")
    for name, value in (("peer", exchange.peer), ("TLS", exchange.tls), ("proxy", exchange.proxy)):
        yield line((f"{name:<9}", Tone.NAME), (value, Tone.PLAIN) if value else ("none", Tone.MUTED))

"""The waterfall of a login: when each exchange began, and what took its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from authlens_core.trace.record import Stage, StageRecord, sent_once
from authlens_core.values.exchange import Exchange
from authlens_core.values.quick_dataclass import dataclass

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

"""Where the time went: the waterfall of all exchanges, and the phases of those of one stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain
from math import floor, log10
from typing import Final, NamedTuple

from authlens_core.trace.record import Exchange, Stage, StageRecord, UserPart, sent_once
from authlens_core.values.safe_text import safe_line
from authlens_tui.widgets.document.lines import BLANK, Line, Piece, Tone, line
from authlens_tui.widgets.record.pieces import Cells, cut_middle
from authlens_tui.widgets.record.signs import asked_tone, status_tone
from authlens_tui.words.times import duration

_PAUSE: Final = 1.0  # seconds between two exchanges from which on the time is folded away


class Phase(StrEnum):
    """Where the time of an exchange goes, in order."""

    DNS = "DNS"
    CONNECT = "connect"
    TLS = "TLS"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"
    OTHER = "set-up"


class Bar(NamedTuple):
    """A phase of an exchange: from which second of the waterfall, for how many seconds."""

    phase: Phase
    start: float
    seconds: float


class WaterfallRow(NamedTuple):
    """One exchange.

    Attributes:
        record: the stage in which it was sent, and `number` its place there.
        pause: seconds before it that are folded away, because the user signs in or reads; else 0.
        start: seconds on the axis, pauses left out.
        bars: where its time went.
    """

    record: StageRecord
    number: int
    exchange: Exchange
    pause: float
    start: float
    bars: tuple[Bar, ...]


def waterfall(records: Sequence[StageRecord]) -> tuple[WaterfallRow, ...]:
    """Return the exchanges of `records` on one axis; one that two records share is in it once."""
    rows: list[WaterfallRow] = []
    axis = 0.0
    last_end: datetime | None = None
    for index, number, exchange in sent_once(records):
        # A clock that is set back between two exchanges would give a negative one.
        gap = 0.0 if last_end is None else max(0.0, (exchange.started_at - last_end).total_seconds())
        pause = gap if gap >= _PAUSE else 0.0
        axis += gap - pause
        bars = tuple(_bars(exchange, axis))
        rows.append(WaterfallRow(records[index], number, exchange, pause, axis, bars))
        axis += exchange.elapsed
        last_end = exchange.ended_at
    return tuple(rows)


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
    own = exchange.elapsed - sum(seconds or 0.0 for _, seconds in parts)
    # Our own set-up comes before what the transport reports.
    for phase, seconds in ((Phase.OTHER, max(0.0, own)), *parts):
        if seconds:
            yield Bar(phase, at, seconds)
            at += seconds


_NARROWEST: Final = 60  # cells from which on there is room for the bars
_ROOMY: Final = 90  # cells from which on the hosts are named
_TIME: Final = 9  # cells of a duration and the blank before it
_TICK: Final = 12  # cells between two marks of the axis, at least
# Signs and tones of the bars: never colour alone.
_CONNECTS: Final = ("─", Tone.MUTED)
_WAITS: Final = ("━", Tone.KEY)
_RECEIVES: Final = ("■", Tone.GOOD)
_LOOKS: Final = {
    **dict.fromkeys(Phase, _CONNECTS),
    **dict.fromkeys((Phase.SEND, Phase.WAIT), _WAITS),
    Phase.RECEIVE: _RECEIVES,
}
_WAITED_FOR: Final = {
    UserPart.LINK: "the browser came back",
    UserPart.CODE: "the code was entered",
    UserPart.NOTHING: "the next stage",
}
# Whose time it was, beside that of the network.
_OTHERS: Final = {
    (UserPart.LINK, Stage.AUTHORIZATION): "your browser and you",
    (UserPart.CODE, Stage.EXCHANGE): "you, at the page for the code",
}
_LEGEND: Final = ((_CONNECTS, "set up and connect"), (_WAITS, "send and wait"), (_RECEIVES, "receive"))


def stage_time_line(record: StageRecord) -> Line:
    own = max(0.0, record.elapsed - record.network)
    other = _OTHERS.get((record.flow.user_part, record.stage), "authlens")
    return line(
        ("This stage  ", Tone.NAME),
        (duration(record.elapsed), Tone.TITLE),
        (f"  network {duration(record.network)}, {other} {duration(own)}", Tone.MUTED),
        words=True,
    )


def waterfall_lines(
    records: Sequence[StageRecord], current: StageRecord | None, width: int, masked: Callable[[str], str]
) -> Iterator[Line]:
    """Yield every exchange of `records` as a bar on one axis of `width` cells; pauses are folded.

    Args:
        masked: returns a URL without its secrets.
    """
    rows = waterfall(records)
    if not rows:
        return
    paused = sum(row.pause for row in rows)
    between = f" · {duration(paused)} between them" if paused else ""
    yield line(
        ("All stages  " if len(records) > 1 else "Exchanges  ", Tone.NAME),
        (duration(sum(row.exchange.elapsed for row in rows)), Tone.TITLE),
        (f" on the network · {len(rows)} request{'s' if len(rows) > 1 else ''}{between}", Tone.MUTED),
        words=True,
    )
    width = max(width, _NARROWEST // 2)
    labels = [_label(row, masked, with_host=width >= _ROOMY) for row in rows]
    names = min(max(map(len, labels)) + len(" 200 "), width * 2 // 5)
    total = rows[-1].start + rows[-1].exchange.elapsed
    scale = _Scale(total, max(0, width - names - _TIME - 1) if width >= _NARROWEST else 0)
    if scale.cells:
        # After the blank that follows a duration.
        yield line((f"{' ' * (names + _TIME)}{scale.labels()}", Tone.MUTED))
    for row, label in zip(rows, labels, strict=True):
        if row.pause:
            yield _pause_line(row, names + _TIME, scale, width)
        yield _exchange_line(row, label, names, scale, is_current=row.record is current)
    if scale.cells:
        looks = {_LOOKS[bar.phase] for row in rows for bar in row.bars}
        legend = ((look, (f" {words}  ", Tone.MUTED)) for look, words in _LEGEND if look in looks)
        yield line(*chain.from_iterable(legend))


class _Scale(NamedTuple):
    """An axis of `total` seconds in `cells` cells, with a mark at every round number."""

    total: float
    cells: int

    def place(self, seconds: float) -> int:
        return round(self.cells * seconds / self.total) if self.total else 0

    @property
    def step(self) -> float:
        """Seconds between two marks: 1, 2 or 5 times a power of ten."""
        least = self.total * _TICK / max(1, self.cells)
        power = 10.0 ** floor(log10(least)) if least > 0 else 1.0
        return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)

    def marks(self) -> Iterator[float]:
        count = int(self.total / self.step) if self.total else 0
        yield from (number * self.step for number in range(count + 1))

    def labels(self) -> str:
        text = ""
        for mark in self.marks():
            words = duration(mark) if mark else "0"
            if self.place(mark) + len(words) <= self.cells:
                text = f"{text:<{self.place(mark)}}{words}"
        return text

    def bar(self, bars: Sequence[Bar], asked: Tone = Tone.KEY) -> Iterator[Piece]:
        """Yield the phases of an exchange, each where it was; an exchange has one cell at least.

        Args:
            asked: the accent of who was asked: the wait is theirs.
        """
        if not self.cells or not bars:
            return
        begin = min(self.place(bars[0].start), self.cells - 1)
        end = max(begin + 1, self.place(bars[-1].start + bars[-1].seconds))
        row = Cells(self.cells, Tone.MUTED)
        for mark in self.marks():
            row.put(self.place(mark), "┊", Tone.MUTED)
        starts = [begin, *(self.place(bar.start) for bar in bars[1:])]
        for bar, start in zip(bars, starts, strict=True):
            # To the end of them all: the next one begins where this one ends.
            sign, tone = _LOOKS[bar.phase]
            row.put(start, sign * (end - start), asked if _LOOKS[bar.phase] == _WAITS else tone)
        yield from row.pieces()


def _pause_line(row: WaterfallRow, before: int, scale: _Scale, width: int) -> Line:
    """Return how long the pause before an exchange was, and what ended it."""
    stage, user_part = row.record.stage, row.record.flow.user_part
    waited_for = _WAITED_FOR[user_part if stage is Stage.EXCHANGE else UserPart.NOTHING]
    words = f"⋯ {duration(row.pause)} until {'the next request' if row.number else waited_for}"
    at = before + 1 + scale.place(row.start) if scale.cells else 2
    return line((f"{' ' * max(2, min(at, width - len(words)))}{words}", Tone.MUTED), hang=2)


def _exchange_line(row: WaterfallRow, label: str, names: int, scale: _Scale, *, is_current: bool) -> Line:
    """Return what was asked and answered in `names` cells, how long it took, and its bar."""
    record, exchange = row.record, row.exchange
    asked = asked_tone(record.stage, exchange)
    status = ("✖", Tone.BAD)
    if exchange.response is not None:
        number = exchange.response.status
        status = (str(number), status_tone(number, failed=record.failed_at(exchange)))
    room = names - len(status[0]) - 1
    shown, what = f"{cut_middle(label, room - 1):<{room}}", len("1 POST ")
    return line(
        (shown[:what], Tone.TITLE if is_current else Tone.PLAIN),
        (shown[what:], asked),
        status,
        (f"{duration(exchange.elapsed):>{_TIME}} ", Tone.MUTED),
        *scale.bar(row.bars, asked),
    )


def _label(row: WaterfallRow, masked: Callable[[str], str], *, with_host: bool) -> str:
    request, flow = row.exchange.request, row.record.flow
    address = masked(request.url).partition("://")[2].partition("?")[0]
    host, slash, path = address.partition("/")
    stage = flow.number(row.record.stage) or " "
    return safe_line(f"{stage} {request.method[:8]:<4} {host if with_host else ''}{slash}{path}")


def timing_lines(exchange: Exchange, width: int) -> Iterator[Line]:
    """Yield the phases that an exchange had, each where it was on one axis; they add up to the whole."""
    scale = _Scale(exchange.elapsed, max(0, min(60, width - _TIME - 12)))
    for bar in _bars(exchange, 0.0):
        name = (f"{bar.phase.value:<9}", Tone.NAME)
        yield line(name, f"{duration(bar.seconds):>8}  ", *scale.bar([bar]))
    yield line((f"{'total':<9}", Tone.NAME), (f"{duration(exchange.elapsed):>8}", Tone.TITLE))
    if exchange.timings.connect is None and exchange.timings.wait is not None:
        yield line(("Sent on a connection that was open already.", Tone.MUTED))
    yield BLANK
    yield line(("started  ", Tone.NAME), f"{exchange.started_at:%Y-%m-%d %H:%M:%S} UTC")
    for label, value in (("peer", exchange.peer), ("TLS", exchange.tls), ("proxy", exchange.proxy)):
        if value:
            yield line((f"{label:<9}", Tone.NAME), value)

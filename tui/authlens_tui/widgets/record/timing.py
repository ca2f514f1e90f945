"""The timing of a login: the waterfall of all exchanges, and the phases of those of one stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from authlens_core.trace.record import Exchange, Stage, StageRecord, UserPart, sent_once
from authlens_core.values.safe_text import safe_line
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line
from authlens_tui.widgets.record.pieces import cut_middle
from authlens_tui.widgets.record.signs import asked_tone, status_tone
from authlens_tui.words.times import duration

_PAUSE: Final = 1.0  # seconds between two exchanges from which on the time is folded away


class WaterfallRow(NamedTuple):
    """One exchange.

    Attributes:
        record: the stage in which it was sent, and `number` its place there.
        pause: seconds before it that are folded away, because the user signs in or reads; else 0.
        start: seconds since the first was sent, pauses left out.
    """

    record: StageRecord
    number: int
    exchange: Exchange
    pause: float
    start: float


def waterfall(records: Sequence[StageRecord]) -> tuple[WaterfallRow, ...]:
    """Return when each exchange of `records` was sent; shared exchanges appear once."""
    rows: list[WaterfallRow] = []
    start = 0.0
    last_end: datetime | None = None
    for index, number, exchange in sent_once(records):
        # A clock that is set back between two exchanges would give a negative one.
        gap = 0.0 if last_end is None else max(0.0, (exchange.started_at - last_end).total_seconds())
        pause = gap if gap >= _PAUSE else 0.0
        start += gap - pause
        rows.append(WaterfallRow(records[index], number, exchange, pause=pause, start=start))
        start += exchange.elapsed
        last_end = exchange.ended_at
    return tuple(rows)


_NARROWEST: Final = 60  # cells from which on there is room for the bars
_ROOMY: Final = 90  # cells from which on the hosts are named
_TIME: Final = 9  # cells of a duration and the blank before it
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


def stage_time_line(record: StageRecord) -> Line:
    local = max(0.0, record.elapsed - record.network)
    other = _OTHERS.get((record.flow.user_part, record.stage), "authlens")
    return line(
        ("This stage  ", Tone.NAME),
        (duration(record.elapsed), Tone.TITLE),
        (f"  network {duration(record.network)}, {other} {duration(local)}", Tone.MUTED),
        by_words=True,
    )


def waterfall_lines(
    records: Sequence[StageRecord], current: StageRecord | None, width: int, masked: Callable[[str], str]
) -> Iterator[Line]:
    """Yield every exchange of `records` as a bar on one time line; pauses are folded.

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
        by_words=True,
    )
    width = max(width, _NARROWEST // 2)
    labels = [_label(row, masked, with_host=width >= _ROOMY) for row in rows]
    names = min(max(map(len, labels)) + len(" 200 "), width * 2 // 5)
    total = rows[-1].start + rows[-1].exchange.elapsed
    cells = max(0, width - names - _TIME - 1) if width >= _NARROWEST else 0
    for row, label in zip(rows, labels, strict=True):
        if row.pause:
            yield _pause_line(row)
        bar = _bar(row, total, cells)
        yield _exchange_line(row, label, names, bar, is_current=row.record is current)


def _bar(row: WaterfallRow, total: float, cells: int) -> str:
    """Return a bar of at least one cell, where the exchange was in `total` seconds."""
    if not cells or not total:
        return ""
    start = min(round(cells * row.start / total), cells - 1)
    end = max(start + 1, round(cells * (row.start + row.exchange.elapsed) / total))
    return f"{' ' * start}{'━' * (end - start)}"


def _pause_line(row: WaterfallRow) -> Line:
    """Return how long the pause before an exchange was, and what ended it."""
    stage, user_part = row.record.stage, row.record.flow.user_part
    waited_for = _WAITED_FOR[user_part if stage is Stage.EXCHANGE else UserPart.NOTHING]
    sentence = f"⋯ {duration(row.pause)} until {'the next request' if row.number else waited_for}"
    return line((f"  {sentence}", Tone.MUTED), hang=2)


def _exchange_line(row: WaterfallRow, label: str, names: int, bar: str, *, is_current: bool) -> Line:
    """Return the request and its status in `names` cells, its duration, and its bar."""
    record, exchange = row.record, row.exchange
    tone = asked_tone(record.stage, exchange)
    status = ("✖", Tone.BAD)
    if exchange.response is not None:
        number = exchange.response.status
        status = (str(number), status_tone(number, failed=record.failed_at(exchange)))
    room = names - len(status[0]) - 1
    text, what = f"{cut_middle(label, room - 1):<{room}}", len("1 POST ")
    return line(
        (text[:what], Tone.TITLE if is_current else Tone.PLAIN),
        (text[what:], tone),
        status,
        (f"{duration(exchange.elapsed):>{_TIME}} ", Tone.MUTED),
        (bar, tone),
    )


def _label(row: WaterfallRow, masked: Callable[[str], str], *, with_host: bool) -> str:
    request, flow = row.exchange.request, row.record.flow
    address = masked(request.url).partition("://")[2].partition("?")[0]
    host, slash, path = address.partition("/")
    stage = flow.number(row.record.stage) or " "
    return safe_line(f"{stage} {request.method[:8]:<4} {host if with_host else ''}{slash}{path}")


def timing_lines(exchange: Exchange) -> Iterator[Line]:
    """Yield the phases that an exchange had; they add up to the whole."""
    for name, seconds in _phases(exchange):
        yield line((f"{name:<9}", Tone.NAME), f"{duration(seconds):>8}")
    yield line((f"{'total':<9}", Tone.NAME), (f"{duration(exchange.elapsed):>8}", Tone.TITLE))
    if exchange.timings.connect is None and exchange.timings.wait is not None:
        yield line(("Sent on a connection that was open already.", Tone.MUTED))
    yield BLANK
    yield line(("started  ", Tone.NAME), f"{exchange.started_at:%Y-%m-%d %H:%M:%S} UTC")
    for label, value in (("peer", exchange.peer), ("TLS", exchange.tls), ("proxy", exchange.proxy)):
        if value:
            yield line((f"{label:<9}", Tone.NAME), value)


def _phases(exchange: Exchange) -> Iterator[tuple[str, float]]:
    timings = exchange.timings
    parts = (
        ("DNS", timings.dns),
        ("connect", timings.connect),
        ("TLS", timings.tls),
        ("send", timings.send),
        ("wait", timings.wait),
        ("receive", timings.receive),
    )
    setup = exchange.elapsed - sum(seconds or 0.0 for _, seconds in parts)
    # Our own set-up comes before what the transport reports.
    for name, seconds in (("set-up", max(0.0, setup)), *parts):
        if seconds:
            yield name, seconds

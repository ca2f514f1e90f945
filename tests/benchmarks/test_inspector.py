"""A megabyte opens, scrolls, folds and is searched with no key waiting longer than 100 ms."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body
from authlens_tui.app.base_app import BaseApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.record.record_view import RecordView

MIB: Final = 1024 * 1024
BAR: Final = 0.100  # seconds
TICK: Final = 0.005
ATTEMPTS: Final = 3
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def members() -> bytes:
    """Return 1 MiB of JSON with many members, with a secret under a telling name."""
    one = {"name": "a value of some length", "list": [1, 2.5, True, None], "url": "https://example.com/?q=1"}
    whole = {"access_token": "access-canary-1"} | {f"member_{n}": one for n in range(8_400)}
    return json.dumps(whole).encode()


BODIES: Final = {
    "many members": ("application/json", members()),
    "one JSON line": ("application/json", b'{"a": "' + b"word " * (MIB // 5 - 4) + b'needle"}'),
    "one line of text": ("text/plain", b"x" * (MIB - 6) + b"needle"),
    "one line of letters": ("text/plain", "é漢".encode() * (MIB // 5 - 3) + b"needle"),
    "200,000 lines": ("text/plain", b"\n".join(b"%d" % (n % 1_000) for n in range(200_000)) + b"\nneedle"),
    "500,000 members": ("application/json", b"[" + b"1," * (MIB // 2 - 2) + b"1]"),
}


class Inspected(BaseApp):
    """The shell around one record."""

    def compose(self) -> ComposeResult:
        """Show it."""
        yield RecordView()


def kept_waiting() -> dict[str, float]:
    """Return for how many seconds each thread could have run while the processor was with other programs."""
    found: dict[str, float] = {}
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):
            found[thread.parent.name] = int(thread.read_text().split()[1]) / 1e9
    return found


class Gaps:
    """The longest time for which the event loop did nothing else, by what was done meanwhile."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.doing = "start"

    async def watch(self) -> None:
        """Tick for as long as it is let."""
        last, waited = time.perf_counter(), kept_waiting()
        while True:
            await asyncio.sleep(TICK)
            now, waited_now = time.perf_counter(), kept_waiting()
            others = max((waited_now[name] - waited.get(name, 0.0) for name in waited_now), default=0.0)
            gap = now - last - TICK - others
            self.longest[self.doing] = max(self.longest.get(self.doing, 0.0), gap)
            last, waited = now, waited_now


def recorded(media_type: str, body: bytes) -> StageRecord:
    """Return the record of a stage that was answered with `body`."""
    answer = Response(200, "OK", Headers.of([("Content-Type", media_type)]), Body(body))
    exchange = Exchange(Request("GET", "https://h/mcp"), answer, None, NOW, 0.1)
    return StageRecord(Stage.ACCESS, Outcome.PASSED, NOW, 0.1, (exchange,))


@asynccontextmanager
async def inspected() -> AsyncIterator[tuple[RecordView, Pilot[int]]]:
    """Run the app with nothing shown yet."""
    app = Inspected({})
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        gc.collect()
        gc.freeze()  # as the app does by itself in a terminal
        try:
            yield app.query_one(RecordView), pilot
        finally:
            gc.unfreeze()


def document(view: RecordView) -> DocumentView:
    """Return the document of the open tab."""
    return view.query_one(f"#{view.tab}-document", DocumentView)


async def until_read(view: RecordView, pilot: Pilot[int]) -> None:
    """Wait until the open tab shows what it has to show."""
    async with asyncio.timeout(30):
        while not (
            document(view).layout_ready and document(view).lines.texts[:1] not in ([], ["laying out …"])
        ):
            await pilot.pause(0.01)


async def walk(view: RecordView, pilot: Pilot[int], gaps: Gaps, record: StageRecord) -> None:
    """Do everything that can be done with an answer."""
    gaps.doing = "open"
    view.show_story((record,))
    view.show_record(record)
    document(view).focus()
    await pilot.press("3")
    await until_read(view, pilot)
    await pilot.pause()
    document(view).focus()
    for doing, keys in (
        ("scroll", ["down"] * 10 + ["pagedown"] * 10 + ["end", "up", "pageup", "home"]),
        ("fold", ["f", "down", "enter", "f", "end", "left", "left", "home"]),
        ("tabs", ["1", "4", "5", "6", "7", "2", "3"]),
        ("raw", ["v"]),
        ("raw scroll", ["pagedown", "end"]),
        ("laid out", ["v"]),
    ):
        gaps.doing = doing
        for key in keys:
            await pilot.press(key)
        await until_read(view, pilot)
    gaps.doing = "search"
    await pilot.press("slash", *"need", "enter", "enter", "shift+enter", "escape")
    await pilot.press("slash", *"a e", "enter", "escape")
    gaps.doing = "resize"
    await pilot.resize_terminal(80, 24)
    await until_read(view, pilot)


async def measured(kind: str) -> dict[str, float]:
    """Walk through an answer once, and return the longest gap of each part of the way in seconds."""
    gaps = Gaps()
    async with inspected() as (view, pilot):
        ticker = asyncio.create_task(gaps.watch())
        try:
            await walk(view, pilot, gaps, recorded(*BODIES[kind]))
        finally:
            ticker.cancel()
    return gaps.longest


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.timeout(300)
async def test_no_key_waits_longer_than_a_tenth_of_a_second(kind: str) -> None:
    """Design §8: key echo never above 100 ms with a 1 MiB answer.

    Other programs can take the processor away for longer: that time is not counted where Linux tells it, and
    of three walks the best counts for each part.
    """
    best: dict[str, float] = {}
    for _ in range(ATTEMPTS):
        gaps = await measured(kind)
        best = {doing: min(gap, best.get(doing, gap)) for doing, gap in gaps.items()}
        told = ", ".join(f"{doing} {1000 * gap:.0f} ms" for doing, gap in best.items())
        print(f"\n{kind}: longest gap: {told}")  # noqa: T201
        if max(best.values()) <= BAR:
            break
    assert {doing for doing, gap in best.items() if gap > BAR} == set()

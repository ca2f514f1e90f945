"""The waterfall of a login: every exchange once, pauses folded."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import Exchange, Timings
from authlens_tui.widgets.record.timing import waterfall
from support.scripted_login import BEGAN, exchange, reply


def _sent(at: float, seconds: float, **timings: float) -> Exchange:
    began = BEGAN + timedelta(seconds=at)
    return replace(exchange(reply()), started_at=began, elapsed=seconds, timings=Timings(**timings))


def _record(stage: Stage, *exchanges: Exchange) -> StageRecord:
    return StageRecord(stage, Outcome.PASSED, BEGAN, 0.0, exchanges, (), ())


def test_the_time_until_the_browser_came_back_is_folded_away() -> None:
    drawn = waterfall(
        [
            _record(Stage.REGISTRATION, _sent(0, 0.2)),
            _record(Stage.AUTHORIZATION),
            _record(Stage.EXCHANGE, _sent(40.2, 0.3)),
        ]
    )
    assert [(round(row.pause, 3), round(row.start, 3)) for row in drawn] == [(0, 0), (40.0, 0.2)]


def test_an_exchange_that_two_records_share_is_drawn_once() -> None:
    one = _sent(0, 0.2)
    records = [_record(Stage.DETECTION, one), _record(Stage.DETECTION, one)]
    [row] = waterfall(records)
    assert row.record is records[0]


def test_a_session_file_draws_a_shared_exchange_once_too() -> None:
    one = _sent(0, 0.2)
    records = (_record(Stage.DETECTION, one), _record(Stage.DETECTION, one, _sent(1, 0.1)))
    saved = session_json(Trace("a1", TraceKind.LOGIN, "https://app.example/", BEGAN, records))
    opened = read_session(saved.encode()).records
    assert [(opened.index(row.record), row.number) for row in waterfall(opened)] == [(0, 0), (1, 1)]


def test_a_trace_without_exchanges_has_no_rows() -> None:
    assert waterfall([_record(Stage.PKCE)]) == ()

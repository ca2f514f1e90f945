"""Timing: bars that fit the width, numbers that add up, and the waterfall of a login."""

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.export.redaction import Redactor
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import Exchange, Request, Timings
from authlens_tui.widgets.record.timing import stage_time_line, timing_lines, waterfall, waterfall_lines
from support.scripted_login import BEGAN, exchange, reply

ASKED = replace(exchange(reply(401)), elapsed=0.25, timings=Timings(dns=0.04, connect=0.03, wait=0.15))
LONG = replace(exchange(reply(), Request("GET", f"https://app.example/{'x' * 200}")), elapsed=0.75)
RECORDS = (
    StageRecord(Stage.DETECTION, Outcome.PASSED, BEGAN, 1.25, (ASKED,), (), ()),
    StageRecord(Stage.RESOURCE_METADATA, Outcome.PASSED, BEGAN, 1.0, (LONG,), (), ()),
)


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_no_row_of_the_waterfall_is_wider_than_the_screen(width: int) -> None:
    lines = list(waterfall_lines(RECORDS, RECORDS[0], width, Redactor().text))
    rows = [one.text for one in lines if not one.by_words]
    assert rows
    assert [row for row in rows if len(row) > max(width, 30)] == []


def test_an_exchange_says_its_status_its_time_and_its_phases() -> None:
    text = "\n".join(one.text for one in waterfall_lines(RECORDS, RECORDS[0], 120, Redactor().text))
    first = next(row for row in text.splitlines() if "GET  app.example/mcp" in row)
    assert first.startswith("1 GET")
    assert "401" in first
    assert "250 ms" in first
    assert "━" in first


def test_each_bar_is_where_its_exchange_was_in_the_whole() -> None:
    _, first, second = (one.text for one in waterfall_lines(RECORDS, RECORDS[0], 80, Redactor().text))
    start, end = first.index("━"), first.rindex("━") + 1
    assert second.index("━") == end
    assert second.count("━") == pytest.approx(3 * (end - start), abs=2)


def test_the_phases_of_an_exchange_add_up_to_the_whole() -> None:
    rows = [one.text for one in timing_lines(ASKED)]
    shown = [float(found[1]) for row in rows if (found := re.search(r"([\d.]+) ms", row))]
    assert sum(shown[:-1]) == shown[-1] == 250


def test_a_phase_that_did_not_happen_has_no_row() -> None:
    reused = replace(ASKED, timings=Timings(send=0.01, wait=0.15))
    rows = [one.text for one in timing_lines(reused)]
    assert not [row for row in rows if row.startswith(("DNS", "connect", "TLS", "proxy"))]
    assert "Sent on a connection that was open already." in rows


def test_network_and_own_time_of_a_stage_add_up() -> None:
    assert stage_time_line(RECORDS[0]).text == "This stage  1.2 s  network 250 ms, authlens 1.0 s"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_pause_is_one_row(width: int) -> None:
    later = replace(ASKED, started_at=BEGAN + timedelta(seconds=40))
    records = (*RECORDS, StageRecord(Stage.EXCHANGE, Outcome.PASSED, BEGAN, 1.0, (later,)))
    [row] = [one.text for one in waterfall_lines(records, None, width, Redactor().text) if "⋯" in one.text]
    assert "until the browser came back" in row
    assert len(row) <= width


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

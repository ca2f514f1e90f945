"""A session file holds the whole trace without its secrets, and is read as what it is: a stranger's file."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.export.compare import honest_run, runs
from authlens_core.export.redaction import redacted_trace
from authlens_core.export.session_file import (
    MAX_SESSION_BYTES,
    SessionFileRefused,
    read_session,
    session_json,
)
from authlens_core.trace.record import Fact, FactValue, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import Diagnosis, Layer
from authlens_core.values.secret import Secret
from support.driven_login import Recorded, leaks, record_login
from support.hostile_trace import CANARY, hostile_trace

Change = Callable[[dict[str, Any]], object]


def test_what_a_hostile_server_repeats_is_masked_in_the_file(hostile: Trace) -> None:
    assert Secret(CANARY).masked in session_json(hostile)


async def test_no_secret_of_a_refused_exchange_is_in_the_file() -> None:
    """A login that fails late has a code and a verifier in its record."""
    recorded = await record_login("invalid-grant")
    text = session_json(recorded.trace)
    assert [leak for secret in recorded.secrets for leak in leaks(text, secret)] == []


def test_what_is_read_is_what_was_saved(login: Recorded) -> None:
    assert read_session(session_json(login.trace).encode()) == redacted_trace(login.trace)


def test_a_hostile_trace_comes_back_in_the_same_views(hostile: Trace) -> None:
    """Any text survives, failures and repeated header fields included; saving it again changes nothing."""
    again = read_session(session_json(hostile).encode())
    assert again == read_session(session_json(again).encode())
    assert [r.stage for r in again.records] == [r.stage for r in hostile.records]
    assert again.records[0].checks[0].overridable
    assert again.records[1].overridden == frozenset({"a.b"})


def test_the_same_secret_has_the_same_mask_in_two_places(login: Recorded) -> None:
    """A fingerprint lets two places, and two traces, be compared."""
    text = session_json(login.trace)
    token = next(
        f.value for r in login.trace.records for f in r.facts if f.name == "access_token" and f.value
    )
    assert isinstance(token, Secret)
    assert text.count(token.masked) >= 3  # the fact, the answer of the token endpoint, the request of stage 8


def test_nothing_in_the_file_moves_a_terminal(hostile: Trace) -> None:
    """Control and direction characters are JSON escapes, so that `cat` is safe."""
    assert all(line.isprintable() for line in session_json(hostile).split("\n"))


def test_what_is_too_large_is_left_out_and_said(hostile: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is saved can be opened again: bodies beyond the budget become a sentence."""
    monkeypatch.setattr("authlens_core.export.session_file._BODIES_KEPT", 10)
    again = read_session(session_json(hostile).encode())
    body = again.records[0].exchanges[0].request.body
    assert body.truncated
    assert b"left out" in body.reveal()


def test_a_newer_version_is_refused_with_the_cure() -> None:
    """The person is told to update, not that the file is broken."""
    document = {**json.loads(session_json(hostile_trace())), "version": 2}
    with pytest.raises(SessionFileRefused, match=r"newer authlens.*Update authlens"):
        read_session(json.dumps(document).encode())


def test_members_that_are_not_known_are_ignored(login: Recorded) -> None:
    """Version 1 may grow members."""
    document = json.loads(session_json(login.trace))
    document["trace"]["records"][0]["colour"] = "green"
    assert read_session(json.dumps(document).encode()) == redacted_trace(login.trace)


@pytest.mark.parametrize(
    "value", ["text", 200, None, ("a", "b"), timedelta(seconds=3600), datetime(2026, 3, 1, tzinfo=UTC)]
)
def test_a_fact_keeps_its_value_and_its_type(value: FactValue, hostile: Trace) -> None:
    record = replace(hostile.records[0], facts=(Fact("name", value),))
    again = read_session(session_json(replace(hostile, records=(record,))).encode())
    assert again.records[0].facts == record.facts


def test_tampering_and_evidence_survive(hostile: Trace) -> None:
    """A trace that was changed on purpose is marked wherever it is opened."""
    found = Diagnosis("cause", "It failed.", "Do.", ("HTTP/1.1 400",), "RFC 6749", Layer.ORIGIN)
    record = replace(hostile.records[0], tampering=("another verifier",), diagnosis=found)
    again = read_session(session_json(replace(hostile, records=(record,))).encode())
    assert again.tampering == ("another verifier",)
    assert again.records[0].diagnosis == found


CHANGES: dict[str, Change] = {
    "no version": lambda d: d.pop("version"),
    "version as text": lambda d: d.update(version="1"),
    "version zero": lambda d: d.update(version=0),
    "another format": lambda d: d.update(format="har"),
    "no trace": lambda d: d.pop("trace"),
    "an unknown stage": lambda d: d["trace"]["records"][0].update(stage="dance"),
    "an id that is a path": lambda d: d["trace"].update(trace_id="../../x"),
    "a time without an offset": lambda d: d["trace"].update(started_at="2026-01-01T00:00:00"),
    "no time": lambda d: d["trace"].update(started_at="soon"),
    "a negative duration": lambda d: d["trace"]["records"][0].update(elapsed=-1),
    "a flag as a number": lambda d: d["trace"]["records"][0]["checks"][0].update(overridable=1),
    "a header of three": lambda d: d["trace"]["records"][0]["exchanges"][0]["request"].update(
        headers=[["a", "b", "c"]]
    ),
    "records as an object": lambda d: d["trace"].update(records={}),
    "tampering as text": lambda d: d["trace"]["records"][0].update(tampering="x"),
    "a fact as a truth": lambda d: d["trace"]["records"][0]["facts"][0].update(value=True),
    "a fact as a list of numbers": lambda d: d["trace"]["records"][0]["facts"][0].update(value=[1]),
    "a fact as two values": lambda d: d["trace"]["records"][0]["facts"][0].update(
        value={"seconds": 1, "time": "2026-03-01T12:00:00+00:00"}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_file_that_is_not_a_session_is_refused(change: Change) -> None:
    """Every member has its type and its range."""
    document = json.loads(session_json(hostile_trace()))
    change(document)
    with pytest.raises(SessionFileRefused):
        read_session(json.dumps(document).encode())


BROKEN = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "twice the same name": b'{"format": "authlens-session", "format": "authlens-session"}',
    "NaN": b'{"format": NaN}',
    "an infinite number": b'{"format": 1e999}',
    "deep": b'{"a":' * 100_000,
    "a long number": b'{"version": ' + b"9" * 10_000 + b"}",
    "something after the end": b"{} {}",
    "too large": b" " * (MAX_SESSION_BYTES + 1),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    """One text, one meaning, and a bound on everything."""
    with pytest.raises(SessionFileRefused):
        read_session(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with pytest.raises(SessionFileRefused) as refused:
        read_session(data)
    assert refused.value.cause.isprintable()
    assert refused.value.cure


AT = datetime(2026, 1, 1, tzinfo=UTC)
HONEST = ("pkce", "authorization", "exchange", "access")


def trace(*stages: str) -> Trace:
    """Return a trace of these stages; one with a `!` was changed on purpose."""
    records = tuple(
        StageRecord(Stage(one.strip("!")), Outcome.PASSED, AT, 0.1, tampering=("it",) if "!" in one else ())
        for one in stages
    )
    return Trace("t", TraceKind.LOGIN, "https://wiki.example", AT, records)


def names(found: Sequence[Trace]) -> list[list[str]]:
    return [[f"{one.stage}{'!' if one.tampering else ''}" for one in run.records] for run in found]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((), []),
        (HONEST, [[*HONEST]]),
        (("exchange", "exchange", "access"), [["exchange", "exchange", "access"]]),
        (
            ("registration", *HONEST, "pkce", "exchange!"),
            [["registration", *HONEST], ["registration", "pkce", "exchange!"]],
        ),
        (("pkce", "exchange!", "exchange"), [["pkce", "exchange!"], ["pkce", "exchange"]]),
    ],
)
def test_going_back_begins_another_run_with_the_stages_before(
    stages: Sequence[str], expected: list[list[str]]
) -> None:
    assert names(runs(trace(*stages))) == expected


def test_the_honest_run_is_the_last_without_a_change() -> None:
    honest = honest_run(trace(*HONEST, "pkce", "exchange!"))
    assert honest is not None
    assert names([honest]) == [[*HONEST]]
    assert honest_run(trace("pkce", "exchange!")) is None

"""The runs in the trace of a login: where it went back, another one begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from authlens_core.export.compare import honest_run, runs
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind

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

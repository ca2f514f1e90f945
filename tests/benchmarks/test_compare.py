"""How long a comparison takes."""

import time
from datetime import UTC, datetime

import pytest

from authlens_core.export.compare import compare
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind

pytestmark = pytest.mark.benchmark
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def test_ten_thousand_records_are_compared_in_time_that_grows_with_their_number() -> None:
    """A session file is somebody else's: eight times the records take far less than 64 times as long."""
    record = StageRecord(Stage.PKCE, Outcome.PASSED, BEGAN, 0.1)

    def seconds(count: int) -> float:
        long = Trace("abc", TraceKind.LOGIN, "https://a.example/", BEGAN, (record,) * count)
        began = time.process_time()
        assert compare(long, long).same
        return time.process_time() - began

    assert seconds(8_000) < 24 * min(seconds(1_000) for _ in range(3)) + 0.1

"""How long the dashboard's question to the index takes."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.index import Index
from support.grants import grant, put

pytestmark = pytest.mark.benchmark


def _seconds(call: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def test_an_unchanged_index_of_2000_grants_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    """It is asked at every tick of the clock."""
    index = Index(tmp_path / "index.sqlite3")
    index.connection.execute("PRAGMA synchronous = OFF")
    for number in range(2_000):
        put(index, replace(grant(str(number)), generation=1), 1)
    first = _seconds(index.grants, 1)
    again = _seconds(index.grants, 200)
    index.close()
    print(f"first {first * 1e3:.1f} ms, unchanged {again * 1e3:.3f} ms")  # noqa: T201
    assert again < 0.001
    assert again < first / 10

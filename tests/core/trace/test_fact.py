"""Facts as text: what a stage learned, in the words of every view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from authlens_core.trace.fact import Fact, FactValue, fact_text
from authlens_core.values.secret import Secret

SECRET = Secret("canary-7f3a9b51c2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("bearer", "bearer"),
        (60, "60"),
        (timedelta(minutes=1), "60 s"),
        (datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "2026-01-02 03:04:05+00:00"),
        (("authorization_code", "refresh_token"), "authorization_code refresh_token"),
        (SECRET, SECRET.masked),
    ],
)
def test_a_value_is_told_as_its_specification_writes_it(value: FactValue, text: str) -> None:
    assert fact_text(Fact("name", value)) == text

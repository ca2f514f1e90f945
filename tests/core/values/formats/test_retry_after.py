"""How long a server asks to be left alone."""

from datetime import UTC, datetime

import pytest

from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.duration import retry_after

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("Fri, 01 May 2026 12:00:30 GMT", 30),
        ("Fri, 01 May 2026 11:00:00 GMT", 0),
        ("Fri May  1 12:00:30 2026", 30),
        ("Fri, 01 May 2026 12:00:30 -0000", 30),
        ("9" * 5_000, 86_400),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: int | None) -> None:
    """RF-5, RV-3: seconds or a date, at most a day; nonsense is none."""
    assert retry_after(Response(503, headers=Headers.of([("Retry-After", value)])), NOW) == seconds

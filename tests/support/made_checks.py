"""Checks with words of a test's own, not those of `words/checks.json`; and what must be there."""

from functools import partial
from typing import TypeVar

from authlens_core.values.check import Severity, judged

T = TypeVar("T")

passed = partial(judged, Severity.PASS)
warned = partial(judged, Severity.WARNING)
failed = partial(judged, Severity.FAILURE)


def present(value: T | None) -> T:
    """Return a value that has to be there."""
    assert value is not None
    return value

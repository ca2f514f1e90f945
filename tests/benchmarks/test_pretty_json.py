"""How long laying out a document takes."""

import time

import pytest

from authlens_core.export.pretty_json import pretty_json

pytestmark = pytest.mark.benchmark


def _timed(text: str) -> float:
    began = time.perf_counter()
    pretty_json(text)
    return time.perf_counter() - began


def test_a_megabyte_is_laid_out_in_linear_time() -> None:
    """Twice the text takes about twice the time; a quadratic reader would take four times as long."""

    def seconds(members: int) -> float:
        text = "[" + ",".join(['"\\"x"'] * members) + "]"
        return min(_timed(text) for _ in range(3))

    assert seconds(80_000) < 3.2 * seconds(40_000)

"""What the wild tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.preloaded import Preloaded, preloaded


@pytest.fixture(scope="session")
def program() -> Iterator[Preloaded]:
    """Return a process that has loaded the program, to fork from."""
    with preloaded() as running:
        yield running

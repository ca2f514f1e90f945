"""SIGKILL at random moments of real commands: what is stored is readable, whole, and honest about itself."""

from __future__ import annotations

import pytest

from benchmarks.endurance.kill import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROUNDS = 20


def test_the_store_is_readable_after_a_kill_at_any_moment() -> None:
    """H165: of a login, a refresh, a revocation and a move; `benchmarks/endurance/kill.py` runs hundreds."""
    found = run(ROUNDS, seed=7)
    assert found.faults == []
    assert sum(found.killed.values()) > ROUNDS / 3

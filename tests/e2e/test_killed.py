"""SIGKILL at random moments of real commands: what is stored is readable, whole, and honest about itself."""

import os

import pytest

from benchmarks.endurance.kill import run

ROUNDS = int(os.environ.get("AUTHLENS_ROUNDS", "8"))
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(20 * ROUNDS)]


def test_the_store_is_readable_after_a_kill_at_any_moment() -> None:
    """H165: of a login, a refresh, a revocation and a move; `benchmarks/endurance/kill.py` runs hundreds."""
    found = run(ROUNDS, seed=7)
    assert found.faults == []
    assert sum(found.killed.values()) > ROUNDS / 3

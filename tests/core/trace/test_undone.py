"""Going back undoes stages: their records are history, and the diagram says so."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.trace.record import Outcome, Stage, StageRecord, honest_and_attacked, undone
from support.scripted_login import BEGAN


def _records(*stages: Stage, failed: int | None = None) -> list[StageRecord]:
    outcomes = [Outcome.FAILED if number == failed else Outcome.PASSED for number in range(len(stages))]
    return [StageRecord(stage, outcome, BEGAN, 0.0) for stage, outcome in zip(stages, outcomes, strict=True)]


DETECTION, METADATA, SERVER = Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA


def test_nothing_is_undone_while_the_login_goes_on() -> None:
    assert undone(_records(DETECTION, METADATA), SERVER) == frozenset()


def test_what_the_user_went_back_before_is_undone() -> None:
    assert undone(_records(DETECTION, METADATA, SERVER), METADATA) == {1, 2}


def test_it_stays_undone_when_the_stage_has_run_again() -> None:
    assert undone(_records(DETECTION, METADATA, SERVER, METADATA), SERVER) == {1, 2}


def test_a_failed_attempt_that_is_repeated_is_not_undone() -> None:
    assert undone(_records(DETECTION, METADATA, METADATA, failed=1), SERVER) == frozenset()


def test_a_refresh_after_the_login_undoes_nothing() -> None:
    assert undone(_records(DETECTION, Stage.REFRESH), None) == frozenset()


def test_an_attack_is_put_beside_the_login_as_it_was_before() -> None:
    records = _records(DETECTION, METADATA, SERVER, METADATA)
    records[3] = replace(records[3], tampering=("the method was changed",))
    assert honest_and_attacked(records) == ((0, 1, 2), (0, 3))


def test_the_login_beside_a_late_attack_is_whole() -> None:
    """The attack on the exchange begins with PKCE and authorization again, which no one changed."""
    before = (Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.ACCESS)
    records = _records(*before, *before[:3], failed=6)
    records[6] = replace(records[6], tampering=("code_verifier was changed",))
    assert honest_and_attacked(records) == ((0, 1, 2, 3), (4, 5, 6))


def test_a_login_without_an_attack_has_nothing_beside_it() -> None:
    assert honest_and_attacked(_records(DETECTION, METADATA)) is None

"""Going back undoes stages: their records are history, and the diagram says so."""

from msgspec.structs import replace

from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from support.scripted_login import BEGAN


def _login(*stages: Stage, failed: int | None = None, changed: str = "") -> Trace:
    outcomes = [Outcome.FAILED if number == failed else Outcome.PASSED for number in range(len(stages))]
    records = [StageRecord(*each, BEGAN, 0.0) for each in zip(stages, outcomes, strict=True)]
    if changed:  # in the last one
        records[-1] = replace(records[-1], tampering=(changed,))
    return Trace("trace", TraceKind.LOGIN, "https://wiki.test/", BEGAN, tuple(records))


DETECTION, METADATA, SERVER = Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA


def test_nothing_is_undone_while_the_login_goes_on() -> None:
    assert _login(DETECTION, METADATA).undone(SERVER) == frozenset()


def test_what_the_user_went_back_before_is_undone() -> None:
    assert _login(DETECTION, METADATA, SERVER).undone(METADATA) == {1, 2}


def test_it_stays_undone_when_the_stage_has_run_again() -> None:
    assert _login(DETECTION, METADATA, SERVER, METADATA).undone(SERVER) == {1, 2}


def test_a_failed_attempt_that_is_repeated_is_not_undone() -> None:
    assert _login(DETECTION, METADATA, METADATA, failed=1).undone(SERVER) == frozenset()


def test_a_refresh_after_the_login_undoes_nothing() -> None:
    assert _login(DETECTION, Stage.REFRESH).undone(None) == frozenset()


def test_an_attack_is_put_beside_the_login_as_it_was_before() -> None:
    login = _login(DETECTION, METADATA, SERVER, METADATA, changed="the method was changed")
    assert login.honest_and_attacked == ((0, 1, 2), (0, 3))


def test_the_login_beside_a_late_attack_is_whole() -> None:
    """The attack on the exchange begins with PKCE and authorization again, which no one changed."""
    before = (Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.ACCESS)
    login = _login(*before, *before[:3], failed=6, changed="code_verifier was changed")
    assert login.honest_and_attacked == ((0, 1, 2, 3), (4, 5, 6))


def test_a_login_without_an_attack_has_nothing_beside_it() -> None:
    assert _login(DETECTION, METADATA).honest_and_attacked is None

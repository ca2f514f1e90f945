"""PKCE as a stage: drawn at every run, nothing sent."""

from collections.abc import Iterator

import pytest

from authlens_core.login.stages import authorization_stage
from authlens_core.login.stages.authorization_stage import PkceStage
from authlens_core.oauth.pkce import code_challenge
from authlens_core.values.check import failures
from support.scripted_login import facts

START = facts(upto="server_metadata")


def test_every_run_draws_a_verifier_and_a_state_of_its_own() -> None:
    """PK-4, PK-6: nothing is shared by two attempts, nor by verifier and state."""
    drawn: set[str] = set()
    for _ in range(20):
        learned = PkceStage().learn(START, ())
        assert failures(learned.checks) == ()
        pkce, state = learned.facts.pkce, learned.facts.state
        assert pkce is not None
        assert state is not None
        assert pkce.code_challenge == code_challenge(pkce.code_verifier.reveal())
        drawn |= {pkce.code_verifier.reveal(), state.reveal()}
    assert len(drawn) == 40


def test_a_draw_that_access_would_misread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """PK-7: how often it was drawn again is shown."""
    # The challenge of 32 zero octets plus `n` begins with - or _ for some n; find one such n first.
    bad = next(n for n in range(1000) if _challenge(n)[0] in "-_")
    good = next(n for n in range(1000) if _challenge(n)[0] not in "-_")
    draws: Iterator[int] = iter([bad, good, good])
    monkeypatch.setattr(authorization_stage, "token_bytes", lambda size: next(draws).to_bytes(size, "big"))
    learned = PkceStage().learn(START, ())
    [check] = [c for c in learned.checks if c.name == "pkce.first_character"]
    assert "generated again 1 time" in check.seen


def _challenge(number: int) -> str:
    import base64

    verifier = base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
    return code_challenge(verifier)

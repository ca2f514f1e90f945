"""Claims hold together, each by a row that they name; the first that none meets shows what came nearest."""

from datetime import UTC, datetime, timedelta

import pytest

from authlens_lab.learning.claim import read_claims
from authlens_lab.learning.row import EvidenceRow, Source
from authlens_lab.learning.verdict import ClaimVerdict, TooManySteps, judge

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*written: str) -> tuple[EvidenceRow, ...]:
    """Return events, each written as `what=… seat=…`."""
    return tuple(
        EvidenceRow(
            Source.EVENT, START + timedelta(seconds=n), 0, dict(part.split("=") for part in text.split())
        )
        for n, text in enumerate(written)
    )


def verdicts(claims: str, *written: str, **loot: str) -> tuple[ClaimVerdict, ...]:
    return judge(read_claims(claims, file="f"), rows(*written), loot)


def holds(claims: str, *written: str, **loot: str) -> bool:
    return all(verdict.holds for verdict in verdicts(claims, *written, **loot))


def test_another_row_is_chosen_where_the_first_leads_nowhere() -> None:
    claims = "event where what = code_issued as c\nevent where what = code_redeemed and code = c.code"
    assert holds(claims, "what=code_issued code=1", "what=code_issued code=2", "what=code_redeemed code=2")


def test_order_counts() -> None:
    claims = "event where what = refreshed as r\nevent where what = token_refused after r"
    assert holds(claims, "what=refreshed", "what=token_refused")
    assert not holds(claims, "what=token_refused", "what=refreshed")


def test_one_of_the_alternatives_is_enough_and_the_nearest_is_shown() -> None:
    claim = "event where what = fetched and seat = you and user = ada or what = session and seat = mallory"
    assert holds(claim, "what=session seat=mallory")
    assert holds(claim, "what=fetched seat=you user=ada")
    (verdict,) = verdicts(claim, "what=fetched seat=mallory user=ada")
    assert verdict.nearest is not None
    assert verdict.nearest.unmet == ("seat",)


def test_no_row_may_be_there_and_so_many_rows_must_be() -> None:
    assert holds("no event where what = token_issued and seat = mallory", "what=token_issued seat=you")
    assert not holds("no event where what = token_issued", "what=token_issued")
    assert holds("2 x event where what = fetched", "what=fetched", "what=fetched")
    assert not holds("2 x event where what = fetched", "what=fetched")


def test_what_the_learner_holds_is_compared_as_it_is() -> None:
    assert holds("event where code = $code", "code=abc", code="abc")
    assert not holds("event where code = $code", "code=abc", code="abd")
    assert not holds("event where code = $code", "what=fetched")


def test_a_field_of_a_row_that_does_not_have_it_equals_nothing() -> None:
    claims = "event where what = code_issued as c\nevent where what = code_redeemed and device = c.device"
    assert not holds(claims, "what=code_issued", "what=code_redeemed")


def test_the_first_claim_that_none_meets_shows_the_nearest_row_and_those_after_it_are_open() -> None:
    claims = (
        "event where what = code_redeemed\n"
        "event where what = token_accepted and seat = mallory and user = ada\n"
        "event where what = fetched"
    )
    first, second, third = verdicts(
        claims, "what=code_redeemed", "what=token_accepted seat=you user=ada", "what=fetched seat=you"
    )
    assert (first.holds, second.holds, third.holds) == (True, False, False)
    assert second.nearest is not None
    assert (second.nearest.row.values["what"], second.nearest.unmet) == ("token_accepted", ("seat",))
    assert third.nearest is None


def test_a_row_that_must_not_be_there_is_shown() -> None:
    (verdict,) = verdicts("no event where what = fetched", "what=session", "what=fetched")
    assert [row.values["what"] for row in verdict.rows] == ["fetched"]


def test_claims_that_are_too_vague_end() -> None:
    claims = "\n".join(f"event as e{number}" for number in range(20)) + "\nevent where what = fetched"
    with pytest.raises(TooManySteps):
        verdicts(claims, *["what=session"] * 200)

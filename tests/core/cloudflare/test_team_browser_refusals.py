"""The pages that end a sign-in in the browser, told apart by what they say."""

from __future__ import annotations

import pytest

from authlens_core.cloudflare.team import BROWSER_REFUSALS, refusal_on


@pytest.mark.parametrize(
    ("page", "meaning"),
    [
        ("That account does not have access", "No policy"),
        ("Unable to find your Access application!", "removed"),
        ("Invalid nonce. Please try logging in again.", "cookies"),
        ("Invalid state: missing or INVALID NONCE", "cookies"),
    ],
)
def test_a_page_is_known_by_its_words(page: str, meaning: str) -> None:
    """The three that users report, and a spelling of the last."""
    found = refusal_on(page)
    assert found is not None
    assert meaning in found.meaning


def test_another_page_is_none_of_them() -> None:
    """It is shown with its own words instead."""
    assert refusal_on("Good morning") is None


def test_each_has_a_cure_in_full_and_one_that_fits_beside_the_others() -> None:
    """On a small screen the three stand in three lines of 80 cells."""
    for one in BROWSER_REFUSALS:
        assert str(one.cure).endswith(".")
        assert len(f"  “{one.phrase}” → {one.brief}") <= 78
        assert refusal_on(one.phrase) is one

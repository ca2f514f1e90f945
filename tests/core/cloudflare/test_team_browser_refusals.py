"""The pages that end a sign-in in the browser, told apart by what they say."""

from __future__ import annotations

import pytest

from authlens_core.cloudflare.team import refusal_on


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

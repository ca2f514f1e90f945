"""Results, removals and spans of time in few words."""

from datetime import UTC, datetime, timedelta

import pytest

from authlens_core.credentials.records.grant import TokenVerdict
from authlens_core.desk.forget import Forgotten
from authlens_core.desk.lifecycle import ProbeResult
from authlens_core.values.check import Layer
from authlens_core.values.errors import NetworkFailure, Refused
from authlens_core.values.store_kind import CredentialKind, StoreKind
from authlens_tui.words.outcomes import count_results, what_stays_valid, where_secrets_are_left
from authlens_tui.words.times import expiry_of, in_words


def probed(layer: Layer, *, accepted: bool | None) -> ProbeResult:
    error_type = {True: None, False: Refused, None: NetworkFailure}[accepted]
    return ProbeResult(
        outcome=TokenVerdict.UNCLEAR, summary="", error_type=error_type, accepted=accepted, layer=layer
    )


def test_counts_of_nothing_say_so() -> None:
    assert count_results([]) == "0 work"


def test_what_works_is_counted_in_the_right_number() -> None:
    works = probed(Layer.ORIGIN, accepted=True)
    assert count_results([works]) == "1 works"
    assert count_results([works] * 2) == "2 work"


def test_each_layer_that_refused_is_counted_for_itself() -> None:
    results = [
        probed(Layer.ORIGIN, accepted=False),
        probed(Layer.ACCESS, accepted=False),
        probed(Layer.NETWORK, accepted=None),
        probed(Layer.THIS_MACHINE, accepted=None),
    ]
    assert count_results(results) == (
        "0 work · 1 refused, from Cloudflare Access · 1 unclear, no response · 1 refused, from origin"
        " · 1 unclear, not sent"
    )


def test_no_store_is_named_if_nothing_is_left() -> None:
    assert where_secrets_are_left((), StoreKind.KEYRING) == ""


def test_the_store_in_use_is_said_to_be_cleared_by_the_next_save() -> None:
    words = where_secrets_are_left((StoreKind.KEYRING,), StoreKind.KEYRING)
    assert words.startswith("The keyring could not be reached: the next save deletes")


def test_another_store_is_named_and_cleared_when_it_can_be_opened() -> None:
    words = where_secrets_are_left((StoreKind.KEYRING,), StoreKind.FILE)
    assert words.startswith("Old secrets are still in the keyring, which cannot be reached.")


@pytest.mark.parametrize("kind", [CredentialKind.OAUTH, CredentialKind.SERVICE_TOKEN])
def test_what_stays_valid_is_said_of_each_kind_that_can_be_forgotten(kind: CredentialKind) -> None:
    assert "until" in what_stays_valid(Forgotten(kind, ()))


NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "cell", "sentence"),
    [
        (45, "45 s", "expires in 45 s"),
        (723, "12 min 3 s", "expires in 12 min 3 s"),
        (11_100, "3 h 5 min", "expires in 3 h 5 min"),
        (0, "0 s ago", "expired 0 s ago"),
        (-11_100, "3 h ago", "expired 3 h ago"),
    ],
)
def test_an_expiry_is_worded_by_whether_it_has_passed(seconds: int, cell: str, sentence: str) -> None:
    expiry = expiry_of(NOW + timedelta(seconds=seconds), NOW)
    assert (expiry.cell, expiry.sentence, expiry.expired) == (cell, sentence, seconds <= 0)


def test_a_token_without_expiry_says_so() -> None:
    expiry = expiry_of(None, NOW)
    assert (expiry.cell, expiry.sentence, expiry.expired) == ("unknown", "no expiry given", None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (119, "1 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (86_400 + 60, "1 d"),
        (-5, "5 s ago"),
        (-0.5, "0 s ago"),
        (-7_200, "2 h ago"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    """Enough to act on, short enough for a column."""
    assert in_words(seconds) == words

"""Exit codes: one for several results."""

import pytest

from authlens_core.values.errors import gravest


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((), 0),
        ((0, 0), 0),
        ((0, 6), 6),
        ((4, 6, 0), 4),
        ((9, 4, 6), 4),
        ((6, 8), 8),
        ((5, 7, 9), 5),
        ((13, 0), 13),
    ],
)
def test_what_needs_a_user_or_an_owner_is_reported_before_what_passes(
    codes: tuple[int, ...], code: int
) -> None:
    assert gravest(codes) == code

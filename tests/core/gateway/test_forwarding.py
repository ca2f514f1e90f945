"""Which answers are about our token, and so worth a fresh one."""

from __future__ import annotations

import pytest

from authlens_core.gateway.forwarding import asks_for_a_token


@pytest.mark.parametrize(
    ("lines", "asks"),
    [
        ([], True),
        (["Bearer"], True),
        (['DPoP error="use_dpop_nonce"'], True),
        (["Cloudflare-Access"], True),
        (['Basic realm="app"'], False),
        (['Basic realm="app", Bearer error="invalid_token"'], True),
        (['Basic realm="app"', "Bearer"], True),
        ([""], True),
        ([" , "], True),
    ],
)
def test_a_401_is_about_the_token_unless_all_its_challenges_are_of_another_kind(
    lines: list[str], *, asks: bool
) -> None:
    """An empty field, or one line with several challenges, is allowed (RFC 9110 §11.6.1)."""
    fields = [(b"WWW-Authenticate", line.encode()) for line in lines]
    assert asks_for_a_token(401, fields) is asks


def test_another_status_is_not_about_the_token() -> None:
    assert not asks_for_a_token(403, [(b"WWW-Authenticate", b"Bearer")])

"""Which stored logins a new one would only repeat."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantState, TokenVerdict, working_logins
from support.grants import NOW, grant


@pytest.mark.parametrize("minutes", [90, 1, None])
def test_a_token_that_has_not_expired_works(minutes: float | None) -> None:
    one = grant(minutes=minutes)
    assert working_logins([one], NOW) == {one.resource_url: one}


@pytest.mark.parametrize("state", [state for state in GrantState if state is not GrantState.LIVE])
def test_a_login_in_any_other_state_is_not_offered(state: GrantState) -> None:
    """Above all one whose revocation failed: its token may work, but the user wanted it gone."""
    assert working_logins([grant(state=state)], NOW) == {}


def test_a_token_that_expired_or_is_refused_is_not_offered() -> None:
    refused = replace(grant(), last_verdict=TokenVerdict.REFUSED)
    assert working_logins([grant(minutes=-1), refused], NOW) == {}


def test_of_several_the_one_that_works_longest_is_offered() -> None:
    short, long = grant(minutes=5), replace(grant(minutes=60), grant_id="id-long")
    assert working_logins([long, short], NOW) == {long.resource_url: long}

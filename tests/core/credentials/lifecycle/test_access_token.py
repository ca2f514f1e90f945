"""The one token for a URL: what scripts, agents and a call that was refused ask for."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.refresh import usable_token
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import LoginNeeded, NetworkFailure
from authlens_core.values.secret import Secret
from support.grants import Site, Stored
from support.rotating_server import Scripted

Open = Callable[..., Credentials]


@pytest.fixture
def fresh(credentials: Credentials, saved: Grant) -> Grant:
    now = utc_now()
    return credentials.update(replace(saved, refreshed_at=now, expires_at=now + timedelta(seconds=900)))


async def test_a_token_that_lasts_is_handed_out_as_it_is(site: Site, fresh: Grant) -> None:
    assert (
        await usable_token(site.credentials, site.wire, site.credentials.covering(fresh.resource_url))
    ).token == Secret("access-canary-0")
    assert site.server.seen == []


async def test_a_token_whose_revocation_began_meanwhile_is_not_handed_out(site: Site, fresh: Grant) -> None:
    """Another process started it after the login was looked up."""
    site.credentials.update(replace(fresh, state=GrantState.REVOCATION_FAILED))
    with pytest.raises(LoginNeeded):
        await usable_token(site.credentials, site.wire, fresh)
    assert site.server.seen == []


async def test_a_refused_token_is_refreshed_once_whatever_the_clock_says(site: Site, fresh: Grant) -> None:
    """H115: 401 invalid_token on a token that should last; told of the same one again, the new one stands."""
    old = Secret("access-canary-0")
    for _ in range(2):
        assert (
            await usable_token(
                site.credentials, site.wire, site.credentials.covering(fresh.resource_url), refused=old
            )
        ).token == Secret("access-canary-1")
    assert len(site.server.posts("/token")) == 1


async def test_many_who_were_refused_the_same_token_send_one_refresh(
    site: Site, open_credentials: Open, fresh: Grant
) -> None:
    """H115, RF-6: each of them learns of the 401 by itself."""
    old = Secret("access-canary-0")
    asked = (usable_token(open_credentials(), site.wire, fresh, refused=old) for _ in range(5))
    assert {one.token for one in await asyncio.gather(*asked)} == {Secret("access-canary-1")}
    assert len(site.server.posts("/token")) == 1


async def test_a_refused_token_is_not_handed_out_again_where_there_is_no_other(
    site: Site, fresh: Grant
) -> None:
    site.server.answers("/token", Scripted(503))
    with pytest.raises(NetworkFailure):
        await usable_token(
            site.credentials,
            site.wire,
            site.credentials.covering(fresh.resource_url),
            refused=Secret("access-canary-0"),
        )


@pytest.mark.parametrize(("life", "passed", "sent"), [(24, 1, 0), (24, 13, 1), (60, 29, 0), (600, 545, 1)])
async def test_a_token_that_lives_shorter_than_a_minute_is_used_for_half_of_its_life(
    stored: Stored, life: int, passed: int, sent: int
) -> None:
    """Twenty scripts do not refresh it twenty times."""
    at = utc_now()
    stored.credentials.update(replace(stored.grant, refreshed_at=at, expires_at=at + timedelta(seconds=life)))
    for _ in range(3):
        await usable_token(
            stored.credentials,
            stored.wire,
            stored.credentials.covering(stored.grant.resource_url),
            now=lambda: at + timedelta(seconds=passed),
        )
    assert len(stored.server.posts("/token")) == sent


async def test_many_who_ask_for_a_short_lived_token_at_once_send_one_refresh(
    stored: Stored, open_credentials: Open
) -> None:
    """RF-6: what another one has earned just now is taken, though it does not last a minute either."""
    stored.server.expires_in = 24
    asked = (usable_token(open_credentials(), stored.wire, stored.grant) for _ in range(8))
    assert {one.token for one in await asyncio.gather(*asked)} == {Secret("access-canary-1")}
    assert len(stored.server.posts("/token")) == 1


async def test_a_clock_that_was_put_back_makes_no_token_last_longer(site: Site, fresh: Grant) -> None:
    """H182: it was asked for in the future, so its age is not known; it is renewed and not trusted."""
    before = fresh.refreshed_at - timedelta(days=2)
    token = (
        await usable_token(
            site.credentials, site.wire, site.credentials.covering(fresh.resource_url), now=lambda: before
        )
    ).token
    assert token == Secret("access-canary-1")


async def test_a_token_that_ends_soon_is_better_than_none(site: Site, fresh: Grant) -> None:
    site.server.answers("/token", Scripted(503))
    grant = site.credentials.covering(fresh.resource_url)
    assert grant.expires_at is not None
    wanted = grant.expires_at - grant.refreshed_at - timedelta(microseconds=1)
    token = (await usable_token(site.credentials, site.wire, grant, min_ttl=wanted)).token
    assert token == Secret("access-canary-0")
    assert len(site.server.posts("/token")) == 1


async def test_a_token_that_never_lasted_for_as_long_is_not_refreshed_at_each_call(
    site: Site, fresh: Grant
) -> None:
    grant = site.credentials.covering(fresh.resource_url)
    await usable_token(site.credentials, site.wire, grant, min_ttl=timedelta(days=99))
    assert site.server.posts("/token") == []


async def test_a_clock_far_ahead_or_behind_costs_a_refresh_at_most(site: Site, fresh: Grant) -> None:
    """H182: no exception, and a token either way."""
    for year in (1970, 2038, 9998):
        at = datetime(year, 1, 1, tzinfo=fresh.obtained_at.tzinfo)
        grant = site.credentials.covering(fresh.resource_url)
        assert (await usable_token(site.credentials, site.wire, grant, now=lambda at=at: at)).token  # type: ignore[misc]


async def test_the_end_of_a_grant_needs_a_person(stored: Stored) -> None:
    """RF-5."""
    stored.server.dead = True
    with pytest.raises(LoginNeeded):
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(stored.grant.resource_url)
        )

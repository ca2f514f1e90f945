"""A login to each profile of the emulator, with the quirks of real servers, ends with a token that works."""

import pytest

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.check import Severity
from authlens_core.values.login_options import Options
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in, record_of


@pytest.mark.parametrize(
    ("profile", "faults"),
    [
        (Profile.GENERIC, ()),
        (Profile.GENERIC, ("jwt-access-tokens",)),
        (Profile.GENERIC, ("par-required",)),
        (Profile.GENERIC, ("nonce-required",)),
        (Profile.GENERIC, ("dpop-required",)),
        (Profile.GENERIC, ("dpop-nonce", "par-required")),
        (Profile.GENERIC, ("dpop-nonce", "jwt-access-tokens", "nonce-required")),
        (Profile.MCP, ()),
        (Profile.MCP, ("dpop-required",)),
        (Profile.MCP, ("dpop-nonce",)),
        (Profile.MCP, ("get-404",)),
        (Profile.MCP, ("open-initialize",)),
        (Profile.MCP, ("endless-stream",)),
        (Profile.MCP, ("discover-only",)),
        (Profile.MCP, ("discover-only", "get-404")),
        (Profile.MCP, ("no-resource-metadata",)),
    ],
)
async def test_a_login_ends_with_a_token_that_the_resource_accepts(
    profile: Profile, faults: tuple[str, ...]
) -> None:
    async with Emulator(profile, faults=faults) as emulator:
        trace = await log_in(emulator)
    last = trace.records[-1]
    assert last.stage is Stage.ACCESS
    assert last.failures == ()


async def test_a_missing_scope_stops_at_the_resource_with_its_reason() -> None:
    """RFC 6750 §3.1."""
    async with Emulator(Profile.GENERIC, faults=["step-up"]) as emulator:
        last = (await log_in(emulator)).records[-1]
    assert last.stage is Stage.ACCESS
    assert "insufficient_scope" in last.failures[0].seen


async def test_an_issuer_that_is_promised_and_missing_stops_the_login() -> None:
    """RFC 9207 §2.4: no code is sent on."""
    async with Emulator(Profile.GENERIC, faults=["iss-missing"]) as emulator:
        last = (await log_in(emulator)).records[-1]
    assert (last.stage, last.failures[0].name) == (Stage.AUTHORIZATION, "authorization.iss")


async def test_a_retry_after_a_missing_scope_authorizes_again_and_is_accepted() -> None:
    async def retry(login: Login) -> None:
        await login.retry()
        await login.run_all()

    async with Emulator(Profile.GENERIC, faults=["step-up"]) as emulator:
        last = (await log_in(emulator, go_on=retry)).records[-1]
    assert last.stage is Stage.ACCESS
    assert last.failures == ()


async def test_the_id_token_of_a_login_with_openid_is_verified() -> None:
    async with Emulator(Profile.GENERIC) as emulator:
        trace = await log_in(emulator, Options(port=0, wait=60, scope="openid"))
    exchange = record_of(trace, Stage.EXCHANGE)
    assert exchange.failures == ()
    found = {
        c.subject for c in exchange.checks if c.name.startswith("id_token.") and c.severity is Severity.PASS
    }
    assert found == {"signature", "iss", "aud", "exp", "nonce"}

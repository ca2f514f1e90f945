"""A login to each profile of the emulator, with the quirks of real servers, ends with a token that works."""

from __future__ import annotations

import pytest

from authlens_core.emulator import Profile, StandardEmulator
from authlens_core.trace.record import Stage
from support.driven_login import log_in


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
    async with StandardEmulator(profile, faults=faults) as emulator:
        trace = await log_in(emulator)
    last = trace.records[-1]
    assert last.stage is Stage.ACCESS
    assert last.failures == ()


async def test_a_missing_scope_stops_at_the_resource_with_its_reason() -> None:
    """RFC 6750 §3.1."""
    async with StandardEmulator(Profile.GENERIC, faults=["step-up"]) as emulator:
        last = (await log_in(emulator)).records[-1]
    assert last.stage is Stage.ACCESS
    assert "insufficient_scope" in last.failures[0].seen

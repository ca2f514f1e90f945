"""Each fault is to be seen over real HTTP, and leaves the rest of the login as it was."""

from __future__ import annotations

import pytest

from authlens_lab.emulator import Emulator, Profile
from support.emulated_access import program_at


@pytest.mark.parametrize(
    ("profile", "fault", "names"),
    [(Profile.ACCESS, "pubic", r".* public,"), (Profile.GENERIC, "get-404", ".*step-up")],
)
def test_a_fault_that_a_profile_lacks_is_refused_with_the_names_that_exist(
    profile: Profile, fault: str, names: str
) -> None:
    """A typing error is answered with the cure."""
    with pytest.raises(ValueError, match=f"{profile} has no fault '{fault}'{names}"):
        Emulator(profile, faults=[fault])


async def test_service_auth_only() -> None:
    """A person cannot log in, a service token is let in."""
    async with program_at("service-auth-only") as program:
        answer = await program.open(accept="application/json")
        assert answer.status_code == 403
        assert "location" not in answer.headers
        assert "www-authenticate" not in answer.headers
        assert len(answer.headers["cf-access-aud"]) == 64
        assert program.emulator.resource_url == f"http://{answer.headers['cf-access-domain']}/"
        assert answer.json()["status_code"] == 403
        assert (await program.open()).headers["content-type"].startswith("text/html")
        token = await program.emulator.app_token()
        assert (await program.open(cf_access_token=token)).status_code == 403
        name, secret = program.emulator.service_token
        good = await program.open(cf_access_client_id=name, cf_access_client_secret=secret)
        assert good.status_code == 200

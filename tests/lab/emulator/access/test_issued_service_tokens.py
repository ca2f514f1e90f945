"""Service tokens at the emulator, over real HTTP, in both modes."""

from __future__ import annotations

from typing import Any

import pytest

from support.emulated_access import Clock, Program, program_at

JSON = "application/json"


def pair(client_id: str, secret: str) -> dict[str, str]:
    return {"cf_access_client_id": client_id, "cf_access_client_secret": secret}


def disable(program: Program, client_id: str) -> None:
    token = program.emulator.service_tokens.get(client_id)
    assert token is not None
    token.enabled = False


async def status(program: Program, **headers: str) -> int:
    return (await program.open(accept=JSON, **headers)).status_code


async def test_in_classic_mode_a_token_is_given_that_opens_an_app_with_an_allow_policy() -> None:
    """As cookie and as header."""
    async with program_at("oauth-off") as program:
        answer = await program.open(accept=JSON, **pair(*program.emulator.service_token))
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("CF_Authorization=eyJ")
        assert "samesite=none" in cookie.lower()
        assert "secure" in cookie.lower()
        token = cookie.partition(";")[0].partition("=")[2]
        program.http.cookies.clear()
        assert await status(program, cf_access_token=token) == 200
        assert await status(program, cookie=f"CF_Authorization={token}") == 200
        disable(program, program.emulator.service_token[0])
        assert await status(program, cf_access_token=token) == 302


@pytest.mark.parametrize(
    ("fault", "expected"), [("service-auth-only", 403), ("oauth-off", 302), ("clock-skew", 401)]
)
async def test_a_wrong_secret_in_classic_mode_is_answered_as_if_nobody_had_come(
    fault: str, expected: int
) -> None:
    """Nothing says that it was the token."""
    async with program_at(fault) as program:
        client_id, _ = program.emulator.service_token
        given = await program.open(accept=JSON, **pair(client_id, "0" * 64))
        nobody = await program.open(accept=JSON)
        assert given.status_code == nobody.status_code == expected
        assert given.headers.get("www-authenticate") == nobody.headers.get("www-authenticate")


def _strict_cases() -> list[Any]:
    good = "GOOD"
    return [
        pytest.param({"cf_access_client_id": "x.access", "cf_access_client_secret": "y"}, id="unknown"),
        pytest.param({"cf_access_client_id": good, "cf_access_client_secret": "y"}, id="wrong secret"),
        pytest.param({"cf_access_client_id": good}, id="half"),
        pytest.param({"cf_access_client_secret": "y"}, id="other half"),
    ]


@pytest.mark.parametrize("headers", _strict_cases())
@pytest.mark.parametrize("fault", ["service-auth-only", "oauth-off", "clock-skew"])
async def test_in_strict_mode_what_cannot_be_authenticated_is_401_without_a_way_to_log_in(
    fault: str, headers: dict[str, str]
) -> None:
    """Never a redirect, whatever else the app lets in."""
    async with program_at(fault, strict_service_tokens=True) as program:
        client_id, _ = program.emulator.service_token
        given = {name: client_id if value == "GOOD" else value for name, value in headers.items()}
        answer = await program.open(accept=JSON, **given)
        assert answer.status_code == 401
        assert "location" not in answer.headers
        assert "www-authenticate" not in answer.headers
        assert answer.json()["status_code"] == 401


@pytest.mark.parametrize("strict", [False, True])
async def test_a_token_that_expired_or_was_disabled_opens_nothing(strict: bool) -> None:
    """§2: and it does again when it is refreshed or enabled."""
    clock = Clock()
    refused = 401 if strict else 403
    async with program_at("service-auth-only", strict_service_tokens=strict, clock=clock) as program:
        made = program.emulator.service_tokens.create(lifetime=60)
        given = pair(made.client_id, made.secret)
        assert await status(program, **given) == 200
        clock.now += 61
        assert await status(program, **given) == refused
        program.emulator.service_tokens.refresh(made.client_id)
        assert await status(program, **given) == 200
        disable(program, made.client_id)
        assert await status(program, **given) == refused


async def test_after_a_rotation_the_old_secret_is_good_for_the_grace_period() -> None:
    """§2: the same client id, a new secret."""
    clock = Clock()
    async with program_at("service-auth-only", clock=clock) as program:
        client_id, old = program.emulator.service_token
        new = program.emulator.service_tokens.rotate(client_id, grace=3600)
        assert new.startswith("cfast_")
        assert [await status(program, **pair(client_id, s)) for s in (old, new)] == [200, 200]
        clock.now += 3601
        assert [await status(program, **pair(client_id, s)) for s in (old, new)] == [403, 200]
        with pytest.raises(KeyError):
            program.emulator.service_tokens.rotate("nobody.access")

"""Service tokens at the emulator, over real HTTP, in both modes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.emulated_access import Program, parameters_of, program_at

JSON = "application/json"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def pair(client_id: str, secret: str) -> dict[str, str]:
    """Return the two header fields."""
    return {"cf_access_client_id": client_id, "cf_access_client_secret": secret}


def single(client_id: str, secret: str) -> str:
    """Return the value of the single header."""
    return json.dumps({"cf-access-client-id": client_id, "cf-access-client-secret": secret})


def disable(program: Program, client_id: str) -> None:
    """Disable a service token, as its owner can."""
    token = program.emulator.service_tokens.get(client_id)
    assert token is not None
    token.enabled = False


async def status(program: Program, **headers: str) -> int:
    """Return the status that the resource answers to a program with."""
    return (await program.open(accept=JSON, **headers)).status_code


@pytest.mark.parametrize("new_format", [False, True])
async def test_both_formats_of_a_secret_open_the_resource(new_format: bool) -> None:
    """§2: 64 hexadecimal digits, and since August 2026 `cfast_`, 40 characters and 8 of checksum."""
    async with program_at("service-auth-only") as program:
        made = program.emulator.service_tokens.create(new_format=new_format)
        client_id, secret = made.client_id, made.secret
        assert client_id.endswith(".access")
        assert len(client_id) == 39
        assert (secret.startswith("cfast_"), len(secret)) == ((True, 54) if new_format else (False, 64))
        answer = await program.open(accept=JSON, **pair(client_id, secret))
        assert answer.status_code == 200
        assert answer.json()["message"] == f"Welcome, {client_id}"


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


async def test_where_service_tokens_alone_are_let_in_the_given_token_does_not_stand_for_one() -> None:
    """The headers are needed every time."""
    async with program_at("service-auth-only") as program:
        answer = await program.open(accept=JSON, **pair(*program.emulator.service_token))
        token = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        program.http.cookies.clear()
        assert await status(program, cf_access_token=token) == 403


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


@pytest.mark.parametrize(("fault", "known"), [("oauth-off", False), ("service-auth-missing", True)])
async def test_the_login_url_says_whether_the_service_token_is_known(fault: str, known: bool) -> None:
    """`service_token_status` in the meta token."""
    async with program_at(*{"oauth-off", fault}) as program:
        client_id, secret = program.emulator.service_token
        answer = await program.open(**pair(client_id, secret if known else "x"))
        assert answer.status_code == 302
        payload = parameters_of(answer.headers["location"])["meta"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert claims["service_token_status"] is known


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


async def test_in_strict_mode_a_field_that_came_twice_and_both_styles_at_once_are_401() -> None:
    async with program_at(strict_service_tokens=True, service_token_header="Authorization") as program:
        client_id, secret = program.emulator.service_token
        url = program.emulator.resource_url
        both = [("cf-access-client-id", client_id), ("cf-access-client-secret", secret)]
        assert (await program.http.get(url, headers=[*both, both[0]])).status_code == 401
        styles = [*both, ("authorization", single(client_id, secret))]
        assert (await program.http.get(url, headers=styles)).status_code == 401
        assert (await program.http.get(url, headers=both)).status_code == 200


async def test_in_strict_mode_no_cookie_comes_back_and_who_has_no_policy_is_403() -> None:
    """401 asks who you are, 403 says that you may not."""
    async with program_at("service-auth-only", strict_service_tokens=True) as program:
        good = await program.open(accept=JSON, **pair(*program.emulator.service_token))
        assert (good.status_code, good.headers.get("set-cookie")) == (200, None)
        made = program.emulator.service_tokens.create(in_policy=False)
        other = await program.open(accept=JSON, **pair(made.client_id, made.secret))
        assert other.status_code == 403
        assert len(other.headers["cf-access-aud"]) == 64


async def test_the_single_header_is_read_where_the_app_says_so() -> None:
    """`read_service_tokens_from_header`; what is no JSON object there is another thing's."""
    async with program_at("service-auth-only", service_token_header="Authorization") as program:
        client_id, secret = program.emulator.service_token
        assert await status(program, authorization=single(client_id, secret)) == 200
        assert await status(program, authorization=single(client_id, "x")) == 403
        assert await status(program, authorization="{not json") == 403
        assert await status(program, authorization="Bearer oauth:x") == 403
    async with program_at("service-auth-only") as program:
        assert await status(program, authorization=single(*program.emulator.service_token)) == 403


async def test_the_single_header_leaves_bearer_tokens_alone() -> None:
    """The same field carries both."""
    async with program_at(service_token_header="Authorization") as program:
        token = (await program.log_in())["access_token"]
        assert await status(program, authorization=f"Bearer {token}") == 200
        assert await status(program, authorization=single(*program.emulator.service_token)) == 200


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


async def test_the_owner_may_have_401_in_the_place_of_403() -> None:
    """`service_auth_401_redirect`."""
    async with program_at("service-auth-only", service_auth_401=True) as program:
        answer = await program.open(accept=JSON)
        assert answer.status_code == 401
        assert len(answer.headers["cf-access-aud"]) == 64

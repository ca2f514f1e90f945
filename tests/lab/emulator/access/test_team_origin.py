"""The team's origin answers as Cloudflare Access was seen to answer."""

from __future__ import annotations

import re

import pytest

from support.emulated_access import parameters_of, program_at, verifier_whose_challenge_starts_with

REFUSED = "redirect_uri is not allowed by the account configuration"


async def test_the_metadata_is_the_published_example() -> None:
    async with program_at() as program:
        endpoint = program.emulator.endpoint
        assert await program.metadata() == {
            "issuer": program.emulator.issuer,
            "authorization_endpoint": f"{endpoint}/authorization",
            "token_endpoint": f"{endpoint}/token",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "revocation_endpoint": f"{endpoint}/revoke",
            "registration_endpoint": f"{endpoint}/registration",
            "code_challenge_methods_supported": ["S256"],
        }


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/callback",
        "http://client.example/callback",
        "http://[::1]:8400/callback",
        "myapp://callback",
        "http://user@localhost:8400/callback",
        "http://localhost:8400/callback#part",
        "http://localhost:99999/callback",
    ],
)
async def test_a_redirect_uri_off_loopback_is_refused_even_beside_a_good_one(uri: str) -> None:
    """T2a: one bad URI fails the whole registration."""
    async with program_at() as program:
        answer = await program.register(redirect_uris=["http://127.0.0.1:1/callback", uri])
        assert answer.status_code == 400
        assert answer.json() == {"error": "invalid_client_metadata", "error_description": REFUSED}


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"resource": None}, "invalid_target", "No resource parameter found"),
        ({"resource": "https://elsewhere.example"}, "invalid_target", "The resource is not"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        (
            {"code_challenge": None},
            "invalid_request",
            "code_challenge_method must be S256 for public clients",
        ),
        ({"code_challenge_method": "plain"}, "invalid_request", "code_challenge_method must be S256"),
        ({"code_challenge_method": None}, "invalid_request", "code_challenge_method must be S256"),
        ({"code_challenge": "short"}, "invalid_request", "code_challenge_method must be S256"),
    ],
)
async def test_a_wrong_request_goes_straight_to_the_callback(
    changes: dict[str, str | None], error: str, description: str
) -> None:
    """T3a, T3b, T3e: before any login page."""
    async with program_at() as program:
        played = await program.play(**changes)  # type: ignore[arg-type]
        got = parameters_of(played.callback_url)
        assert got["error"] == error
        assert got["error_description"].startswith(description)
        assert got["state"] == "the-state"
        assert len(played.hops) == 2


async def test_the_token_answer_is_the_published_example() -> None:
    async with program_at(access_token_lifetime=900) as program:
        code = (await program.callback())["code"]
        answer = await program.token(code=code)
        body = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == 900
        assert body["scope"] == ""
        assert body["resource"] == program.emulator.resource_url
        for name in ("access_token", "refresh_token"):
            assert re.fullmatch(r"oauth:[A-Za-z0-9_-]{65}", body[name])


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "unknown"},
        {"code_verifier": verifier_whose_challenge_starts_with("a")},
        {"code_verifier": None},
        {"redirect_uri": "http://localhost:1/callback"},
        {"redirect_uri": None},
    ],
)
async def test_a_code_is_refused_when_something_does_not_match(changes: dict[str, str | None]) -> None:
    """T4a."""
    async with program_at() as program:
        code = (await program.callback())["code"]
        answer = await program.token(**{"code": code, **changes})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_confidential_client_has_to_show_its_secret_by_its_own_method() -> None:
    """RFC 6749 §2.3.1."""
    async with program_at() as program:
        registered = (await program.register(token_endpoint_auth_method="client_secret_post")).json()
        code = (await program.callback())["code"]
        assert (await program.token(code=code)).status_code == 401
        assert (await program.token(code=code, client_secret="guess")).status_code == 401
        assert (await program.token(code=code, client_secret=registered["client_secret"])).status_code == 200


async def test_a_user_who_is_denied_later_cannot_refresh_and_the_token_stops() -> None:
    """T5b."""
    async with program_at() as program:
        tokens = await program.log_in()
        program.emulator.deny("ada")
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
        program.emulator.allow("ada")
        assert (await program.refresh(tokens["refresh_token"])).status_code == 200


async def test_after_application_tokens_are_revoked_a_refresh_answers_with_a_token_that_is_refused() -> None:
    """T5c."""
    async with program_at() as program:
        tokens = await program.log_in()
        program.emulator.revoke_application_tokens()
        new = await program.refresh(tokens["refresh_token"])
        assert new.status_code == 200
        assert (await program.open(new.json()["access_token"])).status_code == 401


async def test_two_public_keys_are_published_and_rotation_keeps_the_previous_one() -> None:
    async with program_at() as program:
        url = f"{program.emulator.server_url}/cdn-cgi/access/certs"
        before = (await program.http.get(url)).json()["keys"]
        token = await program.emulator.app_token()
        await program.emulator.keys.rotate()
        after = (await program.http.get(url)).json()["keys"]
        assert [key["alg"] for key in before] == ["RS256", "RS256"]
        assert before
        assert all(set(key) == {"kid", "kty", "alg", "use", "e", "n"} for key in before)
        assert after[1] == before[0]
        assert after[0] not in before
        assert (await program.open(cf_access_token=token)).status_code == 200
        await program.emulator.keys.rotate()
        assert (await program.open(cf_access_token=token)).status_code == 401

"""The team's origin answers as Cloudflare Access was seen to answer."""

from __future__ import annotations

import re

import pytest

from support.emulated_access import parameters_of, program_at, verifier_whose_challenge_starts_with

REFUSED = "redirect_uri is not allowed by the account configuration"


async def test_the_metadata_is_the_published_example() -> None:
    async with program_at() as program:
        endpoint = program.oauth
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


async def test_a_public_client_is_registered_without_a_secret() -> None:
    async with program_at() as program:
        answer = await program.register()
        body = answer.json()
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["client_id"])
        assert body["redirect_uris"] == [program.redirect_uri]
        assert "client_secret" not in body


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
    ("body", "error"),
    [
        (b"{", "invalid_request"),
        (b"[]", "invalid_request"),
        (b"[" * 60_000, "invalid_request"),
        (b"{}", "invalid_client_metadata"),
        (b'{"redirect_uris": "http://localhost:1/"}', "invalid_client_metadata"),
        (
            b'{"redirect_uris": ["http://localhost:1/"], "token_endpoint_auth_method": "x"}',
            "invalid_client_metadata",
        ),
        (b'{"redirect_uris": ["http://localhost:1/"], "client_name": 1}', "invalid_client_metadata"),
        (
            b'{"redirect_uris": ["http://localhost:1/"], "response_types": ["token"]}',
            "invalid_client_metadata",
        ),
    ],
)
async def test_a_broken_registration_is_refused_with_its_error(body: bytes, error: str) -> None:
    """T2b."""
    async with program_at() as program:
        answer = await program.http.post(f"{program.oauth}/registration", content=body)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_registration_that_is_too_long_is_refused() -> None:
    """Every body is bounded."""
    async with program_at() as program:
        answer = await program.http.post(f"{program.oauth}/registration", content=b" " * 70_000)
        assert answer.status_code == 413


async def test_a_registration_cannot_be_read_or_deleted() -> None:
    """T2c."""
    async with program_at() as program:
        url = (await program.register()).json()["registration_client_uri"]
        assert (await program.http.get(url)).status_code == 404
        assert (await program.http.delete(url)).status_code == 404
        assert (await program.http.get(f"{program.oauth}/registration")).status_code == 405


async def test_a_person_signs_in_and_the_code_comes_to_the_callback() -> None:
    """To the login page, back, and on without a consent page."""
    async with program_at() as program:
        played = await program.play()
        assert [(hop.method, hop.status) for hop in played.hops] == [
            ("GET", 302),
            ("GET", 200),
            ("POST", 302),
            ("GET", 302),
            ("GET", 200),
        ]
        assert set(parameters_of(played.callback_url)) == {"code", "state"}
        assert parameters_of(played.callback_url)["state"] == "the-state"


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


@pytest.mark.parametrize("resource", ["", "/", "/mcp"])
async def test_origin_root_and_path_are_good_resources(resource: str) -> None:
    """Research §1.5: both forms are in use."""
    async with program_at() as program:
        whole = program.emulator.resource_url.rstrip("/") + resource
        assert "code" in await program.callback(resource=whole)


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "nobody"}, {"redirect_uri": "http://localhost:1/callback"}, {"redirect_uri": None}],
)
async def test_an_unknown_client_or_redirect_uri_ends_on_a_page(changes: dict[str, str | None]) -> None:
    """T3d: never a redirect to a URI that was not registered."""
    async with program_at() as program:
        await program.register()
        answer = await program.http.get(program.authorization_url(**changes))
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_a_parameter_that_comes_twice_ends_on_a_page() -> None:
    """RFC 6749 §3.1."""
    async with program_at() as program:
        await program.register()
        answer = await program.http.get(program.authorization_url() + "&state=other")
        assert answer.status_code == 400


async def test_the_policy_denies_mallory_on_a_page_and_the_callback_is_never_reached() -> None:
    """T3f."""
    async with program_at() as program:
        played = await program.play("mallory")
        assert played.callback_url is None
        assert played.status == 403
        assert "That account does not have access" in played.page
        assert program.callbacks == []


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


async def test_a_code_of_another_client_is_refused() -> None:
    """T4a."""
    async with program_at() as program:
        code = (await program.callback())["code"]
        await program.register()
        assert (await program.token(code=code)).json()["error"] == "invalid_grant"


async def test_a_code_lives_for_a_minute() -> None:
    """T4a, with a clock that the test moves."""
    now = [1_800_000_000.0]
    async with program_at(clock=lambda: now[0]) as program:
        code = (await program.callback())["code"]
        now[0] += 61
        assert (await program.token(code=code)).json()["error"] == "invalid_grant"


async def test_a_second_use_of_a_code_is_refused_and_ends_the_grant() -> None:
    """T4a, RFC 6749 §4.1.2."""
    async with program_at() as program:
        code = (await program.callback())["code"]
        tokens = (await program.token(code=code)).json()
        assert (await program.token(code=code)).json()["error"] == "invalid_grant"
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh(tokens["refresh_token"])).status_code == 400


async def test_the_token_endpoint_tells_bad_requests_apart() -> None:
    """T4b."""
    async with program_at() as program:
        await program.register()
        url = f"{program.oauth}/token"
        as_json = await program.http.post(url, json={"grant_type": "authorization_code"})
        assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
        for client_id in ("nobody", None):
            unknown = await program.token(client_id=client_id)
            assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
        assert (await program.token(grant_type="password")).json()["error"] == "unsupported_grant_type"
        assert (await program.token(grant_type=None)).json()["error"] == "invalid_request"
        foreign = await program.token(code="x", resource="https://elsewhere.example")
        assert foreign.json()["error"] == "invalid_target"


async def test_a_confidential_client_has_to_show_its_secret_by_its_own_method() -> None:
    """RFC 6749 §2.3.1."""
    async with program_at() as program:
        registered = (await program.register(token_endpoint_auth_method="client_secret_post")).json()
        code = (await program.callback())["code"]
        assert (await program.token(code=code)).status_code == 401
        assert (await program.token(code=code, client_secret="guess")).status_code == 401
        assert (await program.token(code=code, client_secret=registered["client_secret"])).status_code == 200


async def test_a_client_that_was_registered_beforehand_uses_basic_authentication() -> None:
    """A confidential client of the administrator's."""
    async with program_at() as program:
        program.client_id, secret = program.emulator.register_client(program.redirect_uri, confidential=True)
        form = {
            "grant_type": "authorization_code",
            "code": (await program.callback())["code"],
            "redirect_uri": program.redirect_uri,
            "code_verifier": program.verifier,
        }
        url = f"{program.oauth}/token"
        assert (await program.http.post(url, data=form, auth=(program.client_id, "x"))).status_code == 401
        assert (await program.http.post(url, data=form, auth=(program.client_id, secret))).status_code == 200


async def test_a_refresh_brings_two_new_tokens() -> None:
    async with program_at() as program:
        old = await program.log_in()
        new = (await program.refresh(old["refresh_token"])).json()
        assert new["access_token"] != old["access_token"]
        assert new["refresh_token"] != old["refresh_token"]
        assert (await program.open(new["access_token"])).status_code == 200


async def test_a_refresh_token_that_was_rotated_out_ends_the_grant() -> None:
    """T5a."""
    async with program_at() as program:
        old = await program.log_in()
        new = (await program.refresh(old["refresh_token"])).json()
        assert (await program.refresh(old["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await program.refresh(new["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await program.open(new["access_token"])).status_code == 401


async def test_a_grant_ends_with_its_lifetime() -> None:
    """T5b, with a clock that the test moves."""
    now = [1_800_000_000.0]
    async with program_at(clock=lambda: now[0], grant_lifetime=100) as program:
        tokens = await program.log_in()
        now[0] += 99
        tokens = (await program.refresh(tokens["refresh_token"])).json()
        now[0] += 1
        assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


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


async def test_after_a_user_is_revoked_a_refresh_still_works() -> None:
    """T5d: an access token of somebody else is left alone."""
    async with program_at() as program:
        ada, grace = await program.log_in("ada"), await program.log_in("grace")
        program.emulator.revoke_user_tokens("ada")
        assert (await program.open(ada["access_token"])).status_code == 401
        assert (await program.open(grace["access_token"])).status_code == 200
        new = (await program.refresh(ada["refresh_token"])).json()
        assert (await program.open(new["access_token"])).status_code == 200


async def test_access_tokens_can_be_expired_and_grants_ended_at_will() -> None:
    """For the demo: what a person wants to see happen."""
    async with program_at() as program:
        tokens = await program.log_in()
        program.emulator.expire_access_tokens()
        assert (await program.open(tokens["access_token"])).status_code == 401
        tokens = (await program.refresh(tokens["refresh_token"])).json()
        program.emulator.end_grants()
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh(tokens["refresh_token"])).status_code == 400


async def test_revoking_the_refresh_token_ends_the_whole_grant() -> None:
    """RFC 7009 §2.1."""
    async with program_at() as program:
        tokens = await program.log_in()
        answer = await program.revoke(tokens["refresh_token"])
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh(tokens["refresh_token"])).status_code == 400


async def test_revoking_the_access_token_leaves_the_grant() -> None:
    async with program_at() as program:
        tokens = await program.log_in()
        assert (await program.revoke(tokens["access_token"])).status_code == 200
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh(tokens["refresh_token"])).status_code == 200


async def test_revoking_a_token_that_is_unknown_or_of_another_client_changes_nothing() -> None:
    """RFC 7009 §2.2."""
    async with program_at() as program:
        tokens = await program.log_in()
        assert (await program.revoke("unknown")).status_code == 200
        await program.register()
        assert (await program.revoke(tokens["refresh_token"])).status_code == 200
        assert (await program.open(tokens["access_token"])).status_code == 200
        missing = await program.revoke("")
        assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


async def test_the_login_page_needs_no_script_no_network_and_says_that_it_is_a_fake() -> None:
    async with program_at() as program:
        await program.register(client_name="<b>a program</b>")
        first = await program.http.get(program.authorization_url())
        page = await program.http.get(first.headers["location"])
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert "form-action" not in policy
        assert "authlens demo: this is a local emulator, not Cloudflare" in page.text
        assert "&lt;b&gt;a program&lt;/b&gt;" in page.text
        assert "<script" not in page.text
        assert "http://" not in page.text.replace(program.emulator.resource_url, "")
        for user in ("ada", "grace", "mallory"):
            assert f'value="{user}@example.com"' in page.text


async def test_a_hand_made_login_url_finds_no_application() -> None:
    async with program_at() as program:
        answer = await program.http.get(
            f"{program.emulator.team_url}/cdn-cgi/access/login/wiki.example?kid=1&meta=2"
        )
        assert answer.status_code == 404
        assert "Unable to find your Access application!" in answer.text


@pytest.mark.parametrize("kept", ["cookie", "field"])
async def test_a_login_form_needs_its_nonce_in_cookie_and_field(kept: str) -> None:
    """A left-over tab or a forged form."""
    async with program_at() as program:
        await program.register()
        first = await program.http.get(program.authorization_url())
        page = await program.http.get(first.headers["location"])
        nonce = page.cookies["CF_Session"]
        if kept == "field":
            program.http.cookies.clear()
        form = {"nonce": nonce if kept == "field" else "x", "user": "ada@example.com", "choice": "sign in"}
        answer = await program.http.post(first.headers["location"], data=form)
        assert answer.status_code == 400
        assert "Invalid nonce. Please try logging in again." in answer.text


async def test_a_browser_with_a_session_goes_straight_to_the_callback_until_it_logs_out() -> None:
    async with program_at() as program:
        await program.register()
        token = await program.emulator.app_token("ada")
        program.http.cookies.set("CF_Authorization", token)
        answer = await program.http.get(program.authorization_url())
        assert answer.headers["location"].startswith(program.redirect_uri)
        team = f"{program.emulator.team_url}/cdn-cgi/access"
        assert (await program.http.get(f"{team}/get-identity")).json()["email"] == "ada@example.com"
        assert (await program.http.get(f"{team}/logout")).status_code == 200
        program.http.cookies.set("CF_Authorization", token)
        answer = await program.http.get(program.authorization_url())
        assert "/cdn-cgi/access/login/" in answer.headers["location"]


async def test_two_public_keys_are_published_and_rotation_keeps_the_previous_one() -> None:
    async with program_at() as program:
        url = f"{program.emulator.team_url}/cdn-cgi/access/certs"
        before = (await program.http.get(url)).json()["keys"]
        token = await program.emulator.app_token()
        await program.emulator.rotate_keys()
        after = (await program.http.get(url)).json()["keys"]
        assert [key["alg"] for key in before] == ["RS256", "RS256"]
        assert before
        assert all(set(key) == {"kid", "kty", "alg", "use", "e", "n"} for key in before)
        assert after[1] == before[0]
        assert after[0] not in before
        assert (await program.open(cf_access_token=token)).status_code == 200
        await program.emulator.rotate_keys()
        assert (await program.open(cf_access_token=token)).status_code == 401


async def test_with_grace_the_refresh_token_before_the_newest_is_good_until_the_newest_is_used() -> None:
    """T5a: a client that crashed before it wrote the new one down can try again."""
    async with program_at(refresh_grace=True) as program:
        first = (await program.log_in())["refresh_token"]
        lost = (await program.refresh(first)).json()["refresh_token"]
        again = await program.refresh(first)
        assert again.status_code == 200
        newest = again.json()["refresh_token"]
        assert newest != lost
        assert (await program.refresh(newest)).status_code == 200
        assert (await program.refresh(first)).json()["error"] == "invalid_grant"


async def test_a_short_lived_certificate_is_signed_for_who_is_logged_in() -> None:
    """A stand-in, for cloudflared's SSH."""
    async with program_at() as program:
        url = f"{program.emulator.team_url}/cdn-cgi/access/cert_sign"
        asked = {"jwt": await program.emulator.app_token(), "public_key": "ssh-ed25519 AAAA"}
        answer = await program.http.post(url, json=asked)
        assert answer.status_code == 200
        assert set(answer.json()) == {"id", "certificate", "expires_at"}
        for wrong, status in (({**asked, "jwt": "x"}, 403), ({}, 400), ([], 400)):
            refused = await program.http.post(url, json=wrong)
            assert refused.status_code == status
            assert set(refused.json()) == {"status", "message"}

"""The app's origin answers as Cloudflare Access was seen to answer."""

from __future__ import annotations

import re

import pytest

from support.emulated_access import program_at

METADATA = ".well-known/cloudflare-access-protected-resource"


async def test_a_program_without_a_token_gets_the_bearer_challenge_with_its_path() -> None:
    async with program_at() as program:
        answer = await program.open(path="api/chat")
        url = f"{program.emulator.resource_url}{METADATA}/api/chat"
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == (
            'Bearer realm="OAuth", error="invalid_token", '
            f'error_description="Missing or invalid access token", resource_metadata="{url}"'
        )
        assert answer.json() == {
            "error": "invalid_token",
            "error_description": "Missing or invalid access token",
            "resource_metadata": url,
        }


@pytest.mark.parametrize("field", [{"accept": "text/html"}, {"sec_fetch_mode": "navigate"}])
async def test_a_browser_is_sent_to_the_login_page_with_the_other_challenge(field: dict[str, str]) -> None:
    async with program_at() as program:
        answer = await program.open(**field)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(
            f"{program.emulator.team_url}/cdn-cgi/access/login/127.0.0.1:"
        )
        assert answer.headers["www-authenticate"].startswith("Cloudflare-Access resource_metadata=")


async def test_a_browser_logs_in_and_is_let_through_by_cookie() -> None:
    async with program_at() as program:
        shown = await program.open(path="docs", accept="text/html")
        page = await program.http.get(shown.headers["location"])
        nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
        assert nonce is not None
        form = {"nonce": nonce[1], "user": "grace@example.com", "choice": "sign in"}
        signed_in = await program.http.post(shown.headers["location"], data=form)
        home = await program.http.get(signed_in.headers["location"])
        assert home.headers["location"] == f"{program.emulator.resource_url}docs"
        assert "Welcome, grace@example.com" in (await program.open(path="docs", accept="text/html")).text
        identity = await program.http.get(f"{program.emulator.resource_url}cdn-cgi/access/get-identity")
        assert identity.json()["email"] == "grace@example.com"


async def test_get_identity_without_a_cookie_says_what_is_missing() -> None:
    async with program_at() as program:
        answer = await program.http.get(f"{program.emulator.resource_url}cdn-cgi/access/get-identity")
        assert (answer.status_code, answer.json()) == (400, {"err": "no app token set"})


async def test_the_way_back_from_the_login_needs_a_nonce_of_this_server() -> None:
    async with program_at() as program:
        url = f"{program.emulator.resource_url}cdn-cgi/access/authorized?nonce=n&state=s"
        answer = await program.http.get(url)
        assert answer.status_code == 400
        assert "Invalid nonce. Please try logging in again." in answer.text


async def test_a_live_token_opens_the_resource_and_the_origin_is_told_who_came() -> None:
    async with program_at() as program:
        token = (await program.log_in())["access_token"]
        answer = await program.open(token, "docs")
        assert answer.status_code == 200
        assert answer.json()["message"] == "Welcome, ada@example.com"
        assert answer.json()["seen_by_the_origin"]["cf-access-jwt-assertion"]["email"] == "ada@example.com"
        assert token not in answer.text


async def test_the_resource_is_a_page_for_who_does_not_ask_for_json() -> None:
    async with program_at() as program:
        token = (await program.log_in())["access_token"]
        answer = await program.open(token, accept="text/html")
        assert answer.headers["content-type"].startswith("text/html")
        assert "<h1>Welcome, ada@example.com</h1>" in answer.text


@pytest.mark.parametrize("token", ["oauth:" + "x" * 65, "nonsense", "a.b.c"])
async def test_a_token_of_somebody_else_gets_the_challenge_again(token: str) -> None:
    async with program_at() as program:
        answer = await program.open(token)
        assert answer.status_code == 401
        assert "resource_metadata" in answer.headers["www-authenticate"]


async def test_an_expired_token_gets_the_challenge_again() -> None:
    """With a clock that the test moves."""
    now = [1_800_000_000.0]
    async with program_at(clock=lambda: now[0], access_token_lifetime=60) as program:
        token = (await program.log_in())["access_token"]
        now[0] += 59
        assert (await program.open(token)).status_code == 200
        now[0] += 1
        assert (await program.open(token)).status_code == 401


async def test_a_cloudflared_token_opens_the_resource_by_its_header() -> None:
    async with program_at() as program:
        token = await program.emulator.app_token("grace")
        assert (await program.open(cf_access_token=token)).json()["message"] == "Welcome, grace@example.com"
        program.emulator.revoke_user_tokens("grace")
        assert (await program.open(cf_access_token=token)).status_code == 401


async def test_a_service_token_opens_the_resource_and_half_of_one_does_not() -> None:
    async with program_at() as program:
        name, secret = program.emulator.service_token
        good = await program.open(cf_access_client_id=name, cf_access_client_secret=secret)
        assert good.json()["message"] == f"Welcome, {name}"
        assert (await program.open(cf_access_client_id=name)).status_code == 401


async def test_a_preflight_is_refused() -> None:
    async with program_at() as program:
        answer = await program.open(method="OPTIONS", access_control_request_method="GET")
        assert answer.status_code == 403


async def test_the_metadata_head_is_signed_with_a_published_key() -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    async with program_at() as program:
        answer = await program.open(method="HEAD", cf_access_metadata_request="true")
        certs = (await program.http.get(f"{program.emulator.team_url}/cdn-cgi/access/certs")).json()
        token = jwt.decode(answer.headers["cf-access-metadata"], KeySet.import_key_set(certs), ["RS256"])
        assert token.claims["type"] == "match"
        assert token.claims["auth_domain"] == program.emulator.team_url.removeprefix("http://")


@pytest.mark.parametrize("suffix", ["", "/", "/mcp", "/a/b"])
async def test_the_resource_metadata_names_origin_and_suffix(suffix: str) -> None:
    """No slash at the end for the root."""
    async with program_at() as program:
        origin = program.emulator.resource_url.rstrip("/")
        document = (await program.http.get(f"{origin}/{METADATA}{suffix}")).json()
        assert document["resource"] == origin + suffix.rstrip("/")
        assert document["authorization_servers"] == [program.emulator.issuer]
        assert [method["name"] for method in document["authentication_methods"]] == ["cloudflared", "oauth"]
        assert document["authentication_method"] == "cloudflared"


async def test_the_standard_place_has_the_same_resource_metadata() -> None:
    async with program_at() as program:
        origin = program.emulator.resource_url
        ours = await program.http.get(f"{origin}{METADATA}/mcp")
        standard = await program.http.get(f"{origin}.well-known/oauth-protected-resource/mcp")
        assert standard.json() == ours.json()


async def test_the_app_serves_the_metadata_of_its_team() -> None:
    """With the team's issuer."""
    async with program_at() as program:
        url = f"{program.emulator.resource_url}.well-known/oauth-authorization-server"
        assert (await program.http.get(url)).json() == await program.metadata()


async def test_every_answer_is_marked_as_the_edge_marks_it() -> None:
    """Research §7: server and cf-ray on everything, errors too."""
    async with program_at() as program:
        for url in (program.emulator.resource_url, f"{program.emulator.team_url}/nothing/here"):
            answer = await program.http.get(url)
            assert answer.headers["server"] == "cloudflare"
            assert re.fullmatch(r"[0-9a-f]{16}-EMU", answer.headers["cf-ray"])
            assert "date" in answer.headers


async def test_cloudflared_gets_a_token_that_a_person_approved() -> None:
    """Login, then approval, then the token waits for the key that asked, once."""
    async with program_at("oauth-off") as program:
        key = "A" * 43
        aud = (await program.open()).headers["location"].partition("kid=")[2].partition("&")[0]
        url = f"{program.emulator.resource_url}cdn-cgi/access/cli?token={key}&aud={aud}"
        asked = await program.http.get(url)
        assert asked.status_code == 302
        assert "/cdn-cgi/access/login/" in asked.headers["location"]
        person = {"cookie": f"CF_Authorization={await program.emulator.app_token()}"}
        shown = await program.http.get(url, headers=person)
        assert "Approve" in shown.text
        assert program.emulator.transferred(key) is None
        assert (await program.http.post(url, data={"nonce": "x"}, headers=person)).status_code == 400
        nonce = shown.text.partition('name="nonce" value="')[2].partition('"')[0]
        approved = await program.http.post(url, data={"nonce": nonce}, headers=person)
        assert "Success" in approved.text
        token = program.emulator.transferred(key)
        assert token is not None
        assert (await program.open(cf_access_token=token)).status_code == 200
        assert program.emulator.transferred(key) is None
        for wrong in (url.replace(aud, "0" * 64), url.replace(key, "<b>"), url.partition("?")[0]):
            assert (await program.http.get(wrong, headers=person)).status_code == 400

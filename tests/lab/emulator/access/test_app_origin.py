"""The app's origin answers as Cloudflare Access was seen to answer."""

from __future__ import annotations

import re

from support.emulated_access import program_at


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


async def test_the_way_back_from_the_login_needs_a_nonce_of_this_server() -> None:
    async with program_at() as program:
        url = f"{program.emulator.resource_url}cdn-cgi/access/authorized?nonce=n&state=s"
        answer = await program.http.get(url)
        assert answer.status_code == 400
        assert "Invalid nonce. Please try logging in again." in answer.text


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
        assert program.emulator.account.transfers.pop(key, None) is None
        assert (await program.http.post(url, data={"nonce": "x"}, headers=person)).status_code == 400
        nonce = shown.text.partition('name="nonce" value="')[2].partition('"')[0]
        approved = await program.http.post(url, data={"nonce": nonce}, headers=person)
        assert "Success" in approved.text
        token = program.emulator.account.transfers.pop(key, None)
        assert token is not None
        assert (await program.open(cf_access_token=token)).status_code == 200
        assert program.emulator.account.transfers.pop(key, None) is None
        for wrong in (url.replace(aud, "0" * 64), url.replace(key, "<b>"), url.partition("?")[0]):
            assert (await program.http.get(wrong, headers=person)).status_code == 400

"""Each fault is to be seen over real HTTP, and leaves the rest of the login as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from authlens_core.emulator import Emulator, Fault
from support.emulated_access import (
    Program,
    challenge_of,
    parameters_of,
    program_at,
    verifier_whose_challenge_starts_with,
)

S256_COMPLAINT = "code_challenge_method must be S256 for public clients"
ESCAPE = "\x1b]52;c;"


async def resource_metadata(program: Program) -> dict[str, object]:
    """Return the resource metadata of the root."""
    url = f"{program.emulator.resource_url}.well-known/cloudflare-access-protected-resource/"
    return dict((await program.http.get(url)).json())


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_explains_itself_in_one_sentence(fault: Fault) -> None:
    """The list of faults is help for a person."""
    assert fault.summary.endswith(".")
    assert ". " not in fault.summary


def test_an_unknown_fault_is_refused_with_the_names_that_exist() -> None:
    """A typing error is answered with the cure."""
    with pytest.raises(ValueError, match=r"no fault 'pubic'.* public,"):
        Emulator(faults=["pubic"])


async def test_no_www_authenticate() -> None:
    """A bare 401, and no metadata anywhere."""
    async with program_at("no-www-authenticate") as program:
        answer = await program.open()
        assert answer.status_code == 401
        assert "www-authenticate" not in answer.headers
        assert "resource_metadata" not in answer.text
        for place in ("cloudflare-access-protected-resource", "oauth-protected-resource"):
            url = f"{program.emulator.resource_url}.well-known/{place}"
            assert (await program.http.get(url)).status_code == 404
        url = f"{program.emulator.resource_url}.well-known/oauth-authorization-server"
        assert (await program.http.get(url)).status_code == 401


async def test_challenge_without_metadata() -> None:
    """The document is at its well-known place."""
    async with program_at("challenge-without-metadata") as program:
        answer = await program.open()
        assert (answer.status_code, answer.headers["www-authenticate"], answer.content) == (
            401,
            "Bearer",
            b"",
        )
        assert (await resource_metadata(program))["authorization_servers"] == [program.emulator.issuer]


async def test_post_only() -> None:
    """As at many MCP servers, with a token too."""
    async with program_at("post-only") as program:
        answer = await program.open()
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert "www-authenticate" not in answer.headers
        answer = await program.open(method="POST")
        assert answer.status_code == 401
        assert "resource_metadata" in answer.headers["www-authenticate"]
        token = (await program.log_in())["access_token"]
        assert (await program.open(token)).status_code == 405
        assert (await program.open(token, method="POST")).status_code == 200


async def test_oauth_off() -> None:
    """The redirect carries the other challenge."""
    async with program_at("oauth-off") as program:
        answer = await program.open("oauth:token", path="docs", accept="application/json")
        assert answer.status_code == 302
        assert answer.headers["www-authenticate"].startswith("Cloudflare-Access resource_metadata=")
        assert "/cdn-cgi/access/login/" in answer.headers["location"]
        ajax = await program.open(x_requested_with="XMLHttpRequest")
        assert (ajax.status_code, ajax.headers["access-control-allow-headers"]) == (401, "x-requested-with")
        assert ajax.headers["content-type"].startswith("text/html")
        assert "Bearer" not in ajax.headers["www-authenticate"]
        methods = (await resource_metadata(program))["authentication_methods"]
        assert isinstance(methods, list)
        assert [method["name"] for method in methods] == ["cloudflared"]
        for place in ("oauth-protected-resource", "oauth-authorization-server"):
            url = f"{program.emulator.resource_url}.well-known/{place}"
            assert (await program.http.get(url)).status_code == 302
        token = await program.emulator.app_token()
        assert (await program.open(cf_access_token=token)).status_code == 200


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


async def test_public() -> None:
    async with program_at("public") as program:
        answer = await program.open()
        assert (answer.status_code, answer.json()["message"]) == (200, "Welcome, everybody")
        assert "www-authenticate" not in answer.headers
        url = f"{program.emulator.resource_url}.well-known/cloudflare-access-protected-resource"
        assert (await program.http.get(url)).status_code == 404


async def test_browser_integrity() -> None:
    """Error 1010 on both origins, discovery too."""
    async with program_at("browser-integrity") as program:
        for url in (
            program.emulator.resource_url,
            f"{program.emulator.team_url}/.well-known/oauth-authorization-server",
        ):
            page = await program.http.get(url)
            assert page.status_code == 403
            assert "error code: 1010" in page.text
            answer = await program.http.get(url, headers={"accept": "application/json"})
            assert answer.json()["error_name"] == "browser_signature_banned"
            assert "cf-ray" in answer.headers


async def test_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is late by what was set."""
    really, late = asyncio.wait_for, 77.5
    waited: list[float] = []

    async def wait_for(awaited: Coroutine[Any, Any, Any], seconds: float | None) -> Any:
        if seconds != late:
            return await really(awaited, seconds)
        awaited.close()
        waited.append(seconds)
        raise TimeoutError

    async with program_at("slow", slow_seconds=late) as program:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "wait_for", wait_for)
            assert (await program.open()).status_code == 401
    assert waited == [late]


async def test_an_emulator_that_is_slow_stops_at_once() -> None:
    """Nobody waits for an answer that nobody wants any more."""
    async with program_at("slow", slow_seconds=60) as program:
        asking = asyncio.create_task(program.open())
        async with asyncio.timeout(30):
            while not program.emulator.requests:
                await asyncio.sleep(0.01)
            await program.emulator.stop()
            await asyncio.gather(asking, return_exceptions=True)


async def test_hostile_text() -> None:
    """What a server says is hostile at each stage, and the login still works."""
    async with program_at("hostile-text") as program:
        challenge = await program.open()
        assert b"\x1b]52;c;" in dict(challenge.headers.raw)[b"www-authenticate"]
        assert ESCAPE in challenge.json()["error_description"]
        assert ESCAPE in str((await resource_metadata(program))["resource_name"])
        assert ESCAPE in (await program.metadata())["service_documentation"]
        assert ESCAPE in (await program.register()).json()["client_name"]
        denied = await program.play(choice="deny")
        assert ESCAPE in parameters_of(denied.callback_url)["error_description"]
        assert ESCAPE in (await program.token(code="x")).json()["error_description"]
        tokens = await program.log_in()
        assert ESCAPE in tokens["message"]
        welcome = (await program.open(tokens["access_token"])).json()["message"]
        assert "[/foo]" in welcome
        assert "\u202e" in welcome
        assert (await program.open(tokens["access_token"], accept="text/html")).status_code == 200


async def test_resource_mismatch() -> None:
    """The document belongs to another host."""
    async with program_at("resource-mismatch") as program:
        assert (await resource_metadata(program))["resource"] == "https://elsewhere.example"


async def test_bare_issuer() -> None:
    async with program_at("bare-issuer") as program:
        assert (await program.metadata())["issuer"] == program.emulator.team_url.removeprefix("http://")
        assert (await resource_metadata(program))["authorization_servers"] == [program.emulator.issuer]


async def test_wrong_issuer() -> None:
    """The metadata speaks for somebody else."""
    async with program_at("wrong-issuer") as program:
        assert (await program.metadata())["issuer"] == "https://elsewhere.example"


async def test_no_registration_endpoint() -> None:
    """T2b: only a client that is known already can go on."""
    async with program_at("no-registration-endpoint") as program:
        assert "registration_endpoint" not in await program.metadata()
        assert (await program.register()).status_code == 404
        program.client_id, secret = program.emulator.register_client(program.redirect_uri)
        assert secret == ""
        assert "access_token" in await program.log_in()


async def test_no_revocation_endpoint() -> None:
    """Neither advertised nor there."""
    async with program_at("no-revocation-endpoint") as program:
        assert "revocation_endpoint" not in await program.metadata()
        tokens = await program.log_in()
        assert (await program.revoke(tokens["refresh_token"])).status_code == 404
        assert (await program.open(tokens["access_token"])).status_code == 200


async def test_none_not_advertised() -> None:
    """A public client works all the same."""
    async with program_at("none-not-advertised") as program:
        methods = (await program.metadata())["token_endpoint_auth_methods_supported"]
        assert methods == ["client_secret_basic", "client_secret_post"]
        assert "access_token" in await program.log_in()


async def test_s256_not_advertised() -> None:
    """Only `plain` is on the list."""
    async with program_at("s256-not-advertised") as program:
        assert (await program.metadata())["code_challenge_methods_supported"] == ["plain"]


async def test_redirect_uri_refused() -> None:
    """T2a."""
    async with program_at("redirect-uri-refused") as program:
        answer = await program.register()
        assert (answer.status_code, answer.json()) == (
            400,
            {
                "error": "invalid_client_metadata",
                "error_description": "redirect_uri is not allowed by the account configuration",
            },
        )


@pytest.mark.parametrize(
    ("fault", "error", "description"),
    [
        (
            "redirect-uri-refused-at-authorization",
            "invalid_request",
            "Redirect URI not allowed by application configuration",
        ),
        ("resource-refused", "invalid_target", "The resource is not an application of this team"),
        ("pkce-refused", "invalid_request", S256_COMPLAINT),
        ("access-denied", "access_denied", "The resource owner denied the request"),
    ],
)
async def test_a_correct_request_is_refused_on_the_callback(fault: str, error: str, description: str) -> None:
    """T3b, T3c, T3e."""
    async with program_at(fault) as program:
        assert await program.callback() == {
            "error": error,
            "error_description": description,
            "state": "the-state",
        }


@pytest.mark.parametrize("first", ["-", "_"])
async def test_pkce_first_character_refuses_what_the_default_accepts(first: str) -> None:
    """T3e: the quirk is a switch."""
    verifier = verifier_whose_challenge_starts_with(first)
    assert challenge_of(verifier).startswith(first)
    async with program_at("pkce-first-character") as program:
        program.verifier = verifier
        assert (await program.callback())["error_description"] == S256_COMPLAINT
        program.verifier = verifier_whose_challenge_starts_with("aZ9")
        assert "code" in await program.callback()
    async with program_at() as program:
        program.verifier = verifier
        assert "code" in await program.callback()


async def test_denied_user() -> None:
    """T3f: whoever signs in."""
    async with program_at("denied-user") as program:
        played = await program.play("grace")
        assert played.callback_url is None
        assert "That account does not have access" in played.page
        assert program.callbacks == []


async def test_wrong_state() -> None:
    """The state is one that was never sent."""
    async with program_at("wrong-state") as program:
        got = await program.callback()
        assert "code" in got
        assert got["state"] != "the-state"


async def test_iss_mismatch() -> None:
    """RFC 9207: promised, then foreign."""
    async with program_at("iss-mismatch") as program:
        assert (await program.metadata())["authorization_response_iss_parameter_supported"] is True
        assert (await program.callback())["iss"] == "https://elsewhere.example"


async def test_port_taken() -> None:
    """Somebody listens on 8400 while the emulator runs."""
    async with program_at("port-taken") as program:
        for host in ("127.0.0.1", "::1") if _has_ipv6() else ("127.0.0.1",):
            with pytest.raises(OSError, match="in use"):
                await asyncio.start_server(lambda *_: None, host, 8400)
        assert "access_token" in await program.log_in()


def _has_ipv6() -> bool:
    import socket

    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_invalid_grant() -> None:
    """A code that was good a moment ago."""
    async with program_at("invalid-grant") as program:
        code = (await program.callback())["code"]
        answer = await program.token(code=code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_html_error() -> None:
    """A page where JSON was expected."""
    async with program_at("html-error") as program:
        code = (await program.callback())["code"]
        answer = await program.token(code=code)
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith("text/html")


async def test_access_token_refused() -> None:
    """The login works and its token does not."""
    async with program_at("access-token-refused") as program:
        tokens = await program.log_in()
        answer = await program.open(tokens["access_token"])
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_origin_down() -> None:
    """530 with a good token, the challenge without one."""
    async with program_at("origin-down") as program:
        assert (await program.open()).status_code == 401
        answer = await program.open((await program.log_in())["access_token"])
        assert answer.status_code == 530
        assert "1033" in answer.text


async def test_expired_refresh_token() -> None:
    """T5b: the access token still works."""
    async with program_at("expired-refresh-token") as program:
        tokens = await program.log_in()
        answer = await program.refresh(tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert (await program.open(tokens["access_token"])).status_code == 200


async def test_rotation_off() -> None:
    """The answer has no refresh token, and the old one works again and again."""
    async with program_at("rotation-off") as program:
        tokens = await program.log_in()
        for _ in range(2):
            answer = await program.refresh(tokens["refresh_token"])
            assert answer.status_code == 200
            assert "refresh_token" not in answer.json()


async def test_revocation_unavailable() -> None:
    """503, and the tokens live on."""
    async with program_at("revocation-unavailable") as program:
        tokens = await program.log_in()
        answer = await program.revoke(tokens["refresh_token"])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert (await program.open(tokens["access_token"])).status_code == 200


async def test_clock_skew() -> None:
    """The Date header is an hour ahead of the clock that was given."""
    async with program_at("clock-skew", clock=lambda: 1_800_000_000.0) as program:
        answer = await program.open()
        assert parsedate_to_datetime(answer.headers["date"]).timestamp() == 1_800_003_600


async def test_faults_add_up() -> None:
    """Several faults at once are several faults."""
    async with program_at("post-only", "bare-issuer") as program:
        assert (await program.open()).status_code == 405
        assert "://" not in (await program.metadata())["issuer"]
        assert program.emulator.faults == {Fault.POST_ONLY, Fault.BARE_ISSUER}


@pytest.mark.parametrize(
    ("fault", "status", "mark"),
    [("waf-rule", 403, "1020"), ("no-application", 403, "1043"), ("origin-unreachable", 522, "522")],
)
async def test_errors_of_the_edge_stand_in_the_place_of_the_app_and_its_metadata(
    fault: str, status: int, mark: str
) -> None:
    """Research §4.1: the team's own host still answers."""
    async with program_at(fault) as program:
        answer = await program.open(accept="application/json")
        assert (answer.status_code, answer.json()["error_code"]) == (status, int(mark))
        assert (await program.open()).text == f"error code: {mark}\n"
        url = f"{program.emulator.resource_url}.well-known/oauth-protected-resource"
        assert (await program.http.get(url)).status_code == status
        assert (await program.metadata())["issuer"] == program.emulator.issuer


async def test_challenge_page() -> None:
    """Research §4.1: a page for a browser, told by a field."""
    async with program_at("challenge-page") as program:
        answer = await program.open(accept="application/json")
        assert (answer.status_code, answer.headers["cf-mitigated"]) == (403, "challenge")
        assert answer.headers["content-type"].startswith("text/html")


async def test_localhost_refused() -> None:
    """Research §1.2: localhost and loopback are two switches."""
    async with program_at("localhost-refused") as program:
        refused = await program.register(redirect_uris=["http://localhost:8400/callback"])
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_client_metadata"
        assert (await program.register(redirect_uris=["http://127.0.0.1:8400/callback"])).status_code == 201


async def test_settings_not_live() -> None:
    """Research §1.2: a change takes about a minute to reach the edge."""
    now = [1_800_000_000.0]
    async with program_at("settings-not-live", clock=lambda: now[0]) as program:
        assert (await program.register()).status_code == 400
        now[0] += 60
        assert (await program.register()).status_code == 201


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("invalid-nonce", "Invalid nonce. Please try logging in again."),
        ("application-not-found", "Unable to find your Access application!"),
    ],
)
async def test_pages_of_the_login_that_never_reach_the_callback(fault: str, words: str) -> None:
    """Research §1.5."""
    async with program_at(fault) as program:
        played = await program.play()
        assert words in played.page
        assert played.callback_url is None
        assert program.callbacks == []


async def test_oauth_turned_off() -> None:
    """Without a token nothing has changed, with one the login page comes."""
    async with program_at("oauth-turned-off") as program:
        assert (await program.open()).status_code == 401
        token = (await program.log_in())["access_token"]
        answer = await program.open(token, accept="application/json")
        assert answer.status_code == 302
        assert "/cdn-cgi/access/login/" in answer.headers["location"]


async def test_policy_refuses_token() -> None:
    """Research §4.1: 403 with the fields of Access."""
    async with program_at("policy-refuses-token") as program:
        token = (await program.log_in())["access_token"]
        answer = await program.open(token, accept="application/json")
        assert answer.status_code == 403
        assert len(answer.headers["cf-access-aud"]) == 64


async def test_binding_cookie() -> None:
    """A bare token is refused, OAuth is not."""
    async with program_at("binding-cookie", "oauth-off") as program:
        token = await program.emulator.app_token()
        assert (await program.open(cf_access_token=token)).status_code == 302
        assert (await program.open(cookie=f"CF_Authorization={token}")).status_code == 302
        bound = await program.open(cookie=f"CF_Authorization={token}; CF_Binding=x")
        assert bound.status_code == 200


async def test_service_auth_missing() -> None:
    """Research §2: a good pair is ignored."""
    async with program_at("service-auth-missing") as program:
        name, secret = program.emulator.service_token
        answer = await program.open(cf_access_client_id=name, cf_access_client_secret=secret)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")

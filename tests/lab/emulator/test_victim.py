"""The website that a lesson attacks: what each of its checks stops, and what a weak server lets through."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from authlens_lab.emulator import Emulator, Profile, play_person
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.loopback_http import request
from authlens_lab.emulator.parties.victim import Victim, VictimSwitches
from authlens_lab.emulator.person import Browser
from authlens_lab.emulator.profile import email_of
from authlens_lab.emulator.weakness import SWITCHES, PublishedMember, Weakness


@asynccontextmanager
async def website(
    switches: VictimSwitches | None = None, weaknesses: Collection[Weakness] = ()
) -> AsyncIterator[tuple[Emulator, Victim]]:
    async with Emulator(Profile.GENERIC, weaknesses=weaknesses, seed=1) as emulator:
        issuer, resource_url = emulator.issuer, emulator.resource_url
        async with Victim(
            emulator.ledger, issuer=issuer, resource_url=resource_url, switches=switches
        ) as victim:
            yield emulator, victim


async def callback(victim: Victim, user: str = "mallory") -> str:
    played = await play_person(victim.sign_in_url, user=user, deliver=False)
    assert played.callback_url is not None
    return played.callback_url


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_a_visitor_signs_in_and_the_browser_keeps_the_session() -> None:
    async with website() as (emulator, victim):
        browser = Browser()
        with emulator.ledger.seated("ada", browser="ada"):
            played = await browser.play(victim.sign_in_url, email_of("ada"))
            again = await browser.play(victim.url + "/", email_of("ada"))
        assert (played.status, again.words) == (200, "Signed in: ada@example.com · Sign in")
        done = emulator.ledger.events[-1]
        assert (done.what, done.user, done.browser) == (What.SESSION, "ada", "ada")
        # What the website sends is its own, whoever's browser made it send.
        seats = {event.seat for event in emulator.ledger.events if event.what is What.TOKEN_ACCEPTED}
        assert seats == {"victim"}


@pytest.mark.parametrize(
    ("switches", "reason"),
    [
        (VictimSwitches(), Reason.WRONG_STATE),
        (VictimSwitches(state=False), Reason.WRONG_VERIFIER),
        (VictimSwitches(pkce=False), Reason.WRONG_STATE),
        (VictimSwitches(state=False, pkce=False), None),
    ],
)
async def test_the_callback_of_another_browser_is_stopped_by_state_or_by_pkce(
    switches: VictimSwitches, reason: Reason | None
) -> None:
    async with website(switches, [Weakness.PKCE_OPTIONAL]) as (emulator, victim):
        with emulator.ledger.seated("ada", browser="ada"):
            shown = await request(await callback(victim))
        last = emulator.ledger.events[-1]
        assert (shown.status, last.reason, last.user if reason is None else "") == (
            (400, reason, "") if reason else (200, None, "mallory")
        )


async def test_an_answer_of_another_issuer_is_stopped_before_the_code_leaves() -> None:
    async with website(VictimSwitches(state=False)) as (emulator, victim):
        link = await callback(victim)
        await request(link.replace(urlencode({"iss": emulator.issuer}), "iss=http%3A%2F%2Flocalhost%3A1"))
        last = emulator.ledger.events[-1]
        assert (last.what, last.reason, last.seat) == (What.CLIENT_REFUSED, Reason.WRONG_ISS, "victim")


@pytest.mark.parametrize(("verifier", "status"), [("", 200), ("v" * 43, 400)])
async def test_where_pkce_is_optional_a_verifier_without_a_challenge_is_still_refused(
    verifier: str, status: int
) -> None:
    """RFC 9700 §4.8.2."""
    async with website(VictimSwitches(pkce=False), [Weakness.PKCE_OPTIONAL]) as (emulator, victim):
        form = {
            "grant_type": "authorization_code",
            "code": parameters(await callback(victim))["code"],
            "redirect_uri": victim.redirect_uri,
            "client_id": await victim.client_id(),
        } | ({"code_verifier": verifier} if verifier else {})
        answer = await request(f"{emulator.issuer}/token", urlencode(form).encode())
        assert answer.status == status


async def test_a_server_without_the_weakness_wants_a_challenge() -> None:
    async with website(VictimSwitches(pkce=False)) as (_, victim):
        assert parameters(await callback(victim))["error"] == "invalid_request"


@pytest.mark.parametrize("exact", [False, True])
async def test_a_redirect_uri_that_starts_with_a_registered_one(exact: bool) -> None:
    async with website(weaknesses=[Weakness.REDIRECT_PREFIX]) as (emulator, victim):
        if exact:
            emulator.turn_on("server.exact_redirect")
        query = {
            "client_id": await victim.client_id(),
            "response_type": "code",
            "redirect_uri": f"{victim.redirect_uri}/elsewhere",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        shown = await request(f"{emulator.issuer}/authorize?{urlencode(query)}")
        assert shown.status == (400 if exact else 200)


@pytest.mark.parametrize(
    ("member", "switch", "path"),
    [
        (PublishedMember.RESOURCE, "resource.own_name", "/.well-known/oauth-protected-resource"),
        (PublishedMember.ISSUER, "server.issuer", "/.well-known/oauth-authorization-server"),
    ],
)
async def test_a_switch_keeps_a_document_true(member: PublishedMember, switch: str, path: str) -> None:
    async with Emulator(Profile.GENERIC) as emulator:
        origin = emulator.resource_url if member is PublishedMember.RESOURCE else f"{emulator.issuer}/"
        url, name = origin.rstrip("/") + path, member.value.partition(".")[2]
        truth = json.loads((await request(url)).text)[name]
        emulator.lesson.publish(member, "https://other-site.example/")
        assert json.loads((await request(url)).text)[name] == "https://other-site.example/"
        emulator.turn_on(switch)
        assert json.loads((await request(url)).text)[name] == truth


def test_each_weakness_is_ended_by_a_switch_or_is_the_clients_to_make_up_for() -> None:
    ended = {switch.ends for switch in SWITCHES.values()}
    assert set(Weakness) - ended == {Weakness.PKCE_OPTIONAL}


async def test_neither_browser_nor_website_leaves_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        await request("http://192.0.2.1/")

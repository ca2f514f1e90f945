"""Step-up: a resource that wants more scope gets it by a new authorization, twice at most."""

from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Response
from authlens_core.values.login_options import Options
from support.driven_login import closed_login, cure_of, login_to
from support.scripted_login import METADATA, ScriptedSender, come_back, honest, reply

CHALLENGE = reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"'))


def _refusal(scope: str) -> Response:
    return reply(403, None, ("WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{scope}"'))


async def _walked(sender: ScriptedSender, *, retries: int) -> tuple[list[str], list[tuple[Stage, Outcome]]]:
    """Return the scope of every link, and the stages after so many retries."""
    scopes: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            scopes.append(parse_qs(urlsplit(event.url).query)["scope"][0])

    async with login_to(sender, options=Options(port=0, scope="read")) as login:
        login.watch(watch)
        login.watch(come_back(login))
        trace = await login.run_all()
        for _ in range(retries):
            await login.retry()
            trace = await login.run_all()
        return scopes, [(record.stage, record.outcome) for record in trace.records]


async def test_a_retry_authorizes_again_with_the_union_of_scopes() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal("write read"), reply(200)]))
    scopes, stages = await _walked(sender, retries=1)
    assert scopes == ["read", "read write"]
    assert stages[-1] == (Stage.ACCESS, Outcome.PASSED)


async def test_the_same_scope_is_authorized_twice_more_at_most() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal("write")]))
    scopes, stages = await _walked(sender, retries=6)
    assert scopes == ["read", *["read write"] * 2]
    assert stages[-1] == (Stage.ACCESS, Outcome.FAILED)


async def test_another_scope_each_time_is_authorized_twice_more_at_most() -> None:
    """H424: all step-ups of a login count, whatever the scopes."""
    sender = ScriptedSender(honest(resource=[CHALLENGE, *(_refusal(f"more-{n}") for n in range(9))]))
    scopes, stages = await _walked(sender, retries=6)
    assert scopes == ["read", "read more-0", "read more-0 more-1"]
    assert stages[-1] == (Stage.ACCESS, Outcome.FAILED)


async def test_a_step_up_counts_although_the_user_goes_back() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, *(_refusal(f"more-{n}") for n in range(9))]))
    async with login_to(sender, options=Options(port=0, scope="read")) as login:
        login.watch(come_back(login))
        for _ in range(2):
            await login.run_all()
            assert login.steps_up
            await login.retry()
        login.back(Stage.PKCE)
        await login.run_all()
        assert not login.steps_up


async def test_the_cure_names_the_union_for_the_command_line() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal("write")]))
    cure = cure_of(await closed_login(sender, Options(port=0, scope="read")))
    assert 'authlens login URL --scope "read write"' in cure


@pytest.mark.parametrize(
    "scope", ["$(id)", "`id`", "a;b", "a;id", "a!b", "a|b", "'a'", "--device", "write -x", "a&b", "%PATH%"]
)
async def test_a_scope_that_is_not_a_plain_word_is_in_no_command(scope: str) -> None:
    """H324: the user pastes the command into a shell."""
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal(scope)]))
    cure = cure_of(await closed_login(sender, Options(port=0, scope="read")))
    assert "--scope" not in cure
    assert scope not in cure
    assert "authlens URL" in cure


async def test_a_scope_that_was_asked_for_is_not_asked_for_again_by_the_cure() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal("write")]))
    cure = cure_of(await closed_login(sender, Options(port=0, scope="read write")))
    assert "Ask the owner" in cure
    assert "--scope" not in cure


@pytest.mark.parametrize("scope", ["", 'a\\"b', "ä", "x" * 3_000])
async def test_a_scope_that_cannot_be_sent_is_left_out(scope: str) -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, _refusal(scope), reply(200)]))
    scopes, _ = await _walked(sender, retries=1)
    assert scopes == ["read", "read"]

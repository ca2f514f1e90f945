"""Going back, deciding in spite of a check, and stopping at any moment."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options, first_changed
from authlens_core.values.secret import Secret
from support.driven_login import at, failed, is_free, login_to, port_of, run_to, stopped_login, until
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    Answer,
    ScriptedSender,
    honest,
    reply,
)

TOKEN = f"POST {ISSUER}/token"


def _foreign() -> dict[str, Answer | list[Answer]]:
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{FOREIGN}"')
    script = honest(resource=[reply(401, None, challenge), reply(200)])
    script[f"GET {FOREIGN}"] = script[f"GET {METADATA}"]
    return script


FOREIGN = "https://elsewhere.example/metadata"


async def test_back_takes_the_facts_of_one_stage_earlier() -> None:
    """Design §2: going back is taking earlier facts; what came later is gone."""
    sender = ScriptedSender(honest())
    async with login_to(sender) as login:
        await run_to(login, Stage.REGISTRATION)
        login.back()
        assert at(login) is Stage.SERVER_METADATA
        assert login.facts.server_metadata is None
        await login.step()
        assert login.trace.records[-1].attempt == 2
        login.back(Stage.DETECTION)
        assert at(login) is Stage.DETECTION
        assert login.facts.issuer is None
        login.back()
        assert at(login) is Stage.DETECTION


async def test_going_back_to_an_untouched_authorization_keeps_its_verifier() -> None:
    """Only what was shown or sent is used up."""
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.AUTHORIZATION)
        state = login.facts.state
        login.back(Stage.AUTHORIZATION)
        assert login.facts.state == state


async def test_metadata_on_another_origin_is_asked_only_after_a_yes() -> None:
    """H014, PR-13: zero requests reach the foreign host before."""
    sender = ScriptedSender(_foreign())
    async with stopped_login(sender) as login:
        assert failed(login.trace.records[-1]) == "resource_metadata.location"
        assert not [line for line in sender.lines() if "elsewhere" in line]
        record = await login.override("resource_metadata.location")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert sender.count(f"GET {RESOURCE}") == 1
        await login.run_all()
        assert login.finished
        assert sender.count(f"GET {FOREIGN}") == 1


async def test_an_override_fetches_nothing_again() -> None:
    two = reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER, "https://other.example"]})
    sender = ScriptedSender(honest(metadata=two))
    async with stopped_login(sender) as login:
        assert failed(login.trace.records[-1]) == "resource_metadata.authorization_server"
        before = sender.lines()
        record = await login.override("resource_metadata.authorization_server")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert record.overridden == {"resource_metadata.authorization_server"}
        assert sender.lines() == before
        assert login.facts.issuer is not None
        assert login.facts.issuer.text == ISSUER


async def test_what_may_not_be_overridden_stands() -> None:
    """PR-5: a document for another resource is not used, whatever the person says."""
    other = reply(200, {"resource": "https://elsewhere.example/", "authorization_servers": [ISSUER]})
    sender = ScriptedSender(honest(metadata=other))
    async with stopped_login(sender) as login:
        name = failed(login.trace.records[-1])
        assert await login.override(name) is None
        assert await login.override("no.such.check") is None
        assert at(login) is Stage.RESOURCE_METADATA


@pytest.mark.parametrize("again", ["retry", "back_to", "use"])
async def test_an_approval_is_asked_for_anew_when_the_stage_is_run_anew(again: str) -> None:
    """H014: a yes is for one answer and not for the next."""
    sender = ScriptedSender(_foreign())
    async with stopped_login(sender) as login:
        await login.override("resource_metadata.location")
        if again == "retry":
            login.back()
            await login.retry()
        elif again == "back_to":
            login.back(Stage.DETECTION)
        else:
            login.use(replace(login.facts.options, method="GET"))
        sender.script[f"GET {RESOURCE}"] = _foreign()[f"GET {RESOURCE}"]  # type: ignore[index]
        await login.run_all()
        assert failed(login.trace.records[-1]) == "resource_metadata.location"
        assert sender.count(f"GET {FOREIGN}") == 0


@pytest.mark.parametrize("later", [{"scope": "other"}, {"resource": RESOURCE}, {"client_auth": "none"}])
@pytest.mark.parametrize("earlier", [{"dpop": True}, {"legacy_paths": True}, {"method": "GET"}])
def test_of_two_decisions_the_one_for_the_earlier_stage_leads_back(
    earlier: dict[str, Any], later: dict[str, Any]
) -> None:
    alone = first_changed(Options(), Options(**earlier))

    assert first_changed(Options(), Options(**earlier, **later)) is alone


async def test_a_code_stays_masked_when_the_answer_is_read_again() -> None:
    """CAPABILITY of override at the exchange: nothing is sent, and the code is still known to be secret."""
    token = reply(
        200,
        {
            "access_token": "access-canary-1",
            "token_type": "Bearer",
            "resource": "https://other.example/code-canary-1",
        },
    )
    sender = ScriptedSender(honest(token=token))
    async with stopped_login(sender) as login:
        assert failed(login.trace.records[-1]) == "token.resource"
        record = await login.override("token.resource")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert sender.count(TOKEN) == 1
        assert login.facts.tokens is not None


@pytest.mark.parametrize("turns", range(4))
async def test_a_stage_that_is_cancelled_at_once_says_so(turns: int) -> None:
    """Whichever turn of the loop the key falls into: its caller gets a record and is not cancelled."""
    async with login_to(ScriptedSender(honest(), before=lambda _: asyncio.Event().wait())) as login:
        running = asyncio.create_task(login.step())
        await until(lambda: login._task is not None)
        for _ in range(turns):
            await asyncio.sleep(0)
        await login.cancel()
        record = await running
        assert record.outcome is Outcome.CANCELLED
        assert at(login) is Stage.DETECTION
        assert login.running is None
        assert login.trace.records == (record,)


async def test_a_wait_that_is_cancelled_frees_the_port() -> None:
    """LB-3."""
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.AUTHORIZATION)
        port = port_of(login)
        running = asyncio.create_task(login.run_all())
        await until(lambda: login.wait.waiting)
        await login.cancel()
        assert (await running).records[-1].outcome is Outcome.CANCELLED
        assert is_free(port)
        assert not login.wait.waiting
        with pytest.raises(ValueError, match="awaited"):
            login.paste(Secret("?code=x&state=y"))


async def test_closing_a_login_frees_the_port_wherever_it_stands() -> None:
    """LB-3: a listener that was bound for the registration is not forgotten."""
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.PKCE)
        port = port_of(login)
        await login.aclose()
        assert is_free(port)
        await login.aclose()


@pytest.mark.parametrize("stage", [Stage.DETECTION, Stage.AUTHORIZATION])
async def test_who_is_cancelled_from_outside_is_cancelled(stage: Stage) -> None:
    """Ctrl-C and a closed screen go through; the record says cancelled all the same."""

    async def hold(_: Request) -> None:
        if stage is Stage.DETECTION:
            await asyncio.Event().wait()

    async with login_to(ScriptedSender(honest(), before=hold)) as login:
        await run_to(login, stage)
        running = asyncio.create_task(login.run_all())
        await until(lambda: login.running is stage and (stage is Stage.DETECTION or login.wait.waiting))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert login.trace.records[-1].outcome is Outcome.CANCELLED
        assert login.wait.listener is None
        assert login.running is None

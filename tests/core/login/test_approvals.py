"""A yes is for what was seen: one record, one check, one answer."""

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

import pytest

from authlens_core.login import stage_work
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
from authlens_core.login.stages import STAGES
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, WireFailure
from authlens_core.values.stage import GrantType
from support.driven_login import at, failed, login_to, run_to, stopped_login, until
from support.made_checks import failed as failed_check
from support.made_checks import passed
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    Answer,
    ScriptedSender,
    honest,
    reply,
    server_document,
)

SEVERAL = "resource_metadata.authorization_server"


def _named(*servers: str) -> Answer:
    return reply(200, {"resource": RESOURCE, "authorization_servers": list(servers)})


TWO = _named(ISSUER, "https://other.example")


async def test_a_new_attempt_asks_again_although_the_check_has_the_same_name() -> None:
    """H014, H034: the yes was for two servers; another pair is another question."""
    changed = _named("https://evil.example", "https://other.example")
    sender = ScriptedSender(honest(metadata=[TWO, changed]))
    async with stopped_login(sender) as login:
        record = await login.override(SEVERAL)
        assert record is not None
        assert record.outcome is Outcome.PASSED
        login.back()
        assert at(login) is Stage.RESOURCE_METADATA
        again = await login.step()
        assert failed(again) == SEVERAL
        assert "evil.example" in again.failures[0].seen
        assert again.overridden == frozenset()


async def test_an_approval_that_was_not_enough_is_not_kept_for_the_next_attempt() -> None:
    """H014: two checks fail; the yes to one of them does not outlive the record it was given for."""
    issuer, elsewhere = "https://as.example", "https://elsewhere.example/register"
    both = server_document(issuer, registration_endpoint=elsewhere, response_types_supported=["token"])
    sender = ScriptedSender(honest(server=reply(200, both)))
    async with stopped_login(sender) as login:
        names = {c.name for c in login.trace.records[-1].failures if c.overridable}
        assert len(names) == 2
        first, second = sorted(names)
        record = await login.override(first)
        assert record is not None
        assert record.outcome is Outcome.FAILED
        assert [c.name for c in record.failures] == [second]
        again = await login.step()
        assert {c.name for c in again.failures} == names
        assert again.overridden == frozenset()


async def test_both_approvals_together_are_enough() -> None:
    both = server_document(
        registration_endpoint="https://elsewhere.example/register", response_types_supported=["token"]
    )
    sender = ScriptedSender(honest(server=reply(200, both)))
    async with stopped_login(sender) as login:
        for check in login.trace.records[-1].failures:
            record = await login.override(check.name)
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert sender.count(f"GET {ISSUER}/.well-known/oauth-authorization-server") == 1


@pytest.mark.parametrize(
    "newest",
    [
        _named(ISSUER),
        reply(200, {"resource": "https://evil.example/", "authorization_servers": [ISSUER]}),
        WireFailure(FailureKind.TIMEOUT, "late"),
    ],
)
async def test_only_the_newest_record_can_be_overridden(newest: Answer) -> None:
    """A check of an attempt that is over says nothing about the answer that came after it."""
    sender = ScriptedSender(honest(metadata=[TWO, newest]))
    async with stopped_login(sender) as login:
        assert failed(login.trace.records[-1]) == SEVERAL
        await login.step()
        before = login.trace
        assert await login.override(SEVERAL) is None
        assert login.trace == before


async def test_after_an_attempt_that_was_stopped_the_one_before_cannot_be_overridden() -> None:
    """Its answer is on the screen no more, and the stopped one showed none."""
    gate = asyncio.Event()
    sender = ScriptedSender(honest(metadata=TWO))
    async with stopped_login(sender) as login:
        sender.before = lambda _: gate.wait()
        again = asyncio.create_task(login.step())
        await until(lambda: sender.count(f"GET {METADATA}") == 2)
        await login.cancel()
        assert (await again).outcome is Outcome.CANCELLED
        assert at(login) is Stage.RESOURCE_METADATA
        assert await login.override(SEVERAL) is None


async def test_a_record_of_a_stage_that_is_not_the_next_one_cannot_be_overridden() -> None:
    """Who has gone back has not seen what this stage will answer now."""
    sender = ScriptedSender(honest(metadata=TWO))
    async with login_to(sender) as login:
        assert await login.override(SEVERAL) is None
        await login.run_all()
        login.back()
        assert await login.override(SEVERAL) is None
        assert at(login) is Stage.DETECTION


async def test_an_approval_does_not_reach_the_next_stage() -> None:
    sender = ScriptedSender(honest(metadata=TWO))
    async with stopped_login(sender) as login:
        await login.override(SEVERAL)
        record = await login.step()
        assert record.stage is Stage.SERVER_METADATA
        assert record.overridden == frozenset()


class HoldsBack:
    """A resource metadata stage that sends its request only after a yes."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        if sent or "stage.may_send" not in facts.approved:
            return None
        return PlannedRequest(Request("GET", METADATA), Purpose.RESOURCE_METADATA)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Fail until there is an answer."""
        asked = failed_check("stage.may_send", "a yes", "none", overridable=True)
        if not exchanges:
            return StageResult(facts, (asked,))
        return StageResult(facts, (asked, passed("stage.answered", "an answer", "one")))


async def test_a_yes_to_a_request_that_was_held_back_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """H014: nothing was sent before the question, and one request is sent after it."""
    code = GrantType.AUTHORIZATION_CODE
    stages = MappingProxyType({**STAGES[code], Stage.RESOURCE_METADATA: HoldsBack()})
    monkeypatch.setattr(stage_work, "STAGES", MappingProxyType({**STAGES, code: stages}))
    sender = ScriptedSender(honest())
    async with login_to(sender) as login:
        await run_to(login, Stage.RESOURCE_METADATA)
        record = await login.step()
        assert failed(record) == "stage.may_send"
        assert record.exchanges == ()
        assert sender.count(f"GET {METADATA}") == 0
        approved = await login.override("stage.may_send")
        assert approved is not None
        assert approved.outcome is Outcome.PASSED
        assert approved.overridden == {"stage.may_send"}
        assert [e.purpose for e in approved.exchanges] == [Purpose.RESOURCE_METADATA]
        assert sender.count(f"GET {METADATA}") == 1


async def test_what_was_approved_stands_in_the_record_and_in_no_later_facts() -> None:
    """The record says on what authority the login went on; the facts begin each stage without."""
    async with stopped_login(ScriptedSender(honest(metadata=TWO))) as login:
        record = await login.override(SEVERAL)
        assert record is not None
        assert record.overridden == {SEVERAL}
        await run_to(login, Stage.REGISTRATION)
        assert "approved" in login.facts.__struct_fields__
        assert login.facts.approved == frozenset()

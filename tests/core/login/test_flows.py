"""A login runs the stages of its flow, whatever they are, and says on each record which flow it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from authlens_core.login import stage_work
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest
from authlens_core.login.stages import STAGES
from authlens_core.login.stages.exchange_stage import ExchangeStage
from authlens_core.trace import flow as flow_module
from authlens_core.trace.flow import FLOWS
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body
from authlens_core.values.stage import GrantType, UserPart
from support.driven_login import login_to, run_to
from support.scripted_login import ISSUER, ScriptedSender, honest

_STAGES = (
    Stage.DETECTION,
    Stage.RESOURCE_METADATA,
    Stage.SERVER_METADATA,
    Stage.REGISTRATION,
    Stage.EXCHANGE,
    Stage.ACCESS,
)


class _MachineExchange(ExchangeStage):
    """Asks once, with what a program has of its own."""

    def token_request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        if sent or facts.token_endpoint is None:
            return None
        body = Body(b"grant_type=client_credentials")
        return PlannedRequest(Request("POST", facts.token_endpoint.text, Headers(), body), Purpose.TOKEN)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> GrantType:
    """Have the device grant be one without a user: no PKCE, no authorization, six stages."""
    grant_type = GrantType.DEVICE_CODE
    flow = replace(
        FLOWS[grant_type],
        stages=_STAGES,
        user_part=UserPart.NOTHING,
        starts_over=None,
        single_use=frozenset(),
        extra_grant_types=(),
    )
    work = {stage: STAGES[grant_type][stage] for stage in _STAGES}
    work[Stage.EXCHANGE] = _MachineExchange()
    monkeypatch.setattr(flow_module, "FLOWS", {**FLOWS, grant_type: flow})
    monkeypatch.setattr(stage_work, "STAGES", {**STAGES, grant_type: work})
    return grant_type


async def test_a_flow_without_a_user_runs_its_own_stages_to_the_end(machine: GrantType) -> None:
    sender = ScriptedSender(honest())
    async with login_to(sender, options=Options(port=0, grant_type=machine, issuer=ISSUER)) as login:
        trace = await login.run_all()
        assert [(record.stage, record.outcome) for record in trace.records] == [
            (stage, Outcome.PASSED) for stage in _STAGES
        ]
        assert login.finished
        assert {record.grant_type for record in trace.records} == {machine}
        assert login.flow.number(Stage.ACCESS) == len(_STAGES)


async def test_a_stage_that_uses_nothing_up_is_tried_again_as_it_is(machine: GrantType) -> None:
    async with login_to(
        ScriptedSender(honest()), options=Options(port=0, grant_type=machine, issuer=ISSUER)
    ) as login:
        await run_to(login, Stage.EXCHANGE)
        await login.retry()
        assert login.position is Stage.EXCHANGE


async def test_another_flow_goes_on_where_its_stages_differ(machine: GrantType) -> None:
    async with login_to(
        ScriptedSender(honest()), options=Options(port=0, grant_type=machine, issuer=ISSUER)
    ) as login:
        await run_to(login, Stage.EXCHANGE)
        login.use(replace(login.facts.options, grant_type=GrantType.AUTHORIZATION_CODE))
        before = login.position
        await run_to(login, Stage.PKCE)
        assert before is Stage.REGISTRATION
        assert login.trace.grant_type is GrantType.AUTHORIZATION_CODE

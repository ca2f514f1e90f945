"""A way to log in as a value: whole for every grant type, and in one order with the others."""

from __future__ import annotations

import pytest

from authlens_core.login.stages import STAGES
from authlens_core.trace.flow import AUTHORIZATION_CODE, FLOWS, Flow, flow_of
from authlens_core.values.stage import GrantType, Stage


@pytest.mark.parametrize("grant_type", GrantType)
def test_every_grant_type_has_a_flow_whose_stages_are_all_done_and_explained(grant_type: GrantType) -> None:
    flow = FLOWS[grant_type]
    assert flow.grant_type is grant_type
    assert set(STAGES[grant_type]) == set(flow.stages)
    for stage in flow.stages:
        assert flow.info(stage).title
        assert flow.lesson(stage).why


@pytest.mark.parametrize("flow", FLOWS.values(), ids=lambda flow: flow.grant_type.name)
def test_a_flow_with_a_user_starts_over_before_what_it_uses_up(flow: Flow) -> None:
    if not flow.is_by_program:
        assert flow.starts_over is not None
        assert all(flow.place(flow.starts_over) < flow.place(stage) for stage in flow.single_use)


def test_a_stage_that_a_flow_does_not_have_still_has_a_place_in_it() -> None:
    assert AUTHORIZATION_CODE.place(None) == len(AUTHORIZATION_CODE.stages)
    assert AUTHORIZATION_CODE.place(Stage.REFRESH) == len(AUTHORIZATION_CODE.stages)


def test_a_record_that_names_no_grant_type_is_told_as_a_login_with_a_code() -> None:
    assert flow_of(None) is AUTHORIZATION_CODE

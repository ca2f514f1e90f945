"""Facts as text, and a way to log in as a value."""

from datetime import UTC, datetime, timedelta

import pytest

from authlens_core.login.stages import STAGES
from authlens_core.trace.fact import Fact, FactValue, fact_text
from authlens_core.trace.flow import AUTHORIZATION_CODE, FLOWS, Flow, flow_of
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType, Stage

SECRET = Secret("canary-7f3a9b51c2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("bearer", "bearer"),
        (60, "60"),
        (timedelta(minutes=1), "60 s"),
        (datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "2026-01-02 03:04:05+00:00"),
        (("authorization_code", "refresh_token"), "authorization_code refresh_token"),
        (SECRET, SECRET.masked),
    ],
)
def test_a_value_is_told_as_its_specification_writes_it(value: FactValue, text: str) -> None:
    assert fact_text(Fact("name", value)) == text


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
        assert all(flow.position(flow.starts_over) < flow.position(stage) for stage in flow.single_use)


def test_a_stage_that_a_flow_does_not_have_still_has_a_place_in_it() -> None:
    assert AUTHORIZATION_CODE.position(None) == len(AUTHORIZATION_CODE.stages)
    assert AUTHORIZATION_CODE.position(Stage.REFRESH) == len(AUTHORIZATION_CODE.stages)


def test_a_record_that_names_no_grant_type_is_told_as_a_login_with_a_code() -> None:
    assert flow_of(None) is AUTHORIZATION_CODE

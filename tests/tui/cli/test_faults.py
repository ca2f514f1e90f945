"""The faults of each profile are listed and chosen by name."""

import pytest

from authlens_core.values.errors import UsageError
from authlens_lab.emulator import Fault, Profile
from authlens_tui.cli.emulator import chosen_faults
from authlens_tui.cli.learn import chosen_drills


def test_the_list_of_a_profile_names_its_faults_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen_faults(Profile.GENERIC, ["list"]) is None
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [fault.value for fault in Fault if Profile.GENERIC in fault.profiles]
    assert "get-404" not in listed


def test_a_typing_error_is_answered_with_the_nearest_fault_of_the_profile() -> None:
    with pytest.raises(UsageError) as refused:
        chosen_faults(Profile.MCP, ["get-40"])
    assert "Did you mean get-404?" in str(refused.value.cure)
    assert "authlens emulator --profile mcp --fault list" in str(refused.value.cure)


def test_faults_are_chosen_by_name() -> None:
    assert chosen_faults(Profile.MCP, ["step-up"]) == (Fault.STEP_UP,)
    assert chosen_faults(Profile.ACCESS, ["public"]) == (Fault.PUBLIC,)


def test_a_scenario_on_another_server_stands_alone() -> None:
    with pytest.raises(UsageError, match="cannot be combined"):
        chosen_drills(["public", "step-up"])


def test_an_unknown_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        chosen_drills(["device-cod"])
    assert "Did you mean device-code?" in str(refused.value.cure)

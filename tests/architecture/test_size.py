"""The house weighs no more than its budget, and a budget follows what has become lighter."""

import pytest

import size

NOW = size.measure()
BUDGET = size.budget()
PARTS = [(table, part) for table, sizes in NOW.items() for part in sizes]


@pytest.mark.parametrize(("table", "part"), PARTS, ids=" ".join)
def test_nothing_is_above_its_budget_or_far_below_it(table: str, part: str) -> None:
    now, most = NOW[table][part], BUDGET[table][part]
    assert now <= most, f"{now - most} too many: make it smaller, or raise its line in size.toml and say why"
    assert now >= 0.97 * most, "it has become lighter: run python scripts/size.py --write"


def test_every_budget_is_for_a_part_that_is_there() -> None:
    budgets = {(table, part) for table, sizes in BUDGET.items() for part in sizes}
    assert budgets == set(PARTS), "run python scripts/size.py --write"


def test_a_budget_goes_down_alone() -> None:
    now = {"nodes": {"grown": 120, "lighter": 50, "new": 200}}
    before = {"nodes": {"grown": 100, "lighter": 100, "gone": 10}}
    lines = size.lowered(now, before).splitlines()
    assert [line for line in lines if "=" in line] == ['"grown" = 100', '"lighter" = 50', '"new" = 202']

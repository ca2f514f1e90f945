"""The breakages of scripts/mutations.py fit the source; whether they are noticed, the script itself says."""

import pytest

import mutations


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda one: one.name)
def test_the_guard_is_where_the_script_breaks_it(mutation: mutations.Mutation) -> None:
    source = (mutations.ROOT / mutation.path).read_text("utf-8")
    path, _, name = mutation.test.partition("::")
    tests = (mutations.ROOT / path).read_text("utf-8")

    assert source.count(mutation.before) == 1, f"mend `before` of {mutation.name} in scripts/mutations.py"
    assert f"def {name}(" in tests, f"name the test that notices {mutation.name} in scripts/mutations.py"


def test_each_guard_has_a_name_of_its_own() -> None:
    assert len({one.name for one in mutations.MUTATIONS}) == len(mutations.MUTATIONS)

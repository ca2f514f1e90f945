"""docs/internals/conformance.md is complete and true."""

from itertools import chain

import pytest

import conformance

pytestmark = pytest.mark.xdist_group("conformance")  # the tests are read once

ROWS = tuple(chain.from_iterable(conformance.requirements().values()))
CASES = tuple(chain.from_iterable(conformance.cases().values()))


def test_each_requirement_is_named_by_a_test_or_says_why_not() -> None:
    assert len(ROWS) > 150, "the walk found too little to prove anything"

    silent = [row.name for row in ROWS if row.name not in conformance.mentions() and not row.untested]
    assert silent == [], (
        "name each in the docstring of its test, or add `untested` to docs/internals/requirements.toml"
    )


def test_each_hostile_case_is_named_by_a_test_or_says_why_not() -> None:
    assert len(CASES) > 130, "the walk found too little to prove anything"

    silent = [case.name for case in CASES if case.name not in conformance.mentions() and not case.untested]
    assert silent == [], (
        "name each in the docstring of its test, or add `untested` to docs/internals/hostile.toml"
    )


def test_no_row_that_a_test_names_claims_to_be_untested() -> None:
    untested = [row.name for row in ROWS if row.untested] + [case.name for case in CASES if case.untested]

    tested = [name for name in untested if name in conformance.mentions()]
    assert tested == [], (
        "take `untested` off these rows in docs/internals/requirements.toml or docs/internals/hostile.toml"
    )


def test_no_test_names_an_identifier_that_the_pages_do_not_have() -> None:
    known = {row.name for row in ROWS} | {case.name for case in CASES}

    unknown = {name: tests for name, tests in conformance.mentions().items() if name not in known}
    assert unknown == {}, "add a row to docs/internals/requirements.toml or docs/internals/hostile.toml"

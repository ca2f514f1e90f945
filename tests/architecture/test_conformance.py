"""docs/conformance.md is complete, true, and as the script writes it."""

from __future__ import annotations

from itertools import chain

import pytest

import conformance

pytestmark = pytest.mark.xdist_group("conformance")  # the tests are read once

ROWS = tuple(chain.from_iterable(conformance.requirements().values()))
CASES = tuple(chain.from_iterable(conformance.cases().values()))


@pytest.mark.parametrize("name", ["conformance.md", "hostile-servers.md"])
def test_the_page_is_what_the_script_writes(name: str) -> None:
    path = conformance.DOCS / name

    assert path.read_text("utf-8") == conformance.pages()[path], "run python scripts/conformance.py"


def test_each_requirement_is_named_by_a_test_or_says_why_not() -> None:
    assert len(ROWS) > 150, "the walk found too little to prove anything"

    assert [row.name for row in ROWS if row.name not in conformance.mentions() and not row.untested] == []


def test_each_hostile_case_is_named_by_a_test_or_says_why_not() -> None:
    assert len(CASES) > 130, "the walk found too little to prove anything"

    assert [
        case.name for case in CASES if case.name not in conformance.mentions() and not case.untested
    ] == []


def test_no_row_that_a_test_names_claims_to_be_untested() -> None:
    untested = [row.name for row in ROWS if row.untested] + [case.name for case in CASES if case.untested]

    assert [name for name in untested if name in conformance.mentions()] == []


def test_no_test_names_an_identifier_that_the_pages_do_not_have() -> None:
    known = {row.name for row in ROWS} | {case.name for case in CASES}

    assert {name: found for name, found in conformance.mentions().items() if name not in known} == {}

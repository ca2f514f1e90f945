"""Decisions go by values: enums, codes and types, never by text that is made for display."""

from __future__ import annotations

import ast

import pytest

from authlens_core.values.check import CheckId
from support.displayed_text import decisions
from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")


@pytest.mark.parametrize(
    "code",
    [
        'f"It failed: {check.seen}"',
        "say(error.cause, error.cure)",
        "line(reason.cause if reason else '')",
        "if check.cure: show(check.cure)",
        'words = " ".join((check.why, check.cure)).strip()',
        'expected = check.expected.rstrip(".")',
        'check.cure == ""',
        "first = answer.evidence[0]",
        "self.note.update(text)",
        'check.error_code == "invalid_client"',
        "exchange.purpose is Purpose.REFRESH",
    ],
)
def test_text_may_be_shown(code: str) -> None:
    assert list(decisions(ast.parse(code))) == []


@pytest.mark.parametrize(
    "code",
    [
        '"invalid_client" in check.seen',
        '"redirect" in check.seen.lower()',
        'fact.note == "new"',
        "check.seen == other.seen",
        "failure.cause in told.cause",
        'result.summary.removeprefix("refresh ")',
        "check.cure[:4]",
        'pattern.search(reason.cure, "x")',
        "def shown(check):\n    text = safe_line(check.seen)\n    return text.isdigit()",
    ],
)
def test_text_must_not_decide(code: str) -> None:
    assert list(decisions(ast.parse(code))) != []


def test_no_decision_is_made_by_displayed_text() -> None:
    lines = [f"{source.name}:{line}" for source in sources_of_product() for line in decisions(source.tree)]
    assert lines == [], (
        "text that is made for people decides here; decide by a value instead, such as the name (CheckId), "
        "the severity or the error_code of a check, or the name and options of a diagnosis"
    )


def test_a_check_that_decides_something_is_named_by_its_identifier() -> None:
    """The text of an identifier is written once, in `values/check.py`; the emulator shares none of it."""
    identifiers = {identifier.value for identifier in CheckId}
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources_of_product()
        if not source.name.endswith("values/check.py") and "/emulator/" not in source.name
        for node in source.nodes
        if isinstance(node, ast.Constant) and node.value in identifiers
    ]
    assert found == []


def test_screens_reach_the_app_by_a_typed_getter() -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources_of_product()
        for node in source.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[0], ast.Attribute)
        and node.args[0].attr == "app"
    ]
    assert found == []

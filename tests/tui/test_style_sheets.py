"""Style sheets: each rule is scoped to a screen or widget of ours, so that none leaks to another screen."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import textual.widgets
from textual.css.model import SelectorType
from textual.css.parse import parse

import authlens_tui

pytestmark = pytest.mark.xdist_group("style sheets")  # the classes are read once

ROOT: Final = Path(authlens_tui.__path__[0])
SHEETS: Final = sorted(ROOT.rglob("*.tcss"))
APP_WIDE: Final = {"Screen", "Toast", "ToastRack", "CommandPalette", "DataTable", "OptionList", "Tabs"}
"""Widgets of Textual that `app.tcss` styles on every screen."""


@cache
def our_classes() -> frozenset[str]:
    """Return the names of all classes of the package, but those that every screen has from Textual."""
    return frozenset(
        node.name
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not hasattr(textual.widgets, node.name)
    )


def outermost(sheet: str) -> Iterator[tuple[SelectorType, str]]:
    for rule in parse("", re.sub(r"\$[\w-]+", "#ffffff", sheet), ("sheet", "")):
        for selectors in rule.selector_set:
            yield selectors.selectors[0].type, selectors.selectors[0].name


@pytest.mark.parametrize(
    "sheet", ["#result { height: 1; }", ".modal-box { height: 1; }", "Static { height: 1; }"]
)
def test_a_rule_that_would_reach_other_screens_is_noticed(sheet: str) -> None:
    """The scan can fail: a bare id, a bare class, a type of Textual."""
    ours = our_classes()
    assert [one for one in outermost(sheet) if one[0] is not SelectorType.TYPE or one[1] not in ours]


def test_there_are_style_sheets() -> None:
    """Otherwise the next test holds nothing."""
    assert len(SHEETS) > 5


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_each_rule_starts_with_a_screen_or_widget_of_ours(path: Path) -> None:
    """A rule for a bare id, class or Textual type styles whatever another screen calls so."""
    allowed = our_classes() | (APP_WIDE if path.name == "app.tcss" else set())
    found = list(outermost(path.read_text("utf-8")))
    assert found
    assert [name for kind, name in found if kind is not SelectorType.TYPE or name not in allowed] == []

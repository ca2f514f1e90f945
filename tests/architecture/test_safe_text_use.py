"""What mypy cannot say about text that is shown, held over the whole tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

SHOWING = {"Static", "Label", "Button", "Option", "Checkbox", "RadioButton"}


def calls(package: str = "") -> Iterator[tuple[str, str, ast.Call]]:
    """Yield each call in the product, or in a package: its file, the name of what it calls, and the call."""
    for source in sources_of_product():
        for node in source.nodes if source.name.startswith(package) else ():
            if isinstance(node, ast.Call):
                called = node.func
                name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                yield source.name, name, node


def test_only_one_module_makes_safe_text() -> None:
    """A cast elsewhere would claim a safety that nobody checked."""
    made = {path for path, name, _ in calls() if name == "SafeText"}
    assert made == {"authlens_core/values/safe_text.py"}, "call safe_text() or safe_line()"


def test_widgets_of_textual_get_content_and_no_string() -> None:
    """Textual reads a string as markup; `Content` is text, made safe."""
    seen = [(path, node) for path, name, node in calls("authlens_tui/") if name in SHOWING and node.args]
    assert len(seen) > 20
    strings = [
        f"{path}:{node.lineno}"
        for path, node in seen
        if isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert strings == [], "write Content(text), of authlens_tui.terminal.content"

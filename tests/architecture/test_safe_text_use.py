"""What mypy cannot say about text that is shown, held over the whole tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHOWING = {"Static", "Label", "Button", "Option", "Checkbox", "RadioButton"}


def calls(*folders: str) -> Iterator[tuple[Path, str, ast.Call]]:
    """Yield every call in the product with the name of what it calls."""
    for path in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                yield path.relative_to(ROOT), name, node


def test_only_one_module_makes_safe_text() -> None:
    """A cast elsewhere would claim a safety that nobody checked."""
    made = {str(path) for path, name, _ in calls("core", "tui") if name == "SafeText"}
    assert made == {"core/authlens_core/safe_text.py"}


def test_limits_of_safe_text_have_names() -> None:
    """A number at the place of use says nothing about why it is enough."""
    seen = [(path, node) for path, name, node in calls("core", "tui") if name in ("safe_line", "safe_text")]
    assert len(seen) > 10
    literal = [
        f"{path}:{node.lineno}" for path, node in seen for a in node.args[1:] if isinstance(a, ast.Constant)
    ]
    assert literal == []


def test_widgets_of_textual_get_content_and_no_string() -> None:
    """Textual reads a string as markup; `Content` is text, made safe."""
    seen = [(path, node) for path, name, node in calls("tui") if name in SHOWING and node.args]
    assert len(seen) > 20
    strings = [
        f"{path}:{node.lineno}"
        for path, node in seen
        if isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert strings == []

"""What mypy cannot say about text that is shown, held over the whole tree."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import asdict

from authlens_core.credentials.lifecycle.action_result import ActionOutcome, ActionResult
from authlens_core.desk.doctor import Finding
from authlens_core.values.check import Diagnosis, Severity
from authlens_core.values.errors import UsageError
from authlens_core.values.exchange import FailureKind, WireFailure
from support.made_checks import failed
from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

HOSTILE = "red \x1b[31m text"
SHOWING = {"Static", "Label", "Button", "Option", "Checkbox", "RadioButton"}


def calls(package: str = "") -> Iterator[tuple[str, str, ast.Call]]:
    """Yield each call in the product, or in a package: its file, the name of what it calls, and the call."""
    for source in sources_of_product():
        for node in source.nodes if source.name.startswith(package) else ():
            if isinstance(node, ast.Call):
                called = node.func
                name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                yield source.name, name, node


@pytest.mark.parametrize(
    "value",
    [
        failed("a.b", HOSTILE, HOSTILE, why=HOSTILE, cure=HOSTILE, error_code=HOSTILE, host=HOSTILE),
        Diagnosis("name", HOSTILE, HOSTILE, (HOSTILE,)),
        WireFailure(FailureKind.CONNECT, HOSTILE, HOSTILE),
        Finding(Severity.FAILURE, HOSTILE, HOSTILE),
        ActionResult(outcome=ActionOutcome.DONE, summary=HOSTILE, cure=HOSTILE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_carry_sentences_make_them_safe(value: object) -> None:
    assert "\x1b" not in "".join(text for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    for content in asdict(value).values():
        yield from content if isinstance(content, tuple) else [content] if isinstance(content, str) else []


def test_errors_make_their_sentences_safe() -> None:
    assert "\x1b" not in str(UsageError(HOSTILE, HOSTILE))


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

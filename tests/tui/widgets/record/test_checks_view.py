"""The Checks tab: a failure and its cause are told once."""

from __future__ import annotations

from authlens_core.values.check import Diagnosis
from authlens_tui.widgets.record.checks_view import check_lines
from support.made_checks import failed, passed

CHECK = failed("token.status", "status 200", "400 invalid_grant", why="No tokens.", cure="Try again.")
CAUSE = Diagnosis("used_code", "The code was used before.", "Start again.", evidence=("HTTP/1.1 400",))


def _text(*lines: object) -> str:
    return "\n".join(getattr(one, "text", "") for one in lines)


def test_the_cause_stands_in_the_failed_check_and_not_beside_it() -> None:
    text = _text(*check_lines((CHECK, passed("token.json", "JSON", "JSON")), (), CAUSE))
    assert text.count("The code was used before.") == 1
    assert text.count("400") == 1
    assert "Try again." not in text
    assert text.index("status 200") < text.index("The code was used before.") < text.index("Start again.")


def test_a_failure_that_was_overridden_is_shown_as_it_is() -> None:
    text = _text(*check_lines((CHECK,), (CHECK.name,)))
    assert "400 invalid_grant" in text
    assert "You continued despite this." in text


def test_a_cause_without_a_failed_check_is_shown_too() -> None:
    text = _text(*check_lines((passed("token.json", "JSON", "JSON"),), (), CAUSE))
    assert "The code was used before." in text

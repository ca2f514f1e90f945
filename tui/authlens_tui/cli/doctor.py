"""`authlens doctor`: what a login depends on here, what is found, and what to do."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import AsyncIterator
from typing import Final

from authlens_core.doctor.examination import examine
from authlens_core.doctor.finding import Finding, exit_code
from authlens_core.oauth.check import Severity
from authlens_tui.cli.terminal.output import answer_json, answer_line
from authlens_tui.cli.terminal.own_terminal import look_at_browser, look_at_terminal
from authlens_tui.cli.terminal.plain import is_plain

# Sign and word of each severity.
_LOOKS: Final = {
    Severity.PASS: ("✔", "OK"),
    Severity.NOTICE: ("i", "note"),
    Severity.WARNING: ("!", "warning"),
    Severity.FAILURE: ("✖", "failed"),
}
_COLUMN: Final = 13  # cells


async def doctor(arguments: Namespace) -> int:
    """Show each finding as soon as it is there; return 0, or 9 or 2 where a login cannot be done."""
    findings = []
    async for finding in _all():
        findings.append(finding)
        if not arguments.json:
            _show(len(findings), finding)
    code = exit_code(findings)
    if arguments.json:
        answer_json({"exit_code": code, "findings": [_as_json(finding) for finding in findings]})
    return code


def _show(number: int, finding: Finding) -> None:
    sign, word = _LOOKS[finding.severity]
    if is_plain():
        answer_line(f"{number}. {finding.topic}, {word}: {finding.found}")
    else:
        answer_line(f"{sign} {finding.topic:<{_COLUMN}}{finding.found}")
    if finding.cure:
        answer_line(f"  {'' if is_plain() else ' ' * _COLUMN}→ {finding.cure}")


async def _all() -> AsyncIterator[Finding]:
    async for finding in examine(os.environ):
        yield finding
    # These two are questions to the terminal, which core knows nothing of.
    yield await look_at_browser(os.environ)
    yield look_at_terminal(os.environ)


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "topic": finding.topic,
        "severity": finding.severity.value,
        "found": finding.found,
        "cure": finding.cure,
    }

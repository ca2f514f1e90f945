"""`authlens doctor`: what a login depends on here, its state, and what to do."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from typing import Final

from msgspec.structs import replace

from authlens_core.desk.doctor import Finding, Severity, examine, exit_code
from authlens_core.values.fix import step
from authlens_tui.cli.full_screen import why_no_full_screen
from authlens_tui.cli.terminal.abilities import locale_setting
from authlens_tui.cli.terminal.flags import is_plain
from authlens_tui.cli.terminal.output import answer_json, answer_line, fix_as_json
from authlens_tui.terminal.browser import browser_name, why_no_browser

# Sign and word of each severity.
_LOOKS: Final = {
    Severity.PASS: ("✔", "OK"),
    Severity.NOTICE: ("i", "note"),
    Severity.WARNING: ("!", "warning"),
    Severity.FAILURE: ("✖", "failed"),
}
_COLUMN: Final = 13  # cells
_ENOUGH: Final = (80, 24)  # columns and lines of the terminal
_AROUND: Final = (("TMUX", " in tmux"), ("STY", " in screen"))


async def doctor(arguments: Namespace) -> int:
    """Show each finding as it comes; return 0, or 9 or 2 if a login is impossible."""
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
        answer_line(f"{number}. {finding.topic}, {word}: {finding.words}")
    else:
        answer_line(f"{sign} {finding.topic:<{_COLUMN}}{finding.words}")
    if finding.cure:
        answer_line(f"  {'' if is_plain() else ' ' * _COLUMN}→ {finding.cure}")


async def _all() -> AsyncIterator[Finding]:
    async for finding in examine(os.environ):
        yield finding
    # These two are questions to the terminal, which core knows nothing of.
    yield replace(await look_at_browser(os.environ), topic="browser")
    yield replace(look_at_terminal(os.environ), topic="terminal")


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "topic": finding.topic,
        "severity": finding.severity.value,
        "found": finding.words,
        **fix_as_json(finding.cure),
    }


async def look_at_browser(environ: Mapping[str, str]) -> Finding:
    """Say which browser a login would open; none is opened."""
    why = why_no_browser(environ)
    if why is not None:
        cure = "Open the login link on any machine; you can copy it."
        return Finding(Severity.NOTICE, f"authlens opens no browser here: {why}.", cure)
    name = await asyncio.to_thread(browser_name, environ)
    if name is None:
        cure = "Set BROWSER, or open the login link yourself."
        return Finding(Severity.WARNING, "No browser with a window was found.", cure)
    return Finding(Severity.PASS, f"{name} opens the link of a login.")


def look_at_terminal(environ: Mapping[str, str]) -> Finding:
    """Say whether the full screen can be shown here, and with which colours, size and encoding."""
    why = why_no_full_screen()
    if why is not None:
        return Finding(Severity.WARNING, why, step("Without the full screen", "authlens login URL"))
    from authlens_tui.terminal.themes import SIXTEEN, theme_for

    size = os.get_terminal_size(sys.stderr.fileno())
    colours = "sixteen colours" if theme_for(environ) is SIXTEEN else "all colours"
    if environ.get("NO_COLOR"):
        colours = "no colours (NO_COLOR)"
    inside = next((name for variable, name in _AROUND if environ.get(variable)), "")
    kind = environ.get("TERM", "") or "no TERM"
    default = "" if any(locale_setting()) else ", the default without a locale"
    sentence = f"{kind}{inside}, {size.columns}×{size.lines}, {colours}, {sys.stderr.encoding}{default}."
    if size.columns < _ENOUGH[0] or size.lines < _ENOUGH[1]:
        cure = f"{_ENOUGH[0]}×{_ENOUGH[1]} or larger is best; smaller works."
        return Finding(Severity.NOTICE, sentence, cure)
    return Finding(Severity.PASS, sentence)

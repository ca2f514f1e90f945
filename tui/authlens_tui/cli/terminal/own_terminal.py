"""What is known of the terminal that authlens runs in, and of the browser beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from authlens_core.callback.own_screen import why_no_browser
from authlens_core.doctor.finding import Finding
from authlens_core.oauth.check import Severity
from authlens_tui.cli.full_screen import why_no_full_screen
from authlens_tui.cli.terminal.charset import locale_setting
from authlens_tui.terminal.browser import browser_name

_ENOUGH = (80, 24)


async def look_at_browser(environ: Mapping[str, str]) -> Finding:
    """Say which browser a login would open; none is opened."""
    topic = "browser"
    why = why_no_browser(environ)
    if why is not None:
        cure = "Open the login link on any machine; you can copy it."
        return Finding(topic, Severity.NOTICE, f"authlens opens no browser here: {why}.", cure)
    name = await asyncio.to_thread(browser_name, environ)
    if name is None:
        cure = "Set BROWSER, or open the login link yourself."
        return Finding(topic, Severity.WARNING, "No browser with a window was found.", cure)
    return Finding(topic, Severity.PASS, f"{name} opens the link of a login.")


def look_at_terminal(environ: Mapping[str, str]) -> Finding:
    """Say whether the full screen can be shown here, and with which colours, size and encoding."""
    topic = "terminal"
    why = why_no_full_screen()
    if why is not None:
        return Finding(topic, Severity.WARNING, why, "Without the full screen: authlens login URL")
    from authlens_tui.terminal.themes import SIXTEEN, theme_for

    size = os.get_terminal_size(sys.stderr.fileno())
    colours = "sixteen colours" if theme_for(environ) is SIXTEEN else "all colours"
    if environ.get("NO_COLOR"):
        colours = "no colours (NO_COLOR)"
    inside = next((name for variable, name in _AROUND if environ.get(variable)), "")
    kind = environ.get("TERM", "") or "no TERM"
    said = "" if any(locale_setting()) else ", the default without a locale"
    words = f"{kind}{inside}, {size.columns}×{size.lines}, {colours}, {sys.stderr.encoding}{said}."
    if size.columns < _ENOUGH[0] or size.lines < _ENOUGH[1]:
        cure = f"{_ENOUGH[0]}×{_ENOUGH[1]} or larger is best; smaller works."
        return Finding(topic, Severity.NOTICE, words, cure)
    return Finding(topic, Severity.PASS, words)


_AROUND = (("TMUX", " in tmux"), ("STY", " in screen"))

"""Opening the link in a browser: only when it is sensible, never over our screen.

The standard library chooses the browser and honours BROWSER; it runs in a process of its own with no
terminal, because some openers print, some wait, and some are text browsers that would take the terminal.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from authlens_core.values.secret import for_children
from authlens_core.values.url import usable_url
from authlens_core.values.user_screen import UserScreen

# They would run in this terminal, over the screen.
_TEXT_BROWSERS: Final = frozenset({"w3m", "lynx", "links", "elinks", "www-browser", "browsh", "links2"})
# Runs in a child, because `webbrowser` may print, wait or hang. Exit code 3: there is no browser with a
# window.
_OPEN: Final = """
import os, sys, threading, webbrowser
url = sys.stdin.readline()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
try:
    browser = webbrowser.get()
except webbrowser.Error:
    sys.exit(3)
name = os.path.basename(str(getattr(browser, "name", "")))
if name in sys.argv[2:]:
    sys.exit(3)
result = []
opening = threading.Thread(target=lambda: result.append(browser.open(url)), daemon=True)
opening.start()
opening.join(float(sys.argv[1]))
# Some commands end only with the browser. By now it is open or hangs: leave it alone either way.
os._exit(0 if opening.is_alive() or result == [True] else 1)
"""
_NAME: Final = """
import sys, webbrowser
try:
    print(getattr(webbrowser.get(), "name", "") or "a browser")
except webbrowser.Error:
    sys.exit(3)
"""
_NAME_LIMIT: Final = 5.0  # seconds: the standard library asks xdg-settings


def browser_name(environ: Mapping[str, str]) -> str | None:
    """Return the browser of the standard library; None if there is none or it is unknown.

    Blocks for some seconds at most. The name is a command or a path, from the environment or the desktop.
    """
    try:
        process = subprocess.run(
            # In a child, too: `webbrowser` runs xdg-settings, which can hang on a desktop without a session.
            [sys.executable, "-I", "-c", _NAME],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_NAME_LIMIT,
            start_new_session=True,
            env=for_children(environ),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name = process.stdout.decode("utf-8", "replace").strip()
    return name if process.returncode == 0 and Path(name).name not in _TEXT_BROWSERS else None


def why_no_browser(environ: Mapping[str, str]) -> str | None:
    """Return the reason why no browser is started here, as a clause; None if one may be."""
    return UserScreen(environ).why_no_browser


def open_browser(url: str, environ: Mapping[str, str], failed: Callable[[], None] | None = None) -> bool:
    """Start a browser on `url` and return at once; False when the URL or the machine is not fit for it.

    Only https and loopback http are opened, and no text browser, named by BROWSER or not: without a terminal
    it would show nothing. That the browser really shows the page cannot be known; that none was started is
    reported, some time later and in a thread of its own, by calling `failed`. A command that still runs
    after five seconds is left to itself.
    """
    address = usable_url(url, loopback_http=True)
    if address is None or why_no_browser(environ) is not None:
        return False
    try:
        child = subprocess.Popen(
            # Isolated: no module of the current directory replaces the library's own.
            [sys.executable, "-I", "-c", _OPEN, str(_NAME_LIMIT), *sorted(_TEXT_BROWSERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=for_children(environ),
        )
        if child.stdin is not None:
            # On stdin, not in an argument: other users can read those, and the link has the state in it.
            child.stdin.write(address.text.encode())
            child.stdin.close()
    except OSError:
        return False
    # A process that no one waits for stays as a zombie; the opener ends within about five seconds.
    threading.Thread(target=_collect, args=(child, failed), daemon=True, name="browser opener").start()
    return True


def _collect(child: subprocess.Popen[bytes], failed: Callable[[], None] | None) -> None:
    if child.wait() and failed is not None:
        failed()

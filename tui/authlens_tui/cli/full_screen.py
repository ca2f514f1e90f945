"""The full-screen app, the demo and the replay: started on a terminal that can show them, or refused."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

from authlens_tui.cli.terminal.abilities import is_known, locale_setting, shows_utf_8
from authlens_tui.cli.terminal.flags import is_plain
from authlens_tui.cli.terminal.output import is_terminal
from authlens_tui.cli.terminal.refused import nearest, refusal

if TYPE_CHECKING:
    from argparse import Namespace

    from textual.app import App


_COLOUR_SYSTEMS: Final = frozenset({"auto", "standard", "256", "truecolor", "windows"})


def run_app(url: str | None, arguments: Namespace | None = None) -> int:
    """Run the app: on the wizard for `url`, with the options that its login was given, or on the dashboard.

    Raises:
        UsageError: the URL cannot be used, or the terminal cannot show a full screen.
    """
    if url is not None:
        from authlens_tui.cli.option_values import checked_url  # with argparse, which no dashboard needs

        url = checked_url(url)
    require_terminal("authlens login URL" if url is None else f"authlens login {shlex.quote(url)}")
    from authlens_tui.app.authlens_app import AuthlensApp
    from authlens_tui.app.workspace import Workspace
    from authlens_tui.terminal.leaving import DEMO_WANTED

    start_view = {}
    if url is not None and arguments is not None:
        from authlens_tui.cli.login.login_arguments import login_options, login_secrets

        start_view[url] = login_options(arguments, login_secrets(arguments))
    app = AuthlensApp(start_url=url, workspace=Workspace(options=start_view))
    code = run_to_end(app)
    # The demo has a session and a store of its own, so the app ends before it begins.
    if app.return_value != DEMO_WANTED:
        return code
    from authlens_tui.app.demo import DemoWorkspace

    workspace = DemoWorkspace((), 0, menu_first=True, opens=not wants_stillness())
    return run_to_end(AuthlensApp(workspace=workspace))


def demo(arguments: Namespace) -> int:
    """Run the app on the embedded emulator; none of its tokens are kept after it ends.

    With a scenario, or with `play`, the wizard comes at once; otherwise a login plays itself, and any key
    leads to the menu of scenarios.

    Raises:
        UsageError: there is no such scenario, or the terminal cannot show a full screen.
    """
    names = arguments.fault
    play = arguments.play
    from authlens_tui.cli.learn import chosen_drills

    chosen = chosen_drills(names)
    if chosen is None:
        return 0
    require_terminal("authlens emulator, and authlens login with the URL that it prints")
    from authlens_tui.app.authlens_app import AuthlensApp
    from authlens_tui.app.demo import DemoWorkspace

    first = not names and not play
    opens = first and not wants_stillness()
    workspace = DemoWorkspace(chosen, arguments.port, plays=play, menu_first=first, opens=opens)
    return run_to_end(AuthlensApp(workspace=workspace))


def wants_stillness() -> bool:
    """Return whether the user asked for no motion, of authlens or of every program of Textual."""
    environ = os.environ
    return bool(environ.get("AUTHLENS_REDUCED_MOTION")) or environ.get("TEXTUAL_ANIMATIONS") == "none"


def learn(arguments: Namespace) -> int:
    """Run the course; the moves of each lesson are stored as they are made.

    Raises:
        LessonRefused: a lesson, or the stored progress, cannot be used.
        UsageError: the terminal cannot show a full screen.
    """
    require_terminal("authlens --plain learn")
    from authlens_tui.app.authlens_app import AuthlensApp
    from authlens_tui.app.demo import DemoWorkspace
    from authlens_tui.cli.learn import course_of, lesson_of

    course = course_of(arguments)
    first = lesson_of(arguments, course) if getattr(arguments, "lesson", None) else ""
    course.summaries()  # what is stored is refused before there is a screen
    return run_to_end(AuthlensApp(workspace=DemoWorkspace(menu_first=True, course=course, first=first)))


def open_file(arguments: Namespace) -> int:
    """Show the file until the user leaves.

    Raises:
        UsageError: it is not a session file, or the terminal cannot show a full screen.
    """
    from authlens_core.export.saved_file import open_session_file, typed_path

    path = typed_path(arguments.file)
    trace = open_session_file(path)
    require_terminal(f"authlens export {shlex.quote(str(path))} --format markdown")
    from authlens_tui.app.base_app import replay

    return run_to_end(replay(trace, path.name))


def run_to_end(app: App[Any]) -> int:
    """Run an app until the user leaves it; return its exit code.

    Raises:
        UsageError: there is no theme of this name.
    """
    theme = os.environ.get("AUTHLENS_THEME", "")
    if theme and not {theme, f"authlens-{theme}"} & set(app.available_themes):
        near = nearest(theme, app.available_themes)
        all_names = ", ".join(sorted(app.available_themes))
        raise refusal(
            f"There is no theme {theme!r}.",
            f"Run: authlens --theme {near}" if near else f"Use one of these: {all_names}",
        )
    asyncio.run(app.run_async())
    return app.return_code or 0


def why_no_full_screen() -> str | None:
    """Return why there is no full screen here, in a sentence, before Textual would paint over it; or None."""
    if is_plain():
        return "No full screen, because of AUTHLENS_PLAIN or --plain."
    # stdout may be a pipe: Textual draws on stderr.
    if not all(map(is_terminal, (sys.stdin, sys.stderr))):
        return "The full-screen app needs a terminal, and this is not a terminal."
    if sys.platform == "win32":
        return None
    if why := why_no_screen(os.environ.get("TERM", "")):
        return why
    # Boxes and signs would be three strange characters each, and the layout would not fit.
    if not shows_utf_8():
        setting = "=".join(locale_setting())
        return (
            f"The full screen needs UTF-8, but the locale has another encoding: {setting}. If your "
            "terminal shows UTF-8: export LC_ALL=C.UTF-8."
        )
    encoding = sys.stderr.encoding or "none"
    try:
        "✔─".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return f"This terminal cannot show the characters of the full screen (its encoding is {encoding})."
    return None


def require_terminal(instead: str) -> None:
    """Refuse where a full screen cannot work.

    Raises:
        UsageError: with what to run instead.
    """
    if os.environ.get("TEXTUAL_COLOR_SYSTEM") not in _COLOUR_SYSTEMS:
        os.environ.pop("TEXTUAL_COLOR_SYSTEM", None)  # Textual stops at a name that it does not know
    why = why_no_full_screen()
    if why is not None:
        raise refusal(why, f"Without the full screen: {instead}")


def why_no_screen(kind: str) -> str | None:
    """Return why a terminal of this kind has no full screen, in a sentence or two; None if it has one.

    terminfo(5) tells: a full screen takes a second screen to go to (`smcup`) and a cursor that can be sent
    anywhere (`cup`). Without terminfo, it is tried.
    """
    if kind in {"", "dumb"}:
        return f"This terminal cannot show a full screen ({f'TERM={kind}' if kind else 'TERM is not set'})."
    # Whatever terminfo says: over SSH the machine may not know the newer ones, and by its entry the console
    # of Linux has no second screen, although the screen comes out well there.
    if is_known(kind):
        return None
    try:
        import curses
    except ImportError:
        return None
    try:
        curses.setupterm(kind, sys.stderr.fileno())
    except (curses.error, OSError, ValueError):
        return (
            f"authlens does not know whether this terminal can show a full screen (TERM={kind}). If it "
            "can: export TERM=xterm-256color."
        )
    # A second screen and a cursor that can be moved are what Textual needs.
    if curses.tigetstr("smcup") and curses.tigetstr("cup"):
        return None
    return f"This terminal cannot show a full screen (TERM={kind})."

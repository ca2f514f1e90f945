"""The full-screen app: the shell that keeps text, terminal and exit code in order, whatever a screen does."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App, SystemCommand, get_system_commands_provider
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.command import CommandPalette, Provider
from textual.content import Content
from textual.filter import Monochrome, NoColor

from authlens_core.secret import Secret
from authlens_tui.terminal.clipboard import Copied, CopyWay, copy_text
from authlens_tui.terminal.crash import QuietCrash
from authlens_tui.terminal.driver import driver_class
from authlens_tui.terminal.hyperlinks import OneLink
from authlens_tui.terminal.recording import refuse_recording
from authlens_tui.terminal.scrubbing import Scrubbing
from authlens_tui.terminal.signals import leave_on_signals
from authlens_tui.themes import DARK, LIGHT, SIXTEEN, theme_for

if TYPE_CHECKING:
    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

__all__ = ["BaseApp"]

INTERRUPTED: Final = 130
_QUIET: Final = 0.62  # how far quiet text is from the surface towards the foreground
_TWICE_WITHIN: Final = 1.5  # seconds between two presses of ctrl+c that mean: leave
_ROOM_FOR_TOASTS: Final = 100  # columns: on fewer, a toast lies over what a person has to read
_NOT_OFFERED: Final = frozenset({"Screenshot", "Keys"})  # would record the screen; would show another help


def _actions() -> type[Provider]:
    from authlens_tui.palette import Actions

    return Actions


class BaseApp(QuietCrash, App[int]):
    """What every screen stands in.

    Args:
        environ: the environment to go by; the process's own by default.

    Raises:
        UsageError: when the environment asks Textual to record the screen.
    """

    TITLE = "authlens"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {get_system_commands_provider, _actions}  # noqa: RUF012 - Textual declares it
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it without ClassVar
        (0, "-tiny"),
        (40, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as above
        (0, "-flat"),
        (20, "-short"),
        (32, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit", id="app.quit", tooltip="Leave authlens", show=False),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            id="app.suspend",
            tooltip="Back to the shell for a while; fg comes back",
            show=False,
        ),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="Keys and words"),
    ]

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        refuse_recording(self.environ)
        super().__init__(driver_class=driver_class())
        self._scrubbing = Scrubbing()
        self._one_link = OneLink()
        self._interrupted_at = float("-inf")
        self.no_color = bool(self.environ.get("NO_COLOR"))  # empty means unset: https://no-color.org
        for theme in (DARK, LIGHT, SIXTEEN):
            self.register_theme(theme)
        self.theme = theme_for(self.environ).name

    def get_css_variables(self) -> dict[str, str]:
        """Add `$quiet`, for what stands back: `$text-muted` depends on a background that drawn text lacks."""
        variables = super().get_css_variables()
        foreground, surface = (Color.parse(variables[name]) for name in ("foreground", "surface"))
        quiet = "ansi_default" if foreground.ansi is not None else surface.blend(foreground, _QUIET).hex
        return {"quiet": quiet, **variables}

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the second layer of text safety to Textual's filters; it comes first.

        NO_COLOR takes every colour away and leaves bold and reverse; Textual alone would paint in grey.
        """
        filters = [one for one in super().get_line_filters() if not isinstance(one, (Monochrome, NoColor))]
        return [self._scrubbing, *filters, *((NoColor(),) if self.no_color else ()), self._one_link]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer Textual's commands, without those that write the screen to a file or show another help."""
        for command in super().get_system_commands(screen):
            if command.title not in _NOT_OFFERED:
                yield command

    def deliver_screenshot(self, *_args: object, **_kwargs: object) -> str | None:
        """Refuse: a screenshot is a file with whatever is on the screen, secrets included."""
        self.notify(
            "authlens writes no screenshots. Export the session instead: it is redacted.", markup=False
        )
        return None

    def on_load(self) -> None:
        """Take care of signals before anything is painted."""
        import asyncio

        leave_on_signals(self)
        self.hear_of_lost_errors(asyncio.get_running_loop())

    def action_help(self) -> None:
        """Show the keys of this screen and the words that it uses."""
        from authlens_tui.screens.help import HelpScreen

        if not isinstance(self.screen, (HelpScreen, CommandPalette)):
            self.push_screen(HelpScreen(self.screen))

    def on_ready(self) -> None:
        """Leave out of garbage collections what start-up made: they would hold up keys by tens of ms."""
        if not self.is_headless:
            gc.freeze()

    def action_help_quit(self) -> None:
        """Answer ctrl+c: stop what runs; pressed twice, leave."""
        now = time.monotonic()
        if now - self._interrupted_at < _TWICE_WITHIN:
            self.exit(return_code=INTERRUPTED)
            return
        self._interrupted_at = now
        stop = getattr(self.screen, "stop_running", None)
        stopped = bool(stop()) if callable(stop) else False
        self.notify(
            "Stopped. Press ctrl+c again to leave." if stopped else "Press ctrl+c again, or q, to leave.",
            timeout=_TWICE_WITHIN,
            markup=False,
        )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a note: as a toast, or where there is no room for one in the line that a screen has for it."""
        top = self.screen_stack[-1] if self.screen_stack else None
        take_note = getattr(top, "take_note", None)
        if markup or not callable(take_note) or self.size.width >= _ROOM_FOR_TOASTS:
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
            return
        mark = "" if severity == "information" else "! "
        take_note(Content.assemble((f"{mark}{title}: " if title else mark, "bold"), Content(message)))

    async def copy(self, text: Secret | str, what: str) -> Copied:
        """Copy `text` and tell the person which clipboard has `what`, a word or two of ours."""
        value = text.reveal() if isinstance(text, Secret) else text
        copied = await copy_text(value, self.environ, self._write_to_terminal)
        severity: Final = "warning" if copied.way is CopyWay.NONE else "information"
        self.notify(copied.sentence, title=what, severity=severity, markup=False)
        return copied

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)

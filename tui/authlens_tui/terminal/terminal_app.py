"""The base of every app: what it does for its terminal, and what a screen may ask of it.

Garbage is collected while the user does nothing: a full collection holds up a key by 50 ms and more.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from rich.text import Text
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import NoActiveWorker, WorkerFailed, get_current_worker

from authlens_core.values.errors import UsageError
from authlens_core.values.safe_text import safe_line, safe_text
from authlens_core.values.secret import Secret
from authlens_tui.terminal.clipboard import CopyWay, copy_text
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.crash import crash_report
from authlens_tui.terminal.driver import HoldsMouse, driver_class
from authlens_tui.terminal.leaving import InterruptAnswer, how_to_leave, selected_text
from authlens_tui.terminal.line_filters import FilterChain, LineFilters
from authlens_tui.terminal.signals import leave_on_signals
from authlens_tui.terminal.themes import HIGH_CONTRAST

if TYPE_CHECKING:
    from textual.notifications import Notification, SeverityLevel


# New objects after which the youngest are collected. With fewer, what a screen needs for a moment grows old
# and waits for a full collection: 5 MiB more after a login.
YOUNG: Final = 5_000
MIDDLE: Final = 10  # such collections after which those that survived are collected
NEVER: Final = 1_000_000
DUE: Final = 2  # collections of the middle generation, after which a full one is worth it
QUIET: Final = 10.0  # seconds without a key: time to read, in which none is likely to come
LATEST: Final = 300.0  # seconds after which a full collection does not wait for quiet


class IdleCollection:
    """Takes over full collections from the interpreter."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_key = self._last_full = monotonic()

    def start(self) -> None:
        """Exclude what start-up made from collection, and let no full one happen automatically."""
        # Not the threshold of the moment, which `cli.start` raised so that loading modules collects nothing.
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        # Modules, classes and widgets stay to the end: to look through them each time finds nothing.
        gc.freeze()

    def note_key(self) -> None:
        self._last_key = self._monotonic()

    def tick(self) -> bool:
        """Collect everything if that is worth it and no key waits; return whether it was done."""
        now = self._monotonic()
        # A full collection of a large app takes 50 ms, and a key that comes meanwhile waits for it.
        if gc.get_count()[2] < DUE or (now - self._last_key < QUIET and now - self._last_full < LATEST):
            return False
        # What was frozen after the last collection may be garbage by now.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._last_full = now
        return True


# What a shell reports of a program that SIGINT ended.
INTERRUPTED: Final = 130
# Ways of Textual to write the screen, its log or the keys to a file: none is allowed here.
_RECORDERS: Final = ("TEXTUAL", "TEXTUAL_DEBUG", "TEXTUAL_DRIVER", "TEXTUAL_LOG", "TEXTUAL_SCREENSHOT")
_ROOM_FOR_TOASTS: Final = 100  # columns: on fewer, a toast would cover text


@runtime_checkable
class Stoppable(Protocol):
    """A screen with something running that ctrl+c stops."""

    def stop_running(self) -> bool:
        """Stop it; return whether anything was running."""


@runtime_checkable
class TakesNotes(Protocol):
    """A screen with a line for notes, used where a toast would cover text."""

    def take_note(self, note: Content) -> None:
        """Show the note."""


# Before what has the focus, and in a dialog, too, where no other key of the app works.
_KEYS: Final[list[BindingType]] = [Binding("ctrl+c", "interrupt", show=False, system=True, priority=True)]


class TerminalApp(App[int]):
    """Keeps text, terminal and exit code in order, whatever a screen does.

    Screens and widgets declare `app = getters.app(TerminalApp)` to use `environ` and `copy`.

    Args:
        environ: environment variables; the process's own by default.

    Raises:
        UsageError: the environment asks Textual to record the screen.
    """

    BINDINGS = _KEYS

    # For the report of a crash: the stage that is running, and a sentence on the tokens stored so far.
    stage_name: str = ""
    stored_words: str = ""
    _failed_with: BaseException | None = None

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        refuse_recording(self.environ)
        self._had_toasts = False  # Textual asks for it while it begins
        super().__init__(driver_class=driver_class())
        self._collection = IdleCollection()
        self._line_filters = LineFilters()
        self._answer = InterruptAnswer()
        self.no_color = bool(self.environ.get("NO_COLOR"))  # empty means unset: https://no-color.org

    def get_line_filters(self) -> tuple[FilterChain]:
        bright = self.theme == HIGH_CONTRAST.name
        defaults = super().get_line_filters()
        return (self._line_filters.of(defaults, no_color=self.no_color, high_contrast=bright),)

    def deliver_screenshot(self, *_args: object, **_kwargs: object) -> str | None:
        """Refuse: a screenshot is a file with everything on the screen, secrets included."""
        self.notify("Choose “Save screen” in the palette instead: it masks the secrets.", markup=False)
        return None

    def on_load(self) -> None:
        """Handle signals before anything is painted."""
        leave_on_signals(self)
        # Errors of forgotten tasks stay off the terminal: their text may hold data.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)

    def _handle_exception(self, error: Exception) -> None:
        self._failed_with = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual's own prints a traceback with the values of local variables. It wraps an error for each
        # worker that waited for another one.
        while isinstance(error := self._failed_with, WorkerFailed):
            self._failed_with = error.error
        self._exit_renderables.append(Text(crash_report(error, self.stage_name, self.stored_words)))
        self._close_messages_no_wait()

    def on_ready(self) -> None:
        """Collect garbage while no key is pressed."""
        if not self.is_headless:
            self._collection.start()
            self.set_interval(1.0, self._collection.tick)

    def pop_screen(self) -> AwaitComplete:
        """Remove the top screen, after ending its workers, which would look for widgets that are gone."""
        _end_work_of(self.screen)
        return super().pop_screen()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent):
            self._collection.note_key()
        await super().on_event(event)

    async def action_interrupt(self) -> None:
        """Answer ctrl+c: copy what is selected, or else stop what runs; on a second press, quit."""
        if selected := selected_text(self):  # as terminals do with ctrl+c
            await self.copy(selected, "The selection", note=how_to_leave(self, twice=False))
            return
        if self._answer.seconds_left:  # never at the first press, which may mean to copy
            self.exit(return_code=INTERRUPTED)
            return
        stopped = isinstance(self.screen, Stoppable) and self.screen.stop_running()
        self._answer.begin("Stopped. Press ctrl+c again to quit." if stopped else how_to_leave(self))
        self._show_answer()

    def _show_answer(self) -> None:
        # A toast on every screen: in a line for notes, what was stopped writes its end at once.
        if seconds := self._answer.seconds_left:
            super().notify(self._answer.words, timeout=seconds, markup=False)

    def clear_notifications(self) -> None:
        """Clear all but the answer to ctrl+c: what it stopped clears the toasts at its end."""
        super().clear_notifications()
        self._show_answer()

    def _refresh_notifications(self) -> None:
        super()._refresh_notifications()
        self._had_toasts = _paint_toasts(self, had_some=self._had_toasts)

    def _unnotify(self, notification: Notification, refresh: bool = True) -> None:  # noqa: FBT001 - Textual's
        super()._unnotify(notification, refresh)
        self._had_toasts = _paint_toasts(self, had_some=self._had_toasts)

    def action_release_mouse(self) -> None:
        """Give the mouse to the terminal, for its own selection, or take it back."""
        released = isinstance(self._driver, HoldsMouse) and self._driver.toggle_mouse()
        sentence = "The terminal has the mouse. F12 takes it back." if released else "The app has the mouse."
        self.notify(sentence, markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast, or on a narrow terminal a line in the screen, if it has one for notes."""
        top = self.screen_stack[-1] if self.screen_stack else None
        # What has markup is Textual's own, and is left to it.
        if markup or not isinstance(top, TakesNotes) or self.size.width >= _ROOM_FOR_TOASTS:
            text, title = safe_text(message), safe_line(title)
            super().notify(text, title=title, severity=severity, timeout=timeout, markup=markup)
            return
        mark = "" if severity == "information" else "! "  # a line has no colour of its own for it
        top.take_note(Content.assemble((f"{mark}{title}: " if title else mark, "bold"), Content(message)))

    async def copy(self, text: Secret | str, what: str, *, note: str = "") -> None:
        """Copy `text` and show which clipboard has it; `what` names it in a word or two, `note` is added."""
        value = text.reveal() if isinstance(text, Secret) else text
        copied = await copy_text(value, self.environ, self.write_to_terminal)
        severity: Final = "warning" if copied.way is CopyWay.NONE else "information"
        self.notify(f"{copied.sentence} {note}".rstrip(), title=what, severity=severity, markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what Textual's own keys copy, and say so."""
        self.run_worker(self.copy(text, "The selection"), group="copy", description="copy the selection")

    def write_to_terminal(self, sequence: str) -> None:
        """Write a control sequence that draws nothing."""
        if self._driver is not None:
            self._driver.write(sequence)


def _paint_toasts(app: TerminalApp, *, had_some: bool) -> bool:
    """Paint the whole screen once a toast has come or gone; return whether there is one.

    Textual paints what changed in its map of widgets. If a widget was looked up meanwhile, the map has the
    change already: a toast was never painted, or stayed.
    """
    has_some = bool(app._notifications)  # noqa: SLF001 - Textual tells no other way
    if app.screen_stack and (has_some or had_some):
        top = app.screen_stack[-1]
        app.call_later(top.call_after_refresh, top.refresh)
    return has_some


def refuse_recording(environ: Mapping[str, str]) -> None:
    """Stop when the environment asks Textual to record.

    Raises:
        UsageError: naming each variable that has to go.
    """
    recorders = [name for name in _RECORDERS if environ.get(name)]
    if recorders:
        raise UsageError(
            f"{' and '.join(recorders)} would record the screen or your typing to a file or another program.",
            f"Start again without it: env {' '.join(f'-u {name}' for name in recorders)} authlens",
        )


def _end_work_of(screen: Screen[object]) -> None:
    """Cancel the workers of a screen and its widgets, but not the one that closes it.

    Textual does so when the widgets are gone already, and a worker whose thread is done in between looks
    for them: that would end the app.
    """
    closing = None
    with suppress(NoActiveWorker):
        closing = get_current_worker()
    for worker in list(screen.workers):
        # A field looks for suggestions by a coroutine, and Python warns of one that never began.
        if worker is closing or isinstance(worker.node, Input):
            continue
        if screen in worker.node.ancestors_with_self:
            worker.cancel()

"""The ways out of a screen that shows a trace: a file, a picture of the screen, and a pager."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.css.query import DOMQuery
from textual.widgets import Button, Input, RadioSet

from authlens_core.export.formats import FORMATS, Format, file_name
from authlens_core.export.saved_file import typed_path, write_export
from authlens_core.trace.record import Trace
from authlens_tui.screens.dialog import ChoiceButton, Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.record.reading_area import ReadingArea

_FORMATS: Final = tuple(FORMATS.values())
_MOST_NAMES: Final = 100  # names that are tried before one that is taken is offered
_HINT: Final = "Enter saves."
_PROMISE: Final = (
    "Every secret is replaced by a fingerprint. Only you can read the file, and it overwrites no other."
)


class ExportScreen(Dialog[None]):
    """Asks for a form and a file name, and writes the file; or lets the screen below be saved or read."""

    BINDINGS = keys("export")

    name_field = getters.query_one("#name", Input)

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace
        self._form = _FORMATS[0]
        self._offered = ""
        self._saving = False

    def body(self) -> ComposeResult:
        with DialogBox("Save"):
            yield Static(Content(_PROMISE), classes="dialog-words")
            with RadioSet(id="forms"):
                for form in _FORMATS:
                    yield ChoiceButton(f"{form.name:<9} {form.summary}", value=form is self._form)
            yield Input(id="name")
            yield Static(Content(_HINT), id="hint", classes="dialog-hint")
            with DialogButtons():
                yield action_button("Save", "save", variant="primary")
                yield action_button("Screen as SVG", "screen")
                if self._reading_areas:
                    yield action_button("Pager", "pager")
                yield action_button("Back", "dismiss", id="close")

    @property
    def _reading_areas(self) -> DOMQuery[ReadingArea]:
        """The reading areas of the screen below."""
        return self.app.screen_stack[-2].query(ReadingArea)

    def on_mount(self) -> None:
        self._offer(self._form)
        self.name_field.focus()

    def _offer(self, form: Format) -> None:
        self._form = form
        # Another format offers another name, unless the user has typed one.
        if self.name_field.value == self._offered:
            self._offered = self.name_field.value = self._free_name(form)
            self.name_field.cursor_position = len(self._offered)

    def _free_name(self, form: Format) -> str:
        """Return a name that is not taken, so that the user need not look for one."""
        whole = file_name(self._trace, form)
        stem = whole.removesuffix(form.suffix)
        others = (f"{stem}-{number}{form.suffix}" for number in range(2, _MOST_NAMES))
        return next((name for name in (whole, *others) if not os.path.lexists(name)), whole)

    @on(RadioSet.Changed)
    def _form_chosen(self, event: RadioSet.Changed) -> None:
        self._offer(_FORMATS[event.index])

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Write the file, once at a time."""
        if not self._saving:
            self._saving = True
            self._write(self._form, self.name_field.value)

    def action_screen(self) -> None:
        """Save the screen below as a picture."""
        self.dismiss()
        self.app.call_later(self.app.run_action, "save_screen")

    def action_pager(self) -> None:
        """Show the open tab of the screen below in the user's own program."""
        area = self._reading_areas.first()
        self.dismiss()
        area.open_pager()

    @work(group="export", description="write a file")
    async def _write(self, form: Format, name: str) -> None:
        with self.telling("#hint"):
            target = typed_path(name)
            # In a thread: masking and laying out a megabyte takes a moment.
            path = await asyncio.to_thread(lambda: write_export(target, form.write(self._trace)))
            self.tell("#hint", f"✔ Written to {path.absolute()}", good=True)
            self.query_one("#close", Button).focus()
        self._saving = False

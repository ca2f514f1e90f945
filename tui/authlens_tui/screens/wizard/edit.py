"""The form in which what the next stage sends is edited before it goes out."""

from __future__ import annotations

from typing import Final

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input

from authlens_core.desk.log_in import EditForm, EditLocation, FormField, RequestChanges
from authlens_core.export.secret_names import is_sensitive
from authlens_core.values.secret import Secret
from authlens_tui.screens.dialog import action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

_AROUND: Final = 6  # rows of the form besides its fields and their headings
_LONGEST_SHOWN: Final = 16 * 1024  # characters of a value
_WITHIN: Final = "Within the protocol: you may choose these"
_TAMPERING: Final = "≠ Tampering: the server should notice; no token of this login is stored"
_ADDING: Final = "≠ Add a field: a name and a value"
_NOTHING: Final = "No changes yet."


class FieldRow(Horizontal):
    """One line of the form: a name and a field with what is there, or with a mask where that is secret.

    A secret, and a text with characters that no field can show as they are, begins empty: empty is unchanged.
    """

    field = getters.query_one(Input)

    def __init__(self, source: FormField) -> None:
        super().__init__(classes="-within" if source.location is None else "")
        self.source = source
        value = source.value
        # A value that a field cannot show exactly must not be sent back changed: its field begins empty.
        text = value.masked if isinstance(value, Secret) else Content.line(value, limit=_LONGEST_SHOWN).plain
        self._plain = None if isinstance(value, Secret) or text != value else value
        self._hint = f"unchanged: {text}" if self._plain is None else "(empty)"
        self.omitted = False

    @property
    def title(self) -> str:
        return self.source.title

    @property
    def first_field(self) -> Input:
        return self.field

    def compose(self) -> ComposeResult:
        where = self.source.location.value if self.source.location is not None and self.source.name else ""
        name = Content.assemble(self.title, (f"  {where.partition(' ')[0]}" if where else "", "$quiet"))
        yield Static(name, classes="field-name")
        yield Input(
            self._plain or "",
            placeholder=self._hint,
            password=isinstance(self.source.value, Secret),
            compact=True,
            select_on_focus=False,
        )

    def reset(self) -> None:
        self.omitted = False
        self.field.placeholder = self._hint
        self.field.value = self._plain or ""
        self.judge()

    def leave_out(self) -> None:
        """Leave the part out of the request; a choice becomes empty, which asks for none."""
        self.field.value = ""
        if self.source.location is not None:
            self.omitted = True
            self.field.placeholder = "(left out)"
        self.judge()

    def judge(self) -> None:
        self.omitted = self.omitted and not self.field.value
        self.set_class(self.changed, "-changed")

    @property
    def changed(self) -> bool:
        typed = self.field.value
        return self.omitted or (bool(typed) if self._plain is None else typed != self._plain)

    @property
    def new_value(self) -> str | Secret | None:
        if self.omitted:
            return None
        return Secret(self.field.value) if isinstance(self.source.value, Secret) else self.field.value

    @property
    def difference(self) -> str:
        return self.source.difference(self.new_value)

    def applied(self, changes: RequestChanges, form: EditForm) -> RequestChanges:
        """Return `changes` with this one, or raise ValueError if it is refused."""
        return form.with_value(changes, self.source, self.new_value)


class NewRow(Horizontal):
    """One line of the form for a part that is not there yet: where it goes, its name, its value."""

    name_field = getters.query_one(".new-name", Input)
    value_field = getters.query_one(".new-value", Input)

    def __init__(self, location: EditLocation) -> None:
        super().__init__()
        self.location = location

    def compose(self) -> ComposeResult:
        yield Static(Content(f"+ {self.location.value}"), classes="field-name")
        yield Input(placeholder="name", compact=True, select_on_focus=False, classes="new-name")
        yield Input(placeholder="value", compact=True, select_on_focus=False, classes="new-value")

    @property
    def title(self) -> str:
        return self.name_field.value or f"the new {self.location.value}"

    @property
    def first_field(self) -> Input:
        return self.value_field if self.name_field.value.strip() else self.name_field

    @property
    def changed(self) -> bool:
        return bool(self.name_field.value or self.value_field.value)

    @property
    def difference(self) -> str:
        name = self.name_field.value or "(no name yet)"
        return f"{name}: added as {self.location.value}"

    def judge(self) -> None:
        """Show whether a field is added; mask a value under a secret's name."""
        self.value_field.password = is_sensitive(self.name_field.value.strip())
        self.set_class(self.changed, "-changed")

    def reset(self) -> None:
        self.name_field.value = self.value_field.value = ""
        self.judge()

    leave_out = reset

    def applied(self, changes: RequestChanges, form: EditForm) -> RequestChanges:
        """Return `changes` with this one, or raise ValueError if it is refused."""
        return form.with_part(changes, self.location, self.name_field.value.strip(), self.value_field.value)


class EditScreen(ModalScreen[RequestChanges | None]):
    """Shows every part of a stage's request; ends with the changes, or with None."""

    CSS_PATH = "edit.tcss"
    TITLE = "Edit"
    BINDINGS = keys("edit")

    changes = getters.query_one("#edit-changes", Static)

    def __init__(self, form: EditForm) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        with Vertical(id="edit"):
            with VerticalScroll(id="edit-fields", can_focus=False):
                if self._form.choices:
                    yield Static(Content(_WITHIN), classes="edit-section -within")
                    yield from (FieldRow(choice) for choice in self._form.choices)
                if self._form.parts:
                    yield Static(Content(_TAMPERING), classes="edit-section")
                    yield from (FieldRow(field) for field in self._form.parts)
                if self._form.places:
                    yield Static(Content(_ADDING), classes="edit-section")
                    yield from (NewRow(location) for location in self._form.places)
                if not self._form.choices and not self._form.parts:
                    yield Static(Content("Nothing in this stage can be edited."))
            yield Static(Content(_NOTHING), id="edit-changes")
            with Horizontal(id="edit-buttons"):
                yield action_button("Apply", "apply", variant="primary", compact=True)
                yield action_button("Cancel", "dismiss", id="cancel", compact=True)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Name the stage in the border, and make room for every field as far as there is any."""
        box = self.query_one("#edit")
        box.border_title = f"{self._form.title}: edit the request"
        sections = (self._form.choices, self._form.parts, self._form.places)
        box.styles.height = _AROUND + sum(2 + len(some) for some in sections)

    @property
    def changed_rows(self) -> list[FieldRow | NewRow]:
        """The rows that change the request, as they are on the screen."""
        return [row for row in (*self.query(FieldRow), *self.query(NewRow)) if row.changed]

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        row = event.input.parent
        if isinstance(row, FieldRow | NewRow):
            row.judge()
        self._show_changes()

    def _show_changes(self) -> None:
        self.changes.remove_class("-bad")
        lines = [
            Content.assemble(
                ("✎ within the protocol  ", "$text-success")
                if isinstance(row, FieldRow) and row.source.location is None
                else ("≠ tampering  ", "bold $text-warning"),
                row.difference,
            )
            for row in self.changed_rows
        ]
        self.changes.update(Content("\n").join(lines) if lines else Content(_NOTHING))

    def _focused_row(self) -> FieldRow | NewRow | None:
        row = self.focused.parent if self.focused is not None else None
        return row if isinstance(row, FieldRow | NewRow) else None

    def action_reset_field(self) -> None:
        if (row := self._focused_row()) is not None:
            row.reset()
            self._show_changes()

    def action_leave_out(self) -> None:
        if (row := self._focused_row()) is not None:
            row.leave_out()
            self._show_changes()

    def action_apply(self) -> None:
        """Dismiss with the changes, or show which one is refused."""
        # Enter is bound with priority, so that a field does not take it: the focused button does not get it
        # either.
        if self.focused is not None and self.focused.id == "cancel":
            self.dismiss(None)
            return
        changed, changes = self.changed_rows, self._form.unchanged
        for row in changed:
            try:
                changes = row.applied(changes, self._form)
            except ValueError as refused:
                self._refuse(row, str(refused))
                return
        self.dismiss(changes if changed else None)

    def _refuse(self, row: FieldRow | NewRow, reason: str) -> None:
        """Show which field cannot be sent and why, and focus it."""
        self.changes.update(Content(f"✖ {row.title}: {reason}"))
        self.changes.add_class("-bad")
        row.first_field.focus()

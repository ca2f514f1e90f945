"""The demo's user as the owner of the server: the setting that is wrong, as its page has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType

from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

if TYPE_CHECKING:
    from authlens_core.learning.desk.drills import OwnerSetting


class ServerOwner(Protocol):
    """Who can change what a server does."""

    name: str
    """What is owned, such as a host name."""
    setting: OwnerSetting

    @property
    def is_on(self) -> bool:
        """Whether the setting is on."""

    def switch(self, *, on: bool) -> None:
        """Turn the setting on or off."""


class OwnerScreen(Dialog[bool]):
    """Shows the setting; ends with true to run the stage again with it as it is then.

    Args:
        stage: the title of the stage that failed.
    """

    BINDINGS: ClassVar[list[BindingType]] = keys("owner")

    boxes = getters.query_one("#owner-boxes", Static)

    def __init__(self, owner: ServerOwner, stage: str) -> None:
        super().__init__()
        self._owner = owner
        self._stage = stage

    def body(self) -> ComposeResult:
        with DialogBox(f"You are the owner of {self._owner.name}"):
            yield Static(Content(self._owner.setting.path), classes="dialog-words")
            yield Static(id="owner-boxes", classes="dialog-words")
            yield Static(
                Content(f"Space switches it. Enter runs {self._stage} again."), classes="dialog-hint"
            )

    def on_mount(self) -> None:
        self.boxes.can_focus = True
        self.boxes.focus()
        self._show()

    def action_switch(self) -> None:
        self._owner.switch(on=not self._owner.is_on)
        self._show()

    def _show(self) -> None:
        owner, setting = self._owner, self._owner.setting
        rows = [((setting.beside, "$quiet"), True)] if setting.beside else []
        marked = "" if owner.is_on is setting.on else "  ◀ this one"
        lines = [
            Content.assemble(_box(on=owner.is_on), (setting.box, "bold"), (marked, "$text-warning")),
            *(Content.assemble(_box(on=on), name) for name, on in rows),
        ]
        self.boxes.update(Content("\n").join(lines))


def _box(*, on: bool) -> tuple[str, str]:
    return ("[✔] ", "bold $text-success") if on else ("[ ] ", "bold $text-error")

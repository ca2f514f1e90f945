"""Moving all secrets to another place: which one, its passphrase, and how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from authlens_core.values.errors import AuthlensError, PassphraseNeeded, WrongPassphrase
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_tui.screens.dialog import DialogBox, DialogButtons, action_button
from authlens_tui.screens.fix_keys import FixKeys
from authlens_tui.screens.store_choice import SecretStoreScreen, StoreChoice
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

# Moves: to what was chosen, with the passphrase of an encrypted file that something is moved from.
CarryOut = Callable[[StoreChoice, Secret | None, Callable[[int, int], None]], Awaitable[None]]

_FROM: Final = "Some secrets are in the encrypted file: type its passphrase."


class MoveStoreScreen(SecretStoreScreen):
    """Asks where all secrets are to be kept from now on, and moves them there; ends when that is done."""

    HELP = (
        "Every secret is written to the new store, read back, and only then deleted from the old one. "
        "One that cannot be moved stays there and is named."
    )
    BINDINGS: ClassVar[list[BindingType]] = keys("move")

    def __init__(self, place: StoreKind, carry_out: CarryOut, *, new_file: bool = True) -> None:
        super().__init__(new_file=new_file)
        self._place = place
        self._carry_out = carry_out
        self._target: StoreChoice | None = None
        self._busy = False

    def body(self) -> ComposeResult:
        with DialogBox("Move all secrets"):
            yield Static(
                Content(f"New secrets go to {self._place.words}. Move all secrets to:"),
                classes="dialog-words",
            )
            yield from self.typing()
            yield Static(classes="dialog-hint", id="said")
            with DialogButtons():
                yield action_button("Keyring", "keyring")
                yield action_button("Encrypted file", "encrypted")
                yield action_button("Plain file", "plain")
                yield action_button("Cancel", "back", variant="primary")

    def on_mount(self) -> None:
        """Begin with the choices; the answer that changes nothing has the focus."""
        self.type(show=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer nothing while it moves: it ends on its own. The keys stay in the footer, dimmed."""
        return None if self._busy and action in {"keyring", "encrypted", "plain", "back"} else True

    def action_encrypted(self) -> None:
        """Ask for the passphrase, unless the file is the one that is open."""
        self._target = None
        if self._place is StoreKind.ENCRYPTED_FILE:
            self.choose(StoreChoice(StoreKind.ENCRYPTED_FILE))
        else:
            super().action_encrypted()

    def choose(self, choice: StoreChoice) -> None:
        """Move there; a passphrase that was asked for in the middle is that of where something comes from."""
        if self._busy:
            return
        unlock = None
        if self._target is not None and choice.passphrase is not None:
            choice, unlock = self._target, choice.passphrase
        self._target = choice
        self._busy = True
        self.tell("#said", "Opening it …")
        self.refresh_bindings()
        self._move(choice, unlock)

    @work(exclusive=True, group="move", description="move secrets")
    async def _move(self, choice: StoreChoice, unlock: Secret | None) -> None:
        try:
            await self._carry_out(choice, unlock, self._show_progress)
        except AuthlensError as error:
            self._busy = False
            self.refresh_bindings()
            self._ask_again(choice, error)
        else:
            self.dismiss(choice)

    def _show_progress(self, done: int, whole: int) -> None:
        self.tell("#said", f"Moving {done} of {whole} …")

    def _ask_again(self, choice: StoreChoice, error: AuthlensError) -> None:
        words = f"✖ {FixKeys.on(self).error(error)}"
        if isinstance(error, PassphraseNeeded | WrongPassphrase):
            if choice.place is not StoreKind.ENCRYPTED_FILE:
                self._new_file = False  # what it comes from is there
                words = _FROM if isinstance(error, PassphraseNeeded) else f"{words} {_FROM}"
            else:
                self._target = None
            self.type(show=True)
            self.query_one("#passphrase", Input).value = ""
        else:
            self._target = None
        self.tell("#said", words, good=None if isinstance(error, PassphraseNeeded) else False)

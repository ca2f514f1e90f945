"""The choice of a secret store when none can be used, and the move of all secrets to another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from authlens_core.values.errors import (
    AuthlensError,
    NoSecretStore,
    PassphraseNeeded,
    StateUnusable,
    WrongPassphrase,
)
from authlens_core.values.fix import steps_of
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import SHORTEST_PASSPHRASE, StoreKind
from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.screens.fix_keys import FixKeys
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import ActionChecks, keys

_PLACES: Final = {
    StoreKind.KEYRING: "Keyring of the operating system.",
    StoreKind.ENCRYPTED_FILE: "Encrypted file: protected by a passphrase that you type at each start.",
    StoreKind.FILE: "Plain file: not protected; readable by you and root.",
    StoreKind.MEMORY: "Memory only: nothing is written; lost when authlens ends.",
}
_KEY_ROOM: Final = 3  # cells
_PLAIN: Final = (
    "A plain file is not protected. Anyone who can read your files gets your logins: a backup, another "
    "program, root, anyone who finds the disk. An encrypted file needs only a passphrase.\n\nChoose "
    "Plain file again to store the tokens in one."
)
_UNLOCK: Final = "The passphrase of the encrypted file. It is not stored; without it the tokens are lost."
# Moves: to what was chosen, with the passphrase of an encrypted file that something is moved from.
CarryOut = Callable[["StoreChoice", Secret | None, Callable[[int, int], None]], Awaitable[None]]
_FROM: Final = "Some secrets are in the encrypted file: type its passphrase."


class StoreChoice(NamedTuple):
    """The store that the user chose, with its passphrase if it needs one."""

    kind: StoreKind
    passphrase: Secret | None = None
    create: bool = False


def choice_after(error: NoSecretStore) -> StoreChoiceScreen:
    """Return the question that follows from why a place could not be opened."""
    from authlens_core.desk.session import remembered_store  # not needed for the first paint

    kind, exists = StoreKind.KEYRING, False
    with suppress(StateUnusable):  # memory is still on offer
        remembered = remembered_store()
        kind, exists = remembered.kind, remembered.has_encrypted_file
    locked = isinstance(error, PassphraseNeeded | WrongPassphrase)
    return StoreChoiceScreen(error, kind=kind, unlock=locked, new_file=not exists)


class SecretStoreScreen(Dialog[StoreChoice | None]):
    """The common parts of both choices: a passphrase that is typed twice, and a warning about the plain file.

    Args:
        new_file: true where there is no encrypted file yet: its passphrase is typed twice.
    """

    DEFAULT_CSS = "SecretStoreScreen #typing, SecretStoreScreen #places { height: auto; }"
    offered: tuple[StoreKind, ...] = (StoreKind.KEYRING, StoreKind.ENCRYPTED_FILE, StoreKind.FILE)
    """The places that can be chosen, in the order of their keys."""

    def __init__(self, *, new_file: bool) -> None:
        super().__init__()
        self._new_file = new_file
        self._warned = False

    def choose(self, choice: StoreChoice) -> None:
        self.dismiss(choice)

    def typing(self) -> Iterator[Widget]:
        yield HangingText(self._places(), id="words")
        with Vertical(id="typing"):
            yield Static(Content(_UNLOCK), classes="dialog-words")
            yield Input(password=True, placeholder="passphrase", id="passphrase")
            yield Input(password=True, placeholder="repeat the passphrase", id="repeated")
            yield Static(classes="dialog-hint", id="hint")

    def _places(self) -> tuple[Item, ...]:
        return tuple(
            Item(Content(_PLACES[kind]), Content.styled(str(key), "bold $text-primary"), _KEY_ROOM)
            for key, kind in enumerate(self.offered, 1)
        )

    def type(self, *, show: bool) -> None:
        self.query_one("#typing").display = show
        self.query_one("#words").display = not show
        self.query_one("#repeated").display = self._new_file
        (self.query_one("#passphrase") if show else self.query("Button.-primary").first()).focus()

    @on(Input.Submitted)
    def action_typed(self) -> None:
        """Choose the encrypted file with the typed passphrase, or show what is wrong with it."""
        first, second = self.query_one("#passphrase", Input), self.query_one("#repeated", Input)
        if self._new_file and len(first.value) < SHORTEST_PASSPHRASE:
            self.hint(f"At least {SHORTEST_PASSPHRASE} characters.", first)
        # Enter in the first field leads to the second one, and is no mistake yet.
        elif self._new_file and not second.has_focus and not second.value:
            second.focus()
        elif self._new_file and first.value != second.value:
            self.hint("The two passphrases differ.", second)
        elif first.value:
            self.choose(StoreChoice(StoreKind.ENCRYPTED_FILE, Secret(first.value), create=self._new_file))

    def hint(self, sentence: str, field: Input) -> None:
        self.tell("#hint", sentence, good=False)
        field.focus()

    def action_keyring(self) -> None:
        self.choose(StoreChoice(StoreKind.KEYRING))

    def action_encrypted(self) -> None:
        self.type(show=True)

    def action_plain(self) -> None:
        """Warn first; the second press chooses the plain file."""
        if self._warned:
            self.choose(StoreChoice(StoreKind.FILE))
            return
        self._warned = True
        self.type(show=False)
        self.query_one(HangingText).show([Item(Content(_PLAIN))])

    def action_back(self) -> None:
        if self.query_one("#typing").display:
            self.type(show=False)
        elif self._warned:
            self._warned = False
            self.query_one(HangingText).show(self._places())
        else:
            self.dismiss(None)


class StoreChoiceScreen(ActionChecks, SecretStoreScreen):
    """Says why there is no secret store and what can be done; `unlock` asks for the passphrase at once."""

    BINDINGS = keys("store")

    def __init__(
        self,
        error: NoSecretStore,
        *,
        kind: StoreKind = StoreKind.KEYRING,
        unlock: bool = False,
        new_file: bool = True,
    ) -> None:
        super().__init__(new_file=new_file)
        self._error = error
        self._kind = kind
        self._unlock = unlock
        self.offered = (StoreKind.ENCRYPTED_FILE, StoreKind.FILE, StoreKind.MEMORY)
        if kind is not StoreKind.KEYRING:  # which is tried again, not chosen
            self.offered += (StoreKind.KEYRING,)

    def body(self) -> ComposeResult:
        steps = steps_of(self._error.cure)
        others = [str(step) for step in steps if step.shown_command != StoreKind.ENCRYPTED_FILE.move_command]
        with DialogBox("Unlock the encrypted file" if self._unlock else "No secret store"):
            yield Static(Content("\n".join((self._error.cause, *others))), classes="dialog-words")
            yield from self.typing()
            with Vertical(id="places"):
                with DialogButtons():
                    yield action_button("Encrypted file", "encrypted")
                    yield action_button("Plain file", "plain")
                    yield action_button("Memory only", "memory", variant="primary")
                with DialogButtons():
                    yield action_button("Try again", "again")
                    yield action_button("Keyring", "keyring")
                    yield action_button("Quit", "dismiss", id="quit")
            with DialogButtons(id="with-passphrase"):
                yield action_button("Create file" if self._new_file else "Unlock", "typed", variant="primary")
                yield action_button("Other stores", "back")

    def on_mount(self) -> None:
        self.query_one("#keyring").display = StoreKind.KEYRING in self.offered
        self.type(show=self._unlock)

    def can_keyring(self) -> bool:
        return StoreKind.KEYRING in self.offered

    def type(self, *, show: bool) -> None:
        self.query_one("#places").display = not show
        self.query_one("#with-passphrase").display = show
        super().type(show=show)

    def action_memory(self) -> None:
        self.choose(StoreChoice(StoreKind.MEMORY))

    def action_again(self) -> None:
        self.choose(StoreChoice(self._kind))


class MoveStoreScreen(SecretStoreScreen):
    """Asks where all secrets are to be kept from now on, and moves them there; ends when that is done."""

    BINDINGS = keys("move")

    def __init__(self, kind: StoreKind, carry_out: CarryOut, *, new_file: bool = True) -> None:
        super().__init__(new_file=new_file)
        self._kind = kind
        self._carry_out = carry_out
        self._target: StoreChoice | None = None
        self._busy = False

    def body(self) -> ComposeResult:
        with DialogBox("Move all secrets"):
            yield Static(
                Content(f"New secrets go to {self._kind.words}. Move all secrets to:"),
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
        if self._kind is StoreKind.ENCRYPTED_FILE:
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

    def _show_progress(self, moved: int, whole: int) -> None:
        self.tell("#said", f"Moving {moved} of {whole} …")

    def _ask_again(self, choice: StoreChoice, error: AuthlensError) -> None:
        sentence = f"✖ {FixKeys.on(self).error(error)}"
        if isinstance(error, PassphraseNeeded | WrongPassphrase):
            if choice.kind is not StoreKind.ENCRYPTED_FILE:
                self._new_file = False  # what it comes from is there
                sentence = _FROM if isinstance(error, PassphraseNeeded) else f"{sentence} {_FROM}"
            else:
                self._target = None
            self.type(show=True)
            # What is masked cannot be corrected: it is typed from the start.
            self.query_one("#passphrase", Input).value = ""
        else:
            self._target = None
        self.tell("#said", sentence, good=None if isinstance(error, PassphraseNeeded) else False)

"""The form for the login of a program: which grant, which client, and where its credential is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, RadioSet

from authlens_core.values.errors import UsageError
from authlens_core.values.login_options import OPTIONS, Kind, Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import PROGRAMS, GrantType
from authlens_tui.screens.dialog import ChoiceButton, Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.secret_files import private_key_in
from authlens_tui.widgets.key_binding import keys

_WORDS: Final = (
    "A program logs in as itself: no browser, no user. The server's owner registers it and gives it a client "
    "id. Secrets and keys go to the secret store; an assertion is read for each token and never stored."
)

_FORMS: Final = ((name, OPTIONS[name].form) for name in PROGRAMS[GrantType.TOKEN_EXCHANGE].asks)
_FIELDS: Final = {name: form for name, form in _FORMS if form is not None}


class MachineLoginScreen(Dialog[Options | None]):
    """Asks for the options of a program's login; ends with them.

    Args:
        options: those in force; what they have of a program's is filled in, but for secrets.
    """

    BINDINGS = keys("machine")

    ways = getters.query_one(RadioSet)

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        is_program = options.grant_type in PROGRAMS
        self._grant_type = options.grant_type if is_program else GrantType.CLIENT_CREDENTIALS

    def body(self) -> ComposeResult:
        with DialogBox("Log in as a program", wide=True):
            yield Static(Content(_WORDS), classes="form-words")
            with RadioSet():
                for grant_type, program in PROGRAMS.items():
                    yield ChoiceButton(program.words, value=grant_type is self._grant_type)
            yield from self._rows()
            yield Static(id="problem", classes="dialog-hint")
            with DialogButtons():
                yield action_button("Continue", "use", variant="primary")
                yield action_button("Cancel", "dismiss", id="leave")

    def _rows(self) -> Iterator[Horizontal]:
        for name, field in _FIELDS.items():
            value = getattr(self._options, name)
            text = value if isinstance(value, str) else ""
            secret = OPTIONS[name].kind is Kind.SECRET
            box = Input(text, placeholder=field.hint, password=secret, id=name, compact=True)
            yield Horizontal(Static(Content(field.title), classes="form-name"), box, classes="form-row")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#client_id", Input).focus()

    def _show(self) -> None:
        """Show the fields of the grant alone."""
        for field in self.query(Input):
            if field.parent is not None:
                field.parent.display = field.id in PROGRAMS[self._grant_type].asks

    @on(RadioSet.Changed)
    def _chosen(self, event: RadioSet.Changed) -> None:
        self._grant_type = list(PROGRAMS)[event.index]
        self._show()
        self.tell("#problem", "")

    @on(Input.Submitted)
    def action_use(self) -> None:
        """Dismiss with the options, or show what is missing."""
        try:
            self.dismiss(self._typed())
        except (UsageError, ValueError) as refused:
            self.tell("#problem", f"✖ {refused}", good=False)

    def _typed(self) -> Options:
        """Return the values of the form.

        Raises:
            UsageError: something is missing, or the key cannot be read.
            ValueError: a URL cannot be used.
        """
        texts = {name: self.query_one(f"#{name}", Input).value for name in PROGRAMS[self._grant_type].asks}
        values: dict[str, Any] = dict.fromkeys(_FIELDS)
        for name, text in texts.items():
            values[name] = _value(name, text)
        options = replace(self._options, grant_type=self._grant_type, **values)
        for need in PROGRAMS[self._grant_type].missing(options):
            cure = " or ".join(f"“{_FIELDS[name].title}”" for name in need.options)
            raise UsageError(f"The login names {need.missing}.", f"Fill in {cure}.")
        return options


def _value(name: str, text: str) -> object:
    match OPTIONS[name].kind:
        case Kind.SECRET | Kind.COMMAND:
            # As it is typed: a secret may start or end with a space.
            return Secret(text) if text else None
        case Kind.SECRET_FILE:
            return private_key_in(text.strip()) if text.strip() else None
        case Kind.FILE:
            return str(Path(text.strip()).expanduser().absolute()) if text.strip() else None
    return OPTIONS[name].typed(text.strip()) or None

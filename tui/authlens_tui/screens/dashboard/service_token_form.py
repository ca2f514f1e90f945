"""The form for a service token: to add one, to change its label and end, or to put in a new secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from authlens_core.desk.credentials import DEFAULT_HEADER, ServiceToken, expiry_from_text
from authlens_core.desk.lifecycle import (
    ProbeResult,
    ServiceTokenPair,
    probe_service_token,
    replace_service_token,
)
from authlens_core.desk.session import Secret, Session
from authlens_core.values.errors import AuthlensError, UsageError
from authlens_core.values.url import require_url
from authlens_tui.screens.dialog import DIALOG_STYLES, Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import ActionChecks, keys

_ADD: Final = (
    "For programs, without a browser. Access shows the secret once: Zero Trust → Access controls → Service "
    "credentials → Service Tokens. The application needs a policy with the action Service Auth."
)
_REPLACE: Final = (
    "Refreshed in Zero Trust? The secret is unchanged: leave it empty and enter the new expiry. A new "
    "secret is tested at the resource first and replaces the old one only if it is accepted."
)
_EMPTY_STAYS: Final = "empty: unchanged"
_FIELDS: Final = (
    ("url", "URL", "https://wiki.example.com/"),
    ("client_id", "Client ID", "32 hexadecimal digits, then .access"),
    ("secret", "Client secret", "not shown; cfast_… or 64 hexadecimal digits"),
    ("label", "Label", "your name for it (optional)"),
    ("expires", "Expires on", "2027-03-31 (optional); you are reminded 30 days before"),
    ("header", "Single header", f"empty: two headers; or its name, such as {DEFAULT_HEADER}"),
)
_NEEDED: Final = frozenset({"url", "client_id", "secret"})


class ServiceTokenScreen(ActionChecks, Dialog[None]):
    """Takes a service token, checks its shape as it is typed, keeps and tests it.

    Args:
        url: the resource of a token that is added.
        token: the token that is edited or whose secret is replaced; None adds one.
    """

    CSS_PATH = [DIALOG_STYLES, Path(__file__).with_name("service_token_form.tcss")]  # noqa: RUF012 - Textual declares it
    BINDINGS = keys("service_token")

    shape = getters.query_one("#shape", Static)

    def __init__(self, session: Session, url: str = "", token: ServiceToken | None = None) -> None:
        super().__init__()
        self._session = session
        self._url = url
        self._replaced = token
        self._stored: ServiceToken | None = None
        self._refused = False
        self._busy = False

    def body(self) -> ComposeResult:
        adding = self._replaced is None
        title = "Add a service token" if adding else "Edit a service token, or replace its secret"
        with DialogBox(title, wide=True):
            yield Static(Content(_ADD if adding else _REPLACE), classes="form-words")
            yield from self._rows()
            yield Static(id="shape")
            yield Static(id="result")
            with DialogButtons():
                label = "Save and test" if adding else "Save"
                yield action_button(label, "keep", variant="primary")
                yield action_button("Swap the two", "swap")
                yield action_button("Save anyway", "anyway", variant="warning")
                yield action_button("Close", "dismiss", id="leave")

    def _rows(self) -> Iterator[Horizontal]:
        for name, title, hint in _FIELDS:
            # A token is for one resource, in one form: with another one it is another token.
            if self._replaced is not None and name in {"url", "header"}:
                continue
            placeholder = _EMPTY_STAYS if self._replaced is not None and name == "secret" else hint
            field = Input(
                self._initial(name), placeholder=placeholder, password=name == "secret", id=name, compact=True
            )
            yield Horizontal(Static(Content(title), classes="form-name"), field, classes="form-row")

    def _initial(self, name: str) -> str:
        token = self._replaced
        if token is None:
            return self._url if name == "url" else ""
        expires = "" if token.expires_at is None else _moment(token.expires_at)
        return {"client_id": token.client_id, "label": token.label, "expires": expires}.get(name, "")

    def on_mount(self) -> None:
        empty = (field for field in self.query(Input) if field.id in _NEEDED and not field.value)
        if (first := next(empty, None)) is not None:
            first.focus()
        self._judge()

    # -- what is typed ---------------------------------------------------------------------------------

    def _value(self, name: str) -> str:
        return next((field.value.strip() for field in self.query(f"#{name}").results(Input)), "")

    def _typed_pair(self) -> ServiceTokenPair:
        return ServiceTokenPair.typed(self._value("client_id"), self._value("secret"))

    @on(Input.Changed)
    def _judge(self) -> None:
        pair = self._typed_pair()
        is_whole = bool(pair.client_id and pair.secret)
        problem = pair.problem if is_whole else None
        sentence, kind = "", ""
        if problem is not None:
            sign = "✖" if problem.refused else "!"
            sentence, kind = f"{sign} {problem.cause} {problem.cure}", "-bad" if problem.refused else "-odd"
        elif is_whole:
            sentence, kind = "✔ Looks like a service token.", "-good"
        self.query_one("#swap").display = problem is not None and problem.is_swapped
        self.shape.set_classes(kind)
        self.shape.update(Content(sentence))
        self.query_one("#anyway").display = self._refused
        self.refresh_bindings()

    def action_swap(self) -> None:
        first, second = self.query_one("#client_id", Input), self.query_one("#secret", Input)
        first.value, second.value = second.value, first.value

    def can_swap(self) -> bool:
        return self.query_one("#swap").display

    # -- keeping and testing ---------------------------------------------------------------------------

    @on(Input.Submitted)
    def action_keep(self) -> None:
        self._begin(anyway=False)

    def can_keep(self) -> bool:
        return not self._busy

    def action_anyway(self) -> None:
        if self._refused:
            self._begin(anyway=True)

    def can_anyway(self) -> bool:
        return self._refused and not self._busy

    def _begin(self, *, anyway: bool) -> None:
        if self._busy:
            return
        # A second Enter, when it is stored, closes the form.
        if self._stored is not None:
            self.dismiss()
            return
        with self.telling("#result", "✖ "):
            token, secret = self._typed()
            if self._replaced is not None and not secret:
                self._edit(token)
                return
            self._busy = True
            self.tell("#result", "Calling the resource …", good=None)
            self._work(token, secret, anyway=anyway)

    def _typed(self) -> tuple[ServiceToken, Secret]:
        """Return the values of the form.

        Raises:
            UsageError: it cannot be kept.
        """
        pair = self._typed_pair()
        label, ends = self._value("label"), self._value("expires")
        expires = expiry_from_text(ends) if ends else None
        if self._replaced is not None:
            if ends == self._initial("expires"):
                expires = self._replaced.expires_at  # the field has no seconds
            return replace(
                self._replaced, client_id=pair.client_id, expires_at=expires, label=label
            ), pair.secret
        text = self._value("url")
        # A host without a scheme can only mean https: a secret goes nowhere else.
        url = require_url(text if "://" in text else f"https://{text}").text
        header = self._value("header")
        token = ServiceToken.new(url, pair.client_id, label=label, expires_at=expires, header=header)
        return token, pair.secret

    @work(exclusive=True, group="service-token", description="store and test a service token")
    async def _work(self, token: ServiceToken, secret: Secret, *, anyway: bool) -> None:
        try:
            if self._replaced is None:
                result = await self._add(token, secret)
            else:
                result = await self._replace(token, secret, anyway=anyway)
            sentence, good = (
                f"{self._storage_sentence()}\n{result.sign} {result.summary} {result.cure}".strip(),
                result.good,
            )
        except AuthlensError as error:
            sentence, good = f"✖ {error}", False
        self._busy = False  # a test that is cancelled has no screen left to show it
        self._judge()
        self.tell("#result", sentence, good=good)

    def _edit(self, changed: ServiceToken) -> None:
        """Keep what has nothing to do with the secret.

        Raises:
            UsageError: another client id without its secret.
        """
        if self._replaced is not None and changed.client_id != self._replaced.client_id:
            raise UsageError("Another Client ID has another secret.", "Enter it, too.")
        self._stored = self._session.credentials.service_tokens.edit(
            changed.token_id, label=changed.label, expires_at=changed.expires_at
        )
        sentence = "✔ Label and expiry are stored; the secret is unchanged. Enter or Esc closes."
        self.tell("#result", sentence, good=True)

    async def _add(self, token: ServiceToken, secret: Secret) -> ProbeResult:
        self._stored = await self._session.credentials.service_tokens.save(token, secret)
        probed = await probe_service_token(self._session, self._stored)
        self._stored = probed.token
        return probed.result

    async def _replace(self, token: ServiceToken, secret: Secret, *, anyway: bool) -> ProbeResult:
        replacement = await replace_service_token(self._session, token, secret, anyway=anyway)
        self._refused = not replacement.stored
        self._stored = replacement.token if replacement.stored else None
        return replacement.result

    def _storage_sentence(self) -> str:
        if self._stored is None:
            return "! The old secret is unchanged."
        sentence = "The new secret is stored" if self._replaced is not None else "It is stored"
        return f"✔ {sentence} in {self._session.credentials.store.name}. Enter or Esc closes."


def _moment(moment: datetime) -> str:
    """Return a moment for the field: only the date if its time is midnight UTC."""
    text = moment.astimezone(UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    return text.removesuffix(" 00:00")

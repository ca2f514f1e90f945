"""Start a login from the dashboard: ask for the URL and offer what is known of it, or take a stored one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.events import Paste
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, OptionList
from textual.widgets.option_list import Option

from authlens_core.desk.credentials import ServiceToken, StateUnusable, working_logins
from authlens_core.desk.session import account_name
from authlens_core.desk.settings import MOST_FAVOURITES, SettingsFile
from authlens_core.explain.pasted_url import login_url, url_in
from authlens_core.values.login_options import Options
from authlens_tui.screens.dashboard.context import DashboardContext, LoginWanted
from authlens_tui.screens.dashboard.listing import Listing
from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.screens.machine_login import MachineLoginScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.words.times import already_words

_HINT: Final = "Enter starts. A host name or a curl command will do."


class WorkingLogin(NamedTuple):
    """A stored credential for a URL that works; the sentence says for how long."""

    entry_id: str
    sentence: str


class LoginChoice(NamedTuple):
    """The choice of the user: a URL to log in to, as a user or as a program, or its stored credential."""

    url: str
    entry_id: str = ""
    as_program: bool = False


class UrlField(Input):
    """Takes the URL out of a pasted request."""

    def on_paste(self, event: Paste) -> None:
        """Put in the URL alone: headers and bodies may hold secrets."""
        url = url_in(event.text)
        if url is not None:
            event.prevent_default()
            event.stop()
            self.value = url
            self.cursor_position = len(url)


class NewLoginScreen(ActionChecks, Dialog[LoginChoice | None]):
    """Asks for one URL and lets only a usable one through.

    Args:
        working: the credentials that work, by URL.
        urls: completed while you type: of credentials and of earlier logins.
        settings: where the favourites are kept.
    """

    BINDINGS = keys("new_login")
    field = getters.query_one("#url", UrlField)
    listed = getters.query_one("#favourites", OptionList)
    buttons = getters.query_one(DialogButtons)

    def __init__(
        self,
        suggestion: str = "",
        working: Mapping[str, WorkingLogin] | None = None,
        urls: tuple[str, ...] = (),
        settings: SettingsFile | None = None,
    ) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._working = working or {}
        self._urls = urls
        self._settings = settings or SettingsFile()
        self._offered = ""

    def body(self) -> ComposeResult:
        with DialogBox("New login"):
            yield Static(
                Content("The address of the protected page or MCP server, as you would open it."),
                classes="dialog-words",
            )
            yield UrlField(self._suggestion, placeholder="wiki.example.com", id="url")
            yield OptionList(id="favourites")
            yield Static(Content(_HINT), id="problem", classes="dialog-hint")
            with DialogButtons():
                yield action_button("Use it", "use", variant="primary")
                yield action_button("Log in again", "again")

    def on_mount(self) -> None:
        self.buttons.display = False
        self._show_favourites()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Start with the URL, offer the existing login, or show why the URL cannot be used."""
        if (url := self._usable()) is None:
            return
        if (login := self._working.get(url)) is None:
            self.dismiss(LoginChoice(url))
            return
        self._offered = url
        self.tell("#problem", login.sentence)
        self.buttons.display = True
        self.query_one("#use", Button).focus()
        self.refresh_bindings()

    def action_program(self) -> None:
        """Go on with the URL to what the login of a program needs."""
        if (url := self._usable()) is not None:
            self.dismiss(LoginChoice(url, as_program=True))

    def _usable(self) -> str | None:
        """Return the URL in the field; show why if it cannot be used."""
        text = self.field.value.strip()
        try:
            return login_url(text)
        except ValueError as refused:
            self.tell("#problem", f"This URL cannot be used: {refused}", good=False)
            return None

    # -- favourites ------------------------------------------------------------------------------------

    @property
    def _favourites(self) -> tuple[str, ...]:
        return self._settings.present.favourites

    def _show_favourites(self) -> None:
        self.listed.display = bool(self._favourites)
        self.listed.set_options(Option(Content.line(f"★ {url}")) for url in self._favourites)
        urls = dict.fromkeys((*self._favourites, *self._urls))
        # Typed with and without the scheme.
        typed = [*urls, *(url.partition("://")[2] for url in urls)]
        self.field.suggester = SuggestFromList(typed, case_sensitive=False)

    def action_favourite(self) -> None:
        """Mark the URL in the field, or the selected favourite, as a favourite; unmark it if it is one."""
        index = self.listed.highlighted if self.listed.has_focus else None
        if (url := self._usable() if index is None else self._favourites[index]) is None:
            return
        others = tuple(favourite for favourite in self._favourites if favourite != url)
        is_new = len(others) == len(self._favourites)
        state = "is a favourite." if is_new else "is not a favourite any more."
        sentence = f"{'★ ' if is_new else ''}{url} {state}"
        try:
            self._settings.change(favourites=(url, *others)[:MOST_FAVOURITES] if is_new else others)
        except StateUnusable as error:
            sentence = str(error)
        self._show_favourites()
        self.field.focus()
        self.tell("#problem", sentence)

    def action_list(self) -> None:
        if self._favourites:
            self.listed.focus()
            self.listed.action_first()

    @on(OptionList.OptionSelected)
    def _favourite_chosen(self, event: OptionList.OptionSelected) -> None:
        """Log in to it, as if it had been typed."""
        # The change would take the offer back that `_submitted` is about to make.
        with self.prevent(Input.Changed):
            self.field.value = self._favourites[event.option_index]
        self._submitted()

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._offered:
            self._offered = ""
            self.buttons.display = False
            self.tell("#problem", _HINT)
            self.refresh_bindings()

    def action_use(self) -> None:
        self.dismiss(LoginChoice(self._offered, self._working[self._offered].entry_id))

    def action_again(self) -> None:
        self.dismiss(LoginChoice(self._offered))

    def can_again(self) -> bool:
        return bool(self._offered)


class OtherAccountScreen(Dialog[str | None]):
    """Asks for the name of another account at a resource.

    Args:
        title: of the login that there is.
        logout: the address that ends the browser's session; empty if it is not known.
    """

    BINDINGS = keys("other_account")
    field = getters.query_one("#account", Input)

    def __init__(self, title: str, logout: str) -> None:
        super().__init__()
        self._title = title
        self._logout = logout

    def body(self) -> ComposeResult:
        ways = "use a private window" + (", or open the address below first" if self._logout else "")
        explanation = (
            f"The login to {self._title} stays. The browser signs in automatically with the account it "
            f"remembers. To choose another, {ways}."
        )
        with DialogBox("Log in with another account"):
            yield Static(Content(explanation), classes="dialog-words")
            yield Input(placeholder="work", id="account")
            yield Static(
                Content("Enter starts. The name is for the new login."), id="problem", classes="dialog-hint"
            )
            if self._logout:
                yield Static(
                    Content(f"{self._logout} logs you out of every application of the team; it is copied.")
                )
            with DialogButtons():
                yield action_button("Log in", "log_in", variant="primary")

    @on(Input.Submitted)
    def action_log_in(self) -> None:
        with self.telling("#problem"):
            self.dismiss(account_name(self.field.value.strip()))


class LoginActions:
    """Asks for the options of a login, then requests it; `select` selects a credential by its id."""

    def __init__(
        self,
        context: DashboardContext,
        suggest: Callable[[], str],
        listing: Listing,
        select: Callable[[str], None],
    ) -> None:
        self._context = context
        self._suggest = suggest
        self._listing = listing
        self._select = select

    def new(self) -> None:
        urls = tuple(dict.fromkeys(entry.url for entry in self._listing.entries if entry.url))
        dialog = NewLoginScreen(self._suggest(), self._working_logins(), urls, self._context.settings)
        self._context.screen.app.push_screen(dialog, self._chosen)

    def _chosen(self, choice: LoginChoice | None) -> None:
        if choice is None:
            return
        if choice.entry_id:
            self._select(choice.entry_id)
            self._context.say("This login works. c copies its token, p asks the resource.")
        elif choice.as_program:
            self._as_program(choice.url, Options())
        else:
            self._log_in(choice.url)

    def _as_program(self, url: str, options: Options, account: str | None = None) -> None:
        self._context.screen.app.push_screen(
            MachineLoginScreen(options),
            lambda chosen: None if chosen is None else self._log_in(url, chosen, account),
        )

    def _log_in(self, url: str, options: Options | None = None, account: str | None = None) -> None:
        self._context.screen.post_message(LoginWanted(url, options, account))

    def _working_logins(self) -> Mapping[str, WorkingLogin]:
        now = self._context.now()
        grants = (entry.grant for entry in self._listing.entries if entry.grant is not None)
        return {
            url: WorkingLogin(grant.grant_id, already_words(grant.expires_at, now))
            for url, grant in working_logins(grants, now).items()
        }

    def again(self) -> None:
        """Log in to the selected resource again, with cloudflared if the token is cloudflared's."""
        entry = self._context.selected
        if entry is None:
            return
        if entry.grant is not None and entry.grant.machine is not None:
            self._as_program(entry.url, entry.grant.machine_options(), entry.grant.account)
        elif entry.cloudflared is None:
            self._log_in(entry.url, account=None if entry.grant is None else entry.grant.account)
        else:
            from authlens_tui.screens.cloudflared import CloudflaredScreen

            self._context.show(CloudflaredScreen(entry.cloudflared.url, self._context.session))

    def switch_account(self) -> None:
        """Log in as another account, under a name; copy the address that ends the browser's session."""
        entry = self._context.selected
        if entry is None:
            return
        logout = f"https://{entry.team}/cdn-cgi/access/logout" if entry.is_of_team else ""

        def start(account: str | None) -> None:
            if account is None:
                return
            if logout:
                self._context.run(self._context.screen.app.copy(logout, "Logout address"))
            self._log_in(entry.url, account=account)

        self._context.screen.app.push_screen(OtherAccountScreen(entry.title, logout), start)

    def add_service_token(self) -> None:
        self._service_token_form(None)

    def edit_service_token(self) -> None:
        entry = self._context.selected
        if entry is not None and entry.service_token is not None:
            self._service_token_form(entry.service_token)

    def _service_token_form(self, token: ServiceToken | None) -> None:
        from authlens_tui.screens.dashboard.service_token_form import ServiceTokenScreen

        self._context.show(ServiceTokenScreen(self._context.session, token=token))

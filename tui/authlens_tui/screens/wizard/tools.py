"""What can be done with a login besides running it: edit requests, try attacks, read the lesson, save."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final

from textual.screen import Screen

from authlens_core.desk.log_in import Login, Stage, StageRecord, Trace, attacks_on, ended_in
from authlens_core.values.fix import WayOn
from authlens_tui.screens.confirm import COPY_TOKEN, NOT_COPIED, ConfirmScreen
from authlens_tui.screens.copy_menu import CopyMenuScreen
from authlens_tui.screens.machine_login import MachineLoginScreen
from authlens_tui.screens.wizard.edit import EditScreen
from authlens_tui.screens.wizard.owner import OwnerScreen, ServerOwner
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.what_if import ExperimentResultScreen, WhatIfScreen
from authlens_tui.screens.wizard.wizard_messages import LoginChanged, OtherWayWanted
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.record.copying import Copyable
from authlens_tui.widgets.record.record_messages import TokenCopied

_QUIT: Final = "The running stage is stopped. You can start this login again later."


class WizardTools:
    """Opens the dialogs of the wizard on `screen`, and reports by messages what they changed."""

    def __init__(self, screen: Screen[None], login: Login, runner: StageRunner) -> None:
        self._screen = screen
        self._login = login
        self._runner = runner

    def _ask(self, question: Coroutine[Any, Any, None], description: str) -> None:
        self._screen.run_worker(question, group="tools", exclusive=True, description=description)

    def edit(self) -> None:
        self._ask(self._edit(), "edit a request")

    async def _edit(self) -> None:
        login, form = self._login, self._login.edit_form()
        if form is None or login.running is not None:
            return
        changes = await self._screen.app.push_screen_wait(EditScreen(form))
        if changes is None or login.position is not form.stage or login.running is not None:
            return
        self._runner.answer_failure()
        login.apply(changes)
        self._screen.post_message(LoginChanged())

    def machine_login(self) -> None:
        self._ask(self._machine_login(), "log in as a program")

    async def _machine_login(self) -> None:
        login = self._login
        options = await self._screen.app.push_screen_wait(MachineLoginScreen(login.facts.options))
        if options is not None and login.running is None:
            self._runner.change_flow(options)

    def what_if(self) -> None:
        self._ask(self._what_if(), "choose an attack")

    async def _what_if(self) -> None:
        login = self._login
        if login.running is not None:
            return
        dialog = WhatIfScreen(login.position, login.armed, attacks_on(login.facts), login.flow)
        choice = await self._screen.app.push_screen_wait(dialog)
        # A stage may have been started by a key while the dialog was open.
        if choice is not None and login.running is None:
            self._runner.answer_failure()
            login.arm(choice.attack)
            self._screen.post_message(LoginChanged())

    def show_results(self, record: StageRecord) -> None:
        """Show how the attacks in `record` ended, in one dialog with those shown already."""
        if not ended_in(record):
            return
        top = self._screen.app.screen
        if isinstance(top, ExperimentResultScreen):
            top.add(record)
        else:
            self._screen.app.push_screen(ExperimentResultScreen(record))

    def quit(self) -> None:
        self._ask(self._quit(), "quit")

    async def _quit(self) -> None:
        title = "A login is waiting. Leave?" if self._login.wait.waiting else "A login is running. Leave?"
        if await self._screen.app.push_screen_wait(ConfirmScreen(title, _QUIT, "Quit")):
            self._screen.app.exit()

    def other_way(self, way: WayOn) -> None:
        """Leave OAuth for cloudflared or a service token; the app shows that."""
        self._screen.post_message(OtherWayWanted(way, self._login.facts.resource_url.text))

    def lesson(self, stage: Stage) -> None:
        from authlens_tui.screens.wizard.lesson import LessonScreen

        self._screen.app.push_screen(LessonScreen(stage, self._login.flow))

    def be_the_owner(self, owner: ServerOwner | None) -> None:
        """Show the setting that is wrong at the server, and run the stage again with it as it is then."""
        failed = self._runner.failed
        if owner is not None and failed is not None:
            title = self._login.flow.numbered(failed.stage)
            self._screen.app.push_screen(
                OwnerScreen(owner, title), lambda again: self._runner.retry() if again else None
            )

    def compare(self, before: tuple[str, Trace] | None) -> None:
        """Show what differs from the login before."""
        from authlens_tui.screens.trace.comparison import CompareScreen

        if before is not None:
            self._screen.app.push_screen(
                CompareScreen(before[1], self._login.trace, (before[0], "this login"))
            )

    def step_through(self) -> None:
        """Step through the arrows of the login."""
        from authlens_tui.screens.trace.player import PlayerScreen

        self._screen.app.push_screen(PlayerScreen(self._login.trace))

    @property
    def masked_note(self) -> str:
        """What to say of a copy in which secrets are masked."""
        return "Secrets are masked." if self._login.facts.tokens is None else "Secrets masked; the token: C."

    def copy_menu(self, choices: Sequence[Copyable]) -> None:
        """Offer `choices` to copy, and the access token as soon as the login has received one."""
        tokens = self._login.facts.tokens
        if tokens is not None:
            token = tokens.access_token
            choices = (*choices, Copyable("Access token", f"{token.masked} (asks first)", token))
        if choices:
            self._ask(self._copy(choices), "choose what to copy")

    async def _copy(self, choices: Sequence[Copyable]) -> None:
        app = self._screen.app
        chosen = await app.push_screen_wait(CopyMenuScreen(choices))
        if chosen is None or not isinstance(app, TerminalApp):
            return
        if chosen.secret is None:
            await app.copy(chosen.text, chosen.name)
            return
        title, words, yes = COPY_TOKEN
        named = f"{self._login.facts.resource_url.text}\n\n{words}"
        if await app.push_screen_wait(ConfirmScreen(title, named, yes)):
            await app.copy(chosen.secret, chosen.name)
            self._screen.post_message(TokenCopied())
        else:
            app.notify(NOT_COPIED, markup=False)

    def export(self) -> None:
        from authlens_tui.screens.trace.save_record import ExportScreen

        self._screen.app.push_screen(ExportScreen(self._login.trace))

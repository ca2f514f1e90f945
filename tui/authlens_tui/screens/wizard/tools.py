"""What can be done with a login besides running it: edit requests, try attacks, read the lesson, save.

Attacks are chosen from a list, and how one ended is shown beside what the specification says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.desk.log_in import (
    Experiment,
    Login,
    Options,
    RequestChanges,
    Stage,
    StageRecord,
    WayOn,
    attacks_on,
    ended_in,
)
from authlens_core.export.compare import honest_run, runs
from authlens_core.trace.record import AUTHORIZATION_CODE, Check, Flow, Severity, Trace
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.machine_login import MachineLoginScreen
from authlens_tui.screens.wizard.demo_login import DemoLogin, OwnerScreen
from authlens_tui.screens.wizard.edit import EditScreen
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.status_words import acts_at
from authlens_tui.screens.wizard.wizard_messages import LoginChanged, OtherWayWanted
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.scrolled_views import ReadingScroll

_Answer = TypeVar("_Answer")
_HEAD: Final = "bold $text-accent"


class WhatIfScreen(ActionChecks, ModalScreen[Experiment | Literal[False] | None]):
    """Lists the attacks; ends with the chosen one, False for none, or None to change nothing.

    Args:
        position: the stage to run next, None after the last.
        armed: the attack that is ready already.
        attacks: those that mean something in the login.
    """

    CSS_PATH = "what_if.tcss"
    TITLE = "What if"
    BINDINGS = keys("what_if")

    options = getters.query_one(OptionList)
    detail = getters.query_one("#what-if-detail", Static)
    box = getters.query_one("#what-if-box", VerticalScroll)

    def __init__(
        self,
        position: Stage | None,
        armed: Experiment | None,
        attacks: Sequence[Experiment],
        flow: Flow = AUTHORIZATION_CODE,
    ) -> None:
        super().__init__()
        self._attacks = attacks
        self._flow = flow
        self._position = position
        self._armed = armed
        self._first = armed if armed is not None and armed in attacks else attacks[0]

    def compose(self) -> ComposeResult:
        with Vertical(id="what-if"):
            yield Static(
                Content("Try an attack and see who refuses it. No token of such a login is stored."),
                id="what-if-words",
            )
            with Horizontal(id="what-if-both"):
                yield OptionList(*(self._option(attack) for attack in self._attacks), compact=True)
                with VerticalScroll(id="what-if-box", can_focus=False):
                    yield Static(_words(self._first, self._position, self._flow), id="what-if-detail")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#what-if").border_title = "What if…"
        self.options.highlighted = self._attacks.index(self._first)
        self.options.focus()

    def _option(self, experiment: Experiment) -> Option:
        ready = ("  ≠ ready", "bold $text-warning") if experiment is self._armed else ""
        return Option(Content.assemble(experiment.title, ready), id=experiment.name)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.detail.update(_words(self._attacks[event.option_index], self._position, self._flow))
        self.box.scroll_home(animate=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._attacks[event.option_index])

    def action_arm(self) -> None:
        self.options.action_select()

    def action_read(self, step: int) -> None:
        self.box.scroll_relative(y=step * max(1, self.box.size.height - 1), animate=False)

    def action_disarm(self) -> None:
        self.dismiss(False)

    def can_disarm(self) -> bool:
        return self._armed is not None


def _words(experiment: Experiment, position: Stage | None, flow: Flow) -> Content:
    where = acts_at(experiment, flow)
    acts = Stage.EXCHANGE if experiment.stage is Stage.REFRESH else experiment.stage
    already_run = flow.position(position) > flow.position(acts)
    signs_in = ", and you sign in again" if flow.is_by_link else ""
    again = f" Already run: restarts from an earlier stage{signs_in}." if already_run else ""
    return Content.assemble(
        ("What an attacker would try\n", _HEAD),
        f"{experiment.question}\n\n",
        ("Where it acts\n", _HEAD),
        f"{where[:1].upper()}{where[1:]}.{again}\n\n",
        ("What the specification says\n", _HEAD),
        f"{experiment.expectation} ",
        (f"({experiment.spec})\n\n", "$quiet"),
        ("If it were accepted\n", _HEAD),
        experiment.why,
    )


class ExperimentResultScreen(ModalScreen[None]):
    """Shows how the attacks in a record ended; more can be added while it is open."""

    CSS_PATH = "what_if.tcss"
    TITLE = "Verdict"
    BINDINGS = keys("result")

    box = getters.query_one("#experiment-result", ReadingScroll)

    def __init__(self, record: StageRecord) -> None:
        super().__init__()
        self._record = record

    def compose(self) -> ComposeResult:
        yield ReadingScroll(*_results(self._record), id="experiment-result")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.box.border_title = "Verdict"
        self.box.focus()

    def add(self, record: StageRecord) -> None:
        """Show the results in `record` too, as soon as this screen is mounted."""
        self.call_later(lambda: self.box.mount(*_results(record)))


class _ResultView(Vertical):
    """One attack: what was changed, what must happen, what did, and what that means."""

    def __init__(self, experiment: Experiment, check: Check, record: StageRecord) -> None:
        super().__init__(classes="result-one")
        self._experiment = experiment
        self._check = check
        self._record = record

    def compose(self) -> ComposeResult:
        experiment, check = self._experiment, self._check
        tampering = "; ".join(self._record.tampering)
        changed = f" Changed: {tampering}." if tampering else ""
        title = (experiment.title, "bold $text-primary")
        flow = self._record.flow
        yield Static(Content.assemble(title, f" {acts_at(experiment, flow)}.{changed}"))
        with Horizontal(classes="result-sides"):
            must = Content.assemble(check.expected, "\n", (check.spec, "$quiet"))
            yield _side("The specification says", must, "-must")
            who = experiment.who.removeprefix("the ")
            yield _side(
                f"{who if who == 'authlens' else who.capitalize()} answered", Content(check.seen), "-did"
            )
        yield Static(_meaning(experiment, check), classes="result-meaning")


def _results(record: StageRecord) -> list[_ResultView]:
    return [_ResultView(experiment, check, record) for experiment, check in ended_in(record)]


def _side(title: str, text: Content, kind: str) -> Static:
    side = Static(text, classes=f"result-side {kind}")
    side.border_title = title
    return side


def _meaning(experiment: Experiment, check: Check) -> Content:
    match check.severity:
        case Severity.PASS:
            return Content.assemble(("✔ Correct: ", "bold $text-success"), f"{experiment.who} refused it.")
        case Severity.NOTICE:
            return Content.assemble(("· Inconclusive. ", "bold"), experiment.why)
        case Severity.WARNING:
            return Content.assemble(("! Not refused. ", "bold $text-warning"), f"{check.why} {check.cure}")
        case _:
            return Content.assemble(("✖ Accepted. ", "bold $text-error"), f"{check.why} {check.cure}")


_QUIT: Final = "The running stage is stopped. You can start this login again later."


class WizardTools:
    """Opens the dialogs of the wizard on `screen`, and reports by messages what they changed."""

    def __init__(self, screen: Screen[None], login: Login, runner: StageRunner, demo: DemoLogin) -> None:
        self._screen = screen
        self._login = login
        self._runner = runner
        self._demo = demo

    def _open(self, dialog: Screen[_Answer], then: Callable[[_Answer | None], None] | None = None) -> None:
        self._screen.app.push_screen(dialog, then)

    def edit(self) -> None:
        form = self._login.edit_form()
        if form is None:
            return

        def edited(changes: RequestChanges | None) -> None:
            login = self._login
            # The login may have gone on while the dialog was open.
            if changes is not None and login.position is form.stage and login.running is None:
                self._runner.answer_failure()
                login.apply(changes)
                self._screen.post_message(LoginChanged())

        self._open(EditScreen(form), edited)

    def can_edit(self) -> bool:
        return self._runner.is_idle

    def machine_login(self) -> None:
        def chosen(options: Options | None) -> None:
            if options is not None and self._login.running is None:
                self._runner.change_flow(options)

        self._open(MachineLoginScreen(self._login.facts.options), chosen)

    def can_machine_login(self) -> bool:
        failed = self._runner.failed
        return self._runner.is_idle and (failed is None or failed.needs_a_program)

    def what_if(self) -> None:
        login = self._login

        def chosen(choice: Experiment | Literal[False] | None) -> None:
            # A stage may have been started by a key while the dialog was open.
            if choice is not None and login.running is None:
                self._runner.answer_failure()
                login.arm(choice or None)
                self._screen.post_message(LoginChanged())

        self._open(WhatIfScreen(login.position, login.armed, attacks_on(login.facts), login.flow), chosen)

    def can_what_if(self) -> bool:
        return not self._runner.is_running and bool(attacks_on(self._login.facts))

    def show_results(self, record: StageRecord) -> None:
        """Show how the attacks in `record` ended, in one dialog with those shown already."""
        if not ended_in(record):
            return
        top = self._screen.app.screen
        if isinstance(top, ExperimentResultScreen):
            top.add(record)
        else:
            self._open(ExperimentResultScreen(record))

    def quit(self) -> None:
        title = "A login is waiting. Leave?" if self._login.wait.waiting else "A login is running. Leave?"
        self._open(
            ConfirmScreen(title, _QUIT, "Quit"), lambda agreed: self._screen.app.exit() if agreed else None
        )

    def can_quit(self) -> bool:
        return self._runner.is_running

    def cloudflared(self) -> None:
        self._leave_oauth(WayOn.CLOUDFLARED)

    def can_cloudflared(self) -> bool:
        return self._offers(WayOn.CLOUDFLARED)

    def service_token(self) -> None:
        self._leave_oauth(WayOn.SERVICE_TOKEN)

    def can_service_token(self) -> bool:
        return self._offers(WayOn.SERVICE_TOKEN)

    def _offers(self, way: WayOn) -> bool:
        stuck = self._runner.stuck
        return stuck is not None and way in stuck.other_ways

    def _leave_oauth(self, way: WayOn) -> None:
        self._screen.post_message(OtherWayWanted(way, self._login.facts.resource_url.text))

    def be_the_owner(self) -> None:
        """Show the setting that is wrong at the server, and run the stage again with it as it is then."""
        owner, failed = self._demo.owner, self._runner.failed
        if owner is not None and failed is not None:
            title = self._login.flow.numbered(failed.stage)
            self._open(OwnerScreen(owner, title), lambda again: self._runner.retry() if again else None)

    def can_be_the_owner(self) -> bool:
        return self._demo.owner is not None and self._runner.failed is not None

    # -- keys that do something later ------------------------------------------------------------------

    def cancel_first(self) -> None:
        self._say("Esc cancels the running stage first.")

    can_cancel_first = can_quit

    def compare_later(self) -> None:
        """Show why there is nothing to compare with, and when there is."""
        if self._demo.player is None:
            self._say("= compares recorded logins. Press d, then Enter on the dashboard, then =.")
        elif self._login.finished or self._runner.failed:
            self._say("Try an attack with i, or another login: = compares it with this one.")
        else:
            self._say("= compares with the login before, once this one has ended.")

    def can_compare_later(self) -> bool:
        return self.compared_with is None

    def _say(self, sentence: str) -> None:
        self._screen.notify(sentence, markup=False)

    def compare(self) -> None:
        """Show the differences from the honest run, if an attack was tried, or from the login before."""
        from authlens_tui.screens.trace.comparison import CompareScreen

        if (other := self.compared_with) is not None:
            name = "with the attack" if self._login.trace.tampering else "this login"
            self._open(CompareScreen(other[1], runs(self._login.trace)[-1], (other[0], name)))

    def can_compare(self) -> bool:
        return self.compared_with is not None

    @property
    def compared_with(self) -> tuple[str, Trace] | None:
        """The trace to compare this finished login with, and its name; None if there is none."""
        login = self._login
        if login.running is not None or not (login.finished or self._runner.failed):
            return None
        honest = honest_run(login.trace) if login.trace.tampering else None
        if honest is not None:
            return "without the attack", honest
        return None if self._demo.ending is None else self._demo.ending.before

    def step_through(self) -> None:
        """Step through the arrows of the login."""
        from authlens_tui.screens.trace.player import PlayerScreen

        self._open(PlayerScreen(self._login.trace))

    def can_step_through(self) -> bool:
        return bool(self._login.trace.records)

    can_export = can_step_through

    def export(self) -> None:
        from authlens_tui.screens.trace.save_record import ExportScreen

        self._open(ExportScreen(self._login.trace))

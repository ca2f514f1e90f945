"""How an attack ended: what the specification says beside what happened."""

from __future__ import annotations

from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen

from authlens_core.login.tampering.experiments import Experiment
from authlens_core.oauth.check import Check, Severity
from authlens_core.trace.record import StageRecord
from authlens_tui.screens.wizard.tampered_words import acts_at, results_in
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.key_footer import KeyFooter


class ExperimentResultScreen(ModalScreen[None]):
    """Shows how the attacks in a record ended; more can be added while it is open."""

    CSS_PATH = "what_if.tcss"
    HELP = "What should happen next to what did. Enter or Esc: back to the record."
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("result.close", "enter,escape", "dismiss", "Back", "Back to the record", priority=True),
    ]

    box = getters.query_one("#experiment-result", VerticalScroll)

    def __init__(self, record: StageRecord) -> None:
        super().__init__()
        self._record = record

    def compose(self) -> ComposeResult:
        yield VerticalScroll(*_results(self._record), id="experiment-result")
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
        changed = "; ".join(self._record.tampering) or "nothing in this stage"
        title = (experiment.title, "bold $text-primary")
        yield Static(Content.assemble(title, f" {acts_at(experiment)}. Changed: {changed}."))
        with Horizontal(classes="result-sides"):
            must = Content.assemble(check.expected, "\n", (check.spec, "$quiet"))
            yield _side("The specification says", must, "-must")
            who = experiment.who.removeprefix("the ")
            yield _side(
                f"{who if who == 'authlens' else who.capitalize()} answered", Content(check.seen), "-did"
            )
        yield Static(_meaning(experiment, check), classes="result-meaning")


def _results(record: StageRecord) -> list[_ResultView]:
    return [_ResultView(experiment, check, record) for experiment, check in results_in(record)]


def _side(title: str, words: Content, kind: str) -> Static:
    side = Static(words, classes=f"result-side {kind}")
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

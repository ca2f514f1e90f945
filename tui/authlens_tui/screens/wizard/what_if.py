"""What if…: the experiments to choose from, and what became of one."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from authlens_core.login.tampering.experiments import EXPERIMENTS, Experiment, experiment_named
from authlens_core.oauth.check import Check, Severity
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_footer import KeyFooter

__all__ = ["ExperimentResultScreen", "WhatIfScreen", "acts_at", "results_in"]

_HEAD: Final = "bold $text-accent"


def acts_at(experiment: Experiment) -> str:
    """Return where an experiment acts, such as `at 7 Exchange`."""
    if experiment.stage is Stage.REFRESH:
        return "after 8 Access"
    info = STAGE_INFO[experiment.stage]
    return f"at {info.number} {info.title}"


def results_in(record: StageRecord) -> tuple[tuple[Experiment, Check], ...]:
    """Return the experiments that ended in a record, each with the check that says how."""
    named = ((experiment_named(c.name.removeprefix("experiment.")), c) for c in record.checks)
    return tuple((one, check) for one, check in named if one is not None and _is_of(one, check))


def _is_of(experiment: Experiment, check: Check) -> bool:
    return check.name == f"experiment.{experiment.name}"


class WhatIfScreen(ModalScreen[str | None]):
    """Lists the experiments; ends with the name of the chosen one, "" for none any more, or None.

    Args:
        position: the stage to run next, None after the last.
        armed: the experiment that is armed already.
    """

    CSS_PATH = "what_if.tcss"
    HELP = "Choose what to try. It is armed, the login runs as ever, and the experiment acts in its stage."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "arm", "Arm it", id="what_if.arm", tooltip="Let it act in its stage", priority=True),
        Binding("x", "disarm", "Disarm", id="what_if.disarm", tooltip="Run the login as the protocol has it"),
        Binding(
            "pagedown", "read(1)", "Read on", id="what_if.read", tooltip="Scroll the words", priority=True
        ),
        Binding(
            "pageup",
            "read(-1)",
            "Read back",
            show=False,
            id="what_if.read_back",
            tooltip="Scroll back",
            priority=True,
        ),
        Binding("escape,i", "close", "Back", id="what_if.close", tooltip="Change nothing"),
    ]

    options = getters.query_one(OptionList)
    detail = getters.query_one("#what-if-detail", Static)

    def __init__(self, position: Stage | None, armed: Experiment | None) -> None:
        super().__init__()
        self._position = position
        self._armed = armed
        self._first = armed if armed is not None and armed in EXPERIMENTS else EXPERIMENTS[0]

    def compose(self) -> ComposeResult:
        """Lay out the list and what is said about the one under the cursor."""
        with Vertical(id="what-if"):
            yield Static(
                Content("Try an attack and see who stops it. Nothing of such a login is kept."),
                id="what-if-words",
            )
            with Horizontal(id="what-if-both"):
                yield OptionList(*(self._option(one) for one in EXPERIMENTS), compact=True)
                with VerticalScroll(id="what-if-box", can_focus=False):
                    yield Static(_words(self._first, self._position), id="what-if-detail")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Put the cursor on the armed one, or on the first."""
        self.query_one("#what-if").border_title = "What if…"
        self.options.highlighted = EXPERIMENTS.index(self._first)
        self.options.focus()

    def _option(self, experiment: Experiment) -> Option:
        armed = ("  ≠ armed", "bold $text-warning") if experiment is self._armed else ""
        return Option(Content.assemble(experiment.title, armed), id=experiment.name)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        experiment = experiment_named(event.option_id or "")
        if experiment is not None:
            self.detail.update(_words(experiment, self._position))
            self.query_one("#what-if-box", VerticalScroll).scroll_home(animate=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Disarm only what is armed."""
        return self._armed is not None if action == "disarm" else True

    def action_arm(self) -> None:
        """Choose the one under the cursor."""
        self.options.action_select()

    def action_read(self, step: int) -> None:
        """Scroll what is said about the one under the cursor."""
        box = self.query_one("#what-if-box", VerticalScroll)
        box.scroll_relative(y=step * max(1, box.size.height - 1), animate=False)

    def action_disarm(self) -> None:
        """Run the login as the protocol has it."""
        self.dismiss("")

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)


def _words(experiment: Experiment, position: Stage | None) -> Content:
    return Content.assemble(
        ("What somebody would try\n", _HEAD),
        f"{experiment.question}\n\n",
        ("Where it acts\n", _HEAD),
        f"{_sentence(acts_at(experiment))}.{_way_there(experiment, position)}\n\n",
        ("What the specification says\n", _HEAD),
        f"{experiment.expectation} ",
        (f"({experiment.spec})\n\n", "$quiet"),
        ("If it were let through\n", _HEAD),
        experiment.why,
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _way_there(experiment: Experiment, position: Stage | None) -> str:
    acts = Stage.EXCHANGE if experiment.stage is Stage.REFRESH else experiment.stage
    here = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
    if here > LOGIN_STAGES.index(acts):
        return " That is behind: the login goes back to where it can be done afresh, and you sign in again."
    return ""


class ExperimentResultScreen(ModalScreen[None]):
    """Shows what the specification says next to what was said; more results can be added while it stands."""

    CSS_PATH = "what_if.tcss"
    HELP = "On one side what must happen, on the other what did. Enter or Esc leads back to the record."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,escape", "close", "Back", id="result.close", tooltip="Back to the record", priority=True
        ),
    ]

    box = getters.query_one("#result", VerticalScroll)

    def __init__(self, record: StageRecord) -> None:
        super().__init__()
        self._waiting: list[StageRecord] | None = [record]  # None once there is a box to show them in

    def compose(self) -> ComposeResult:
        """Lay out the box; the results come into it, one under the other."""
        yield VerticalScroll(id="result")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show what came up to now, name the box, and let the keys scroll it."""
        records, self._waiting = self._waiting or [], None
        for record in records:
            self._show(record)
        self.box.border_title = "What became of it"
        self.box.focus()

    def add(self, record: StageRecord) -> None:
        """Show what became of the next one, too; it may come before this screen is laid out."""
        if self._waiting is None:
            self._show(record)
        else:
            self._waiting.append(record)

    def _show(self, record: StageRecord) -> None:
        self.box.mount(*(ResultView(one, check, record) for one, check in results_in(record)))

    def action_close(self) -> None:
        """Go back to the record."""
        self.dismiss(None)


class ResultView(Vertical):
    """One experiment: what was changed, what must happen and what did, and what that means."""

    def __init__(self, experiment: Experiment, check: Check, record: StageRecord) -> None:
        super().__init__(classes="result-one")
        self._experiment = experiment
        self._check = check
        self._record = record

    def compose(self) -> ComposeResult:
        """Lay out the two sides; they stand one under the other where the screen is narrow."""
        experiment, check = self._experiment, self._check
        changed = "; ".join(self._record.tampering) or "nothing in this stage"
        yield Static(
            Content.assemble(
                (experiment.title, "bold $text-primary"), f" {acts_at(experiment)}. Changed: {changed}."
            )
        )
        with Horizontal(classes="result-sides"):
            must = Static(
                Content.assemble(check.expected, "\n", (check.spec, "$quiet")), classes="result-side -must"
            )
            must.border_title = "The specification says"
            yield must
            did = Static(Content(check.seen), classes="result-side -did")
            did.border_title = (
                f"{experiment.who.capitalize() if experiment.who != 'authlens' else 'authlens'} said"
            )
            yield did
        yield Static(_meaning(experiment, check), classes="result-meaning")


def _meaning(experiment: Experiment, check: Check) -> Content:
    who = experiment.who
    match check.severity:
        case Severity.PASS:
            return Content.assemble(("✔ As it must be: ", "bold $text-success"), f"{who} stopped it.")
        case Severity.NOTICE:
            return Content.assemble(("· Nothing is proven. ", "bold"), experiment.why)
        case Severity.WARNING:
            return Content.assemble(("! Not stopped. ", "bold $text-warning"), f"{check.why} {check.cure}")
        case _:
            return Content.assemble(
                ("✖ It was let through. ", "bold $text-error"), f"{check.why} {check.cure}"
            )

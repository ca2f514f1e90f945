"""The rehearsal: a menu of logins at the emulator, each with a question to answer before it is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Click
from textual.screen import Screen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from authlens_core.learning.drill.drill import Drill, DrillGroup
from authlens_core.learning.drill.drill_file import drills
from authlens_core.learning.drill.drill_verdict import DrillVerdict
from authlens_tui.screens.dialog import action_button
from authlens_tui.screens.prediction import PredictionScreen, option_lines
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_HINT: Final = "simulated servers: no account, no network"
_NO_MATCH: Final = "No match. Backspace deletes a letter, Esc clears the filter."


class Run(StrEnum):
    """How the login of a scenario ended; the value is its mark in the menu."""

    FINISHED = "✔"
    FAILED = "✖"
    LEFT = "–"


def matching(offered: Iterable[Drill], words: str) -> tuple[Drill, ...]:
    """Return the scenarios in which each of the words occurs: in group, name, title or sentence."""
    wanted = words.casefold().split()
    return tuple(scenario for scenario in offered if all(word in _searched(scenario) for word in wanted))


def _searched(scenario: Drill) -> str:
    return f"{scenario.group} {scenario.name} {scenario.title} {scenario.watch_for}".casefold()


def card(drill: Drill, verdict: DrillVerdict | None, *, ran: bool) -> Content:
    """Return what there is to know about a drill before it is run, and the answer once it was."""
    predicted = Content("\n").join((Content(drill.question), *option_lines(drill, verdict)))
    parts = [("Predict" if verdict is None else "You predicted", predicted)]
    if verdict is not None:
        parts.append(("Verdict", Content(verdict.sentence)))
    # Before, it would give the answer away.
    if ran and (not drill.ends_at_the_dashboard or (verdict is not None and verdict.held)):
        parts.append(("Answer", Content(drill.answer)))
        parts.append(("What there was to see", Content(drill.watch_for)))
    parts.append(("How", Content(drill.how)))
    title = Content.styled(drill.title, "bold $text-primary")
    described = (Content.assemble((name, "bold $text-accent"), "\n", words) for name, words in parts)
    return Content("\n\n").join((title, *described))


class _Filter(Input):
    """Takes what is typed, and leaves the arrow keys to the list under it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.start", "Start", tooltip="Run the selected scenario"),
        Binding("up", "screen.move(-1)", "Up", show=False, tooltip="The scenario above"),
        Binding("down", "screen.move(1)", "Down", show=False, tooltip="The scenario below"),
        Binding("pageup", "screen.move(-8)", "Page up", show=False, tooltip="Eight scenarios up"),
        Binding("pagedown", "screen.move(8)", "Page down", show=False, tooltip="Eight scenarios down"),
        Binding("question_mark", "app.help", "Help", key_display="?", priority=True),
    ]


class RehearsalScreen(Screen[None]):
    """Shows the scenarios, and calls `run` with the one that is chosen."""

    CSS_PATH = "rehearsal.tcss"
    HELP = (
        "Typing filters the list, the arrow keys move in it, Enter asks for your prediction and starts. "
        "When you leave the wizard with d you are here again, and see whether it was right."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("rehearsal.leave", "escape", "leave", "Dashboard", "Clear the filter, or leave"),
    ]

    filter = getters.query_one("#filter", Input)
    listed = getters.query_one("#scenarios", OptionList)
    words = getters.query_one("#card-words", Static)

    def __init__(self, run: Callable[[Drill, str], Awaitable[None]]) -> None:
        super().__init__()
        self._start = run
        self._scenarios = drills()
        self._run: dict[str, Run] = {}
        self._verdicts: dict[str, DrillVerdict] = {}

    def compose(self) -> ComposeResult:
        yield TitleBar("demo", note=_HINT, is_root=True)
        with Horizontal(id="rehearsal"):
            with Vertical(id="menu"):
                yield _Filter(placeholder="Type to filter", id="filter", compact=True)
                scenarios = OptionList(id="scenarios", markup=False)
                # The focus stays in the filter, so that typing always filters; its keys move the list.
                scenarios.can_focus = False
                yield scenarios
            with VerticalScroll(id="card"):
                yield Static(id="card-words")
                with Horizontal(id="card-buttons"):
                    yield action_button("Start (Enter)", "start", variant="primary", compact=True)
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#menu").border_title = "Scenarios"
        self._list()
        self.filter.focus()

    @property
    def selected(self) -> Drill | None:
        option = self.listed.highlighted_option
        return None if option is None or option.id is None else self._scenarios[option.id]

    def note_run(self, scenario: Drill, run: Run) -> None:
        """Mark how the login of a scenario ended, and show its answer."""
        self._run[scenario.name] = run
        self._list(scenario.name)

    def note_verdict(self, scenario: Drill, verdict: DrillVerdict) -> None:
        """Show what a prediction was worth, when this screen is shown again."""
        self._verdicts[scenario.name] = verdict

    def on_screen_resume(self) -> None:
        self._show()

    # -- what is shown ---------------------------------------------------------------------------------

    def _list(self, selected: str = "") -> None:
        matches = matching(self._scenarios.values(), self.filter.value)
        self.listed.clear_options()
        self.listed.add_options(self._options(matches))
        names = [scenario.name for scenario in matches]
        if names:
            self.listed.highlighted = self.listed.get_option_index(
                selected if selected in names else names[0]
            )
        self.query_one("#menu").border_subtitle = f"{len(self._run)} of {len(self._scenarios)} run"
        self._show()

    def _options(self, scenarios: Sequence[Drill]) -> Iterable[Option]:
        group: DrillGroup | None = None
        for scenario in scenarios:
            if scenario.group is not group:
                group = scenario.group
                yield Option(Content.styled(group.value, "bold $text-accent"), disabled=True)
            yield Option(Content(f"{self._run.get(scenario.name, ' ')} {scenario.title}"), id=scenario.name)

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        scenario = self.selected
        self.words.update(
            Content(_NO_MATCH)
            if scenario is None
            else card(scenario, self._verdicts.get(scenario.name), ran=scenario.name in self._run)
        )
        self.query_one("#card-buttons").display = scenario is not None
        self.query_one("#card").scroll_home(animate=False)

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        scenario = self.selected
        self._list("" if scenario is None else scenario.name)

    # -- what can be done ------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Move the cursor; from the first to the last and back at the ends."""
        move = self.listed.action_cursor_down if step > 0 else self.listed.action_cursor_up
        for _ in range(abs(step)):
            move()

    def action_start(self) -> None:
        if (scenario := self.selected) is not None:
            self.run_scenario(scenario)

    def scenarios(self) -> Iterable[tuple[str, Callable[[], object]]]:
        """Return the title of each scenario, with what starts it while this screen is shown."""
        return ((each.title, partial(self.run_scenario, each)) for each in self._scenarios.values())

    def run_scenario(self, scenario: Drill) -> None:
        """Ask for the prediction, unless it was made before, and then start."""

        def start(predicted: str | None) -> None:
            if predicted is not None:
                # Of the app: leaving the menu meanwhile must not leave it with no emulator.
                starting = partial(self._start, scenario, predicted)
                self.app.run_worker(starting, exclusive=True, group="rehearse")

        known = self._verdicts.get(scenario.name)
        if known is None:
            self.app.push_screen(PredictionScreen(scenario), start)
        else:
            start(known.predicted)

    def on_click(self, event: Click) -> None:
        """Start on a double click in the list; one click selects."""
        if event.chain == 2 and event.widget is self.listed:
            self.action_start()

    def action_leave(self) -> None:
        """Clear the filter if there is one, otherwise go to the dashboard."""
        if self.filter.value:
            self.filter.value = ""
        else:
            self.app.pop_screen()

"""The command palette: every action of the screen is found by a word, and done where its key would work."""

import re
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import OptionList

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.trace.record import Stage
from authlens_core.wire.client import Wire
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.palette import BindingScope, possible_actions
from authlens_tui.terminal.measured import Static
from support.grants import NOW, every_state, put
from support.open_databases import owned
from support.screens import press, run_screen, text_of, until, wizard_on


def dashboard() -> DashboardScreen:
    """Return a dashboard with grants on it."""
    credentials = owned(Credentials.memory())
    for one in every_state():
        put(credentials.index, one, one.generation)
    return DashboardScreen(Session(Wire(), credentials), now=lambda: NOW)


async def test_every_enabled_binding_with_a_tooltip_can_be_found() -> None:
    """Of the screen, of what has the focus, and of the app; each once, with its keys."""
    async with run_screen(dashboard()) as (app, _):
        found = possible_actions(app.screen)
        bound = {
            (binding.action, id(node))
            for node, binding, enabled, _ in app.screen.active_bindings.values()
            if enabled and binding.tooltip and binding.description and "palette" not in binding.action
        }
        assert bound <= {(one.action, id(one.node)) for one in found}
        assert len({(one.action, id(one.node)) for one in found}) == len(found)
        assert {"act('selected.revoke')", "act('selected.refresh')", "help"} <= {one.action for one in found}


async def test_the_palette_does_not_offer_itself() -> None:
    """It is open already."""
    async with run_screen(dashboard()) as (app, _):
        assert not [one for one in possible_actions(app.screen) if "palette" in one.action]


async def test_an_action_that_does_nothing_now_is_not_offered() -> None:
    """Before the first stage has failed there is nothing to retry."""
    async with wizard_on() as (wizard, _pilot, _app):
        names = {one.action for one in possible_actions(wizard)}
        assert "act('runner.next')" in names
        assert "act('runner.retry')" not in names


class Part(Static, can_focus=True):
    """Something with a key of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "mark", "Mark", tooltip="Mark this part"),
        Binding("up", "look", "Up"),
    ]
    marked = False

    def action_mark(self) -> None:
        self.marked = True


class Other(Part, inherit_bindings=False):
    """Another one, whose key means something else."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "mark", "Underline", tooltip="Underline this")]


class Parts(Screen[None]):
    """Two parts that can have the focus."""

    def compose(self) -> ComposeResult:
        yield Part("one", id="one")
        yield Other("other", id="other")


async def test_the_keys_of_what_has_no_focus_are_offered_too_and_lead_there() -> None:
    """What can be searched, folded or marked is found wherever the focus is."""
    async with run_screen(Parts()) as (app, pilot):
        one, other = app.screen.query_one("#one", Part), app.screen.query_one("#other", Other)
        one.focus()
        await pilot.pause()
        places = {(a.name, a.node.id): a for a in possible_actions(app.screen)}
        assert places["Mark", "one"].scope is BindingScope.FOCUS
        assert places["Underline", "other"].scope is BindingScope.ELSEWHERE
        assert not [name for name, _ in places if name == "Up"]
        await places["Underline", "other"].do()
        await pilot.pause()
        assert other.marked
        assert app.focused is other


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("revoke", "Revoke "),
        ("new access", "Refresh "),
        ("another resource", "New "),
        ("srvc tkn", "Service token "),
    ],
)
async def test_a_word_of_the_name_or_of_the_meaning_finds_it(words: str, first: str) -> None:
    """As a person would look for it, or by a few of its letters."""
    async with run_screen(dashboard()) as (app, pilot):
        await press(pilot, "ctrl+p", then=CommandPalette)
        await pilot.press(*("space" if letter == " " else letter for letter in words))
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: rows_of(options)[:1] != [] and rows_of(options)[0].startswith(first))


def rows_of(options: OptionList) -> list[str]:
    return [str(option.prompt) for option in options.options]


async def test_name_meaning_and_key_are_columns_and_nothing_is_said_twice() -> None:
    async with run_screen(dashboard(), size=(120, 40)) as (app, pilot):
        await press(pilot, "ctrl+p", then=CommandPalette)
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count > 20)
        rows = rows_of(options)
        assert len({len(row) for row in rows}) == 1
        assert any(re.match(r"Revoke +At the server and verify +v$", row.rstrip()) for row in rows)
        assert options.size.width == pytest.approx(0.7 * 120, abs=2)


async def test_choosing_runs_the_action() -> None:
    """The first stage runs as if its key had been pressed."""
    async with wizard_on() as (_wizard, pilot, app):
        await press(pilot, "ctrl+p", then=CommandPalette)
        await pilot.press(*"run", "space", *"the", "space", *"next")
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 1 and "Run the next stage" in text_of(app))
        await press(pilot, "enter", then=lambda: _wizard.login.position is Stage.RESOURCE_METADATA)


@pytest.mark.parametrize(("width", "named"), [(80, True), (50, False)])
async def test_the_footer_names_the_palette_where_there_is_room(width: int, named: bool) -> None:
    """The keys of the screen go first."""
    async with wizard_on(size=(width, 30)) as (_wizard, pilot, app):
        await until(pilot, lambda: "n Next" in text_of(app) and ("^p palette" in text_of(app)) is named)
        await pilot.resize_terminal(130 - width, 30)
        await until(pilot, lambda: "n Next" in text_of(app) and ("^p palette" in text_of(app)) is not named)

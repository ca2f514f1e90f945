"""The footer holds what fits, and never loses the keys for help and the palette."""

from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from authlens_tui.widgets.key_footer import KeyFooter

WORDS = ["New", "Refresh", "Probe", "Revoke", "Log in", "Forget", "Filter", "Sort"]


class Keys(App[None]):
    """Nine keys, the last of them for help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"none('{key}')", word) for key, word in zip("abcdefgh", WORDS, strict=True)),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]

    def action_none(self, key: str) -> None:
        """Do nothing."""

    def compose(self) -> ComposeResult:
        yield KeyFooter()


def line_of(app: App[None]) -> str:
    segments = app.screen._compositor.render_strips()[-1]
    return "".join(segment.text for segment in segments).rstrip()


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (120, " a New  b Refresh  c Probe  d Revoke  e Log in  f Forget  g Filter  h Sort "),
        (80, " a New b Refresh c Probe d Revoke e Log in f Forget …"),
        (40, " a New b Refresh c Probe …"),
        (20, " a New …"),
    ],
)
async def test_the_keys_that_fit_are_shown_and_help_and_the_palette_always_are(width: int, line: str) -> None:
    """In cells of a real screen; the two lose their names where the line is short."""
    app = Keys()
    async with app.run_test(size=(width, 5)) as pilot:
        await pilot.pause()
        shown = line_of(app)
        assert shown.startswith(line)
        assert shown.endswith("▏? Help ^p palette" if width > 60 else "▏? ^p")
        assert len(shown) <= width


async def test_the_keys_follow_the_width() -> None:
    """A window is made smaller, and larger again."""
    app = Keys()
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        before = line_of(app)
        await pilot.resize_terminal(40, 5)
        await pilot.pause()
        assert line_of(app).startswith(" a New b Refresh c Probe …")
        await pilot.resize_terminal(120, 5)
        await pilot.pause()
        assert line_of(app) == before


class Ending(Keys):
    """Keys that go when a login ends."""

    ended = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        return not self.ended or action != "none"


async def test_the_keys_follow_what_was_announced_while_a_dialog_closed() -> None:
    """The dialog takes along what waits for its next refresh; the footer is not what waits."""
    app = Ending()
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        dialog = ModalScreen[None]()
        await app.push_screen(dialog)
        # As where the machine is busy: no refresh of the dialog comes before it closes.
        dialog._invoke_and_clear_callbacks = _nothing  # type: ignore[method-assign]
        app.ended = True
        app.screen_stack[0].refresh_bindings()
        await pilot.pause()
        dialog.dismiss()
        await pilot.pause()
        app.screen.refresh_bindings()
        await pilot.pause()
        assert line_of(app).lstrip().startswith("▏? Help")


async def _nothing() -> None:
    """Stand in for what a closed dialog never did."""

"""The themes: text that can be read, sixteen colours where there are no more, none where none is wanted."""

from collections.abc import Mapping

import pytest
from rich.segment import Segment
from textual.color import BLACK, Color
from textual.widgets import OptionList

from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.base_app import BaseApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.terminal.themes import DARK, HIGH_CONTRAST, LIGHT, SIXTEEN, theme_for
from support.screens import until

_TEXT = (
    "foreground",
    "quiet",
    "text",
    "text-muted",
    "text-disabled",
    "text-primary",
    "text-accent",
    "text-warning",
    "text-success",
    "text-error",
    "footer-key-foreground",
    "footer-description-foreground",
)
_SURFACES = ("background", "surface", "panel", "footer-background")
_ENOUGH = 4.5  # to one, WCAG 2.2 §1.4.3


def _light(colour: Color) -> float:
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    dark, light = sorted((_light(one), _light(other)))
    return (light + 0.05) / (dark + 0.05)


def on(surface: Color, token: str) -> Color:
    """Return the colour that a token comes to on a surface."""
    if token.startswith("auto"):
        share = float(token.removeprefix("auto").strip().rstrip("%") or 100) / 100
        return surface.blend(surface.get_contrast_text(1.0), share)
    colour = Color.parse(token)
    return surface.blend(colour, colour.a) if colour.a < 1 else colour


def tokens_of(theme: str) -> Mapping[str, str]:
    app = BaseApp({})
    app.theme = theme
    return app.get_css_variables()


@pytest.mark.parametrize("surface", _SURFACES)
@pytest.mark.parametrize("text", _TEXT)
@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
def test_text_stands_out_from_every_surface(theme: str, text: str, surface: str) -> None:
    """4.5 : 1 or more."""
    tokens = tokens_of(theme)
    behind = Color.parse(tokens[surface])
    assert contrast(on(behind, tokens[text]), behind) >= _ENOUGH


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
def test_the_cursor_and_the_title_can_be_read(theme: str) -> None:
    """Text on the colour of the cursor, and the program's name at the top."""
    tokens = tokens_of(theme)
    pairs = (("block-cursor-foreground", "block-cursor-background"), ("text-primary", "primary-muted"))
    for text, behind in pairs:
        assert contrast(Color.parse(tokens[text]), Color.parse(tokens[behind])) >= _ENOUGH


def test_sixteen_colours_are_the_terminals_own() -> None:
    """No token of the theme names a colour that sixteen do not hold; a contrast is not ours to promise."""
    tokens = tokens_of(SIXTEEN.name)
    for name in (*_TEXT, *_SURFACES, "primary", "primary-muted", "block-cursor-background"):
        assert tokens[name].startswith(("ansi_", "transparent")), name


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({}, DARK),
        ({"TERM": "dumb"}, DARK),
        ({"TERM": "xterm-256color"}, DARK),
        ({"TERM": "xterm-kitty"}, DARK),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, DARK),
        ({"TERM": "linux"}, SIXTEEN),
        ({"TERM": "xterm-16color"}, SIXTEEN),
        ({"TERM": "screen"}, SIXTEEN),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, SIXTEEN),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, DARK),
        ({"TERM": "linux", "TEXTUAL_COLOR_SYSTEM": "256"}, DARK),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, SIXTEEN),
    ],
)
def test_the_terminal_decides_the_theme(environ: dict[str, str], theme: object) -> None:
    """By COLORTERM and TERM, unless the person said so themselves."""
    assert theme_for(environ) is theme
    assert BaseApp(environ).theme == getattr(theme, "name", "")


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name, SIXTEEN.name])
async def test_every_theme_shows_a_screen(theme: str) -> None:
    """A token that a theme lacks would end the program."""
    app = AuthlensApp(workspace=DemoWorkspace(port=0, menu_first=True), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CatalogueScreen))
        app.theme = theme
        await pilot.pause()
        assert app.screen.query_one(OptionList).option_count


async def test_without_colour_the_cursor_and_the_focus_still_show() -> None:
    """NO_COLOR: no colour is sent at all; the cursor is underlined and the border of the focus is heavy."""
    app = AuthlensApp(workspace=DemoWorkspace(port=0, menu_first=True), environ={"NO_COLOR": "1"})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CatalogueScreen))
        rows = [list(strip) for strip in app.screen._compositor.render_strips()]
        filters = app.get_line_filters()
        segments = [one for row in rows for one in row]
        for each in filters:
            segments = each.apply(segments, Color.parse("#000000"))
        styles = [one.style for one in segments if one.style is not None]
        assert styles
        assert all(style.color is None or style.color.is_default for style in styles)
        assert styles
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        cursor = [one for one in segments if "A normal login" in one.text and one.style is not None]
        assert any(one.style is not None and one.style.underline for one in cursor)
        assert any("┏" in one.text for one in segments)


async def test_the_filters_stay_the_same() -> None:
    """Textual remembers what each has returned for a line."""
    app = BaseApp({})
    async with app.run_test():
        assert app.get_line_filters() == app.get_line_filters()


async def test_a_theme_with_high_contrast_has_other_filters() -> None:
    app = BaseApp({})
    async with app.run_test():
        before = app.get_line_filters()
        app.theme = HIGH_CONTRAST.name
        assert app.get_line_filters() != before


async def test_no_control_sequence_passes() -> None:
    app = BaseApp({})
    async with app.run_test():
        segments = [Segment("a\x1b[2Jb RFC 9728 §3")]
        for line_filter in app.get_line_filters():
            segments = line_filter.apply(segments, BLACK)
        assert "\x1b" not in "".join(segment.text for segment in segments)

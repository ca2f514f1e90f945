"""Text that can be read in every theme, measured on the cells that are painted."""

from datetime import UTC, datetime
from typing import Final

import pytest
from rich.color import ColorType
from rich.segment import Segment
from textual.color import Color
from textual.geometry import Offset
from textual.selection import Selection
from textual.style import Style

from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.terminal.line_filters import Contrast
from authlens_tui.terminal.themes import DARK, HIGH_CONTRAST, LIGHT, SIXTEEN
from authlens_tui.widgets.record.signs import status_badge
from support.made_checks import failed, passed, warned
from support.screens import Host, press, until
from tui.contrast import faint_among, painted, too_faint
from tui.screens.test_snapshots import STATES, dashboard

pytestmark = pytest.mark.slow  # each test plays a whole screen

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
OURS: Final = {DARK.name, LIGHT.name, HIGH_CONTRAST.name, SIXTEEN.name}
THEMES: Final = [
    pytest.param(name, marks=() if name in OURS else pytest.mark.weekly)
    for name in sorted(BaseApp({}).available_themes)
]


def trace() -> Trace:
    """Return a trace with text of every tone."""
    body = Body(
        b'{"issuer": "https://as.example", "count": 3, "known": true, "inner": {"a": ["issuer", null]}}'
    )
    answer = Response(200, "OK", Headers.of([("Content-Type", "application/json")]), body)
    exchange = Exchange(Request("GET", "https://as.example/issuer"), answer, None, NOW, 0.1)
    checks = (
        failed("a.b", "the issuer", "another", why="Because.", cure="Set it."),
        warned("a.c", "one", "two"),
        passed("a.d", "three"),
    )
    record = StageRecord(Stage.SERVER_METADATA, Outcome.FAILED, NOW, 0.1, (exchange,), checks)
    return Trace("t", TraceKind.LOGIN, "https://wiki.example", NOW, (record,))


@pytest.mark.parametrize("theme", THEMES)
async def test_every_text_of_a_record_can_be_read(theme: str) -> None:
    """All tabs; the cursor's line, search hits, the current hit, a selection."""
    app = Host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = theme
        screen = TraceScreen(trace())
        await app.push_screen(screen)
        await pilot.pause()
        for number in range(1, 8):
            screen.record_view.action_turn_to(number)
            await pilot.pause()
            assert too_faint(app) == []
        screen.record_view.action_turn_to(3)
        screen.record_view.read()
        await press(pilot, "slash", *"issuer", then=lambda: bool(screen.record_view.document.matches.hits))
        assert too_faint(app) == []
        await pilot.press("enter", "down")
        screen.record_view.read()
        await pilot.pause()
        document = screen.record_view.document
        assert document.has_cursor
        app.screen.selections = {document: Selection(Offset(0, 0), Offset(40, 6))}
        await pilot.pause()
        backgrounds = {one.style.bgcolor for one in painted(app) if one.style is not None}
        # The page, the cursor, a hit, the selection; of sixteen colours some are in reverse.
        assert len(backgrounds) >= (2 if theme == SIXTEEN.name else 4)
        assert too_faint(app) == []


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_every_badge_can_be_read_in_every_theme(status: int) -> None:
    badge = status_badge(status)
    app = BaseApp({})
    faint = []
    for name in app.available_themes:
        app.theme = name
        style = Style.parse(str(badge.spans[0].style), app.get_css_variables())
        drawn = Contrast().apply([Segment(badge.plain, style.rich_style)], Color.parse("black"))
        faint += [f"{name}: {one}" for one in faint_among(drawn)]
    assert faint == []


async def test_the_high_contrast_theme_reaches_seven_to_one() -> None:
    """WCAG 2.2 §1.4.6, for what is read: rows, documents, the cursor."""
    app = Host()
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = HIGH_CONTRAST.name
        screen = await dashboard(states=True)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.listing.matching) == STATES)
        assert too_faint(app, 7) == []
        await app.push_screen(TraceScreen(trace()))
        await pilot.pause()
        assert too_faint(app, 7) == []


@pytest.mark.parametrize("environ", [{"TERM": "xterm-16color"}, {"NO_COLOR": "1"}], ids=str)
async def test_the_cursor_shows_where_colours_are_few_or_none(environ: dict[str, str]) -> None:
    """A document and a table: the line of the cursor is in reverse, or in a pair of colours of its own."""
    app = Host(environ)
    assert app.theme == SIXTEEN.name
    async with app.run_test(size=(120, 40)) as pilot:
        screen = TraceScreen(trace())
        await app.push_screen(screen)
        screen.record_view.action_turn_to(3)
        screen.record_view.read()
        await until(pilot, lambda: "HTTP/1.1 200 OK" in _reversed_text(app))
        await press(pilot, "down", then=lambda: "Content-Type: application/json" in _reversed_text(app))
        table = await dashboard(states=True)
        await app.push_screen(table)
        assert isinstance(app.screen, DashboardScreen)
        await until(pilot, lambda: len(table.listing.matching) == STATES)
        row = [
            one for one in painted(app) if one.text.startswith("revocation-failed.")
        ]  # the first is marked
        assert _stands_out(row[0], coloured="NO_COLOR" not in environ)


def _reversed_text(app: BaseApp) -> str:
    return "".join(one.text for one in painted(app) if one.style is not None and one.style.reverse)


def _stands_out(segment: Segment, *, coloured: bool) -> bool:
    style = segment.style
    assert style is not None
    if style.reverse:
        return True
    colours = [one for one in (style.color, style.bgcolor) if one is not None]
    return coloured and len(colours) == 2 and all(one.type is not ColorType.DEFAULT for one in colours)

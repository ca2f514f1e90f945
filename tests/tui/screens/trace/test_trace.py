"""A trace on the screen: every record in the wizard's views, read-only, marked as what it is."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, OptionList

from authlens_core.credentials.records.traces import Traces
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.arrows import Arrow, Party
from authlens_core.trace.record import Outcome, Stage, Trace, TraceKind
from authlens_tui.app.base_app import replay
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.trace.open_session import OpenSessionScreen, StoredTraces
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.widgets.record.record_messages import ArrowChosen
from support.hostile_trace import hostile_trace
from support.open_databases import owned
from support.screens import footer_keys, press, run_screen, scripted, tab_text, text_of, until

pytestmark = pytest.mark.slow  # each test plays a whole screen


async def login_trace() -> Trace:
    """Return the first five stages of a login at an honest server."""
    login, _ = scripted()
    while login.position is not Stage.AUTHORIZATION:
        await login.step()
    await login.aclose()
    return login.trace


def tampered(trace: Trace) -> Trace:
    last = replace(trace.records[-1], tampering=("another verifier",))
    return replace(trace, records=(*trace.records[:-1], last))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_stage_can_be_looked_at(size: tuple[int, int]) -> None:
    """The last one first; the arrow keys turn to the others."""
    screen = TraceScreen(await login_trace())
    async with run_screen(screen, size=size) as (app, pilot):
        assert "code_challenge" in tab_text(screen.record_view)
        assert "5 PKCE" in text_of(app)
        screen.stepper.focus()
        await press(pilot, "up", "up", "up", "up", then=lambda: screen.stepper.selected == 0)
        assert "401" in tab_text(screen.record_view)


@pytest.mark.parametrize("kind", [TraceKind.REFRESH, TraceKind.REVOKE, TraceKind.PROBE])
async def test_what_the_dashboard_did_is_shown_in_the_same_views(kind: TraceKind) -> None:
    """One record, in one line of stages."""
    whole = await login_trace()
    record = replace(whole.records[0], stage=Stage(kind.value))
    screen = TraceScreen(replace(whole, kind=kind, records=(record,)))
    async with run_screen(screen, size=(80, 24)) as (app, _):
        assert f"{kind.value} of " in text_of(app)
        assert "401" in tab_text(screen.record_view)


async def test_an_attempt_that_was_not_the_first_is_a_step_of_its_own() -> None:
    """Nothing that happened is left out."""
    whole = await login_trace()
    again = replace(whole.records[-1], attempt=2, outcome=Outcome.FAILED)
    screen = TraceScreen(whole.with_record(again))
    async with run_screen(screen) as (app, _):
        assert "5 PKCE (2)" in text_of(app)
        assert len(screen.stepper.steps) == 6


async def test_an_arrow_of_the_diagram_opens_its_exchange() -> None:
    """Of another record than the one shown."""
    arrow = Arrow(Party.AUTHLENS, Party.RESOURCE, "", Stage.RESOURCE_METADATA, 0, record_index=1)
    screen = TraceScreen(await login_trace())
    async with run_screen(screen) as (_, pilot):
        screen.record_view.post_message(ArrowChosen(arrow))
        await until(pilot, lambda: screen.stepper.selected == 1)
        assert screen.record_view.tabs.active == "request"
        screen.record_view.post_message(ArrowChosen(replace(arrow, record_index=99)))
        await pilot.pause()
        assert screen.stepper.selected == 1


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_trace_that_was_changed_on_purpose_says_so(size: tuple[int, int]) -> None:
    """In words, on the trace and on the stage."""
    async with run_screen(TraceScreen(tampered(await login_trace())), size=size) as (app, _):
        shown = text_of(app)
        assert "TAMPERED on purpose: another verifier" in shown
        assert "PKCE TAMPERED" in shown


async def test_a_replay_says_so_and_reveals_nothing() -> None:
    """It has fingerprints only, so no key promises more; what this program did just now has its secrets."""
    live = await login_trace()
    replayed = read_session(session_json(live).encode())
    async with run_screen(TraceScreen(replayed, replay="a.json")) as (app, _):
        assert "a.json, read-only" in text_of(app)
        assert "x" not in footer_keys(app)
    async with run_screen(TraceScreen(live)) as (app, _):
        assert "replay" not in text_of(app)
        assert "x" in footer_keys(app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (20, 5)])
async def test_a_hostile_or_empty_trace_is_shown(size: tuple[int, int]) -> None:
    empty = Trace("1", TraceKind.LOGIN, "https://a.example/", (hostile_trace()).started_at)
    odd = replace(hostile_trace().records[0], tampering=("\x1b[2J[bold]x[/]",))
    for trace in (empty, hostile_trace(), replace(hostile_trace(), records=(odd,))):
        async with run_screen(TraceScreen(trace, replay="\x1b]0;x\x07[/]"), size=size) as (app, _):
            assert "\x1b" not in text_of(app)


async def test_saving_and_comparing_are_a_key_away(tmp_path: Path) -> None:
    """M saves; = asks for the other one, a file or one that is kept, and shows what differs."""
    traces = owned(Traces(None, lambda: {"a"}))
    trace = await login_trace()
    other = replace(trace, trace_id="other", records=trace.records[:4])
    assert traces.keep("a", trace)
    assert traces.keep("a", other)
    (tmp_path / "b.json").write_text(session_json(other))
    screen = TraceScreen(trace, stored=StoredTraces(traces, "a"))
    async with run_screen(screen) as (app, pilot):
        await press(pilot, "m", then=ExportScreen)
        await press(pilot, "escape", then=screen)

        await press(pilot, "equals_sign", "equals_sign", then=OpenSessionScreen)
        assert app.screen.query_one("#kept", OptionList).option_count == 1
        await press(pilot, "enter", then=CompareScreen)
        await until(pilot, lambda: "not reached" in text_of(app))
        await press(pilot, "escape", then=screen)

        await press(pilot, "equals_sign", then=OpenSessionScreen)
        field = app.screen.query_one("#file", Input)
        field.focus()
        field.value = str(tmp_path / "none.json")
        await press(pilot, "enter", then="cannot be read")
        field.value = str(tmp_path / "b.json")
        await press(pilot, "enter", then=CompareScreen)


async def test_the_replay_of_a_file_is_left_with_escape() -> None:
    """There is nothing behind it."""
    trace = read_session(session_json(await login_trace()).encode())
    app = replay(trace, "a.json")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "a.json, read-only" in text_of(app))
        await press(pilot, "escape", then=lambda: app._exit)
    assert (app.return_code or 0) == 0


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (20, 5)])
async def test_a_session_without_a_stage_says_so_and_how_to_leave(size: tuple[int, int]) -> None:
    """Nothing to look at is a state of its own, with no key that does nothing."""
    screen = TraceScreen(replace(await login_trace(), records=()), replay="empty.json")
    async with run_screen(screen, size=size) as (app, pilot):
        await pilot.press("pagedown", "enter", "3", "slash", "B")
        await pilot.pause()
        if size[0] > 20:
            assert "This session has no stages" in text_of(app)
            assert "]" not in footer_keys(app)

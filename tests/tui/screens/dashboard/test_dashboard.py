"""The dashboard: what is kept, how it stands, and what a key does to the credential under the cursor."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.events import AppBlur, Key, Paste
from textual.pilot import Pilot
from textual.widgets import Button

from authlens_core.cloudflare.cloudflared_token import CloudflaredKind, CloudflaredToken
from authlens_core.credentials.lifecycle.action_result import ActionResult, RefreshOutcome
from authlens_core.credentials.lifecycle.inventory import InventoryEntry
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.index import Event, Index
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.records.traces import TraceSummary
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.trace.events import AuthorizationReady
from authlens_core.trace.record import Outcome, TraceKind
from authlens_core.values.errors import StateUnusable
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, play_person
from authlens_tui.screens.dashboard.access_events import EventsScreen
from authlens_tui.screens.dashboard.batch_actions import ResultsScreen
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.new_login import NewLoginScreen
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.palette import PaletteEntry, possible_actions
from authlens_tui.screens.settings_dialog import SettingsScreen
from authlens_tui.terminal.leaving import DEMO_WANTED
from authlens_tui.widgets.credentials.credential_pane import event_items
from authlens_tui.widgets.credentials.credential_row import GAP, RowText, columns_for
from authlens_tui.widgets.credentials.expiry_strip import ExpiryStrip
from support.grants import NOW, every_state, grant, keep, put
from support.hostile_trace import hostile_trace
from support.made_checks import present
from support.screens import Host, footer_keys, press, run_screen, text_of, until, without_method

pytestmark = pytest.mark.slow  # each test plays a whole screen


@asynccontextmanager
async def dashboard(
    *grants: Grant, size: tuple[int, int] = (120, 40), now: datetime = NOW
) -> AsyncIterator[tuple[DashboardScreen, Pilot[int], Host]]:
    """Show the dashboard with `grants` at a moment that stands still."""
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, *grants)
        screen = DashboardScreen(session, now=lambda: now)
        async with run_screen(screen, size=size) as (app, pilot):
            yield screen, pilot, app


@asynccontextmanager
async def earned(
    *faults: str, lifetime: int = 3600
) -> AsyncIterator[tuple[DashboardScreen, Pilot[int], Host]]:
    """Show the dashboard with a credential that was earned at the emulator."""
    async with (
        Emulator(faults=faults, access_token_lifetime=lifetime) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        login = start_login(session, emulator.resource_url, Options(port=0))
        links: list[str] = []
        login.watch(lambda event: links.append(event.url) if isinstance(event, AuthorizationReady) else None)
        running = asyncio.create_task(login.run_all())
        async with asyncio.timeout(30):
            while not links:
                await asyncio.sleep(0.01)
            await play_person(links[0])
            await running
        assert login.finished
        async with run_screen(DashboardScreen(session)) as (app, pilot):
            screen = app.screen
            assert isinstance(screen, DashboardScreen)
            yield screen, pilot, app


def binding_id(one: PaletteEntry) -> str:
    return one.action.removeprefix("act('").removesuffix("')")


def said(screen: DashboardScreen) -> str:
    return str(screen.result.content)


async def settled(screen: DashboardScreen, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: not screen.context.busy and said(screen)[:1] in "✔✖" and bool(said(screen)))


# -- what is shown ---------------------------------------------------------------------------------------


async def revoke(pilot: Pilot[int], app: Host) -> None:
    """Revoke the selected credential, and return when its results are shown."""
    await press(pilot, "v", then=ConfirmScreen)
    await press(pilot, "y", then=ResultsScreen)


async def test_every_state_is_told_by_a_symbol_and_in_words() -> None:
    """Never by colour alone: each row has both, and no two states read the same."""
    async with dashboard(*every_state()) as (_, _, app):
        shown = text_of(app)
        told = {f"{one.kind.symbol} {one.word}" for one in (each.status(NOW) for each in every_state())}
        assert len(told) == len(every_state())
        assert [one for one in told if one not in shown] == []


async def test_a_tick_makes_only_the_rows_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """H143: what a second costs does not depend on how many credentials there are."""
    async with Session(Wire(), Credentials.memory()) as session:
        for number in range(500):
            put(session.credentials.index, replace(grant(f"host-{number}"), generation=1), 1)
        screen = DashboardScreen(session, now=lambda: NOW)
        async with run_screen(screen):
            made: list[str] = []
            original = screen.table._make

            def make(entry: InventoryEntry) -> RowText:
                made.append(entry.entry_id)
                return original(entry)

            monkeypatch.setattr(screen.table, "_make", make)
            screen.show_now()
            assert 0 < len(made) <= screen.size.height


async def test_a_row_is_drawn_anew_when_its_text_has_changed() -> None:
    """A second later nothing has changed; forty minutes later the countdown has."""
    async with dashboard(grant("a", minutes=90)) as (screen, pilot, app):
        assert "1 h 30 min" in text_of(app)
        screen.context.now = lambda: NOW + timedelta(minutes=40)
        screen.show_now()
        await pilot.pause()
        assert "50 min 0 s" in text_of(app)


@pytest.mark.parametrize("width", [20, 40, 80, 99, 100, 120, 200])
def test_the_columns_fill_the_width_and_the_resource_gives_way_last(width: int) -> None:
    columns = {column.key: column for column in columns_for(width)}
    assert {"state", "resource"} <= columns.keys()
    assert next(iter(columns)) == "resource"
    assert ("life" in columns) is (width >= 80)
    assert ("kind" in columns) is (width >= 99)
    assert ("team" in columns) is (width >= 160)
    if width >= 40:
        assert sum(column.width + GAP for column in columns.values()) - GAP == width


async def test_a_credential_that_another_process_removed_disappears() -> None:
    """The table follows the index; the cursor stands on what is left."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        LOGINS.remove(screen.context.session.credentials.index, "id-a")
        screen.show_now()
        await pilot.pause()
        assert len(screen.table.rows) == 1
        assert present(screen.selected).entry_id == "id-b"
        assert "a.example.com" not in text_of(app).replace("b.example.com", "")


async def test_a_damaged_record_is_mentioned_and_the_others_can_be_used() -> None:
    """H143: it is set apart, never shown raw."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        with screen.context.session.credentials.index.writing() as connection:
            connection.execute("UPDATE grants SET record = '{raw' WHERE grant_id = 'id-a'")
        screen.show_now()
        await pilot.pause()
        assert "! 1 record cannot be read" in text_of(app)
        assert "{raw" not in text_of(app)
        assert len(screen.table.rows) == 1


async def test_an_empty_dashboard_says_how_to_begin() -> None:
    """No table of nothing: the one key that matters, and only keys that do something."""
    async with dashboard() as (_, _, app):
        assert "No credentials on this machine yet." in text_of(app)
        assert "you sign in with your browser" in text_of(app)
        assert "N" in footer_keys(app)
        assert not {"r", "p", "v", "f", "t", "⏎"} & footer_keys(app)


async def test_an_idle_second_on_an_empty_dashboard_reads_no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may hold the index: what did not change is not read again."""
    read: list[int] = []

    def events(_: Index, limit: int) -> tuple[()]:
        read.append(limit)
        return ()

    async with dashboard() as (screen, _, _):
        monkeypatch.setattr(Index, "events", events)
        screen.show_now()
        screen.show_now(reread=True)
    assert len(read) == 1


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 12), (20, 5), (1, 1)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    """Design §5: nothing crashes, and where there is room the state and the resource are seen."""
    async with dashboard(*every_state(), size=size) as (_, pilot, app):
        await pilot.resize_terminal(120, 40)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        if size[0] >= 40:
            assert "! revocat" in text_of(app)
            assert "revocation-failed.e" in text_of(app)


async def test_what_needs_a_person_stands_first() -> None:
    """A dashboard is looked at for that; the order can be changed."""
    async with dashboard(*every_state()) as (screen, _, app):
        assert screen.table.selected is screen.table.rows[0]
        assert present(screen.table.selected).title.startswith("revocation-failed")
        assert "most urgent first" in text_of(app)


# -- what can be done ------------------------------------------------------------------------------------


async def test_refresh_probe_and_inspect_at_the_emulator() -> None:
    """Each action ends in a sentence, and what was sent can be looked at."""
    async with earned() as (screen, pilot, app):
        await pilot.press("r")
        await settled(screen, pilot)
        assert said(screen).startswith("✔ Refreshed: a new access token, valid ")
        await press(pilot, "p", then=lambda: not screen.context.busy and "asking" not in said(screen).lower())
        assert said(screen).startswith("✔")
        await press(pilot, "enter", then=lambda: app.wanted == ["probe"])


async def test_revoke_asks_first_and_no_is_the_default() -> None:
    """Enter changes nothing; y ends it at the server, with proof, and removes it here."""
    async with earned() as (screen, pilot, app):
        await press(pilot, "v", then=ConfirmScreen)
        assert isinstance(app.focused, Button)
        assert app.focused.id == "no"
        await press(pilot, "enter", then=screen)
        assert len(screen.table.rows) == 1
        assert not screen.context.busy
        await revoke(pilot, app)
        assert "Revoked, and verified" in text_of(app)
        assert "401" in text_of(app)
        assert "according to the server; not tested" in text_of(app)
        await press(pilot, "escape", then=screen)
        assert len(screen.table.rows) == 0
        assert said(screen).startswith("✔")
        assert "No credentials left." in text_of(app)
        assert "E" in footer_keys(app)


async def test_after_the_last_credential_is_revoked_every_dialog_still_gives_the_keys_back() -> None:
    """No table has the focus any more; whatever is opened and closed, the footer tells keys that work."""
    async with earned() as (screen, pilot, app):
        await revoke(pilot, app)
        await press(pilot, "escape", then=screen)
        for key in ("question_mark", "E", "comma", "N"):
            await press(pilot, key, then=lambda: app.screen is not screen)
            await press(pilot, "escape", then=lambda: app.screen is screen and app.focused is not None)
            assert "N" in footer_keys(app)
            assert "New" in text_of(app)


async def test_the_requests_of_a_revocation_are_no_recording_though_its_row_is_gone() -> None:
    """A key shows what this run sent, so that its secrets can be revealed."""
    async with earned() as (screen, pilot, app):
        await revoke(pilot, app)
        await press(pilot, "escape", then=lambda: app.screen is screen and not screen.table.rows)
        await press(pilot, "I", then=lambda: app.recordings == [False])


async def test_a_revocation_that_the_server_did_not_confirm_is_not_called_one() -> None:
    """Revoked means that the server said so; the credential stays."""
    async with earned("revocation-unavailable") as (screen, pilot, app):
        await press(pilot, "v", then=ConfirmScreen)
        await pilot.press("y")
        await settled(screen, pilot)
        assert said(screen).startswith("✖")
        assert len(screen.table.rows) == 1
        assert "revocation failed" in text_of(app)


async def test_forget_says_that_the_tokens_live_on() -> None:
    """Forgetting is not revoking, and both the question and the answer say so."""
    async with earned() as (screen, pilot, app):
        await press(pilot, "f", then=ConfirmScreen)
        assert "The tokens are not revoked" in text_of(app)
        await press(pilot, "y", then=lambda: len(screen.table.rows) == 0 and not screen.context.busy)
        assert "stay valid at the server" in said(screen)


async def test_two_actions_on_one_credential_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh token is sent once: the second key finds the first at work."""
    told: list[str] = []
    async with earned() as (screen, pilot, _):
        monkeypatch.setattr(screen.context, "say", lambda words, **_: told.append(words))
        screen.action_act("selected.refresh")
        screen.action_act("selected.refresh")
        assert "still running" in told[-1]
        await until(pilot, lambda: not screen.context.busy)
        events = screen.context.session.credentials.index.events(screen.listing.matching[0].entry_id, 20)
        assert sum("refresh" in event.kind for event in events) == 1


async def test_a_key_pressed_twice_opens_one_question() -> None:
    """Two presses before the window is there: one window, one answer; and each key does something."""
    async with dashboard(grant("a")) as (screen, pilot, app):
        assert not without_method(screen, screen.actions)
        for _ in range(2):
            app.post_message(Key("v", "v"))
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await press(pilot, "n", then=screen)


async def test_yes_acts_on_the_credential_that_was_asked_about() -> None:
    """While the question stands another process removes a row: the answer does not slip to the next one."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        asked = present(screen.selected)
        await press(pilot, "f", then=ConfirmScreen)
        LOGINS.remove(screen.context.session.credentials.index, asked.entry_id)
        screen.show_now()
        await press(pilot, "y", then=lambda: app.screen is screen and not screen.context.busy)
        assert len(screen.table.rows) == 1


# -- a new login -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["", "http://example.com/", "https://user:pw@example.com/", "ftp://example.com", "https://"]
)
async def test_a_new_login_lets_only_a_usable_address_through(typed: str) -> None:
    """What is wrong is said at once, and the field stays."""
    screen = NewLoginScreen(typed)
    async with run_screen(screen) as (app, pilot):
        await press(pilot, "enter", then="This URL cannot be used")
        assert app.screen is screen
        assert "pw@" not in text_of(app).replace(typed, "")


async def test_a_login_that_works_is_offered_before_another_one_starts() -> None:
    """Enter uses it and starts nothing; l logs in again."""
    async with dashboard(grant("a"), grant("wiki", minutes=9)) as (screen, pilot, app):
        await press(pilot, "N", then=NewLoginScreen)
        await press(pilot, *"wiki.example.com/mcp", "enter", then="Already logged in, expires in 9 min.")
        await press(pilot, "enter", then=screen)
        assert present(screen.selected).entry_id == "id-wiki"
        assert app.wanted == []
        await press(pilot, "N", then=NewLoginScreen)
        await press(pilot, *"wiki.example.com/mcp", "enter", then=lambda: "t" in footer_keys(app))
        await press(pilot, "t", then=lambda: app.wanted == ["https://wiki.example.com/mcp"])


async def test_a_pasted_curl_command_leaves_only_its_url_in_the_field() -> None:
    """Its headers may hold secrets."""
    screen = NewLoginScreen()
    async with run_screen(screen) as (app, pilot):
        screen.field.post_message(Paste("curl -H 'Cookie: c4n4ry' \\\n  https://wiki.example.com/mcp"))
        await until(pilot, lambda: screen.field.value == "https://wiki.example.com/mcp")
        assert "c4n4ry" not in text_of(app)


async def test_a_url_that_is_known_is_completed_while_it_is_typed() -> None:
    """Without its scheme, too."""
    screen = NewLoginScreen(urls=("https://wiki.example.com/mcp",))
    async with run_screen(screen) as (_, pilot):
        await press(pilot, *"wiki", then="wiki.example.com/mcp")
        await press(pilot, "right", then=lambda: screen.field.value == "wiki.example.com/mcp")


async def test_a_new_login_adds_https_and_esc_leaves() -> None:
    """A bare host name means https; Esc starts nothing."""
    async with dashboard() as (screen, pilot, app):
        await press(pilot, "N", then=NewLoginScreen)
        await press(pilot, "escape", then=screen)
        assert app.wanted == []
        await press(pilot, "N", then=NewLoginScreen)
        await press(pilot, *"wiki.example.com", "enter", then=lambda: bool(app.wanted))
        assert app.wanted[0].startswith("https://wiki.example.com")


# -- three kinds, filter, order --------------------------------------------------------------------------


def file_of_cloudflared(host: str = "grafana.example.com") -> CloudflaredToken:
    """Return a token that cloudflared would have on disk."""
    team, ends = "team.cloudflareaccess.com", NOW + timedelta(hours=5)
    return CloudflaredToken(
        f"cloudflared-{host}",
        CloudflaredKind.APPLICATION,
        host,
        Path(f"{host}-token"),
        person="ada@example.com",
        team=team,
        expires_at=ends,
    )


@asynccontextmanager
async def mixed(size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[DashboardScreen, Pilot[int], Host]]:
    """Show a login, a token of cloudflared and a service token."""
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("wiki"))
        service = ServiceToken("service-1", "https://ci.example.com/", f"{'0' * 32}.access", NOW, label="ci")
        await session.credentials.service_tokens.save(service, Secret("a" * 64))
        screen = DashboardScreen(session, now=lambda: NOW, find=lambda: ((file_of_cloudflared(),), 0))
        async with run_screen(screen, size=size) as (app, pilot):
            await until(pilot, lambda: len(screen.listing.matching) == 3)
            yield screen, pilot, app


async def test_the_three_kinds_stand_in_one_table() -> None:
    """Design §5: what authlens keeps, what cloudflared keeps, and service tokens."""
    async with mixed() as (_, _, app):
        shown = text_of(app)
        assert [word for word in ("OAuth", "cloudflared", "service") if word not in shown] == []
        assert "not tested" in shown


async def test_the_tokens_of_cloudflared_can_be_looked_at_probed_and_renewed_and_nothing_else() -> None:
    """They are cloudflared's: no key would change one but a login by cloudflared itself."""
    async with mixed() as (screen, pilot, app):
        screen.table.select("cloudflared-grafana.example.com")
        await until(pilot, lambda: "read-only here" in text_of(app))
        keys = footer_keys(app)
        assert {"p", "t"} <= keys
        assert not {"r", "v", "f"} & keys
        actions = {binding_id(one) for one in possible_actions(screen)}
        assert {"sent.inspect", "sent.save", "show_events"} <= actions
        assert not {"tokens.copy", "tokens.copy_login_link"} & actions


async def test_a_login_by_cloudflared_begins_and_its_link_is_copied_with_a_key(tmp_path: Path) -> None:
    """Nobody has to type the command that the row names."""
    waiting = CloudflaredToken(
        "cloudflared-1",
        CloudflaredKind.APPLICATION,
        "wiki.example.com",
        tmp_path / "token",
        pending_url="https://team.cloudflareaccess.com/cdn-cgi/access/cli?token=x",
        problem="No token yet: a login is in progress.",
    )
    async with Session(Wire(), Credentials.memory()) as session:
        screen = DashboardScreen(session, now=lambda: NOW, find=lambda: ((waiting,), 0))
        async with run_screen(screen) as (app, pilot):
            await until(pilot, lambda: "Here: c copies the login link" in text_of(app))
            await press(pilot, "c", then=lambda: bool(app.copied))
            assert app.copied == [("Login link", waiting.pending_url)]
            app.environ = {"PATH": str(tmp_path)}
            await press(pilot, "t", then="Log in with cloudflared: https://wiki.example.com/")
            await press(pilot, "escape", then=screen)


async def test_a_service_token_can_be_replaced_and_forgotten_but_not_refreshed() -> None:
    async with mixed() as (screen, pilot, app):
        screen.table.select("service-1")
        await until(pilot, lambda: "Client ID" in text_of(app))
        actions = {binding_id(one) for one in possible_actions(screen)}
        assert {"login.edit_service_token", "selected.forget", "selected.probe"} <= actions
        assert not {"selected.refresh", "selected.revoke", "login.again"} & actions
        await press(pilot, "f", then="stays valid at Access")
        await press(pilot, "y", then=lambda: len(screen.listing.matching) == 2 and not screen.context.busy)


async def test_a_filter_shows_only_some_and_esc_shows_all_again() -> None:
    """The count is said; letters typed there are no keys."""
    async with mixed() as (screen, pilot, app):
        await press(pilot, "slash", *"ada@e", then=lambda: "tab" in footer_keys(app))
        await pilot.press("right")
        assert screen.filter_field.value == "ada@example.com"
        screen.filter_field.value = "ada@"
        await press(pilot, "enter", then="1 of 3 match 'ada@'")
        assert [row.title for row in screen.listing.matching] == ["grafana.example.com"]
        await press(pilot, "slash", *"zzz", then="No match.")
        await press(pilot, "escape", then="Credentials: 3")
        assert app.focused is screen.table


async def test_the_strip_of_expiries_follows_the_filter() -> None:
    async with dashboard(grant("wiki", minutes=30), grant("acme", minutes=60)) as (screen, pilot, _):
        strip = screen.query_one(ExpiryStrip)
        assert str(strip.render()).count("●") == 2
        await press(pilot, "slash", *"acme", "enter", then="1 of 2 match 'acme'")
        assert str(strip.render()).count("●") == 1
        assert "acme" in str(strip.render())
        assert "wiki" not in str(strip.render())


async def test_the_selection_stays_on_its_credential_whatever_is_sorted_filtered_or_added() -> None:
    """A row never slips from under a key."""
    async with mixed() as (screen, pilot, _):
        selected: list[str | None] = []

        def note() -> None:
            selected.append(None if screen.selected is None else screen.selected.entry_id)

        screen.table.select("id-wiki")
        for key in ("Z", "Z", "Z"):
            await pilot.press(key)
            note()
        await keep(screen.context.session.credentials, grant("a", minutes=1), grant("z", minutes=2))
        screen.show_now()
        note()
        await pilot.press("slash", *"wiki", "escape")
        note()
        assert set(selected) == {"id-wiki"}


async def test_the_cursor_reaches_each_row_and_a_click_chooses_one() -> None:
    async with mixed() as (screen, pilot, _):
        await pilot.press("home")
        seen = set()
        for _ in range(4):
            assert screen.selected is not None
            seen.add(screen.selected.entry_id)
            await pilot.press("down")
        assert len(seen) == 3
        await pilot.click(screen.table, offset=(4, 3))
        assert screen.selected is screen.table.rows[1]


async def test_the_detail_shows_claims_of_a_file_and_says_they_are_not_verified(tmp_path: Path) -> None:
    """Whoever reads a JWT has not checked it."""
    path = tmp_path / "token"
    path.write_text(jwt_of({"email": "ada@example.com", "exp": 1_767_300_000, "[/]": "\x1b[31m"}))
    token = replace(file_of_cloudflared(), path=path)
    async with Session(Wire(), Credentials.memory()) as session:
        screen = DashboardScreen(session, now=lambda: NOW, find=lambda: ((token,), 0))
        async with run_screen(screen, size=(160, 50)) as (app, pilot):
            await until(pilot, lambda: "(not verified)" in text_of(app))
            assert "2026-01-01 20:40:00 UTC" in text_of(app)
            assert "\x1b" not in text_of(app)


async def test_the_claims_follow_the_content_of_a_file(tmp_path: Path) -> None:
    """A new token is written to the same name: the person of the old one is gone."""
    path = tmp_path / "token"
    found = [replace(file_of_cloudflared(), path=path, fingerprint="1")]
    path.write_text(jwt_of({"email": "ada@example.com", "nonce": "the-first"}))
    async with Session(Wire(), Credentials.memory()) as session:
        screen = DashboardScreen(session, now=lambda: NOW, find=lambda: (tuple(found), 0))
        async with run_screen(screen, size=(160, 50)) as (app, pilot):
            await until(pilot, lambda: "the-first" in text_of(app))
            path.write_text(jwt_of({"email": "ada@example.com", "nonce": "the-second"}))
            found[0] = replace(found[0], fingerprint="2")
            screen.look_at_files()
            await until(pilot, lambda: "the-second" in text_of(app))
            assert "the-first" not in text_of(app)


async def test_the_claims_of_a_login_go_when_its_token_is_replaced() -> None:
    """They are of one token; j reads those of the next one."""
    async with dashboard(grant("a"), size=(160, 60)) as (screen, pilot, app):
        credentials = screen.context.session.credentials
        first = Secret(jwt_of({"nonce": "the-first"}))
        kept = await credentials.save(grant("a"), GrantSecrets(first, None))
        screen.show_now(reread=True)
        await press(pilot, "j", then="the-first")
        await credentials.save(kept, GrantSecrets(Secret(jwt_of({"nonce": "the-second"})), None))
        screen.show_now(reread=True)
        await until(pilot, lambda: "the-first" not in text_of(app))
        await press(pilot, "j", then="the-second")


async def test_a_history_that_cannot_be_read_is_not_that_of_the_credential_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is shown rather than what another one sent."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, _):
        kept = TraceSummary("one", TraceKind.PROBE, NOW, Outcome.PASSED)
        traces = screen.context.session.credentials.traces

        def of(entry_id: str, *_urls: str) -> tuple[TraceSummary, ...]:
            if entry_id == "id-a":
                return (kept,)
            raise StateUnusable("The traces cannot be read.", "")

        monkeypatch.setattr(traces, "of", of)
        screen.table.select("id-b")
        screen.table.select("id-a")
        screen.show_now(reread=True)
        await until(pilot, lambda: [one.id for one in screen.pane.history.options] == ["one"])
        screen.table.select("id-b")
        await until(pilot, lambda: not screen.pane.history.options)


async def test_a_login_that_left_no_credential_is_among_the_newest_requests() -> None:
    """There is no row to select, and it is the one to look at."""
    async with dashboard() as (screen, pilot, app):
        failed = replace(hostile_trace(), started_at=datetime.now(UTC))
        assert screen.context.session.credentials.traces.keep("", failed)
        await press(pilot, "I", then=lambda: bool(app.wanted))
        assert (app.wanted, app.recordings) == (["login"], [True])


def jwt_of(claims: Mapping[str, object]) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join((*encoded, "c2ln"))


async def test_a_row_says_when_it_is_refreshed_by_itself_or_why_it_waits() -> None:
    """Visible back-off: when the next try is, and what went wrong in the detail."""
    waiting = replace(grant("b"), retry_at=NOW + timedelta(seconds=40), note="The server failed.", attempts=2)
    async with dashboard(grant("a"), waiting) as (screen, pilot, app):
        assert "stored; refresh in 36 min" in text_of(app)
        screen.table.select("id-b")
        await until(
            pilot, lambda: "next try in 40 s" in text_of(app) and "The server failed." in text_of(app)
        )
        screen.context.settings.change(background_refresh=False)
        screen.show_now(reread=True)
        await until(pilot, lambda: "automatic refresh is off, press r" in text_of(app))
        screen.show_attempt(grant("a"), ActionResult(outcome=RefreshOutcome.REFRESHED, summary="Refreshed."))
        assert "Auto-refresh" in str(screen.pane.border_subtitle)
        for _ in range(15):
            screen.tick()
        assert not screen.pane.border_subtitle


async def test_an_index_that_cannot_be_read_is_said_and_tried_again() -> None:
    """Cause, cure, and that the tokens are safe; no empty table that looks like nothing is there."""
    async with dashboard(grant("a")) as (screen, pilot, app):
        index = screen.context.session.credentials.index
        whole = index.grants

        def broken() -> Any:
            raise StateUnusable("The index cannot be used: disk I/O error.", "Look at the disk.")

        index.grants = broken  # type: ignore[method-assign]
        screen.show_now()
        await until(pilot, lambda: "disk I/O error" in text_of(app) and "Look at the disk." in text_of(app))
        index.grants = whole  # type: ignore[method-assign]
        screen.show_now()
        await until(pilot, lambda: "a.example.com" in text_of(app))


# -- many at once, and the token itself ------------------------------------------------------------------


async def test_probing_all_counts_by_layer_and_lists_each() -> None:
    """Progress while it runs; then who answered what."""
    async with earned() as (screen, pilot, app):
        screen.action_act("batches.probe_all")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
        shown = text_of(app)
        assert "1 works" in shown
        assert "origin: The resource accepts the token." in shown
        await pilot.press("escape")
        await until(pilot, lambda: said(screen) == "✔ Probed: 1 works" and not screen.context.busy)


async def test_a_batch_stops_with_esc_and_reports_what_did_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests already sent are awaited; nothing more starts."""
    told: list[str] = []
    async with dashboard(*(grant(str(number)) for number in range(20))) as (screen, pilot, app):
        monkeypatch.setattr(screen.context, "say", lambda words, **_: told.append(words))
        screen.action_act("batches.probe_all")
        assert screen.actions.batches.is_running
        assert "Esc stops it" in told[-1]
        assert screen.stop_running()
        screen.action_act("batches.refresh_all")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
        assert "not started" in text_of(app)
        assert not screen.actions.batches.is_running


async def test_revoking_all_names_how_many_and_shows_the_proof_of_each() -> None:
    """No is the default; the results tell each token's, the answer and the time it took."""
    async with earned() as (screen, pilot, app):
        await press(pilot, "V", then=ConfirmScreen)
        assert "Revoke the one login shown here?" in text_of(app)
        await press(pilot, "enter", then=screen)
        assert len(screen.listing.matching) == 1
        await press(pilot, "V", then=ConfirmScreen)
        await press(pilot, "y", then=ResultsScreen)
        assert "1 revoked and verified · 0 failed" in text_of(app)
        assert "401" in text_of(app)
        assert len(screen.listing.entries) == 0


async def test_showing_and_copying_a_token_is_asked_masked_again_and_noted() -> None:
    """The history knows; the token is on the screen only in the window that was asked for."""
    async with dashboard(grant("wiki"), size=(160, 60)) as (screen, pilot, app):
        await press(pilot, "x", then=RevealScreen)
        assert "access-canary" in text_of(app)
        await press(pilot, "escape", then=screen)
        assert "access-canary" not in text_of(app)
        await press(pilot, "c", then=ConfirmScreen)
        await press(pilot, "y", then=lambda: app.copied == [("Access token", "access-canary")])
        events = screen.context.session.credentials.index.events("id-wiki")
        assert [event.kind for event in events] == ["copied", "revealed"]
        await until(pilot, lambda: "copied  access token" in text_of(app))


async def test_a_shown_token_is_hidden_when_the_person_turns_to_another_window() -> None:
    """H145: nobody looks over the shoulder of an empty chair."""
    async with dashboard(grant("wiki"), size=(160, 60)) as (screen, pilot, app):
        await press(pilot, "x", then=RevealScreen)
        app.post_message(AppBlur())
        await until(pilot, lambda: app.screen is screen)
        assert "access-canary" not in text_of(app)


async def test_what_was_sent_is_listed_and_opens_from_the_history() -> None:
    """Kept traces: what, how it ended, when."""
    async with earned() as (screen, pilot, app):
        await pilot.press("p")
        await settled(screen, pilot)
        assert [option.id for option in screen.pane.history.options] != []
        screen.pane.history.focus()
        await press(pilot, "home", "enter", then=lambda: app.wanted == ["probe"])


async def test_logging_in_as_somebody_else_begins_where_the_team_logs_out() -> None:
    """Pain 25: the browser signs in silently as the old identity; that it ends all applications is said."""
    async with dashboard(grant("wiki")) as (_, pilot, app):
        await press(pilot, "w", then="/cdn-cgi/access/logout")
        assert "private" in text_of(app)
        await press(pilot, *"a/b", "enter", then="cannot be the name of an account")
        await press(pilot, *["backspace"] * 3, *"work", "enter", then=lambda: bool(app.wanted))
        assert app.wanted == ["https://wiki.example.com/mcp as work"]
        logout = "https://team.cloudflareaccess.com/cdn-cgi/access/logout"
        await until(pilot, lambda: app.copied == [("Logout address", logout)])


async def test_a_refresh_token_that_may_be_spent_is_sent_again_only_by_choice() -> None:
    """RF-9: an unknown outcome is left to the person."""
    async with earned() as (screen, pilot, _):
        credentials = screen.context.session.credentials
        (one,) = credentials.list()
        credentials.update(replace(one, state=GrantState.UNKNOWN))
        screen.show_now()
        await press(pilot, "r", then="Try the refresh again?")
        await pilot.press("y")
        await settled(screen, pilot)
        assert said(screen).startswith("✔")
        assert credentials.list()[0].state is GrantState.LIVE


# -- events and settings ---------------------------------------------------------------------------------


async def test_events_are_listed_narrowed_and_written_for_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newest first on the screen, oldest first in the file, mode 0600."""
    monkeypatch.chdir(tmp_path)
    credentials = Credentials.memory()
    await keep(credentials, grant("a"), grant("b"))
    for name in ("a", "b", "a"):
        credentials.record("verified", f"id-{name}", "200")
    screen = EventsScreen(Session(None, credentials), {"id-a": "a.example.com"}, selected="id-a")
    async with run_screen(screen) as (app, pilot):
        assert "Events of all credentials" in text_of(app)
        await press(pilot, "asterisk", then="Events of a.example.com")
        await press(pilot, "m", then="2 events written")
        (path,) = tmp_path.iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        assert [json.loads(line)["credential"] for line in path.read_text().splitlines()] == ["id-a", "id-a"]
    await credentials.aclose()


async def test_a_setting_is_changed_with_one_key_and_holds_at_once() -> None:
    """No form, no save button."""
    settings = SettingsFile()
    async with run_screen(SettingsScreen(settings)) as (app, pilot):
        assert "[x] Refresh logins automatically" in text_of(app)
        await press(pilot, "space", then="[ ] Refresh logins automatically")
        assert settings.present.background_refresh is False
        await press(pilot, "down", "enter", then="at 90 % of the token's life")
        await press(pilot, "enter", then="at 50 % of the token's life")
        assert settings.present.refresh_at == 0.5


async def test_recorded_requests_open_with_enter_in_the_detail_and_with_a_click() -> None:
    async with dashboard(grant("a")) as (screen, pilot, app):
        assert screen.context.session.credentials.traces.keep("id-a", hostile_trace())
        screen.show_now(reread=True)
        await until(pilot, lambda: bool(screen.pane.history.options))
        screen.pane.focus()
        await press(pilot, "enter", then=lambda: len(app.wanted) == 1)
        await pilot.click(screen.pane.history, offset=(4, 0))
        await until(pilot, lambda: len(app.wanted) == 2)


async def test_a_click_on_a_title_sorts_by_that_column() -> None:
    async with dashboard(grant("b"), grant("a", minutes=100)) as (screen, pilot, app):
        await pilot.click(screen.table, offset=(3, 1))
        assert "Resource ▾" in text_of(app)
        assert [row.title[0] for row in screen.table.rows] == ["a", "b"]


async def test_a_part_gets_the_whole_screen_and_gives_it_back() -> None:
    async with dashboard(grant("a")) as (screen, pilot, _):
        await press(pilot, "f6", then=lambda: screen.maximized is screen.table)
        await press(pilot, "f6", then=lambda: screen.maximized is None)


async def test_an_empty_dashboard_offers_the_demo() -> None:
    session = Session(Wire(), Credentials.memory())
    async with session, run_screen(DashboardScreen(session, can_move=True)) as (app, pilot):
        await until(pilot, lambda: "W opens the demo" in text_of(app))
        await press(pilot, "W", then=lambda: app.return_value == DEMO_WANTED)


def test_what_the_note_says_is_not_repeated_among_the_events() -> None:
    said = [
        str(item.text)
        for item in event_items(
            (Event(NOW, "refresh", "a", "It was refused."),), NOW, "It was refused. Log in."
        )
    ]
    assert said[1:] == ["refresh"]

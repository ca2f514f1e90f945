"""What the dashboard forgets: undone until the program ends, and clients deleted at their server."""

from textual.pilot import Pilot

from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from authlens_tui.screens.dashboard.actions import RegisteredClientsScreen
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.palette import possible_actions
from support.driven_login import log_in
from support.grants import NOW, grant, put
from support.screens import Host, footer_keys, press, run_screen, text_of, until
from tui.screens.dashboard.test_dashboard import dashboard, said, settled


async def forget(screen: DashboardScreen, pilot: Pilot[int], app: Host) -> None:
    """Forget the selected credential."""
    await press(pilot, "f", then=ConfirmScreen)
    assert "Until you quit, z" in text_of(app)
    await press(pilot, "y", then=lambda: app.screen is screen and not screen.context.busy)


async def test_z_restores_the_login_that_was_forgotten() -> None:
    """With its tokens; the key is offered only while there is something to restore."""
    async with dashboard(grant("a")) as (screen, pilot, app):
        assert "z" not in footer_keys(app)
        await forget(screen, pilot, app)
        await until(pilot, lambda: not screen.listing.entries and "z" in footer_keys(app))
        assert "z undoes this until you quit" in said(screen)
        await pilot.press("z")
        await settled(screen, pilot)
        _, secrets = await screen.context.session.credentials.load("id-a")
        assert secrets.access_token == Secret("access-canary")
        await until(pilot, lambda: len(screen.table.rows) == 1 and "z" not in footer_keys(app))
        assert "recorded requests stay deleted" in said(screen)


async def test_z_restores_a_service_token() -> None:
    async with dashboard() as (screen, pilot, app):
        tokens = screen.context.session.credentials.service_tokens
        token = ServiceToken("service-1", "https://ci.example.com/", f"{'0' * 32}.access", NOW)
        await tokens.save(token, Secret("a" * 64))
        screen.show_now(reread=True)
        await pilot.pause()
        await forget(screen, pilot, app)
        assert tokens.list() == ()
        await pilot.press("z")
        await settled(screen, pilot)
        assert (await tokens.load("service-1"))[1] == Secret("a" * 64)


async def test_a_login_that_came_after_is_not_replaced_and_that_is_said() -> None:
    async with dashboard(grant("a")) as (screen, pilot, app):
        await forget(screen, pilot, app)
        credentials = screen.context.session.credentials
        put(credentials.index, grant("a"), 1)
        await pilot.press("z")
        await settled(screen, pilot)
        assert said(screen).startswith("✖ Not restored")
        assert len(credentials.list()) == 1


async def test_a_client_that_no_login_uses_is_deleted_at_its_server() -> None:
    """The whole way: a login registers it, the login is forgotten, and the server is asked afterwards."""
    async with (
        Emulator(Profile.GENERIC) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        await log_in(emulator, session=session)
        async with run_screen(screen := DashboardScreen(session)) as (app, pilot):
            await press(pilot, "F", then=RegisteredClientsScreen)
            assert "used by" in text_of(app)
            await press(pilot, "enter", "escape", then=screen)
            assert len(session.credentials.clients.list()) == 1
            await forget(screen, pilot, app)
            await press(pilot, "F", then=RegisteredClientsScreen)
            await press(pilot, "enter", then=ConfirmScreen)
            await press(pilot, "y", then=lambda: not session.credentials.clients.list())
            await settled(screen, pilot)
            assert "deleted the client (204); reading it returned 401" in said(screen)
            assert "act('forget_client')" not in {one.action for one in possible_actions(screen)}


async def test_without_a_client_that_can_be_deleted_the_key_is_not_offered() -> None:
    async with dashboard(grant("a")) as (screen, _, _):
        assert "act('forget_client')" not in {one.action for one in possible_actions(screen)}

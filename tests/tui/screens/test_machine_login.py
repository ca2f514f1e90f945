"""The form for the login of a program: what each grant needs, and secrets that are not shown."""

from pathlib import Path

import pytest
from textual.widgets import Input

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_tui.screens.machine_login import MachineLoginScreen
from support.screens import press, text_of, until, wizard_on
from support.scripted_login import ISSUER, RESOURCE, ScriptedSender, honest, reply, server_document

pytestmark = pytest.mark.slow  # each test plays a whole screen

FOR_PROGRAMS = reply(
    200,
    server_document(
        authorization_endpoint=None,
        registration_endpoint=None,
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=["client_secret_basic"],
    ),
)


async def test_a_user_at_a_server_for_programs_goes_on_as_one() -> None:
    """One key leads from the refusal to the form, and the login that follows has no stage of a user."""
    login = Login(
        RESOURCE, ScriptedSender(honest(server=FOR_PROGRAMS)), options=Options(port=0, issuer=ISSUER)
    )
    async with wizard_on(login) as (screen, pilot, app):
        await pilot.press("a")
        await until(pilot, lambda: login.position is Stage.SERVER_METADATA and login.running is None)
        await until(pilot, lambda: "A Program" in text_of(app))
        await press(pilot, "A", then=MachineLoginScreen)
        await pilot.press(*"job", "enter")
        assert "names nothing that the client authenticates with" in text_of(app)
        await pilot.press("tab", *"canary-1")
        assert "canary-1" not in text_of(app)
        await press(pilot, "enter", then=screen)
        await press(pilot, "a", then=lambda: login.finished and "Authenticated" in text_of(app))
        assert "PKCE" not in text_of(app)


async def test_each_grant_shows_its_own_fields_and_a_key_comes_from_its_file(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("PRIVATE")
    key.chmod(0o600)
    login = Login(RESOURCE, ScriptedSender(honest(server=FOR_PROGRAMS)), options=Options(port=0))
    async with wizard_on(login) as (_, pilot, app):
        given: list[Options | None] = []
        form = MachineLoginScreen(Options(client_id="job", grant_type=GrantType.JWT_BEARER))
        app.push_screen(form, given.append)
        await until(pilot, lambda: app.screen is form)
        assert shown(form) == ["client_id", "assertion_file", "assertion_command"]
        form.query_one("#client_key", Input).value = str(key)
        next(iter(form.ways.query("RadioButton"))).value = True  # type: ignore[attr-defined]
        await until(pilot, lambda: shown(form) == ["client_id", "client_secret", "client_key"])
        await press(pilot, "ctrl+n", then=lambda: bool(given))
    wanted = Options(client_id="job", client_key=Secret("PRIVATE"), grant_type=GrantType.CLIENT_CREDENTIALS)
    assert given == [wanted]


def shown(form: MachineLoginScreen) -> list[str | None]:
    return [box.id for box in form.query(Input) if box.parent is not None and box.parent.display]

"""The device grant in the wizard: the code is on the screen until it was entered (RFC 8628); copying it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.stage import GrantType
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import Host, footer_keys, press, scripted, text_of, until, wizard_on
from support.scripted_login import ISSUER, RESOURCE, ScriptedSender, come_back, honest, reply, server_document

pytestmark = pytest.mark.slow  # each test plays a whole screen

CODES = {
    "device_code": "device-canary-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 5,
}


class _Entered:
    """Holds up the token requests until the code was entered."""

    def __init__(self) -> None:
        self._done = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        if request.url.endswith("/token"):
            await self._done.wait()

    def enter(self) -> None:
        self._done.set()


def _login(before: _Entered | None = None, page: str = "", **server: Any) -> tuple[Login, ScriptedSender]:
    """Return a login at a server with the grant; its clock is an hour ahead, so no poll has to wait."""
    endpoint = {"device_authorization_endpoint": f"{ISSUER}/device_authorization", **server}
    script = honest(server=reply(200, server_document(**endpoint)))
    codes = {**CODES, "verification_uri": page} if page else CODES
    script[f"POST {ISSUER}/device_authorization"] = reply(200, codes)
    sender = ScriptedSender(script, before=before)
    clock = lambda: datetime.now(UTC) + timedelta(hours=1)  # noqa: E731
    return Login(RESOURCE, sender, options=Options(port=0), clock=clock), sender


@asynccontextmanager
async def _at_registration(login: Login) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    async with wizard_on(login) as (wizard, pilot, app):
        for _ in range(3):
            await login.step()
        await until(pilot, lambda: "D" in footer_keys(app))
        yield wizard, pilot, app


async def test_the_code_stays_on_the_screen_while_the_server_is_asked() -> None:
    entered = _Entered()
    login, _ = _login(entered)
    async with _at_registration(login) as (_, pilot, app):
        await press(pilot, "D", "a", then=lambda: login.running is Stage.EXCHANGE)
        await until(pilot, lambda: "W D J B - M J H T" in text_of(app))
        shown = " ".join(text_of(app).split())
        assert f"{ISSUER}/device" in shown
        assert "The page is on as.example" in shown
        assert "if you started this login yourself" in shown
        assert "expire" in shown
        assert "device-canary-1" not in shown
        entered.enter()
        await until(pilot, lambda: login.finished and "Authenticated" in text_of(app))
        assert "W D J B" not in text_of(app)


async def test_a_page_on_another_site_is_a_question_that_names_both_before_the_code_is_shown() -> None:
    """DG-10, H420."""
    login, _ = _login(_Entered(), page="https://honest.example/device")
    async with _at_registration(login) as (_, pilot, app):
        await pilot.press("D", "a")
        await until(pilot, lambda: login.position is Stage.AUTHORIZATION and "failed" in text_of(app))
        assert "WDJB" not in text_of(app)
        assert "W D J B" not in text_of(app)
        await press(pilot, "g", then=ConfirmScreen)
        shown = " ".join("".join(c for c in text_of(app) if c.isascii()).split())
        assert "Continue only if you started this login" in shown
        assert "page on honest.example, token endpoint on as.example" in shown
        assert "WDJB" not in shown
        await press(pilot, "y", then=lambda: login.position is Stage.EXCHANGE)
        await press(pilot, "a", then="W D J B - M J H T")
        assert "The page is on honest.example" in " ".join(text_of(app).split())


async def test_the_words_of_the_stage_speak_of_the_code_and_not_of_a_link() -> None:
    login, _ = _login()
    async with _at_registration(login) as (_, pilot, app):
        await pilot.press("D", "n")
        await until(pilot, lambda: login.position is Stage.AUTHORIZATION and login.running is None)
        await press(pilot, "down", then="enter the code")
        assert "a link for your browser" not in text_of(app)
        assert "RFC 8628" in text_of(app)
        await press(pilot, "n", then="W D J B")


async def test_the_key_changes_back_to_a_link() -> None:
    login, sender = _login()
    async with _at_registration(login) as (_, pilot, app):
        await press(pilot, "D", then=lambda: login.flow.grant_type is GrantType.DEVICE_CODE)
        await press(pilot, "D", then=lambda: login.flow.grant_type is not GrantType.DEVICE_CODE)
        await press(pilot, "a", then=lambda: login.wait.waiting)
        assert f"POST {ISSUER}/device_authorization" not in [one.line for one in sender.sent]
        assert f"{ISSUER}/authorize" in text_of(app)


async def test_a_server_without_the_grant_offers_no_code() -> None:
    login, _ = _login(device_authorization_endpoint=None)
    async with wizard_on(login) as (_, pilot, app):
        for _ in range(3):
            await login.step()
        await until(pilot, lambda: "n" in footer_keys(app))
        assert "D" not in footer_keys(app)


async def test_the_code_is_copied_and_its_page_is_a_qr_code() -> None:
    login, _ = _login(_Entered())
    async with _at_registration(login) as (_, pilot, app):
        await press(pilot, "D", "a", then=lambda: login.running is Stage.EXCHANGE)
        await until(pilot, lambda: "W D J B" in text_of(app))
        await press(pilot, "c", then=lambda: app.copied != [])
        assert app.copied == [("The code", "WDJB-MJHT")]
        await press(pilot, "k", then=QrScreen)


TOKEN = "access-canary-1"


@asynccontextmanager
async def logged_in(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    """Show a login that has ended well."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=size) as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: login.position is None and login.running is None)
        yield wizard, pilot, app


async def test_a_copy_says_that_its_secrets_are_masked() -> None:
    async with logged_in() as (wizard, pilot, app):
        wizard.show_stage(Stage.EXCHANGE)
        await pilot.press("right_square_bracket", "right_square_bracket", "x", "c")
        await until(pilot, lambda: "Secrets are masked." in text_of(app))
        assert TOKEN not in app.copied[0][1]
        wizard.show_stage(Stage.DETECTION)
        await press(pilot, "c", then=lambda: len(app.copied) > 1 and "Copied." in text_of(app))
        assert "masked" not in text_of(app)


async def test_what_is_said_of_a_copy_goes_with_the_next_key() -> None:
    async with logged_in() as (wizard, pilot, app):
        await press(pilot, "c", then="Copied.")
        wizard.tick()
        await pilot.pause()
        assert "Copied." in text_of(app)
        await press(pilot, "right_square_bracket", then=lambda: "Copied." not in text_of(app))

"""How the code for another device, the list of all requests and the player of the sequence look.

After a change that was meant, make the pictures again with `--snapshot-update`, and look at them.
"""

import asyncio
from typing import Final

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from authlens_core.export.exchange_log import ExchangeLog
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.exchange import Request
from authlens_core.values.stage import GrantType
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.screens.trace.requests import RequestsScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.pictures import SMALL, Picture, differences, drawn_of
from support.screens import Host, press, scripted, text_of, until
from support.scripted_login import ISSUER, come_back, reply, server_document

pytestmark = pytest.mark.slow

CODES: Final = {
    "device_code": "device-canary-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 500,  # nothing is polled while the picture is drawn, however slow the machine
}


async def _hold(request: Request) -> None:
    if request.url.endswith("/token"):
        await asyncio.Event().wait()


def _login(*, by_code: bool = False) -> Login:
    document = server_document(device_authorization_endpoint=f"{ISSUER}/device_authorization")
    login, sender = scripted(port=8400, server=reply(200, document))
    sender.script = {**sender.script, f"POST {ISSUER}/device_authorization": reply(200, CODES)}
    sender.before = _hold if by_code else None
    return login


def _wizard() -> WizardScreen:
    return WizardScreen(_login(by_code=True), "Secret Service")


async def _to_the_code(pilot: Pilot[int]) -> None:
    wizard, app = pilot.app.screen, pilot.app
    assert isinstance(wizard, WizardScreen)
    assert isinstance(app, Host)
    login = wizard.login
    for _ in range(3):
        await login.step()
    await press(pilot, "D", then=lambda: login.flow.grant_type is GrantType.DEVICE_CODE)
    await press(pilot, "a", then=lambda: login.running is Stage.EXCHANGE and "W D J B" in text_of(app))


async def _walked() -> Login:
    login = _login()
    login.watch(come_back(login))
    await login.run_all()
    return login


async def _requests() -> RequestsScreen:
    log = ExchangeLog()
    for record in (await _walked()).trace.records:
        for exchange in record.exchanges:
            log.note(exchange)
        log.note_record(record)
    return RequestsScreen(log)


async def _player() -> PlayerScreen:
    return PlayerScreen((await _walked()).trace)


async def _all_rows(pilot: Pilot[int]) -> None:
    screen = pilot.app.screen
    assert isinstance(screen, RequestsScreen)
    await until(pilot, lambda: screen.table.row_count == 6)


PICTURES: Final = (
    Picture(
        "device-code",
        WizardScreen,
        lambda: WizardScreen(_login(by_code=True), "Secret Service"),
        _to_the_code,
        sizes=SMALL,
    ),
    Picture("requests", RequestsScreen, _requests, _all_rows),
    Picture("player", PlayerScreen, _player),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""

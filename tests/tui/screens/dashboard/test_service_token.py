"""The form for a service token: its shape judged as it is typed, the secret shown nowhere."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from textual.widgets import Input

from authlens_core.credentials.records.grant import TokenVerdict
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator
from authlens_tui.screens.dashboard.service_token_form import ServiceTokenScreen
from support.grants import NOW
from support.screens import press, run_screen, text_of, until


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(faults=("service-auth-only",)) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with Session(Wire(), Credentials.memory()) as opened:
        yield opened


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_token_is_added_and_tested(
    emulator: Emulator, session: Session, size: tuple[int, int]
) -> None:
    """From a masked field, with the verdict of the resource; at both sizes."""
    client_id, secret = emulator.service_token
    screen = ServiceTokenScreen(session, emulator.resource_url)
    async with run_screen(screen, size=size) as (app, pilot):
        screen.query_one("#client_id", Input).value = client_id
        screen.query_one("#secret", Input).value = secret
        await until(pilot, lambda: "✔ Looks like a service token." in text_of(app))
        assert secret not in text_of(app)
        await press(pilot, "enter", then="✔ The resource accepts the credential.")
        (token,) = session.credentials.service_tokens.list()
        assert token.last_verdict is TokenVerdict.ACCEPTED
        await press(pilot, "enter", then=lambda: app.screen is not screen)


async def test_a_swapped_pair_is_seen_before_anything_is_sent(emulator: Emulator, session: Session) -> None:
    """The form says "these two look swapped", and one key puts them right."""
    client_id, secret = emulator.service_token
    screen = ServiceTokenScreen(session, emulator.resource_url)
    async with run_screen(screen) as (app, pilot):
        screen.query_one("#client_id", Input).value = secret
        screen.query_one("#secret", Input).value = client_id
        await until(pilot, lambda: "look swapped" in text_of(app))
        await pilot.press("enter")
        await pilot.pause()
        assert session.credentials.service_tokens.list() == ()
        await press(pilot, "ctrl+t", then="✔ Looks like a service")
        assert screen.query_one("#client_id", Input).value == client_id


async def test_a_replacement_that_is_refused_keeps_the_old_secret_until_told_otherwise(
    emulator: Emulator, session: Session
) -> None:
    """A working secret is never lost unasked."""
    client_id, secret = emulator.service_token
    screen = ServiceTokenScreen(session, emulator.resource_url)
    async with run_screen(screen) as (_, pilot):
        screen.query_one("#client_id", Input).value = client_id
        screen.query_one("#secret", Input).value = secret
        await press(pilot, "enter", then="✔ The resource accepts the credential.")
    (token,) = session.credentials.service_tokens.list()
    again = ServiceTokenScreen(session, token=token)
    async with run_screen(again) as (_, pilot):
        assert not again.query("#url")
        again.query_one("#secret", Input).value = "0" * 64
        await press(pilot, "ctrl+s", then="The old secret is unchanged")
        assert (await session.credentials.service_tokens.load(token.token_id))[1].reveal() == secret
        await press(pilot, "ctrl+y", then="The new secret is stored")
        assert (await session.credentials.service_tokens.load(token.token_id))[1].reveal() == "0" * 64


async def test_label_and_end_are_changed_without_the_secret(session: Session) -> None:
    """Refreshed in Zero Trust, it keeps its secret: nothing is sent, and nothing has to be typed anew."""
    token = ServiceToken(
        "service-1", "https://ci.example/", f"{'0' * 32}.access", NOW, label="ci", expires_at=NOW
    )
    secret = Secret("a" * 64)
    await session.credentials.service_tokens.save(token, secret)
    screen = ServiceTokenScreen(session, token=token)
    async with run_screen(screen, size=(80, 24)) as (app, pilot):
        screen.query_one("#label", Input).value = "nightly"
        screen.query_one("#client_id", Input).value = f"{'1' * 32}.access"
        await press(pilot, "enter", then="Another Client ID has another secret")
        screen.query_one("#client_id", Input).value = token.client_id
        screen.query_one("#expires", Input).value = "2027-03-31"
        await press(pilot, "enter", then="Label and expiry are stored; the secret is unchanged")
        known, kept = await session.credentials.service_tokens.load("service-1")
        assert (known.label, known.expires_at, kept) == ("nightly", datetime(2027, 3, 31, tzinfo=UTC), secret)
        await press(pilot, "enter", then=lambda: app.screen is not screen)


async def test_a_terminal_too_small_for_the_form_does_not_crash_it(session: Session) -> None:
    async with run_screen(ServiceTokenScreen(session), size=(20, 5)) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ServiceTokenScreen)

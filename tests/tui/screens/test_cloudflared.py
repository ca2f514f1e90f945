"""The screen that drives cloudflared: what runs, the link, the time, and the word of the resource."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.wire.client import Wire
from authlens_tui.screens.cloudflared import CloudflaredScreen
from support.cloudflared_stub import stub_in
from support.emulated_access import program_at
from support.screens import press, run_screen, text_of, until
from support.waiting import runs


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with Session(Wire(), Credentials.memory()) as opened:
        yield opened


async def test_the_link_is_shown_and_leaving_ends_cloudflared(session: Session, tmp_path: Path) -> None:
    """The URL in the wizard, copied with a key; killed on cancel."""
    stub = stub_in(tmp_path, "slow")
    screen = CloudflaredScreen("https://wiki.example.com/", session)
    async with run_screen(screen, size=(80, 24), environ=stub.environ) as (app, pilot):
        await until(pilot, lambda: "Open this link" in text_of(app) and stub.grandchild() is not None)
        assert "cloudflared 2026.8.2 runs: cloudflared access login --no-verbose" in text_of(app)
        assert "left" in text_of(app)
        await press(pilot, "c", then=lambda: bool(app.copied))
        assert app.copied == [("the link", stub.link)]
        await pilot.press("escape")
        grandchild = stub.grandchild()
        assert grandchild is not None
        await until(pilot, lambda: not runs(grandchild))


async def test_the_resource_has_the_last_word(session: Session, tmp_path: Path) -> None:
    """The token is used in `cf-access-token`, and the proof is recorded."""
    async with program_at() as program:
        client_id, secret = program.emulator.service_token
        answer = await program.open(cf_access_client_id=client_id, cf_access_client_secret=secret)
        jwt = answer.cookies["CF_Authorization"]
        stub = stub_in(tmp_path, token=jwt, host="127.0.0.1")
        screen = CloudflaredScreen(program.emulator.resource_url, session)
        async with run_screen(screen, environ=stub.environ) as (app, pilot):
            await until(pilot, lambda: "The resource accepts the credential." in text_of(app))
            assert "cloudflared stored the token" in text_of(app)
            assert jwt not in text_of(app)


async def test_a_failure_names_its_cause_and_can_be_tried_again(session: Session, tmp_path: Path) -> None:
    stub = stub_in(tmp_path, "deadlock")
    screen = CloudflaredScreen("https://wiki.example.com/", session)
    async with run_screen(screen, environ=stub.environ) as (app, pilot):
        await until(pilot, lambda: "Binding Cookie" in text_of(app))
        calls = len(stub.calls())
        await press(pilot, "t", then=lambda: len(stub.calls()) > calls)
        result = screen.query_one("#result")
        await until(pilot, lambda: result.has_class("-bad"))
        screen.action_again()
        assert not result.has_class("-bad")
        await until(pilot, lambda: result.has_class("-bad"))


async def test_without_cloudflared_it_says_where_to_get_it(session: Session, tmp_path: Path) -> None:
    """Detected before anything is run; a tiny terminal does no harm."""
    screen = CloudflaredScreen("https://wiki.example.com/", session)
    async with run_screen(screen, environ={"PATH": str(tmp_path)}) as (app, pilot):
        await until(pilot, lambda: "not installed" in text_of(app))
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        assert app.screen is screen

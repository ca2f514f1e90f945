"""How the screens look that are no part of the wizard: menus, questions, forms, lists and replays.

After a change that was meant, make the pictures anew with `--snapshot-update`, and look at them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.timer import Timer, TimerCallback
from textual.widgets import Input

from authlens_core.credentials.records.client import ClientRecord
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.traces import Traces
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import OnProgress
from authlens_core.desk.cloudflared_login import CloudflaredOutcome
from authlens_core.desk.forget import StoredClient
from authlens_core.desk.session import Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.events import LinkShown, ProcessStarted
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.errors import NoSecretStore, Refused
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body, Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.store_kind import StoreKind
from authlens_core.wire.client import Wire
from authlens_lab.learning.catalogue import drills
from authlens_lab.learning.desk.drill_world import DrillWorld
from authlens_lab.learning.lesson import OwnerSetting
from authlens_tui.screens import cloudflared as cloudflared_module
from authlens_tui.screens.cloudflared import CloudflaredScreen
from authlens_tui.screens.dashboard.access_events import EventsScreen
from authlens_tui.screens.dashboard.actions import RegisteredClientsScreen
from authlens_tui.screens.dashboard.batch_actions import Result, ResultsScreen
from authlens_tui.screens.dashboard.new_login import NewLoginScreen, OtherAccountScreen
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.dashboard.service_token_form import ServiceTokenScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.learn.question import QuestionScreen
from authlens_tui.screens.machine_login import MachineLoginScreen
from authlens_tui.screens.opening import OpeningScreen
from authlens_tui.screens.settings_dialog import SettingsScreen, ThemeScreen
from authlens_tui.screens.store_choice import MoveStoreScreen, StoreChoice, StoreChoiceScreen
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.trace.open_session import OpenSessionScreen, StoredTraces
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.screens.wizard.demo_login import OwnerScreen, Played, ServerOwner
from support.grants import NOW
from support.open_databases import owned
from support.pictures import NOT_DRAWN, SMALL, Picture, differences, drawn_of
from support.screens import scripted, text_of, until
from support.scripted_login import BEGAN, ISSUER, RESOURCE, come_back, exchange, reply

pytestmark = pytest.mark.slow

Walk = Callable[[Pilot[int]], Awaitable[None]]

NO_KEYRING: Final = NoSecretStore("There is no keyring here.", "Start gnome-keyring.")
LOCKED: Final = NoSecretStore("The encrypted file is locked.", "Type its passphrase.")
CLIENT_ID: Final = f"{'0' * 32}.access"
TEAM_LINK: Final = (
    "https://team.cloudflareaccess.com/cdn-cgi/access/cli?aud=" + "a" * 64 + "&token=" + "b" * 44
)


def keys(*wanted: str, until_shown: str = "") -> Walk:
    """Return a walk that presses keys and waits for words."""

    async def walk(pilot: Pilot[int]) -> None:
        await pilot.press(*wanted)
        await shown(pilot, until_shown)

    return walk


async def shown(pilot: Pilot[int], words: str) -> None:
    await until(pilot, lambda: words in text_of(pilot.app))  # type: ignore[arg-type]


def session() -> Session:
    return Session(Wire(), owned(Credentials.memory()))


# -- traces ----------------------------------------------------------------------------------------------


async def logged_in(**answers: Any) -> Trace:
    """Return the trace of a login, as it would be read from a file."""
    login, _ = scripted(port=8400, **answers)
    login.watch(come_back(login))
    trace = replace(await login.run_all(), trace_id=f"trace{len(answers)}")
    return read_session(session_json(trace).encode())


def revoked() -> Trace:
    request = Request("POST", f"{ISSUER}/revoke", body=Body(b"token=refresh-canary-1&client_id=client-1"))
    record = StageRecord(Stage.REVOKE, Outcome.PASSED, BEGAN, 0.2, exchanges=(exchange(reply(200), request),))
    return Trace("trace-revoke", TraceKind.REVOKE, RESOURCE, BEGAN, (record,))


async def failed() -> Trace:
    return await logged_in(token=reply(400, {"error": "invalid_grant"}))


async def replayed(trace: Awaitable[Trace]) -> TraceScreen:
    return TraceScreen(await trace, replay="login.authlens.json")


def opening() -> OpeningScreen:
    """Return a login that plays itself, without a timer."""
    login, _ = scripted(port=8400)
    login.watch(come_back(login))

    async def sign_in(_: str) -> Played:
        return Played("", completed=True)

    async def let_go() -> None:
        """Nothing was opened."""

    screen = OpeningScreen(login, "A normal login", sign_in, let_go)
    vars(screen)["STEP"] = 3600.0
    return screen


def arrows(count: int) -> Walk:
    """Return a walk that draws so many arrows of the login that plays itself."""

    async def walk(pilot: Pilot[int]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, OpeningScreen)
        await until(pilot, lambda: screen.has_ended)
        for _ in range(count):
            screen.step()

    return walk


def prediction() -> QuestionScreen:
    drill = drills()["post-only"]
    return QuestionScreen(drill.title, drill.prediction.text, drill.prediction.words, "Press a letter.")


def owner() -> ServerOwner:
    setting = OwnerSetting("Applications › wiki", "Allow localhost clients", beside="Allow loopback clients")
    return ServerOwner("wiki.localhost", setting, DrillWorld((drills()["localhost-refused"],)))


async def compared() -> CompareScreen:
    return CompareScreen(await logged_in(), await failed(), ("good.authlens.json", "bad.authlens.json"))


async def two_kept() -> OpenSessionScreen:
    """Return the choice between two traces that are kept of one credential."""
    traces = owned(Traces(None, lambda: {"a"}))
    traces.keep("a", replace(await failed(), started_at=BEGAN - timedelta(hours=3)))
    traces.keep("a", await logged_in())
    return OpenSessionScreen("Compare with", StoredTraces(traces, "a"))


# -- what stands on the screens --------------------------------------------------------------------------


def events(*, some: bool) -> EventsScreen:
    """Return the history, with or without something in it."""
    credentials = owned(Credentials.memory())
    told = (
        ("login", "a", ""),
        ("refresh", "a", ""),
        ("refresh: login needed", "b", "invalid_grant: the refresh token is no longer good"),
        ("token shown", "a", "on the dashboard"),
        ("revoke", "b", ""),
    )
    for minutes, (kind, entry, detail) in enumerate(told if some else ()):
        credentials.index.add_event(kind, entry, detail)
        with credentials.index.writing() as connection:
            at = (NOW + timedelta(minutes=minutes)).isoformat()
            connection.execute("UPDATE events SET at = ? WHERE event_id = ?", (at, minutes + 1))
    names = {"a": "wiki.example.com/mcp", "b": "a-rather-long-name.of.a.host.example.com/with/a/path"}
    return EventsScreen(Session(None, credentials), names, selected="a" if some else None)


class Unhurried(RevealScreen):
    """Stays open while it is pictured, however long that takes."""

    def set_timer(
        self,
        delay: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        pause: bool = False,
    ) -> Timer:
        return super().set_timer(delay, callback, name=name, pause=pause or delay == self.SHOWN_FOR)


def results() -> ResultsScreen:
    """Return what became of several credentials."""
    found = (
        Result("wiki.example.com/mcp", True, "A new access token, good for 15 min."),
        Result("app.example/mcp", False, "The refresh token is no longer good.", "Log in again with l."),
        Result("ci.example.com", None, "No answer within 30 s.", "Check the network, then try again."),
    )
    return ResultsScreen("Refresh all", "1 of 3 went well, 1 failed, 1 is unclear.", found)


def new_login_with_favourites() -> NewLoginScreen:
    settings = SettingsFile()
    settings.change(favourites=("https://wiki.example.com/mcp", "https://grafana.example.com/"))
    return NewLoginScreen(settings=settings)


def registered_clients() -> RegisteredClientsScreen:
    """Return two clients, one of which a login uses."""
    client = ClientRecord(ISSUER, "http://localhost:8400/callback", "none", "client-1", NOW)
    other = replace(client, issuer="https://other.example.com", client_id="f3b1c0de-8f0e-4d6d")
    clients = [StoredClient(client, "https://wiki.example.com/mcp"), StoredClient(other, "")]
    return RegisteredClientsScreen(clients)


def machine_login() -> MachineLoginScreen:
    return MachineLoginScreen(Options(client_id="ci-job", grant_type=GrantType.TOKEN_EXCHANGE))


def other_account() -> OtherAccountScreen:
    logout = "https://team.cloudflareaccess.com/cdn-cgi/access/logout"
    return OtherAccountScreen("wiki.example.com/mcp", logout)


def service_token(*, known: bool = False) -> ServiceTokenScreen:
    token = ServiceToken("service-1", "https://ci.example.com/", CLIENT_ID, NOW, label="ci")
    return ServiceTokenScreen(session(), token=token if known else None)


async def type_a_swapped_pair(pilot: Pilot[int]) -> None:
    for name, value in {"url": "ci.example.com", "client_id": "a" * 64, "secret": CLIENT_ID}.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await shown(pilot, "swapped")


def cloudflared(*happens: object) -> Callable[[], CloudflaredScreen]:
    """Return what makes the screen of a cloudflared that tells these events, and then waits or ends."""

    async def log_in(*_: object, on_event: Callable[[Any], None], **_settings: object) -> CloudflaredOutcome:
        for event in happens:
            if isinstance(event, Exception):
                raise event
            on_event(event)
        await asyncio.Event().wait()
        raise AssertionError

    def make() -> CloudflaredScreen:
        vars(cloudflared_module)["log_in_with_cloudflared"] = log_in  # put back by `real_cloudflared`
        return CloudflaredScreen("https://wiki.example.com/", session())

    return make


def store(**settings: Any) -> Callable[[], StoreChoiceScreen]:
    error = LOCKED if settings.get("unlock") else NO_KEYRING
    return lambda: StoreChoiceScreen(error, **settings)


def moving() -> MoveStoreScreen:
    """Return the choice of another place, where the move never ends."""

    async def carry_out(_choice: StoreChoice, _unlock: Secret | None, on_progress: OnProgress) -> None:
        on_progress(2, 7)
        await asyncio.Event().wait()

    return MoveStoreScreen(StoreKind.FILE, carry_out)


async def type_two_passphrases(pilot: Pilot[int]) -> None:
    """Choose the encrypted file and type two that differ."""
    await pilot.press("1", *"correct horse", "enter", *"another", "enter")
    await shown(pilot, "passphrases differ")


STARTED: Final = ProcessStarted(
    "cloudflared access login --no-verbose https://wiki.example.com/",
    "2026.8.2",
    (),
    4711,
)

PICTURES: Final = (
    Picture(
        "prediction",
        QuestionScreen,
        prediction,
        keys("down"),
        sizes=SMALL,
    ),
    Picture("opening", OpeningScreen, opening, arrows(9), closes=True),
    Picture("opening-ended", OpeningScreen, opening, arrows(99), closes=True, sizes=NOT_DRAWN),
    Picture("trace-login", TraceScreen, lambda: replayed(logged_in()), sizes=NOT_DRAWN),
    Picture("trace-failed", TraceScreen, lambda: replayed(failed())),
    Picture("trace-revoke", TraceScreen, lambda: TraceScreen(revoked()), sizes=NOT_DRAWN),
    Picture(
        "compare",
        CompareScreen,
        compared,
        keys(until_shown="good.authlens.json"),
    ),
    Picture("themes", ThemeScreen, ThemeScreen, sizes=SMALL),
    Picture("owner", OwnerScreen, lambda: OwnerScreen(owner(), "4 Registration"), sizes=SMALL),
    Picture("open-kept", OpenSessionScreen, two_kept),
    Picture(
        "open-no-file",
        OpenSessionScreen,
        OpenSessionScreen,
        keys(*"no.json", "enter", until_shown="no.json "),
        sizes=NOT_DRAWN,
    ),
    Picture(
        "confirm",
        ConfirmScreen,
        lambda: ConfirmScreen(
            "Revoke at the server?", "https://wiki.example.com/\n\nIt ends there.", "Revoke"
        ),
        sizes=SMALL,
    ),
    Picture("new-login-favourites", NewLoginScreen, new_login_with_favourites, keys("down"), sizes=SMALL),
    Picture(
        "new-login-refused",
        NewLoginScreen,
        NewLoginScreen,
        keys(*"http://wiki", "enter", until_shown="cannot be used"),
        sizes=NOT_DRAWN,
    ),
    Picture(
        "reveal",
        RevealScreen,
        lambda: Unhurried("Access token of wiki.example.com", Secret("s" * 300)),
        sizes=SMALL,
    ),
    Picture("results", ResultsScreen, results, sizes=SMALL),
    Picture("registered-clients", RegisteredClientsScreen, registered_clients, sizes=SMALL),
    Picture("settings", SettingsScreen, lambda: SettingsScreen(SettingsFile())),
    Picture("events", EventsScreen, lambda: events(some=True)),
    Picture("events-none", EventsScreen, lambda: events(some=False), sizes=NOT_DRAWN),
    Picture("machine-login", MachineLoginScreen, machine_login),
    Picture("other-account", OtherAccountScreen, other_account, sizes=SMALL),
    Picture("service-token-swapped", ServiceTokenScreen, service_token, type_a_swapped_pair, sizes=SMALL),
    Picture("service-token-replaced", ServiceTokenScreen, lambda: service_token(known=True), sizes=NOT_DRAWN),
    Picture("cloudflared-starting", CloudflaredScreen, cloudflared(STARTED), sizes=NOT_DRAWN),
    Picture(
        "cloudflared-link",
        CloudflaredScreen,
        cloudflared(STARTED, LinkShown(TEAM_LINK)),
        keys(until_shown="Open this link"),
    ),
    Picture(
        "cloudflared-failed",
        CloudflaredScreen,
        cloudflared(Refused("cloudflared is not installed.", "Install it from Cloudflare, then press t.")),
        keys(until_shown="not installed"),
        sizes=NOT_DRAWN,
    ),
    Picture("store-choice-passphrase", StoreChoiceScreen, store(), keys("1"), sizes=NOT_DRAWN),
    Picture("store-choice-not-the-same", StoreChoiceScreen, store(), type_two_passphrases),
    Picture("store-choice-plain", StoreChoiceScreen, store(), keys("2"), sizes=NOT_DRAWN),
    Picture("move-store-plain", MoveStoreScreen, moving, keys("3"), sizes=NOT_DRAWN),
    Picture(
        "move-store-under-way",
        MoveStoreScreen,
        moving,
        keys("1", until_shown="Moving 2 of 7"),
        ends_alone=True,
        sizes=SMALL,
    ),
    Picture(
        "store-choice-locked",
        StoreChoiceScreen,
        store(kind=StoreKind.ENCRYPTED_FILE, unlock=True, new_file=False),
        sizes=NOT_DRAWN,
    ),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""

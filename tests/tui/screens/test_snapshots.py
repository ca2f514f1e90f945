"""How the dashboard looks, and that there is a picture of every screen.

The other modules named `test_snapshots_…` picture the other screens. After an intended change, run them with
`--snapshot-update` and look at the result. A state that needs no look is `NOT_DRAWN`; `test_sizes` uses it.
"""

import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module, util
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen

import authlens_tui
from authlens_core.cloudflare.cloudflared_token import CloudflaredKind, CloudflaredToken
from authlens_core.credentials.records.grant import TokenVerdict
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.values.errors import StateUnusable
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from support.grants import NOW, every_state, put
from support.made_checks import present
from support.open_databases import owned
from support.pictures import NOT_DRAWN, SIZES, SMALL, Picture, differences, drawn_of, keyboard_faults
from support.screens import run_screen, until

Walk = Callable[[Pilot[int]], Awaitable[None]]

STATES: Final = len(every_state())
MOST_PICTURES: Final = 70
TABS: Final = 3  # that `test_snapshots_wizard` pictures


async def dashboard(*, states: bool = False, others: bool = False) -> DashboardScreen:
    """Return the dashboard: a login in every state, the two other kinds, or nothing."""
    credentials = owned(Credentials.memory())
    for one in every_state() if states else ():
        put(credentials.index, replace(one, generation=1), 1)
    found: tuple[CloudflaredToken, ...] = ()
    if others:
        for name, verdict, days in (("ci", TokenVerdict.ACCEPTED, 200), ("backup", TokenVerdict.REFUSED, 12)):
            token = ServiceToken(
                f"service-{name}",
                f"https://{name}.example.com/",
                f"{'0' * 32}.access",
                NOW - timedelta(days=30),
                label=name,
                expires_at=NOW + timedelta(days=days),
                last_tested=NOW - timedelta(hours=1),
                last_verdict=verdict,
            )
            await credentials.service_tokens.save(token, Secret("a" * 64))
        found = (cloudflared("grafana.example.com", 5), cloudflared("old.example.com", -5))
    return DashboardScreen(Session(Wire(), credentials), now=lambda: NOW, find=lambda: (found, 0))


def cloudflared(host: str, hours: float) -> CloudflaredToken:
    """Return a token that cloudflared would have on disk."""
    return CloudflaredToken(
        f"cloudflared-{host}",
        CloudflaredKind.APPLICATION,
        host,
        Path(f"{host}-token"),
        person="ada@example.com",
        team="team.cloudflareaccess.com",
        expires_at=NOW + timedelta(hours=hours),
    )


async def unreadable() -> DashboardScreen:
    """Return the dashboard of an index that cannot be read."""
    screen = await dashboard()

    def refuse(*_: object, **__: object) -> None:
        raise StateUnusable(
            "The index of credentials is damaged.", "Move it away, then start authlens again."
        )

    screen.context.session.credentials.index.grants = refuse  # type: ignore[assignment]
    return screen


def keys(*wanted: str, rows: int) -> Walk:
    """Return a walk that waits for the table and then presses keys."""

    async def walk(pilot: Pilot[int]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, DashboardScreen)
        await until(pilot, lambda: len(screen.listing.matching) == rows)
        await pilot.pause()  # the columns take their widths before a dialog covers them
        await pilot.press(*wanted)

    return walk


PICTURES: Final = (
    Picture("dashboard-empty", DashboardScreen, dashboard, sizes=SMALL),
    Picture(
        "dashboard-three-kinds",
        DashboardScreen,
        lambda: dashboard(states=True, others=True),
        keys(rows=STATES + 4),
    ),
    Picture(
        "dashboard-other-kinds",
        DashboardScreen,
        lambda: dashboard(others=True),
        keys("down", "down", rows=4),
        NOT_DRAWN,
    ),
    Picture(
        "dashboard-filtered",
        DashboardScreen,
        lambda: dashboard(states=True, others=True),
        keys("slash", *"service", rows=STATES + 4),
        NOT_DRAWN,
    ),
    Picture("dashboard-error", DashboardScreen, unreadable, sizes=NOT_DRAWN),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""


async def test_a_screen_that_a_keyboard_cannot_use_is_noticed() -> None:
    """The look at the focus and the footer can fail."""
    async with run_screen(Screen()) as (app, _):
        assert keyboard_faults(app.screen) == ["nothing has the focus", "there is no footer"]


def all_pictures() -> list[Picture]:
    """Return the pictures in the tables of this folder."""
    found: list[Picture] = []
    for path in sorted(Path(__file__).parent.glob("test_snapshots*.py")):
        spec = present(util.spec_from_file_location(f"pictures_{path.stem}", path))
        module: Any = util.module_from_spec(spec)
        present(spec.loader).exec_module(module)
        found.extend(module.PICTURES)
    return found


def pictured() -> dict[str, set[tuple[int, int]]]:
    """Return the screens in the tables of this folder, and the sizes that they are pictured in."""
    found: dict[str, set[tuple[int, int]]] = {}
    for one in all_pictures():
        found.setdefault(one.screen.__name__, set()).update(one.sizes)
    return found


def test_every_screen_is_pictured_and_no_more_than_a_designer_looks_at() -> None:
    """Each screen at both sizes, a dialog at the small one; as many files as there are pictures."""
    kinds = {
        kind
        for found in pkgutil.walk_packages(authlens_tui.__path__, f"{authlens_tui.__name__}.")
        if not found.name.endswith("__main__")
        for _, kind in inspect.getmembers(import_module(found.name), inspect.isclass)
        # Textual's palette has no footer, which every picture is asked for.
        if issubclass(kind, Screen)
        and not issubclass(kind, CommandPalette)
        and kind.__module__.startswith(f"{authlens_tui.__name__}.")
    }
    bases = {base for kind in kinds for base in kind.__mro__[1:]}  # what is never shown by itself
    screens = {kind.__name__: kind for kind in kinds - bases}
    assert len(screens) > 15
    assert sorted(pictured()) == sorted(screens)
    for name, sizes in pictured().items():
        assert sizes >= set(SMALL if issubclass(screens[name], ModalScreen) else SIZES), name
    files = list((Path(__file__).parent / "__snapshots__").rglob("*.svg"))
    assert len(files) == sum(len(one.sizes) for one in all_pictures()) + TABS
    assert len(files) <= MOST_PICTURES

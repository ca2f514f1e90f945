"""The full-screen app in a terminal among hostile and broken servers, and A1 to A6 after each.

Each case is a process of its own, forked from one that has loaded the program. The gate runs one a place,
each week a choice that has each kind of change, too; with AUTHLENS_WILD=all, every case.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.trace.flow import AUTHORIZATION_CODE
from authlens_core.trace.record import Stage
from authlens_core.wire.limits import METADATA
from support.driven_login import is_free
from support.preloaded import Preloaded
from support.terminal import NotShown, Terminal, terminal
from support.terminal_modes import left_on
from support.wild_process import come_back, machine_with_file_store
from support.wild_server import WildServer, wild_server
from wild.cases import HOSTILE, Case, choice

pytestmark = pytest.mark.e2e

BOUND = METADATA.deadline + 10.0  # the app starts and draws meanwhile
OBEYED = [HOSTILE.encode()[:12], b"\x1b]52;c;aGk=", "\u202e".encode(), "\u2066".encode()]

GATE = {
    "probe: H158 garbage",
    "resource metadata: H027 stranger",
    "server metadata: hostile unknown member",
    "registration: H158 half a status line",
    "callback: H078 iss",
    "token: hostile refusal",
    "access: hostile page",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose secrets go to a plain file: no keyring is started for each case."""
    directory = tmp_path_factory.mktemp("home")
    machine_with_file_store(directory)
    return directory


@pytest.fixture
def machine(home: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine of this test's own, without a browser."""
    shutil.copytree(home, tmp_path / "home")
    return {**os.environ, "AUTHLENS_HOME": str(tmp_path / "home")}


@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=() if str(one) in GATE else pytest.mark.weekly) for one in choice(12)],
    ids=str,
)
async def test_one_knob(case: Case, machine: dict[str, str], program: Preloaded) -> None:
    """A1 to A6."""
    async with wild_server(case.place, case.change) as server:
        # Text from outside gets all the room that it can have; to draw it takes twice as long.
        columns, rows = (120, 40) if "hostile" in case.name else (100, 24)
        command = [f"{server.url}/api", "--port", "0"]  # other tests have the usual port
        async with terminal(command, env=machine, columns=columns, rows=rows, forked_from=program) as screen:
            await screen.wait_for(_name(Stage.DETECTION), BOUND)
            browser = asyncio.create_task(sign_in(screen, server))
            screen.press("a")
            ended = case.stops or Stage.ACCESS
            await screen.wait_for(f"{'✖' if case.stops else '✔'} {_name(ended)}", BOUND)
            if case.stops is not None:
                assert [
                    stage for stage in _before(ended) if f"✔ {_name(stage)}" not in screen.text()
                ] == [], "A2"
                server.honest()
                await retry(screen)
            port = _port(screen)
            screen.press("q")
            assert await screen.wait_for_exit() == 0, "A4"
            browser.cancel()
    assert left_on(screen.raw) == [], "A4"
    assert port is None or is_free(port), "A4"
    assert [one for one in OBEYED if one in screen.raw] == [], "A5"
    for name, value in server.secrets.items():
        assert value.encode() not in server.heard, f"A3: {name} at the stranger"
        if name != "state":
            assert value.encode() not in screen.raw, f"A3: {name} is shown"


async def retry(screen: Terminal) -> None:
    """Run the failed stage again, and then the others; a key that comes while a stage runs does nothing."""
    screen.press("t")
    for _ in range(round(BOUND)):
        with suppress(NotShown):
            await screen.wait_for("Authenticated", 1.0)
            return
        screen.press("a")
    raise NotShown(screen.text())


async def sign_in(screen: Terminal, server: WildServer) -> None:
    """Come back from every link that the screen shows, once."""
    done: set[str] = set()
    while True:
        for link in screen.links():
            if "redirect_uri=" in link and link not in done:
                done.add(link)
                await come_back(server, link)
        await asyncio.sleep(0.05)


def _port(screen: Terminal) -> int | None:
    links = [link for link in screen.links() if "redirect_uri=" in link]
    return urlsplit(parse_qs(urlsplit(links[-1]).query)["redirect_uri"][0]).port if links else None


def _name(stage: Stage) -> str:
    return AUTHORIZATION_CODE.numbered(stage)


def _before(stage: Stage) -> list[Stage]:
    stages = AUTHORIZATION_CODE.stages
    return list(stages[: stages.index(stage)])

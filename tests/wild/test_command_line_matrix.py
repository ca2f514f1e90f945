"""`authlens login` as a process among hostile and broken servers, and A1 to A6 after each.

A few cases run with every test run, a choice with the slow ones, every case with AUTHLENS_WILD=all, as each
week. The few start an interpreter each, the others are forked from one that has loaded the program. Memory is
compared with a login at an honest server; time is counted from the server's first changed answer.
"""

import os
import shutil
from pathlib import Path

import pytest

from authlens_core.trace.flow import stage_info
from authlens_core.wire.limits import METADATA
from support.preloaded import Preloaded
from support.wild_process import Ended, LoginProcess, machine_with_file_store
from support.wild_server import WildServer, wild_server
from wild.cases import CASES, Case, choice

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="peak memory comes from os.wait4")
BOUND = METADATA.deadline + 2.0
MOST_MEMORY = 64 * 1024  # KiB above a login at an honest server
QUICK = {
    "probe: H158 garbage",
    "probe: H005 with a challenge",
    "resource metadata: H033 name",
    "server metadata: H037 stranger",
    "server metadata: too long",
    "registration: redirect",
    "callback: H078 iss",
    "token: hostile refusal",
    "access: H115 refused at the end",
    "access: a megabyte",
}
SLOW = [one for one in choice(6) if str(one) not in QUICK]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose secrets go to a plain file: no keyring is started for each case."""
    directory = tmp_path_factory.mktemp("home")
    machine_with_file_store(directory)
    return directory


@pytest.fixture(scope="module")
def idle() -> dict[bool, int]:
    """Hold the peak memory of a login at an honest server, once a test has measured it: forked, or not."""
    return {}


@pytest.fixture
def machine(home: Path, tmp_path: Path) -> dict[str, str]:
    shutil.copytree(home, tmp_path / "home")
    return {**os.environ, "AUTHLENS_HOME": str(tmp_path / "home")}


@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(one, id=str(one)) for one in CASES if str(one) in QUICK),
        *(
            pytest.param(one, id=str(one), marks=pytest.mark.slow)
            for one in choice(6)
            if str(one) not in QUICK
        ),
    ],
)
async def test_one_knob(
    case: Case, machine: dict[str, str], idle: dict[bool, int], request: pytest.FixtureRequest
) -> None:
    """A1 to A5; A6 for the quick ones, for the engine shows it for all."""
    quick = str(case) in QUICK
    program: Preloaded | None = None if quick else request.getfixturevalue("program")
    async with wild_server() as server:
        if quick not in idle:
            other = shutil.copytree(machine["AUTHLENS_HOME"], f"{machine['AUTHLENS_HOME']}-idle")
            honest = LoginProcess({**machine, "AUTHLENS_HOME": other}, server, program=program)
            idle[quick] = (await honest.run(BOUND)).peak
        server.place, server.change = case.place, case.change
        ended = await LoginProcess(machine, server, program=program).run(BOUND)
        check_end(case, ended)
        check_secrets(server, ended, Path(machine["AUTHLENS_HOME"]))
        server.honest()
        if quick:
            afterwards = await LoginProcess(machine, server).run(BOUND)
            assert afterwards.code == 0, afterwards.words
    assert ended.peak - idle[quick] <= MOST_MEMORY


def check_end(case: Case, ended: Ended) -> None:
    """A1, A2, A4, A5."""
    last = ended.events[-1]
    assert not ended.left, "A4"
    assert ended.words.replace("\n", "").isprintable(), "A5"
    assert ended.answer.isascii() or ended.answer.replace("\n", "").isprintable(), "A5"
    assert last["exit_code"] == ended.code
    if case.stops is None:
        assert (last["event"], ended.code) == ("authenticated", 0), ended.words
        return
    assert last["event"] == "failed", ended.words
    assert last["stage"] == stage_info(case.stops).title
    assert last["cause"]
    assert last["cure"]
    assert ended.code in range(3, 9)
    assert "\n  → " in ended.words
    stages = [event for event in ended.events if event["event"] == "stage_ended"]
    assert [one["outcome"] for one in stages] == ["passed"] * (len(stages) - 1) + ["failed"], "A2"


def check_secrets(server: WildServer, ended: Ended, home: Path) -> None:
    """A3: not in what is shown nor in a file but the store, and not at the stranger."""
    written = b"".join(
        path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "secrets.plain.json"
    )
    for name, value in server.secrets.items():
        assert value.encode() not in written, f"A3: {name} in a file"
        assert value.encode() not in server.heard, f"A3: {name} at the stranger"
        if name != "state":  # the link of the login, which the user opens, holds it
            assert value not in ended.answer + ended.words, f"A3: {name} is shown"
    assert b"authorization:" not in bytes(server.heard).lower(), "A3"

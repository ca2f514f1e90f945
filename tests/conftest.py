"""What every test gets, and which tests a plain `pytest` runs.

Every test has a home of its own and an environment that nothing from outside reaches. A plain `pytest` runs
what needs no system package and no waiting, `pytest -m slow` what the gate runs besides, `pytest -m weekly`
what proves the same with more data, `pytest PATH` all of that path.
"""

from __future__ import annotations

import gc
import os
import re
import signal
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from authlens_core.credentials.store import encrypted_file
from authlens_core.login.callback import binding
from authlens_lab.emulator import signed_tokens
from support.open_databases import all_closed, watched
from support.preloaded import Preloaded, preloaded

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

    from support.command_line import CommandLine

# How long one example takes says something about the machine.
# The same examples each time: a test is red for a change, not for a draw. scripts/fuzz.py looks for new ones.
settings.register_profile("the same each time", deadline=None, derandomize=True)
settings.load_profile("the same each time")

CHEAP_COST = 2**14
"""scrypt's N: the least that authlens opens."""

LEAKS = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNOME_KEYRING_CONTROL",
    "PYTHON_KEYRING_BACKEND",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "TMUX",
    "STY",
    "NO_COLOR",
    "COLORTERM",
)
"""Variables of the machine that change what authlens does, in any case of letters."""

LEAK_PREFIXES = ("SSH_", "AUTHLENS_", "TEXTUAL_")

GARBAGE = (50_000, 20, 50)
"""Thresholds of the collector: with those of the interpreter it takes a sixth of the time of a test."""

_TESTS = Path(__file__).parent
_E2E, _BENCHMARKS = _TESTS / "e2e", _TESTS / "benchmarks"

_SLOW = re.compile(r"\bmark\.(?:slow|e2e|weekly)\b")
_ALL_SLOW = re.compile(rf"^pytestmark = [^\n]*{_SLOW.pattern}", re.MULTILINE)
"""How a module marks a test, and all of its tests."""

# A shell starts its background jobs with Ctrl+C and Ctrl+\ ignored, and nohup its program with SIGHUP
# ignored. The programs under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _name in ("SIGQUIT", "SIGHUP"):
    _signal = getattr(signal, _name, None)
    if _signal is not None and signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)

# The programs under test are started hundreds of times: without bytecode each compiles all of its modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Start no workers for tests of one module, and else one more than there are cores.

    Workers would take longer to start than one module takes to run. A screen that is tested waits for half
    of its time, so there is work for one more.
    """
    names = {argument.partition("::")[0] for argument in config.args}
    one_module = len(names) == 1 and Path(*names).is_file()
    return 0 if one_module else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the collector of garbage come seldom, and pass over what stays: modules, and thousands of tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        gc.enable()


def _is_whole(config: pytest.Config) -> bool:
    named = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    return named <= {_TESTS, _TESTS.parent}


def _is_plain(config: pytest.Config) -> bool:
    return not config.option.markexpr and _is_whole(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Read no folder and no module of which nothing would run: that takes as long as the rest."""
    if not _is_whole(config):
        return None
    if _is_plain(config):
        return True if collection_path in (_E2E, _BENCHMARKS) or _is_all_slow(collection_path) else None
    return True if config.option.markexpr == "slow" and not _may_be_slow(collection_path) else None


def _is_all_slow(path: Path) -> bool:
    return path.suffix == ".py" and bool(_ALL_SLOW.search(path.read_text("utf-8")))


def _may_be_slow(path: Path) -> bool:
    return path.suffix != ".py" or _E2E in path.parents or bool(_SLOW.search(path.read_text("utf-8")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark end-to-end and weekly tests slow, leave out what neither a marker nor a path asks for, and mix."""
    for item in items:
        if _E2E in item.path.parents and not item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.e2e)
        if any(item.get_closest_marker(name) for name in ("e2e", "weekly")):
            item.add_marker(pytest.mark.slow)
    if not _is_whole(config):
        return
    left_out = "slow" if _is_plain(config) else "weekly"
    if left_out in config.option.markexpr:
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker(left_out)])
    items[:] = _mixed([item for item in items if not item.get_closest_marker(left_out)])


def _mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """Spread the end-to-end tests among the others, in the order of both.

    They wait for other programs, and a drawn screen keeps a core busy: at the same time they use all cores.
    """
    place: dict[pytest.Item, float] = {}
    for wanted in (True, False):
        part = [item for item in items if (item.get_closest_marker("e2e") is not None) is wanted]
        place |= {item: (number + 0.5) / len(part) for number, item in enumerate(part)}
    return sorted(items, key=place.__getitem__)


@pytest.fixture(autouse=True)
def key_derivation_cost(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make new files cheap to unlock; return the cost that they have outside tests."""
    cost = encrypted_file.COST
    monkeypatch.setattr(encrypted_file, "COST", CHEAP_COST)
    return cost


@pytest.fixture(scope="session", autouse=True)
def few_signing_keys() -> Iterator[None]:
    """Let emulators sign with four keys in turn: making RSA keys took an eighth of the time of the tests."""
    made: deque[RSAKey] = deque()
    make = signed_tokens.new_key

    def next_key() -> RSAKey:
        if len(made) < 4:
            made.append(make())
        else:
            made.rotate(-1)
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed_tokens, "new_key", next_key)
        yield


@pytest.fixture(autouse=True)
def no_shared_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every login that needs another port take any free one: tests beside it want the usual few, too."""
    monkeypatch.setattr(binding, "OTHER_PORTS", ())


@pytest.fixture(scope="session", autouse=True)
def watched_databases() -> Iterator[None]:
    """List every connection to SQLite."""
    with watched():
        yield


@pytest.fixture(autouse=True)
def closed_databases(watched_databases: None) -> Iterator[None]:
    """Fail the test that leaves a connection to SQLite open; Python 3.13 would fail another one for it."""
    with all_closed():
        yield


@pytest.fixture(scope="session")
def program() -> Iterator[Preloaded]:
    """Return a process that has loaded the program, to fork from where its start is not what is tested."""
    with preloaded() as running:
        yield running


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder that is not there yet; pytest would read all the earlier ones to number it."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in count(1))


@pytest.fixture(autouse=True)
def private_environment(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty home, and take away proxies, SSH, browser and keyring; return the home."""
    for name in list(os.environ):
        if name.upper() in LEAKS or name.startswith(LEAK_PREFIXES):
            monkeypatch.delenv(name)
    home = next(homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AUTHLENS_HOME", str(home / "authlens"))
    for name, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": ".run",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
    return home


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    """Return the command line of authlens, with files of its own."""
    from support.command_line import command_line  # most tests need none of the application

    with command_line(tmp_path / "authlens") as line:
        yield line

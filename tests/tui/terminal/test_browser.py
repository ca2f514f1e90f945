"""The browser: opened on one inert address, away from our terminal, or not at all."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from authlens_tui.terminal import browser
from authlens_tui.terminal.browser import open_browser
from support.waiting import PATIENCE, wait_until

RECORDER = """#!{python}
import json, os, sys
seen = {{
    "argv": sys.argv[1:],
    "stdio": [os.path.realpath(f"/proc/self/fd/{{n}}") for n in (0, 1, 2)],
    "session": os.getsid(0),
    "secret": os.environ.get("AUTHLENS_CLIENT_SECRET"),
}}
open({where!r} + ".new", "w").write(json.dumps(seen))
os.rename({where!r} + ".new", {where!r})
"""


def opener(folder: Path, name: str = "opener") -> tuple[Path, Path]:
    """Make a program that writes down how it was started; return it and where it writes."""
    script, record = folder / name, folder / f"{name}.json"
    script.write_text(RECORDER.format(python=sys.executable, where=str(record)))
    script.chmod(0o700)
    return script, record


def read(record: Path) -> dict[str, object]:
    wait_until(record.exists, "the start of the opener", PATIENCE)
    seen: dict[str, object] = json.loads(record.read_text())
    return seen


def join_collectors() -> None:
    """Wait until every opener that was started has ended, those of earlier tests too."""
    collectors = [each for each in threading.enumerate() if each.name == "browser opener"]
    for collector in collectors:
        collector.join(PATIENCE)
    assert not any(collector.is_alive() for collector in collectors)


@pytest.mark.parametrize(
    "url",
    [
        "https://team.example/authorize?a=1&b=2",
        "https://team.example/$(touch%20x)?a='b';c&d",
        "http://localhost:8400/authorize?code=1",
    ],
)
@pytest.mark.parametrize("suffix", ["", " %s"])
def test_the_browser_gets_the_address_as_one_argument(tmp_path: Path, url: str, suffix: str) -> None:
    """V-1, H069: an argument vector and never a shell, with BROWSER in either of its forms."""
    script, record = opener(tmp_path)

    assert open_browser(url, {**os.environ, "BROWSER": f"{script}{suffix}"})

    assert read(record)["argv"] == [url]


def test_the_browser_has_no_part_in_our_terminal(tmp_path: Path) -> None:
    """V-3: nothing to read from, nowhere to print, a session of its own."""
    script, record = opener(tmp_path)

    assert open_browser("https://team.example/", {**os.environ, "BROWSER": str(script)})

    seen = read(record)
    assert seen["stdio"] == [os.devnull] * 3
    assert seen["session"] != os.getsid(0)


def test_the_browser_does_not_inherit_the_client_secret(tmp_path: Path) -> None:
    """V-8."""
    script, record = opener(tmp_path)

    open_browser(
        "https://team.example/", {**os.environ, "BROWSER": str(script), "AUTHLENS_CLIENT_SECRET": "x"}
    )

    assert read(record)["secret"] is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "\tjavascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://team.example/x",
        "file:///etc/passwd",
        "a:$(calc)",
        "--incognito",
        "-new-window https://team.example/",
        "https://team.example/%action",
        "https://team.example/%zz",
        "https://team.example/ --flag",
        "https://team.example/\nx",
        'https://team.example/"&calc',
        "https://team.example/^&calc",
        "https://user@team.example/",
        "http://team.example/",
        "//team.example/",
        "",
    ],
)
def test_a_hostile_address_is_opened_by_nobody(tmp_path: Path, url: str) -> None:
    """V-1, V-2, H064: the allow-list is https, and http on loopback."""
    script, record = opener(tmp_path)

    assert not open_browser(url, {**os.environ, "BROWSER": str(script)})

    assert not record.exists()


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ["w3m", "lynx", "links", "elinks", "www-browser"])
def test_a_text_browser_is_not_started(tmp_path: Path, name: str, named: bool) -> None:
    """V-3: it would fight with us for the terminal; a marker opened afterwards shows that nothing came."""
    script, record = opener(tmp_path, name)
    environment = {**os.environ, "PATH": str(tmp_path), "DISPLAY": ":99", "TERM": "xterm"}
    if named:
        environment["BROWSER"] = str(script)

    open_browser("https://team.example/", environment)
    marker, marked = opener(tmp_path, "marker")
    open_browser("https://team.example/", {**os.environ, "BROWSER": str(marker)})
    read(marked)

    assert not record.exists()


def test_a_module_of_the_current_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that somebody cloned may hold a webbrowser.py."""
    (tmp_path / "webbrowser.py").write_text("open('ran', 'w')\n")
    script, record = opener(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert open_browser("https://team.example/", {**os.environ, "BROWSER": str(script)})

    read(record)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("mark", ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"])
def test_over_ssh_no_browser_is_opened(tmp_path: Path, mark: str) -> None:
    """V-3, H069, H070: it would open on a screen that the person does not see, even if BROWSER is set."""
    script, record = opener(tmp_path)
    environment = {**os.environ, "BROWSER": str(script), "DISPLAY": ":0", mark: "10.0.0.1 1 10.0.0.2 22"}

    assert not open_browser("https://team.example/", environment)
    assert not record.exists()


@pytest.mark.parametrize(("code", "told"), [(0, False), (1, True)])
def test_a_browser_that_could_not_be_started_is_told_later(tmp_path: Path, code: int, told: bool) -> None:
    """A failing opener is a note; what it prints goes nowhere."""
    script = tmp_path / "opener"
    script.write_text(f"#!/bin/sh\necho noise; echo noise >&2; exit {code}\n")
    script.chmod(0o700)
    failed = threading.Event()

    assert open_browser("https://team.example/", {**os.environ, "BROWSER": str(script)}, failed.set)

    join_collectors()
    assert failed.is_set() is told


def test_a_browser_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    script = tmp_path / "opener"
    script.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/started; mv {tmp_path}/started {tmp_path}/pid; exec sleep 60\n"
    )
    script.chmod(0o700)

    assert open_browser("https://team.example/", {**os.environ, "BROWSER": str(script)})

    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # it still ran


def test_the_opener_leaves_a_browser_that_hangs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends itself; the command goes on, because it may be the browser."""
    monkeypatch.setattr(browser, "_NAME_LIMIT", 0.5)
    script = tmp_path / "opener"
    script.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/started; mv {tmp_path}/started {tmp_path}/pid; exec sleep 60\n"
    )
    script.chmod(0o700)
    failed = threading.Event()
    environment = {**os.environ, "BROWSER": str(script)}

    assert open_browser("https://team.example/", environment, failed.set)

    join_collectors()
    assert not failed.is_set()
    if (tmp_path / "pid").exists():  # on a slow machine it may not have come so far
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

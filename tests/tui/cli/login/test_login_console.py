"""What a plain login says of the browser, and when it opens one."""

import importlib
import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authlens_core.desk.settings import SettingsFile
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady
from authlens_core.values.url import parse_url
from authlens_core.values.user_screen import UserScreen
from authlens_tui.cli.login import login_console as teller_module
from authlens_tui.cli.login.login_console import LoginConsole, say_device_code
from authlens_tui.cli.login.login_events import event_as_json
from authlens_tui.cli.terminal.output import EventLines

LINK = "https://team.example/authorize?state=s"
SSH = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 22"}
CONTAINER = {"container": "podman"}
DESKTOP = {"WAYLAND_DISPLAY": "wayland-0"}


class Reader:
    """A terminal on which keys are pressed by the test."""

    reads = True
    in_background = False

    def __init__(self, _pasted: object, *, entered: Callable[[], None], **_others: object) -> None:
        self.enter = entered

    def start(self) -> bool:
        return self.reads

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sit at a terminal that is in no container; return what was opened."""
    links: list[str] = []

    def open_browser(url: str, *_: object) -> bool:
        links.append(url)
        return True

    def marked(screen: UserScreen) -> bool:
        return bool(screen.environ.get("container"))

    monkeypatch.setattr(teller_module, "open_browser", open_browser)
    monkeypatch.setattr(teller_module, "PasteReader", Reader)
    monkeypatch.setattr(teller_module, "is_terminal", lambda _: True)
    monkeypatch.setattr(UserScreen, "in_container", property(marked))
    return links


def offer(
    environ: Mapping[str, str], *, no_browser: bool = False, listens: bool = True, link: str = LINK
) -> LoginConsole:
    """Let a login wait for the browser; return who tells of it."""
    wait = SimpleNamespace(redirect_uri="http://localhost:8400/callback" if listens else None, waiting=True)
    run = SimpleNamespace(wait=wait)
    arguments = Namespace(no_browser=no_browser, full=False)
    console = LoginConsole(cast("Login", run), arguments, EventLines(LINK, is_requested=False), environ)
    console.on_event(AuthorizationReady(link, (), 300.0))
    return console


def press_enter(console: LoginConsole) -> None:
    reader: Any = console._reader
    reader.enter()


def test_nothing_opens_before_enter_is_pressed(opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """On the person's own machine by a key press, and the words say which."""
    console = offer(DESKTOP)
    assert opened == []
    assert "Press Enter to open the link in the browser on this machine." in capsys.readouterr().err
    press_enter(console)
    assert opened == [LINK]
    assert "Opening the link in the browser." in capsys.readouterr().err


@pytest.mark.parametrize("by", ["setting", "BROWSER"])
def test_it_opens_at_once_where_the_person_asked_for_that(
    by: str, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By a setting, or by naming a browser."""
    if by == "setting":
        SettingsFile.open().change(open_browser=True)
    offer({**DESKTOP, **({"BROWSER": "firefox"} if by == "BROWSER" else {})})
    assert opened == [LINK]
    assert "Press Enter to open" not in capsys.readouterr().err


def test_no_browser_wins(opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Over the setting, BROWSER and Enter."""
    SettingsFile.open().change(open_browser=True)
    press_enter(offer({**DESKTOP, "BROWSER": "firefox"}, no_browser=True))
    assert opened == []
    assert "No browser opens here" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        (SSH, "this is an SSH session"),
        (CONTAINER, "this is a container"),
        ({"DISPLAY": "localhost:10.0"}, "the display belongs to another machine"),
    ],
)
def test_where_none_may_open_it_says_why(
    environ: Mapping[str, str], why: str, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """And Enter opens none either."""
    press_enter(offer(environ))
    assert opened == []
    said = capsys.readouterr().err
    assert f"No browser opens here: {why}." in said
    assert "Press Enter to open" not in said
    assert ("The port 8400 of a container is not that of your own machine" in said) is (environ is CONTAINER)


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.usefixtures("opened")
def test_what_needs_the_users_terminal_is_offered_on_one_alone(
    reads: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the address on which the browser ends is delivered by another command."""
    monkeypatch.setattr(Reader, "reads", reads)
    offer(SSH)
    said = capsys.readouterr().err
    assert "ssh -N -L 8400:localhost:8400" in said
    assert ("press Enter, then ~C" in said, "paste it here" in said) == (reads, reads)
    assert ("curl -sSo /dev/null 'ADDRESS'" in said) is not reads


@pytest.mark.parametrize(
    ("link", "line"),
    [("http://127.0.0.1:9100/authorize", "ssh -N -L 9100:localhost:9100"), (LINK, "")],
)
@pytest.mark.usefixtures("opened")
def test_without_a_port_the_page_on_this_machine_is_still_forwarded(
    link: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--paste-only` over SSH: only the page to sign in on is on this machine."""
    offer(SSH, listens=False, link=link)
    words = capsys.readouterr().err
    assert "No port is open here" in words
    assert line in words
    assert ("run this before you sign in" in words) is bool(line)


def test_no_tunnel_is_spoken_of_where_none_is_needed(
    opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """On a machine with its own browser, or without a display."""
    offer(DESKTOP)
    assert opened == []
    assert "tunnel" not in capsys.readouterr().err


def _device(
    seconds: float = 600.0, *, complete: bool = True, page: str = "https://op.example/device"
) -> DeviceCodeReady:
    url = parse_url(page, loopback_http=True)
    filled = parse_url(f"{page}?user_code=WDJB-MJHT", loopback_http=True) if complete else None
    return DeviceCodeReady("WDJB-MJHT", url, filled, 600, seconds)


@pytest.mark.parametrize("complete", [True, False])
def test_a_device_code_is_shown_with_its_page_its_host_its_expiry_and_a_warning(
    complete: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """DG-4: RFC 10027 asks for each of them."""
    say_device_code(_device(complete=complete), UserScreen(SSH))
    shown = capsys.readouterr().err
    assert "https://op.example/device\n" in shown
    assert "Code: WDJB-MJHT" in shown
    assert "only if you started this login yourself" in shown
    assert "The page is on op.example. The code expires in 10 min." in shown
    assert ("user_code=WDJB-MJHT" in shown) is complete
    assert "Waiting" not in shown
    assert "ssh -N" not in shown
    assert "canary" not in shown


def test_a_wait_that_is_shorter_than_the_code_lives_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    say_device_code(_device(60.0), UserScreen({}))
    assert "Waiting 60 seconds." in capsys.readouterr().err


@pytest.mark.parametrize("environ", [SSH, {}])
def test_over_ssh_a_page_for_the_code_on_this_machine_comes_with_the_line_that_forwards_it(
    environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ready = _device(page="http://localhost:9481/device")
    say_device_code(ready, UserScreen(environ))
    assert ("ssh -N -L 9481:localhost:9481 " in capsys.readouterr().err) is bool(environ)


@pytest.mark.parametrize("complete", [True, False])
def test_the_event_of_a_device_code_is_one_of_the_schema_and_holds_no_secret(
    complete: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found = event_as_json(_device(complete=complete))
    assert found is not None
    EventLines("https://wiki.example/", is_requested=True).write(found)
    event = json.loads(capsys.readouterr().out)
    assert event["resource_url"] == "https://wiki.example/"
    schema = json.loads((Path(__file__).parents[4] / "docs" / "login-events.schema.json").read_text())
    jsonschema: Any = importlib.import_module("jsonschema")  # it has no types
    jsonschema.validate(event, schema)
    assert "canary" not in json.dumps(event)

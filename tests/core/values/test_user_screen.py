"""A browser is started only where it shows on the screen of the person."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from authlens_core.values.user_screen import UserScreen

DESKTOP = {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "there is no display"),
        (DESKTOP, None),
        ({"WAYLAND_DISPLAY": "wayland-0"}, None),
        ({"DISPLAY": "unix:0"}, None),
        ({"DISPLAY": "/tmp/launch-x/org.xquartz:0"}, None),
        ({"DISPLAY": "localhost:10.0"}, "the display belongs to another machine"),
        ({"DISPLAY": "server.example:10.0"}, "the display belongs to another machine"),
        ({"DISPLAY": "localhost:10.0", "BROWSER": "firefox"}, None),
        ({"BROWSER": "firefox"}, None),
        ({"DISPLAY": "", "BROWSER": ""}, "there is no display"),
        ({**DESKTOP, "SSH_TTY": "/dev/pts/1"}, "this is an SSH session"),
        ({"BROWSER": "firefox", "SSH_TTY": "/dev/pts/1"}, "this is an SSH session"),
        ({**DESKTOP, "container": "podman"}, "this is a container"),
        ({**DESKTOP, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "this is a container"),
        ({"CODESPACES": "true", "BROWSER": "/opt/open-on-the-host"}, None),
    ],
)
def test_a_browser_needs_a_screen_of_the_person(
    environ: Mapping[str, str], why: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """V-3: elsewhere the link is shown, and a sentence says why nothing opens."""
    monkeypatch.setattr(sys, "platform", "linux")
    assert UserScreen(environ, tmp_path).why_no_browser == why


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", "run/systemd/container"])
def test_a_container_is_known_by_the_file_that_its_maker_left(mark: str, tmp_path: Path) -> None:
    """Even where a display was handed into it."""
    assert not UserScreen(DESKTOP, tmp_path).in_container
    path = tmp_path / mark
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert UserScreen(DESKTOP, tmp_path).why_no_browser == "this is a container"

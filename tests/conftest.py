"""What every test gets: a home of its own and an environment that nothing from outside reaches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
    "TMUX",
    "STY",
    "NO_COLOR",
    "COLORTERM",
)
"""Variables of the machine that change what authlens does, in any case of letters."""

LEAK_PREFIXES = ("SSH_", "AUTHLENS_", "TEXTUAL_")


@pytest.fixture(autouse=True)
def private_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty home, and take away proxies, SSH, browser and keyring; return the home."""
    for name in list(os.environ):
        if name.upper() in LEAKS or name.startswith(LEAK_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
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

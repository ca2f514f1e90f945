"""What the pictures of the screens replace, and put back."""

import pytest

from authlens_tui.screens import cloudflared


@pytest.fixture(autouse=True)
def real_cloudflared(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "log_in_with_cloudflared"
    monkeypatch.setitem(vars(cloudflared), name, vars(cloudflared)[name])

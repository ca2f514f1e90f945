"""What is offered of the browser's way back: on this machine, over SSH, in a container, without a port."""

from pathlib import Path

import pytest

from authlens_core.desk.callback_offer import CallbackOffer, callback_offer
from authlens_core.values.user_screen import UserScreen

SSH = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 2222"}
DESKTOP = {"WAYLAND_DISPLAY": "wayland-0"}


def offer(environ: dict[str, str], root: Path, host: str = "localhost") -> CallbackOffer:
    return callback_offer(f"http://{host}:8400/callback", UserScreen(environ, root))


def test_on_the_users_own_machine_nothing_has_to_be_forwarded(tmp_path: Path) -> None:
    made = offer(DESKTOP, tmp_path)
    assert made.listens
    assert made.test_url == "http://localhost:8400/test"
    assert (made.forward_line, made.forward_hints, made.container_hint) == (None, (), "")
    assert (made.over_ssh, made.why_no_browser) == (False, None)


@pytest.mark.parametrize(
    ("link", "forwarded"),
    [
        ("http://login.localhost:8443/authorize?a=1", " -L 8400:localhost:8400 -L 8443:localhost:8443 "),
        ("http://127.0.0.1:8400/authorize", " -L 8400:localhost:8400 ada@"),
        ("https://as.example/authorize", " -L 8400:localhost:8400 ada@"),
    ],
)
def test_a_page_to_sign_in_on_that_is_here_is_forwarded_too(
    link: str, forwarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the demo has it over SSH: the browser of the other machine reached the callback and not the page."""
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    made = callback_offer("http://localhost:8400/callback", UserScreen(SSH, tmp_path), link)
    assert forwarded in (made.forward_line or "")
    is_both = forwarded.count("-L") == 2
    assert [hint.count("-L 8443:localhost:8443") for hint in made.forward_hints] == [int(is_both)] * 2

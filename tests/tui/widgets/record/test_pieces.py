"""The parts of a URL are told apart, and nothing of it is lost."""

from __future__ import annotations

import pytest

from authlens_tui.widgets.document.lines import Tone
from authlens_tui.widgets.record.pieces import cut_middle, url_pieces

URLS = (
    "https://login.example/authorize?client_id=a&state=••••%20x#end",
    "http://127.0.0.1:8400/callback?code&=&&x=y?z",
    "https://h.example",
    "https://h.example?only=query",
    "not a URL ?a=b",
    "",
    "https://h.example/" + "a" * 9_000 + "?x=y",
)


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_shown_whole(url: str) -> None:
    assert "".join(text for text, _ in url_pieces(url)) == url


def test_where_a_url_leads_is_quiet_and_what_it_asks_stands_out() -> None:
    found = url_pieces("https://login.example/authorize?client_id=a")
    pieces = {text: tone for text, tone in found if text}
    assert pieces == {
        "https://login.example": Tone.MUTED,
        "/authorize": Tone.PLAIN,
        "?": Tone.MUTED,
        "client_id": Tone.KEY,
        "=": Tone.MUTED,
        "a": Tone.STRING,
    }


def test_a_long_path_keeps_its_end() -> None:
    assert cut_middle("/cdn-cgi/access/oauth/registration", 18) == "/cdn-cgi…istration"

"""What the panel of the authorization stage says beside the link: its keys, the tunnel, the pasted answer."""

from __future__ import annotations

from typing import Final

from authlens_core.desk.callback_offer import CallbackOffer
from authlens_tui.terminal.content import Content

_KEY: Final = "bold $text-primary"
NO_FORWARD: Final = (
    "If that page does not load, the port is not forwarded: run the ssh line on the browser's "
    "machine, or paste."
)
_UNLOADABLE: Final = "Browser can't load the last page? Copy its address, then press"
_NO_PORT: Final = "No port is open here, so the last page may not load. Copy its address, then press"


def way_words(offer: CallbackOffer) -> Content:
    """Say without a port how to return the answer; empty where the browser comes back."""
    return Content() if offer.listens else _pasting(_NO_PORT)


def problem_words(offer: CallbackOffer, *, folded: bool) -> Content:
    """Say what to do if the browser cannot come back, and why none opens; if `folded`, which key says so."""
    if folded:
        return Content.assemble("Link does not open? Browser cannot return? Press ", ("h", _KEY))
    lines = [_pasting(_UNLOADABLE)] if offer.listens else []
    why = offer.why_no_browser
    reasons = [] if why is None else [f"authlens opens no browser here: {why}."]
    if offer.container_hint:
        reasons.append(offer.container_hint)
    if reasons:
        lines.append(Content.styled(" ".join(reasons), "$quiet"))
    return Content("\n").join(lines)


def _pasting(words: str) -> Content:
    return Content.assemble(words, " ", ("^v", _KEY))


def forward_words(offer: CallbackOffer) -> Content:
    """Say what to run on the user's own machine over SSH; empty elsewhere."""
    if offer.forward_line is None:
        return Content("")
    gap = f"\n  Replace {offer.to_replace} with the name you use for it."
    both = f"\n  It forwards the callback, and port {offer.page_port} of the page to sign in on."
    return Content.assemble(
        "The browser is on another machine? Run this there before you sign in:\n",
        (f"  {offer.forward_line}", "bold"),
        "  ",
        ("Y", _KEY),
        " copies it",
        both if offer.page_port is not None else "",
        gap if offer.to_replace else "",
    )


def further_words(offer: CallbackOffer) -> Content:
    """Say what is needed rarely, and warn about shared addresses."""
    lines = ("Paste only the address from this login; never share it.", *offer.forward_hints)
    return Content.styled("\n".join(lines), "$quiet")

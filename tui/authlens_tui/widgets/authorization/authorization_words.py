"""What the panel of the authorization stage says beside the link: its keys, the tunnel, the pasted answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authlens_core.callback.own_screen import container_hint, in_container, why_no_browser
from authlens_core.callback.ssh_forward import THIS_MACHINE, escape_hint, other_route_hint
from authlens_tui.terminal.content import Content

NO_FORWARD: Final = (
    "If that page does not load, the port is not forwarded: run the ssh line on the browser's "
    "machine, or paste."
)
_UNLOADABLE: Final = "Browser can't load the last page? Copy its address, then press"
_NO_PORT: Final = "No port is open here: the browser can't load the last page. Copy its address, then press"


def key_words(environ: Mapping[str, str], port: int | None, *, player: bool) -> Content:
    """Say how to open the link, whether the demo can sign in, and without a port how to return the answer."""
    lines: list[Content] = []
    if player:
        lines.append(_key("s", "sign in for me (over real HTTP)"))
    if why_no_browser(environ) is None:
        lines.append(_key("o", "open in the browser of this machine"))
    taking = (_key("c", "copy"), _key("k", "QR code"), _key("u", "on one line"), _key("f", "to a file"))
    lines.append(Content("  ").join(taking))
    if port is None:
        lines.append(_pasting(_NO_PORT))
    return Content("\n").join(lines)


def problem_words(environ: Mapping[str, str], port: int | None, *, folded: bool) -> Content:
    """Say what to do if the browser cannot come back, and why none opens; if `folded`, which key says so."""
    if folded:
        return _key("h", "problems with the link, or with coming back?")
    why = why_no_browser(environ)
    lines = [] if port is None else [_pasting(_UNLOADABLE)]
    told = [] if why is None else [f"authlens opens no browser here: {why}."]
    if port is not None and in_container(environ):
        told.append(container_hint(port))
    if told:
        lines.append(Content.styled(" ".join(told), "$quiet"))
    return Content("\n").join(lines)


def _pasting(words: str) -> Content:
    return Content.assemble(words, " ", (" p ", "bold reverse"))


def forward_words(forward: str) -> Content:
    gap = f"\n  Replace {THIS_MACHINE} with the name you use for it."
    return Content.assemble(
        "The browser is on another machine? Run this there before you sign in:\n",
        (f"  {forward}", "bold"),
        "  ",
        _key("y", "copy"),
        gap if THIS_MACHINE in forward else "",
    )


def further_words(forward: str | None, port: int | None, host: str) -> Content:
    """Say what is needed rarely, and warn about shared addresses."""
    lines = ["Paste only the address from this login; never share it."]
    if forward is not None and port is not None:
        lines += [escape_hint(port, host), other_route_hint(port, host)]
    return Content.styled("\n".join(lines), "$quiet")


def _key(name: str, words: str) -> Content:
    return Content.assemble((f" {name} ", "bold reverse"), f" {words}")

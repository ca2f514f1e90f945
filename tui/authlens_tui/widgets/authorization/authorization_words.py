"""What the panel of the authorization stage says beside the link: the keys, and the ways back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authlens_core.callback.own_screen import container_hint, in_container, why_no_browser
from authlens_core.callback.ssh_forward import THIS_MACHINE, escape_hint, other_route_hint
from authlens_tui.terminal.content import Content

__all__ = ["NO_FORWARD", "forward_words", "further_words", "key_words"]

NO_FORWARD: Final = (
    "If that page does not load, no forward stands: run the ssh line on the machine of the browser, or paste."
)
_UNLOADABLE: Final = "The last page cannot be shown?"
_NO_PORT: Final = "No port is open here, so the last page after you signed in cannot be shown:"


def key_words(environ: Mapping[str, str], port: int | None, *, player: bool) -> Content:
    """Say how the link is taken, how an answer is pasted, and why no browser opens where none may.

    Args:
        environ: the environment to go by.
        port: where the listener is bound, None without one.
        player: true where the demo can sign in.
    """
    why = why_no_browser(environ)
    lines: list[Content] = []
    if player:
        lines.append(_key("s", "sign in for me: the demo plays the person, over real HTTP"))
    if why is None:
        lines.append(_key("o", "open it in the browser of this machine"))
    taking = (_key("c", "copy"), _key("k", "QR code"), _key("u", "on one line"), _key("f", "into a file"))
    lines.append(Content("  ").join(taking))
    lines.append(
        Content.assemble(_UNLOADABLE if port else _NO_PORT, " ", _key("p", "and paste its address."))
    )
    told = [] if why is None else [f"No browser opens here: {why}."]
    if port is not None and in_container(environ):
        told.append(container_hint(port))
    if told:
        lines.append(Content.styled(" ".join(told), "$quiet"))
    return Content("\n").join(lines)


def forward_words(forward: str) -> Content:
    """Say which line to run where the browser is; nothing without one."""
    gap = f"\n  Put in the name by which you reach it, in place of {THIS_MACHINE}."
    return Content.assemble(
        "The browser is on another machine? Run this there before you sign in:\n",
        (f"  {forward}", "bold"),
        "  ",
        _key("y", "copy"),
        gap if THIS_MACHINE in forward else "",
    )


def further_words(forward: str | None, port: int | None, host: str) -> Content:
    """Say what is needed more rarely, and of what to beware."""
    lines = ["Paste only an address that this login led to; never give such an address to anybody."]
    if forward is not None and port is not None:
        lines += [escape_hint(port, host), other_route_hint(port, host)]
    return Content.styled("\n".join(lines), "$quiet")


def _key(name: str, words: str) -> Content:
    return Content.assemble((f" {name} ", "bold reverse"), f" {words}")

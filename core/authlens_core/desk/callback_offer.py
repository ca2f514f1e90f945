"""What a face shows of the browser's way back to a login that waits for it."""

from __future__ import annotations

from msgspec import Struct

from authlens_core.values.url import usable_url
from authlens_core.values.user_screen import UserScreen

__all__ = [
    "CallbackOffer",
    "UserScreen",
    "callback_offer",
]


class CallbackOffer(Struct, frozen=True):
    """How the browser can be opened, and how its answer can come back.

    Attributes:
        over_ssh: whether the user's browser is at the other end of an SSH connection.
        why_no_browser: a clause: why none is opened on this machine; None if one can be.
        test_url: a page that shows whether the browser reaches the port; empty if no port is open. Then the
            user pastes the address on which the browser ends.
        forward_line: the command for the user's own machine that brings the port there; that of the page to
            sign in on, if no port is open here; None outside SSH.
        page_port: what that line forwards besides: the port of the page to sign in on; None if any machine
            reaches that page.
        to_replace: the part of that line that the user has to replace; empty if it can be run as it is.
        forward_hints: sentences: how to forward the port if that line does not do it.
        container_hint: a sentence: what a container means for the port; empty outside one.
    """

    over_ssh: bool
    why_no_browser: str | None
    test_url: str = ""
    forward_line: str | None = None
    page_port: int | None = None
    to_replace: str = ""
    forward_hints: tuple[str, ...] = ()
    container_hint: str = ""

    @property
    def listens(self) -> bool:
        """Whether a port is open here."""
        return bool(self.test_url)


def callback_offer(redirect_uri: str | None, screen: UserScreen, link: str | None = None) -> CallbackOffer:
    """Return what to offer a user who is to sign in, and come back to `redirect_uri`.

    Args:
        redirect_uri: that of the listener; None if no port is open.
        link: where the user signs in; None if it is not known yet.
    """
    # The first screen asks only where the user's screen is.
    from authlens_core.login.callback import ssh_forward
    from authlens_core.login.callback.binding import TEST_PATH

    page = usable_url(link, loopback_http=True)
    page_port = page.address[1] if page is not None and page.is_loopback else None
    # The host counts: with 127.0.0.1 another program may have the port on ::1.
    target = usable_url(redirect_uri, loopback_http=True)
    if target is None:
        line = None if page_port is None else ssh_forward.ssh_forward_line(screen, page_port)
        return CallbackOffer(screen.over_ssh, screen.why_no_browser, forward_line=line, page_port=page_port)
    host, (_, port) = target.host, target.address
    line = ssh_forward.ssh_forward_line(screen, port, host, page_port)
    hints = (
        ssh_forward.escape_hint(port, host, page_port),
        ssh_forward.other_route_hint(port, host, page_port),
    )
    placeholder = ssh_forward.THIS_MACHINE
    return CallbackOffer(
        screen.over_ssh,
        screen.why_no_browser,
        test_url=f"http://{host}:{port}{TEST_PATH}",
        forward_line=line,
        page_port=None if line is None else page_port,
        to_replace=placeholder if line is not None and placeholder in line else "",
        forward_hints=() if line is None else hints,
        container_hint=(
            f"The port {port} of a container is not that of your own machine, unless you forward it."
            if screen.in_container
            else ""
        ),
    )

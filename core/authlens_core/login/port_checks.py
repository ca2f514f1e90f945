"""What a user should know of the port that the browser comes back to, as checks."""

from __future__ import annotations

from authlens_core.callback.listener import PortTaken
from authlens_core.values.check import Check, CheckId, failed, noticed
from authlens_core.values.errors import AuthlensError


def problem(port: int, stopped: AuthlensError) -> Check:
    name = CheckId.REGISTRATION_LISTENER
    if isinstance(stopped, PortTaken):
        name = CheckId.REGISTRATION_PORT_HALF if stopped.half else CheckId.REGISTRATION_PORT
    return failed(
        name,
        f"Port {port} of this machine is free for the callback.",
        stopped.cause,
        why="The program on the port would receive the code, so authlens never shares a port.",
        spec="RFC 8252 §7.3",
        cure=stopped.cure,
    )


def elsewhere(given: str) -> Check:
    return noticed(
        "registration.redirect_uri",
        "The browser comes back to this machine.",
        f"it ends on {given}, which you gave: paste the address of that page",
        why="The program there sees the code; PKCE keeps it from using it.",
        spec="RFC 8252 §8.1",
    )


def named_instead(wanted: int, named: int) -> Check:
    return noticed(
        "registration.named_port",
        "No other program uses the port that the browser is sent to.",
        f"port {wanted} is in use, so the redirect URI names {named}; nothing is opened there",
        why="The program on the port would receive the code.",
        spec="RFC 8252 §7.3",
    )


def beside_another_login(wanted: int, other: int) -> Check:
    return noticed(
        "registration.other_port",
        "The usual port of the callback is free.",
        f"another login waits at port {wanted}, so this one waits at port {other}",
        spec="RFC 8252 §7.3",
    )


def taken_since(registered: str) -> Check:
    return failed(
        "authorization.redirect_uri",
        "No other program uses the registered redirect URI.",
        f"the port of {registered} is in use",
        why="The program on the port would receive the code.",
        spec="RFC 8252 §7.3",
        cure="Go back to Registration to register another address.",
    )


def moved(bound: str, registered: str) -> Check:
    return failed(
        "authorization.redirect_uri",
        "The listener uses the registered redirect URI.",
        f"listening at {bound}, registered {registered}",
        why="The server sends the code only to the registered address.",
        spec="RFC 6749 §3.1.2.3",
        cure="Go back to Registration to register the new address.",
    )

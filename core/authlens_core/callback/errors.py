"""What can stop the listener from opening, each with the cure that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass

from authlens_core.errors import NetworkFailure, UsageError

__all__ = ["BadListenerSetting", "NoLoopback", "PortOwner", "PortRefused", "PortTaken"]


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The program that listens on a port, as far as the operating system tells.

    Attributes:
        pid: its process id; None when the process belongs to somebody else and is hidden from us.
        name: its short name, safe to show; empty when it is hidden.
        user: the account it runs as, safe to show; empty when unknown.
    """

    pid: int | None
    name: str
    user: str

    def __str__(self) -> str:
        who = f" of the account {self.user}" if self.user else ""
        if self.pid is None:
            return f"a program{who}"
        return f"{self.name or 'a program'} (process {self.pid}){who}"


class BadListenerSetting(UsageError):
    """The port or the path asked for cannot be used in a redirect URI."""


class PortTaken(UsageError):
    """Another program listens on the port; it is never shared, because it would receive our codes.

    Attributes:
        port: the port that was asked for.
        owner: who has it, where the operating system tells.
        suggestion: a port that was free a moment ago, 0 if none was found. No promise: only binding tells.
    """

    def __init__(self, port: int, owner: PortOwner | None, suggestion: int) -> None:
        holder = str(owner) if owner is not None else "another program"
        other = (
            f"use another one, such as --port {suggestion}" if suggestion else "use another one with --port"
        )
        super().__init__(
            f"Port {port} on this machine is taken by {holder}.",
            f"Stop that program, or {other}. Another port is another redirect URI, so the client is"
            " registered again, and a server that knows only the old one refuses it.",
            stage="authorization",
        )
        self.port = port
        self.owner = owner
        self.suggestion = suggestion


class PortRefused(UsageError):
    """The operating system does not let this account listen on the port.

    Attributes:
        port: the port that was asked for.
    """

    def __init__(self, port: int) -> None:
        super().__init__(
            f"The operating system does not let this account listen on port {port}.",
            "Use a port of 1024 or above with --port; 8400 is the usual one.",
            stage="authorization",
        )
        self.port = port


class NoLoopback(NetworkFailure):
    """This machine has no loopback address of the families that were asked for.

    Attributes:
        host: the host of the redirect URI.
    """

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This machine has no working loopback address for {host}.",
            "Bring the loopback interface up, or paste the callback URL instead of waiting for it.",
            stage="authorization",
        )
        self.host = host

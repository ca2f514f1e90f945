"""What can stop the listener from opening, each with what the user can do about it."""

from __future__ import annotations

from authlens_core.errors import NetworkFailure, UsageError
from authlens_core.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The program that listens on a port, as far as the operating system tells.

    Attributes:
        pid: its process id; None if the process is another user's and hidden from us.
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
    """The port asked for cannot be used in a redirect URI."""


class PortTaken(UsageError):
    """Another program listens on the port; it is never shared, because it would receive our codes.

    Args:
        owner: who has it, where the operating system tells.
        suggestion: a port that was free a moment ago, 0 if none was found. No promise: only binding tells.

    Attributes:
        half: true if it is in use only on ::1, so 127.0.0.1 in the redirect URI would be ours.
    """

    def __init__(self, port: int, owner: PortOwner | None, suggestion: int, *, half: bool = False) -> None:
        holder = str(owner) if owner is not None else "another program"
        where = ", on ::1 only" if half else ""
        literal = ", redirect to 127.0.0.1, where the port is free," if half else ","
        such = f", such as {suggestion}" if suggestion else ""
        super().__init__(
            f"Port {port} on this machine is in use by {holder}{where}.",
            f"Stop that program{literal} or use another port{such}. Another port changes the redirect "
            "URI: the client is registered again, and a server that knows only the old URI refuses it.",
            stage="authorization",
        )
        self.half = half


class PortRefused(UsageError):
    """The operating system does not let this account listen on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"The operating system does not let this account listen on port {port}.",
            "Use a port of 1024 or above; 8400 is the usual one.",
            stage="authorization",
        )


class NoLoopback(NetworkFailure):
    """This machine has no loopback address of the families that were asked for."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This machine has no working loopback address for {host}.",
            "Bring the loopback interface up, or paste the callback URL instead of waiting for it.",
            stage="authorization",
        )

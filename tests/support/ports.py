"""Ports for programs that are told which one to use."""

from __future__ import annotations

import secrets
import socket
from typing import Final

__all__ = ["free_port"]

_CHOICE: Final = range(20_000, 32_000)
"""Below those that the system gives to connections: one of them would take a port before the program does."""


def free_port() -> int:
    """Return a port of this machine that nobody holds."""
    while True:
        port = secrets.choice(_CHOICE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port

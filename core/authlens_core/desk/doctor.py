"""Examine this machine, as far as a login depends on it, in the order in which a login needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from authlens_core.callback.listener import DEFAULT_PORT
from authlens_core.cloudflared.binary import CloudflaredMissing, find_cloudflared
from authlens_core.credentials.store.secret_store import CALL_LIMIT
from authlens_core.doctor.finding import Finding, exit_code
from authlens_core.doctor.network import look_at_port, look_at_proxy, look_at_ssh, look_at_trust
from authlens_core.doctor.storage import look_at_interrupted, look_at_keyring, look_at_state
from authlens_core.values.check import Severity

__all__ = ["Finding", "examine", "exit_code"]

# Seconds that one look may take; each has a shorter limit of its own where something could hang.
_LIMIT: Final = 20.0
_ONLY_FOR: Final = "It is only needed for: authlens login URL --cloudflared"


async def examine(
    environ: Mapping[str, str],
    *,
    directory: Path | None = None,
    port: int = DEFAULT_PORT,
    limit: float = _LIMIT,
) -> AsyncIterator[Finding]:
    """Look at this machine, one thing after another, and yield each finding when it is there.

    Nothing is sent to another machine, no browser is opened, and no secret is read.

    Args:
        directory: the state directory; None is the ordinary one.
        limit: seconds that one look may take.
    """
    looks: tuple[tuple[str, Callable[[], Awaitable[Finding]]], ...] = (
        ("state", partial(asyncio.to_thread, look_at_state, directory)),
        ("keyring", partial(look_at_keyring, directory=directory, limit=min(limit, CALL_LIMIT))),
        ("interrupted", partial(asyncio.to_thread, look_at_interrupted, directory)),
        ("ssh", partial(asyncio.to_thread, look_at_ssh, environ, port)),
        (f"port {port}", partial(look_at_port, port)),
        ("tls trust", partial(look_at_trust, environ)),
        ("proxy", look_at_proxy),
        ("cloudflared", partial(look_at_cloudflared, environ)),
    )
    for topic, look in looks:
        yield await _in_time(topic, look(), limit)


async def _in_time(topic: str, look: Awaitable[Finding], limit: float) -> Finding:
    try:
        async with asyncio.timeout(limit):
            return await look
    except TimeoutError:
        found = f"Nothing was found out within {limit:g} seconds."
        return Finding(topic, Severity.WARNING, found, "Try again when this machine is less busy.")


async def look_at_cloudflared(environ: Mapping[str, str] | None = None, *, limit: float = 5.0) -> Finding:
    """Say which cloudflared is on the path.

    Args:
        environ: the environment to look in; None is the process's own.
        limit: seconds that it may take to say its version.
    """
    topic = "cloudflared"
    try:
        found = await find_cloudflared(environ=environ, limit=limit)
    except CloudflaredMissing as missing:
        return Finding(topic, Severity.NOTICE, missing.cause, f"{_ONLY_FOR}     {missing.cure}")
    words = f"{found.path}, {found.shown}."
    if found.notes:
        return Finding(topic, Severity.WARNING, f"{words} {' '.join(found.notes)}", "Update cloudflared.")
    return Finding(topic, Severity.PASS, words)

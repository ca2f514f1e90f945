"""`authlens emulator`: the local Cloudflare Access alone, until Ctrl-C."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from authlens_core.errors import UsageError
from authlens_tui.cli.faults import chosen_faults
from authlens_tui.cli.terminal.output import answer_line, say

__all__ = ["emulator"]


async def emulator(arguments: Namespace) -> int:
    """Serve until a signal comes; the resource's URL is the one line on stdout.

    Raises:
        UsageError: a fault is unknown, or the port cannot be had.
    """
    faults = chosen_faults(arguments.fault)
    if faults is None:
        return 0
    from authlens_core.emulator.emulator import Emulator

    running = Emulator(
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        strict_service_tokens=arguments.strict,
    )
    try:
        await running.start()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"Port {arguments.port} or the one after it cannot be had: {reason}.",
            "Choose another --port, or leave it out and any free one is taken.",
        ) from None
    try:
        answer_line(running.resource_url)
        say(f"A pretended Cloudflare Access, on this machine only; its login server is {running.issuer}.")
        for fault in faults:
            say(f"  broken on purpose: {fault.value}: {fault.summary}")
        say(f"  → Try it: authlens login {running.resource_url}     Ctrl-C ends it.")
        client_id, secret = running.service_token
        say(f"  → Its service token, pretended like the rest: {client_id}")
        say(f"    with the secret {secret} for: authlens service-token add {running.resource_url}")
        await asyncio.Event().wait()
    finally:
        await running.stop()
    return 0

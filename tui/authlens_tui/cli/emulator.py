"""`authlens emulator`: the local Cloudflare Access alone, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace

from authlens_tui.cli.faults import chosen_faults
from authlens_tui.cli.output import say

__all__ = ["emulator"]


async def emulator(arguments: Namespace) -> int:
    """Serve until interrupted; the resource's URL is the one line on stdout."""
    faults = chosen_faults(arguments.fault)
    if faults is None:
        return 0
    from authlens_core.emulator.emulator import Emulator

    async with Emulator(
        faults=faults, port=arguments.port, access_token_lifetime=arguments.token_lifetime
    ) as running:
        sys.stdout.write(f"{running.resource_url}\n")
        sys.stdout.flush()
        say(f"A fake Cloudflare Access, on this machine only. Its server: {running.issuer}. Ctrl-C ends it.")
        await asyncio.Event().wait()
    return 0

"""`authlens emulator`: a local server to log in to, until Ctrl-C."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from authlens_core.emulator.origins import Running
from authlens_core.emulator.profile import Profile
from authlens_core.errors import UsageError
from authlens_tui.cli.faults import chosen_faults, chosen_standard_faults
from authlens_tui.cli.terminal.output import answer_line, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def emulator(arguments: Namespace) -> int:
    """Serve until a signal comes; the resource's URL is the one line on stdout.

    Raises:
        UsageError: the profile has no such fault, or a port is in use.
    """
    profile = Profile(arguments.profile)
    if profile is Profile.ACCESS:
        return await _access(arguments)
    return await _standard(profile, arguments)


async def _access(arguments: Namespace) -> int:
    faults = chosen_faults(arguments.fault)
    if faults is None:
        return 0
    from authlens_core.emulator.emulator import Emulator

    running = Emulator(
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        strict_service_tokens=arguments.strict,
        admin=arguments.admin,
        seed=arguments.seed,
    )
    async with _started(running, arguments.port):
        answer_line(running.resource_url)
        say(f"A simulated Cloudflare Access on this machine; its login server is {running.issuer}.")
        for fault in faults:
            say(f"  fault {fault.value}: {fault.summary}")
        if arguments.admin:
            say(f"  Its administration (JSON): {running.issuer}/emulator/admin")
        say(f"  → Try it: authlens login {running.resource_url}     Ctrl-C stops it.")
        client_id, secret = running.service_token
        say(f"  → Its service token, simulated too: {client_id}")
        say(f"    with the secret {secret} for: authlens service-token add {running.resource_url}")
        await asyncio.Event().wait()
    return 0


async def _standard(profile: Profile, arguments: Namespace) -> int:
    if arguments.strict:
        raise UsageError(
            f"--strict is an option of the profile access; {profile} does not have it.",
            "Leave out --strict, or use --profile access.",
        )
    faults = chosen_standard_faults(profile, arguments.fault)
    if faults is None:
        return 0
    from authlens_core.emulator.standard.emulator import StandardEmulator

    running = StandardEmulator(
        profile,
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        admin=arguments.admin,
        seed=arguments.seed,
    )
    kind = "MCP server" if profile is Profile.MCP else "API with OAuth"
    async with _started(running, arguments.port):
        answer_line(running.resource_url)
        say(f"A simulated {kind} on this machine; its login server is {running.issuer}.")
        for fault in faults:
            say(f"  fault {fault.value}: {fault.summary}")
        if arguments.admin:
            say(f"  Its administration (JSON): {running.server_url}/emulator/admin")
        say(f"  → Try it: authlens login {running.resource_url}     Ctrl-C stops it.")
        say(f"  → Without registration: --client-metadata-url {running.example_client}")
        await asyncio.Event().wait()
    return 0


@asynccontextmanager
async def _started(running: Running, port: int) -> AsyncIterator[None]:
    try:
        await running.start()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"Port {port} or the next one cannot be used: {reason}.",
            "Choose another --port, or omit it to use any free ports.",
        ) from None
    try:
        yield
    finally:
        await running.stop()

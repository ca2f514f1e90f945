"""`authlens emulator`: a local server to log in to, until Ctrl-C, and its faults by their names."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from authlens_core.emulator import Fault, Profile, StandardFault, faults_of
from authlens_tui.cli.terminal.output import answer_line, answer_list, say
from authlens_tui.cli.terminal.refusal import refusal, unknown_name

if TYPE_CHECKING:
    from authlens_core.emulator import Emulator, StandardEmulator, StandardFault

_KINDS: Final = {
    Profile.ACCESS: "Cloudflare Access",
    Profile.MCP: "MCP server",
    Profile.GENERIC: "API with OAuth",
    Profile.MACHINE: "API for programs",
}
FaultT = TypeVar("FaultT", Fault, StandardFault)


async def emulator(arguments: Namespace) -> int:
    """Serve until a signal comes; the resource's URL is the one line on stdout.

    Raises:
        UsageError: the profile has no such fault, or a port is in use.
    """
    profile = Profile(arguments.profile)
    if profile is Profile.ACCESS:
        faults = chosen_faults(profile, Fault, arguments.fault)
        return 0 if faults is None else await _access(faults, arguments)
    if arguments.strict:
        raise refusal(
            f"--strict is an option of the profile access; {profile} does not have it.",
            "Leave out --strict, or use --profile access.",
        )
    standard_faults = chosen_faults(profile, faults_of(profile), arguments.fault)
    return 0 if standard_faults is None else await _standard(profile, standard_faults, arguments)


async def _access(faults: tuple[Fault, ...], arguments: Namespace) -> int:
    from authlens_core.emulator import Emulator

    running = Emulator(
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        strict_service_tokens=arguments.strict,
        admin=arguments.admin,
        seed=arguments.seed,
    )
    await _start(running, arguments.port)
    client_id, secret = running.service_token
    hints = (
        f"→ Its service token: {client_id}, with the secret {secret}",
        f"  Store it: authlens service-token add {running.resource_url}",
    )
    admin = f"{running.issuer}/emulator/admin" if arguments.admin else ""
    return await _serve(running, Profile.ACCESS, faults, admin, hints)


async def _standard(profile: Profile, faults: tuple[StandardFault, ...], arguments: Namespace) -> int:
    from authlens_core.emulator import StandardEmulator

    running = StandardEmulator(
        profile,
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        admin=arguments.admin,
        seed=arguments.seed,
    )
    await _start(running, arguments.port)
    hints, options = [f"→ Without registration: --client-metadata-url {running.example_client}"], ""
    if profile is Profile.MACHINE:
        options = " --machine client-credentials --client-id machine-basic"
        hints = [
            f"  It asks for the client's secret: {running.machines.secret}",
            f"→ What the other clients need: {running.issuer}/workload/key, …/assertion and …/id-token",
        ]
    # Not at the issuer, which a fault may have put elsewhere.
    admin = f"{running.server_url}/emulator/admin" if arguments.admin else ""
    return await _serve(running, profile, faults, admin, hints, options)


async def _start(running: Emulator | StandardEmulator, port: int) -> None:
    try:
        await running.start()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise refusal(
            f"Port {port} or the next one cannot be used: {reason}.",
            "Choose another --port, or omit it to use any free ports.",
        ) from None


async def _serve(
    running: Emulator | StandardEmulator,
    profile: Profile,
    faults: Iterable[Fault | StandardFault],
    admin: str,
    hints: Iterable[str],
    options: str = "",
) -> int:
    """Show what was started and how to use it, then serve until the signal that cancels this."""
    try:
        answer_line(running.resource_url)
        say(f"A simulated {_KINDS[profile]} on this machine; its login server is {running.issuer}.")
        for fault in faults:
            say(f"  fault {fault.value}: {fault.summary}")
        if admin:
            say(f"  Its administration (JSON): {admin}")
        say(f"  → Try it: authlens login {running.resource_url}{options}     Ctrl-C stops it.")
        for hint in hints:
            say(f"  {hint}")
        await asyncio.Event().wait()
    finally:
        await running.stop()
    return 0


def chosen_faults(
    profile: Profile, known: Iterable[FaultT], names: Sequence[str]
) -> tuple[FaultT, ...] | None:
    """Return those of the `known` faults of a profile that are named, or None after listing all for `list`.

    Raises:
        UsageError: a name is not a fault of the profile.
    """
    by_name = {fault.value: fault for fault in known}
    if "list" in names:
        widest = max(map(len, by_name))
        answer_list(f"{name:<{widest}}  {fault.summary}" for name, fault in by_name.items())
        return None
    option = "" if profile is Profile.ACCESS else f" --profile {profile}"
    for name in names:
        if name not in by_name:
            profiled = f" in the profile {profile}" if option else ""
            raise unknown_name(
                name,
                by_name,
                f"The emulator has no fault named {name!r}{profiled}.",
                f"authlens emulator{option} --fault list",
            )
    return tuple(by_name[name] for name in names)

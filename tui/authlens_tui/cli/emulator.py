"""`authlens emulator`: a local server to log in to, until Ctrl-C, and its faults by their names."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Final

from authlens_lab.emulator import Emulator, Fault, Profile, faults_of
from authlens_tui.cli.terminal.output import answer_line, answer_list, say
from authlens_tui.cli.terminal.refused import refusal, unknown_name

_KINDS: Final = {
    Profile.ACCESS: "Cloudflare Access",
    Profile.MCP: "MCP server",
    Profile.GENERIC: "API with OAuth",
    Profile.MACHINE: "API for programs",
}


async def emulator(arguments: Namespace) -> int:
    """Serve until a signal comes; the resource's URL is the one line on stdout.

    Raises:
        UsageError: the profile has no such fault, or a port is in use.
    """
    profile = Profile(arguments.profile)
    if arguments.strict and profile is not Profile.ACCESS:
        raise refusal(
            f"--strict is an option of the profile access; {profile} does not have it.",
            "Leave out --strict, or use --profile access.",
        )
    faults = chosen_faults(profile, arguments.fault)
    if faults is None:
        return 0
    running = Emulator(
        profile,
        faults=faults,
        port=arguments.port,
        access_token_lifetime=arguments.token_lifetime,
        admin=arguments.admin,
        seed=arguments.seed,
        strict_service_tokens=arguments.strict,
    )
    try:
        await running.start()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise refusal(
            f"Port {arguments.port} or the next one cannot be used: {reason}.",
            "Choose another --port, or omit it to use any free ports.",
        ) from None
    try:
        _show(running, profile, faults, admin=arguments.admin)
        await asyncio.Event().wait()  # until the signal that cancels this
    finally:
        await running.stop()
    return 0


def _show(running: Emulator, profile: Profile, faults: tuple[Fault, ...], *, admin: bool) -> None:
    """Show what was started and how to use it."""
    answer_line(running.resource_url)
    say(f"A simulated {_KINDS[profile]} on this machine; its login server is {running.issuer}.")
    for fault in faults:
        say(f"  fault {fault.value}: {fault.summary}")
    if admin:
        # Not at the issuer, which a fault may have put elsewhere.
        say(f"  Its administration (JSON): {running.server_url}/emulator/admin")
    is_for_machines = profile is Profile.MACHINE
    options = " --machine client-credentials --client-id machine-basic" if is_for_machines else ""
    say(f"  → Try it: authlens login {running.resource_url}{options}     Ctrl-C stops it.")
    for hint in _hints(running, profile):
        say(f"  {hint}")


def _hints(running: Emulator, profile: Profile) -> Iterator[str]:
    if running.is_access:
        client_id, secret = running.service_token
        yield f"→ Its service token: {client_id}, with the secret {secret}"
        yield f"  Store it: authlens service-token add {running.resource_url}"
    elif profile is Profile.MACHINE:
        yield f"  It asks for the client's secret: {running.machines.secret}"
        yield f"→ What the other clients need: {running.issuer}/workload/key, …/assertion and …/id-token"
    else:
        yield f"→ Without registration: --client-metadata-url {running.example_client}"


def chosen_faults(profile: Profile, names: Sequence[str]) -> tuple[Fault, ...] | None:
    """Return the faults of a profile that are named, or None after listing all for `list`.

    Raises:
        UsageError: a name is not a fault of the profile.
    """
    by_name = {fault.value: fault for fault in faults_of(profile)}
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

"""What the emulator can be besides Cloudflare Access, and the faults of those profiles."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self, TypeVar

_Fault = TypeVar("_Fault", bound=StrEnum)


class Profile(StrEnum):
    """Which kind of resource the emulator is."""

    ACCESS = "access"
    MCP = "mcp"
    GENERIC = "generic"


_MCP: Final = frozenset({Profile.MCP})
_BOTH: Final = frozenset({Profile.MCP, Profile.GENERIC})


class StandardFault(StrEnum):
    """One thing that a server of the profiles `mcp` and `generic` does differently."""

    summary: str
    """One sentence: what to watch for."""
    profiles: frozenset[Profile]
    """The profiles that have it."""

    def __new__(cls, value: str, profiles: frozenset[Profile], summary: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.profiles = profiles
        member.summary = summary
        return member

    GET_404 = ("get-404", _MCP, "GET answers 404; only a POST gets the 401.")
    OPEN_INITIALIZE = (
        "open-initialize",
        _MCP,
        "`initialize` and `server/discover` answer without a token; only tools need one.",
    )
    ENDLESS_STREAM = (
        "endless-stream",
        _MCP,
        "A GET with a token returns 200 with an endless event stream.",
    )
    DISCOVER_ONLY = (
        "discover-only",
        _MCP,
        "Only the protocol 2026-07-28: `initialize` answers 400 with a JSON-RPC error.",
    )
    NO_RESOURCE_METADATA = (
        "no-resource-metadata",
        _MCP,
        "As in 2025-03-26: the server metadata is at the resource's origin, there is no resource metadata.",
    )
    DEFAULT_PATHS = (
        "default-paths",
        _MCP,
        "As in 2025-03-26: no metadata at all, only /authorize, /token and /register at the resource.",
    )
    NONCE_REQUIRED = (
        "nonce-required",
        _BOTH,
        "A request for `openid` without a nonce is refused on the callback with invalid_request.",
    )
    JWT_ACCESS_TOKENS = (
        "jwt-access-tokens",
        _BOTH,
        "Access tokens are JWTs; revoking one answers unsupported_token_type.",
    )
    STEP_UP = (
        "step-up",
        _BOTH,
        "A token without the scope `write` gets 403 insufficient_scope from the resource.",
    )
    DPOP_REQUIRED = ("dpop-required", _BOTH, "Only tokens that are bound to a key (DPoP) are issued.")
    DPOP_NONCE = (
        "dpop-nonce",
        _BOTH,
        "Only bound tokens, and each proof needs the server's newest nonce (use_dpop_nonce).",
    )
    PAR_REQUIRED = (
        "par-required",
        _BOTH,
        "Authorization requests have to be pushed first (PAR); others are refused.",
    )
    DEVICE_SLOW_DOWN = ("device-slow-down", _BOTH, "The first poll of a device login answers slow_down.")
    DEVICE_EXPIRED = ("device-expired", _BOTH, "The codes of a device login expire after two seconds.")
    ISS_MISSING = (
        "iss-missing",
        _BOTH,
        "The server promises an `iss` on the callback (RFC 9207) and sends none.",
    )
    NO_REGISTRATION = (
        "no-registration",
        _BOTH,
        "No dynamic registration: only client metadata documents and known clients.",
    )


def faults_of(profile: Profile) -> tuple[StandardFault, ...]:
    """Return what a server of the profile `mcp` or `generic` can do differently."""
    return tuple(fault for fault in StandardFault if profile in fault.profiles)


def named_faults(profile: Profile, known: Iterable[_Fault], names: Iterable[str]) -> frozenset[_Fault]:
    """Return those of `known`, the faults of `profile`, that have one of `names`.

    Raises:
        ValueError: none has that name; the message lists those it has.
    """
    by_name = {fault.value: fault for fault in known}
    chosen = set()
    for name in names:
        if name not in by_name:
            there = ", ".join(by_name)
            raise ValueError(f"The profile {profile} has no fault {str(name)!r}. It has: {there}.")
        chosen.add(by_name[name])
    return frozenset(chosen)

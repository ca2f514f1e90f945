"""What the emulator can be besides Cloudflare Access, and the faults of those profiles."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self, TypeVar

from authlens_core.values.word_files import words

_Fault = TypeVar("_Fault", bound=StrEnum)


class Profile(StrEnum):
    """Which kind of resource the emulator is."""

    ACCESS = "access"
    MCP = "mcp"
    GENERIC = "generic"
    MACHINE = "machine"


_MCP: Final = frozenset({Profile.MCP})
_BOTH: Final = frozenset({Profile.MCP, Profile.GENERIC})
_MACHINE: Final = frozenset({Profile.MACHINE})
_EACH: Final = _BOTH | _MACHINE


class StandardFault(StrEnum):
    """One thing that a server of a profile other than `access` does differently."""

    profiles: frozenset[Profile]
    """The profiles that have it."""

    def __new__(cls, value: str, profiles: frozenset[Profile] = _BOTH) -> Self:
        # The profiles stay out of the value, which is the name on the command line and in the JSON of the
        # administration.
        member = str.__new__(cls, value)
        member._value_ = value
        member.profiles = profiles
        return member

    GET_404 = ("get-404", _MCP)
    OPEN_INITIALIZE = ("open-initialize", _MCP)
    ENDLESS_STREAM = ("endless-stream", _MCP)
    DISCOVER_ONLY = ("discover-only", _MCP)
    NO_RESOURCE_METADATA = ("no-resource-metadata", _MCP)
    DEFAULT_PATHS = ("default-paths", _MCP)
    NONCE_REQUIRED = "nonce-required"
    JWT_ACCESS_TOKENS = ("jwt-access-tokens", _EACH)
    STEP_UP = "step-up"
    DPOP_REQUIRED = ("dpop-required", _EACH)
    DPOP_NONCE = ("dpop-nonce", _EACH)
    PAR_REQUIRED = "par-required"
    DEVICE_SLOW_DOWN = "device-slow-down"
    DEVICE_EXPIRED = "device-expired"
    ISS_MISSING = "iss-missing"
    NO_REGISTRATION = "no-registration"
    ASSERTION_EXPIRED = ("assertion-expired", _MACHINE)
    ASSERTION_AUDIENCE = ("assertion-audience", _MACHINE)
    KEY_UNKNOWN = ("key-unknown", _MACHINE)
    SCOPE_REFUSED = ("scope-refused", _MACHINE)
    GRANT_NOT_ALLOWED = ("grant-not-allowed", _MACHINE)
    POLICY_DENIES = ("policy-denies", _MACHINE)

    @property
    def summary(self) -> str:
        """One sentence: what to watch for."""
        return str(words("emulator")["standard-faults"][self])


def faults_of(profile: Profile) -> tuple[StandardFault, ...]:
    """Return what a server of a profile other than `access` can do differently."""
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
            all_names = ", ".join(by_name)
            raise ValueError(f"The profile {profile} has no fault {str(name)!r}. It has: {all_names}.")
        chosen.add(by_name[name])
    return frozenset(chosen)

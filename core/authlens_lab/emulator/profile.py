"""What the emulator can be, what can go wrong in each profile, as seen at real servers, and its users."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from authlens_core.values.word_files import words

# What a hostile server says.
HOSTILE_TEXT: Final = (
    "\x1b]52;c;aG9zdGlsZQ==\x07"  # OSC 52: writes to the clipboard
    "\x1b[2J\x1b[31m"  # CSI: clears the screen, turns red
    "[/foo][bold]"  # markup, if data is parsed as markup
    "\u202egnp.exe\u2066"  # bidirectional controls
)


class Profile(StrEnum):
    """Which kind of resource the emulator is."""

    ACCESS = "access"
    MCP = "mcp"
    GENERIC = "generic"
    MACHINE = "machine"


class Fault(StrEnum):
    """One thing that goes wrong. The value is the name to type; `words/emulator.toml` explains it."""

    NO_WWW_AUTHENTICATE = "no-www-authenticate"
    CHALLENGE_WITHOUT_METADATA = "challenge-without-metadata"
    POST_ONLY = "post-only"
    OAUTH_OFF = "oauth-off"
    SERVICE_AUTH_ONLY = "service-auth-only"
    PUBLIC = "public"
    BROWSER_INTEGRITY = "browser-integrity"
    CHALLENGE_PAGE = "challenge-page"
    WAF_RULE = "waf-rule"
    NO_APPLICATION = "no-application"
    ORIGIN_UNREACHABLE = "origin-unreachable"
    SLOW = "slow"
    HOSTILE_TEXT = "hostile-text"
    RESOURCE_MISMATCH = "resource-mismatch"
    BARE_ISSUER = "bare-issuer"
    WRONG_ISSUER = "wrong-issuer"
    NO_REGISTRATION_ENDPOINT = "no-registration-endpoint"
    NO_REVOCATION_ENDPOINT = "no-revocation-endpoint"
    NONE_NOT_ADVERTISED = "none-not-advertised"
    S256_NOT_ADVERTISED = "s256-not-advertised"
    REDIRECT_URI_REFUSED = "redirect-uri-refused"
    REDIRECT_URI_REFUSED_AT_AUTHORIZATION = "redirect-uri-refused-at-authorization"
    LOCALHOST_REFUSED = "localhost-refused"
    SETTINGS_NOT_LIVE = "settings-not-live"
    RESOURCE_REFUSED = "resource-refused"
    PKCE_FIRST_CHARACTER = "pkce-first-character"
    PKCE_REFUSED = "pkce-refused"
    DENIED_USER = "denied-user"
    INVALID_NONCE = "invalid-nonce"
    APPLICATION_NOT_FOUND = "application-not-found"
    ACCESS_DENIED = "access-denied"
    WRONG_STATE = "wrong-state"
    ISS_MISMATCH = "iss-mismatch"
    PORT_TAKEN = "port-taken"
    INVALID_GRANT = "invalid-grant"
    HTML_ERROR = "html-error"
    ACCESS_TOKEN_REFUSED = "access-token-refused"  # noqa: S105 - a name
    OAUTH_TURNED_OFF = "oauth-turned-off"
    POLICY_REFUSES_TOKEN = "policy-refuses-token"  # noqa: S105 - a name
    ORIGIN_DOWN = "origin-down"
    EXPIRED_REFRESH_TOKEN = "expired-refresh-token"  # noqa: S105 - a name
    ROTATION_OFF = "rotation-off"
    REVOCATION_UNAVAILABLE = "revocation-unavailable"
    BINDING_COOKIE = "binding-cookie"
    SERVICE_AUTH_MISSING = "service-auth-missing"
    CLOCK_SKEW = "clock-skew"
    GET_404 = "get-404"
    OPEN_INITIALIZE = "open-initialize"
    ENDLESS_STREAM = "endless-stream"
    DISCOVER_ONLY = "discover-only"
    NO_RESOURCE_METADATA = "no-resource-metadata"
    DEFAULT_PATHS = "default-paths"
    NONCE_REQUIRED = "nonce-required"
    JWT_ACCESS_TOKENS = "jwt-access-tokens"
    STEP_UP = "step-up"
    DPOP_REQUIRED = "dpop-required"
    DPOP_NONCE = "dpop-nonce"
    PAR_REQUIRED = "par-required"
    DEVICE_SLOW_DOWN = "device-slow-down"
    DEVICE_EXPIRED = "device-expired"
    ISS_MISSING = "iss-missing"
    NO_REGISTRATION = "no-registration"
    ASSERTION_EXPIRED = "assertion-expired"
    ASSERTION_AUDIENCE = "assertion-audience"
    KEY_UNKNOWN = "key-unknown"
    SCOPE_REFUSED = "scope-refused"
    GRANT_NOT_ALLOWED = "grant-not-allowed"
    POLICY_DENIES = "policy-denies"

    @property
    def summary(self) -> str:
        """One sentence: what to watch for."""
        return str(words("emulator", "authlens_lab")["faults"][self])

    @property
    def profiles(self) -> frozenset[Profile]:
        """The profiles that have it."""
        profiles = frozenset(profile for profile, faults in TABLE.profiles.items() if self in faults)
        return profiles or frozenset({Profile.ACCESS})


class FaultAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a fault answers: JSON, a page with a title and its content, or plain text."""

    status: int
    json: Mapping[str, str] | None = None
    page: str = ""
    content: str = ""
    text: str = ""
    headers: Mapping[str, str] = {}


class FaultTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What faults change, each by the point at which it does.

    Attributes:
        profiles: the faults of each profile, apart from those of Access.
        answers: what is answered instead.
        refusals: an error of OAuth with its description.
        members: members of the documents `server` and `resource` with another value.
        absent: the member that the documents do not have.
    """

    profiles: Mapping[Profile, frozenset[Fault]]
    answers: Mapping[Fault, Mapping[str, FaultAnswer]]
    refusals: Mapping[Fault, Mapping[str, tuple[str, str]]]
    members: Mapping[Fault, Mapping[str, Mapping[str, Any]]]
    absent: Mapping[Fault, str]


TABLE: Final = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8")), FaultTable
)


def faults_of(profile: Profile) -> tuple[Fault, ...]:
    """Return what a server of a profile can do differently."""
    return tuple(fault for fault in Fault if profile in fault.profiles)


def named_faults(profile: Profile, names: Collection[str]) -> frozenset[Fault]:
    """Return the faults of `profile` that have one of `names`.

    Raises:
        ValueError: none has that name; the message lists those it has.
    """
    by_name = {fault.value: fault for fault in faults_of(profile)}
    for name in names:
        if name not in by_name:
            all_names = ", ".join(by_name)
            raise ValueError(f"The profile {profile} has no fault {str(name)!r}. It has: {all_names}.")
    return frozenset(by_name[name] for name in names)


USERS: Final = ("ada@example.com", "grace@example.com", "mallory@example.com")


def email_of(user: str) -> str:
    """Return the e-mail address of a demo user, who may be named by the part before the @."""
    return user if "@" in user else f"{user}@example.com"

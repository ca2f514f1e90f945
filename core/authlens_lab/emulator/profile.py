"""What the emulator can be, what can go wrong in each profile, as seen at real servers, and its users."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self

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


_ACCESS: Final = frozenset({Profile.ACCESS})
_MCP: Final = frozenset({Profile.MCP})
_BOTH: Final = frozenset({Profile.MCP, Profile.GENERIC})
_MACHINE: Final = frozenset({Profile.MACHINE})
_EACH: Final = _BOTH | _MACHINE


class Fault(StrEnum):
    """One thing that goes wrong. The value is the name to type; `words/emulator.toml` explains it."""

    profiles: frozenset[Profile]
    """The profiles that have it."""

    def __new__(cls, value: str, profiles: frozenset[Profile] = _ACCESS) -> Self:
        # The profiles stay out of the value, which is the name on the command line and in the JSON of the
        # administration.
        member = str.__new__(cls, value)
        member._value_ = value
        member.profiles = profiles
        return member

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
    GET_404 = ("get-404", _MCP)
    OPEN_INITIALIZE = ("open-initialize", _MCP)
    ENDLESS_STREAM = ("endless-stream", _MCP)
    DISCOVER_ONLY = ("discover-only", _MCP)
    NO_RESOURCE_METADATA = ("no-resource-metadata", _MCP)
    DEFAULT_PATHS = ("default-paths", _MCP)
    NONCE_REQUIRED = ("nonce-required", _BOTH)
    JWT_ACCESS_TOKENS = ("jwt-access-tokens", _EACH)
    STEP_UP = ("step-up", _BOTH)
    DPOP_REQUIRED = ("dpop-required", _EACH)
    DPOP_NONCE = ("dpop-nonce", _EACH)
    PAR_REQUIRED = ("par-required", _BOTH)
    DEVICE_SLOW_DOWN = ("device-slow-down", _BOTH)
    DEVICE_EXPIRED = ("device-expired", _BOTH)
    ISS_MISSING = ("iss-missing", _BOTH)
    NO_REGISTRATION = ("no-registration", _BOTH)
    ASSERTION_EXPIRED = ("assertion-expired", _MACHINE)
    ASSERTION_AUDIENCE = ("assertion-audience", _MACHINE)
    KEY_UNKNOWN = ("key-unknown", _MACHINE)
    SCOPE_REFUSED = ("scope-refused", _MACHINE)
    GRANT_NOT_ALLOWED = ("grant-not-allowed", _MACHINE)
    POLICY_DENIES = ("policy-denies", _MACHINE)

    @property
    def summary(self) -> str:
        """One sentence: what to watch for."""
        return str(words("emulator", "authlens_lab")["faults"][self])


def faults_of(profile: Profile) -> tuple[Fault, ...]:
    """Return what a server of a profile can do differently."""
    return tuple(fault for fault in Fault if profile in fault.profiles)


def named_faults(profile: Profile, names: Iterable[str]) -> frozenset[Fault]:
    """Return the faults of `profile` that have one of `names`.

    Raises:
        ValueError: none has that name; the message lists those it has.
    """
    by_name = {fault.value: fault for fault in faults_of(profile)}
    chosen = set()
    for name in names:
        if name not in by_name:
            all_names = ", ".join(by_name)
            raise ValueError(f"The profile {profile} has no fault {str(name)!r}. It has: {all_names}.")
        chosen.add(by_name[name])
    return frozenset(chosen)


USERS: Final = ("ada@example.com", "grace@example.com", "mallory@example.com")


def email_of(user: str) -> str:
    """Return the e-mail address of a demo user, who may be named by the part before the @."""
    return user if "@" in user else f"{user}@example.com"

"""The faults that the emulator can play, each after something that was seen at a real server."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from authlens_core.values.word_files import words

# What a hostile server says.
HOSTILE_TEXT: Final = (
    "\x1b]52;c;aG9zdGlsZQ==\x07"  # OSC 52: writes to the clipboard
    "\x1b[2J\x1b[31m"  # CSI: clears the screen, turns red
    "[/foo][bold]"  # markup, if data is parsed as markup
    "\u202egnp.exe\u2066"  # bidirectional controls
)


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

    @property
    def summary(self) -> str:
        """One sentence: what to watch for."""
        return str(words("emulator")["access-faults"][self])

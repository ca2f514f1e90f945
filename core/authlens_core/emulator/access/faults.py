"""The faults that the emulator can play, each after something that was seen at a real server."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

# What a hostile server says.
HOSTILE_TEXT: Final = (
    "\x1b]52;c;aG9zdGlsZQ==\x07"  # OSC 52: writes to the clipboard
    "\x1b[2J\x1b[31m"  # CSI: clears the screen, turns red
    "[/foo][bold]"  # markup, if data is parsed as markup
    "\u202egnp.exe\u2066"  # bidirectional controls
)


class Fault(StrEnum):
    """One thing that goes wrong. The value is the name to type."""

    title: str  # type: ignore[assignment]  # hides str.title, which no fault needs
    """A short name in plain words."""
    summary: str
    """One sentence: what to watch for."""

    def __new__(cls, value: str, title: str, summary: str) -> Self:
        """Make a member that carries its own explanation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.title = title
        member.summary = summary
        return member

    NO_WWW_AUTHENTICATE = (
        "no-www-authenticate",
        "No WWW-Authenticate header",
        "The 401 has no challenge and there is no metadata, so a login cannot start.",
    )
    CHALLENGE_WITHOUT_METADATA = (
        "challenge-without-metadata",
        "Challenge without a metadata URL",
        "The challenge is only Bearer, but the document is at its well-known URL and the login works.",
    )
    POST_ONLY = (
        "post-only",
        "GET is not allowed",
        "A GET returns 405 without a challenge; only a POST is asked to log in, as with many MCP servers.",
    )
    OAUTH_OFF = (
        "oauth-off",
        "Managed OAuth is off",
        "Every request is sent to the login page with a Cloudflare-Access challenge instead of a Bearer one.",
    )
    SERVICE_AUTH_ONLY = (
        "service-auth-only",
        "Only service tokens are accepted",
        "The answer is 403 with cf-access-aud: you cannot log in here, only a service token is accepted.",
    )
    PUBLIC = (
        "public",
        "Not protected at all",
        "The resource answers 200 to every request, so there is nothing to log in to.",
    )
    BROWSER_INTEGRITY = (
        "browser-integrity",
        "Browser Integrity Check",
        "Every answer is 403 with error 1010: the zone refuses this user agent, the login is not the cause.",
    )
    CHALLENGE_PAGE = (
        "challenge-page",
        "A challenge page",
        "Every answer of the resource is a page that only a browser passes, marked with cf-mitigated.",
    )
    WAF_RULE = (
        "waf-rule",
        "Blocked by a WAF rule",
        "Every response of the resource is 403 with error 1020: a rule of the zone, before Access.",
    )
    NO_APPLICATION = (
        "no-application",
        "No Access application for this host",
        "The organisation requires Access everywhere and this host has no application: error 1043.",
    )
    ORIGIN_UNREACHABLE = (
        "origin-unreachable",
        "Nothing behind the edge",
        "Every response of the resource is 522, discovery too: the login cannot start.",
    )
    SLOW = (
        "slow",
        "Slow answers",
        "Every response is slow: see the deadlines and the cancel key work.",
    )
    HOSTILE_TEXT = (
        "hostile-text",
        "Hostile text",
        (
            "Descriptions, names and messages contain terminal controls, markup and broken Unicode: none "
            "may take effect."
        ),
    )
    RESOURCE_MISMATCH = (
        "resource-mismatch",
        "Metadata of another resource",
        "The resource metadata names another host, so a token for it must never be asked for.",
    )
    BARE_ISSUER = (
        "bare-issuer",
        "Issuer without a scheme",
        "The server metadata gives its issuer as a bare host name, as the published example does.",
    )
    WRONG_ISSUER = (
        "wrong-issuer",
        "Issuer of another host",
        "The server metadata names another issuer and must not be trusted.",
    )
    NO_REGISTRATION_ENDPOINT = (
        "no-registration-endpoint",
        "No registration endpoint",
        "Dynamic client registration is off: only a pre-registered client can continue.",
    )
    NO_REVOCATION_ENDPOINT = (
        "no-revocation-endpoint",
        "No revocation endpoint",
        "The server offers no revocation: tokens removed here stay valid there.",
    )
    NONE_NOT_ADVERTISED = (
        "none-not-advertised",
        "Public clients are not advertised",
        "The metadata lists no method `none`, although public clients work.",
    )
    S256_NOT_ADVERTISED = (
        "s256-not-advertised",
        "S256 is not advertised",
        "The metadata lists only the PKCE method `plain`, which protects nothing.",
    )
    REDIRECT_URI_REFUSED = (
        "redirect-uri-refused",
        "Redirect URI refused at registration",
        "Registration answers 400 because the account does not allow loopback redirect URIs.",
    )
    REDIRECT_URI_REFUSED_AT_AUTHORIZATION = (
        "redirect-uri-refused-at-authorization",
        "Redirect URI refused at authorization",
        "Registration worked, but the application's own list refuses the redirect URI on the callback.",
    )
    LOCALHOST_REFUSED = (
        "localhost-refused",
        "Only 127.0.0.1 is allowed, not localhost",
        "A redirect URI with localhost is refused, one with 127.0.0.1 is accepted: they are two settings.",
    )
    SETTINGS_NOT_LIVE = (
        "settings-not-live",
        "A setting that is not active yet",
        "The owner allowed the redirect URI a moment ago: it is refused for a minute, then it works.",
    )
    RESOURCE_REFUSED = (
        "resource-refused",
        "Resource refused",
        "The callback returns invalid_target although the resource is the one in the metadata.",
    )
    PKCE_FIRST_CHARACTER = (
        "pkce-first-character",
        "Challenges may not start with - or _",
        "A challenge starting with - or _ is refused; one that starts with a letter or digit is accepted.",
    )
    PKCE_REFUSED = (
        "pkce-refused",
        "Every PKCE challenge refused",
        "The callback returns the S256 error even for a correct challenge.",
    )
    DENIED_USER = (
        "denied-user",
        "The policy denies the user",
        "The browser shows that the account has no access; the callback is never reached.",
    )
    INVALID_NONCE = (
        "invalid-nonce",
        "Old cookies in the browser",
        "The login page shows Invalid nonce, and the callback is never reached.",
    )
    APPLICATION_NOT_FOUND = (
        "application-not-found",
        "The login page finds no application",
        "The browser shows Unable to find your Access application, and the callback is never reached.",
    )
    ACCESS_DENIED = (
        "access-denied",
        "Access denied on the callback",
        "The callback returns access_denied instead of a code.",
    )
    WRONG_STATE = (
        "wrong-state",
        "Callback with another state",
        "The callback has a state that was never sent; its code must not be used.",
    )
    ISS_MISMATCH = (
        "iss-mismatch",
        "Callback of another issuer",
        "The server announces an iss on the callback, then sends another server's: a mix-up attack.",
    )
    PORT_TAKEN = (
        "port-taken",
        "Port 8400 is in use",
        "Another program already uses the callback port, so another port is needed.",
    )
    INVALID_GRANT = (
        "invalid-grant",
        "The code is refused",
        "The token endpoint answers invalid_grant as if the code had expired.",
    )
    HTML_ERROR = (
        "html-error",
        "An HTML page for an error",
        "The token endpoint returns 500 with a web page instead of JSON.",
    )
    ACCESS_TOKEN_REFUSED = (
        "access-token-refused",
        "The token is refused",
        "The login succeeds but the resource returns 401 to the new token.",
    )
    OAUTH_TURNED_OFF = (
        "oauth-turned-off",
        "Managed OAuth is turned off during the login",
        "The token is new, but the resource redirects to the login page: the owner turned Managed OAuth off.",
    )
    POLICY_REFUSES_TOKEN = (
        "policy-refuses-token",
        "The policy changes during the login",
        "The token is new, but Access returns 403: no policy allows you.",
    )
    ORIGIN_DOWN = (
        "origin-down",
        "The origin is down",
        "The token is valid, but the response is 530: the tunnel behind Access is down.",
    )
    EXPIRED_REFRESH_TOKEN = (
        "expired-refresh-token",
        "The refresh token is invalid",
        "A refresh returns invalid_grant, so you need to log in again.",
    )
    ROTATION_OFF = (
        "rotation-off",
        "Refresh tokens do not rotate",
        "A refresh returns no refresh token, so the old one stays in use.",
    )
    REVOCATION_UNAVAILABLE = (
        "revocation-unavailable",
        "Revocation is unavailable",
        (
            "The revocation endpoint returns 503, so the tokens are still valid and must not be reported "
            "as revoked."
        ),
    )
    BINDING_COOKIE = (
        "binding-cookie",
        "Binding Cookie is on",
        "OAuth works, but a cloudflared token is redirected to the login page: it is bound to one browser.",
    )
    SERVICE_AUTH_MISSING = (
        "service-auth-missing",
        "No Service Auth policy",
        "OAuth works, but a valid service token is ignored: no policy with the action Service Auth names it.",
    )
    CLOCK_SKEW = (
        "clock-skew",
        "Clock skew",
        "The server's clock is an hour ahead, which its Date header shows.",
    )

"""What can be between a user and a resource, and what to do about each."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

from authlens_core.values.check import Layer
from authlens_core.values.fix import Fix, WayOn, fix, step

MANAGED_OAUTH: Final = (
    "Zero Trust → Access controls → Applications → (app) → Advanced settings → Managed OAuth"
)


class Protection(StrEnum):
    """What an answer without a credential says about the resource."""

    PUBLIC = "public"
    OAUTH = "oauth"
    ACCESS_LOGIN = "access_login"
    SERVICE_AUTH_ONLY = "service_auth_only"
    BLOCKED = "blocked"
    REQUIRE_ACCESS_PROTECTION = "require_access_protection"
    ORIGIN_DOWN = "origin_down"
    BASIC = "basic"
    UNAUTHORIZED_BARE = "unauthorized_bare"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REDIRECT_ELSEWHERE = "redirect_elsewhere"
    PREFLIGHT = "preflight"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNEXPECTED = "unexpected"
    NO_ANSWER = "no_answer"

    def has(self, trait: Trait) -> bool:
        return trait in MEANINGS[self].traits


class Trait(Enum):
    """What a classification means to the rest of the program."""

    GOES_ON = auto()
    """A login goes on: the answer asks for a token, or may do so."""
    MAY_GO_ON = auto()
    """The login stops, and the user may continue: metadata could still be published."""
    NOT_REFUSED = auto()
    """The call was not refused, so published metadata is looked for: some servers ask only later."""
    REFUSES_CREDENTIAL = auto()
    """To a request with a credential it says that this is not accepted."""
    AT_THE_EDGE = auto()
    """Cloudflare answered for something that has nothing to do with the login, whatever was asked."""
    SAYS_NOTHING = auto()
    """In a pasted transcript it explains no failure."""


class ProtectionNote(NamedTuple):
    """What a protection means to a user.

    Attributes:
        cure: what to do, one or two sentences; empty where nothing is wrong.
    """

    layer: Layer
    summary: str
    cure: str | Fix
    traits: frozenset[Trait] = frozenset()


# Everything about a classification, except for the rule that recognises it and the causes that it has.
MEANINGS: Final[dict[Protection, ProtectionNote]] = {
    Protection.PUBLIC: ProtectionNote(
        Layer.ORIGIN,
        "It responds without a login.",
        "No action needed. If it should be protected, tell its owner that it is not.",
        traits=frozenset({Trait.MAY_GO_ON, Trait.NOT_REFUSED, Trait.SAYS_NOTHING}),
    ),
    Protection.OAUTH: ProtectionNote(
        Layer.ORIGIN,
        "It asks for a bearer token: OAuth can start.",
        "",
        traits=frozenset({Trait.GOES_ON, Trait.REFUSES_CREDENTIAL}),
    ),
    Protection.ACCESS_LOGIN: ProtectionNote(
        Layer.ACCESS,
        "Cloudflare Access sends you to its login page.",
        fix(
            f"Ask the owner to turn on Managed OAuth: {MANAGED_OAUTH}.",
            step("Until then, log in with cloudflared", "authlens login URL --cloudflared"),
            ways=(WayOn.SERVICE_TOKEN,),
        ),
        traits=frozenset({Trait.MAY_GO_ON, Trait.REFUSES_CREDENTIAL}),
    ),
    Protection.SERVICE_AUTH_ONLY: ProtectionNote(
        Layer.ACCESS,
        "This application accepts only service tokens; you cannot log in with a browser.",
        fix(
            step("Give a service token", "authlens service-token add URL"),
            "Or ask the owner for an Allow policy: Zero Trust → Access controls → Applications → (app) → "
            "Policies.",
        ),
        traits=frozenset({Trait.REFUSES_CREDENTIAL}),
    ),
    Protection.BLOCKED: ProtectionNote(
        Layer.WAF,
        "Cloudflare's zone security blocked the request before Access saw it; the login is not the cause.",
        "Ask the owner to allow this client: a WAF custom rule with the action Skip for this host, or "
        "Browser Integrity Check off in a configuration rule. Quote the CF-Ray.",
        traits=frozenset({Trait.AT_THE_EDGE}),
    ),
    Protection.REQUIRE_ACCESS_PROTECTION: ProtectionNote(
        Layer.ACCESS,
        "Error 1043: the organisation requires Access on every host, and this one has no Access application.",
        "Ask the owner to add an Access application for this host: "
        "Zero Trust → Access controls → Applications → Add an application.",
        traits=frozenset({Trait.AT_THE_EDGE}),
    ),
    Protection.ORIGIN_DOWN: ProtectionNote(
        Layer.ORIGIN,
        "Cloudflare cannot reach the server behind it; the login is not the cause.",
        "Ask the owner to start the origin or its tunnel (cloudflared tunnel), then try again.",
        traits=frozenset({Trait.AT_THE_EDGE}),
    ),
    Protection.BASIC: ProtectionNote(
        Layer.ORIGIN,
        "It asks for another kind of login, not OAuth.",
        "Log in with the method it names: authlens supports OAuth.",
    ),
    Protection.UNAUTHORIZED_BARE: ProtectionNote(
        Layer.ORIGIN,
        "It refuses (401) without saying how to log in: there is no readable WWW-Authenticate header.",
        "Continue: the well-known URLs are tried. If they return nothing, use a browser, and ask the owner "
        "to send WWW-Authenticate.",
        traits=frozenset({Trait.GOES_ON}),
    ),
    Protection.METHOD_NOT_ALLOWED: ProtectionNote(
        Layer.ORIGIN,
        "It does not support this request method, so it does not say how it is protected.",
        "Try the other method: --method POST, as MCP servers expect, or --method GET.",
        traits=frozenset({Trait.MAY_GO_ON, Trait.NOT_REFUSED}),
    ),
    Protection.REDIRECT_ELSEWHERE: ProtectionNote(
        Layer.ORIGIN,
        "It redirects, and authlens does not follow redirects during a login.",
        "If you trust the target, give its URL to authlens.",
    ),
    Protection.PREFLIGHT: ProtectionNote(
        Layer.ACCESS,
        "Access refuses the preflight request (OPTIONS), which never includes a credential.",
        "Ask the owner to let Access answer preflight requests, or forward them: Zero Trust → Access "
        "controls → Applications → (app) → Advanced settings → Cross-Origin Resource Sharing (CORS).",
    ),
    Protection.FORBIDDEN: ProtectionNote(
        Layer.ORIGIN,
        "It refuses (403) without saying how to log in.",
        "Check the URL, and ask the owner whether your network or account is allowed.",
        traits=frozenset({Trait.REFUSES_CREDENTIAL}),
    ),
    Protection.NOT_FOUND: ProtectionNote(
        Layer.ORIGIN,
        "Nothing was found at this address (404).",
        "Check the path of the URL; another path of this host may be protected.",
        traits=frozenset({Trait.MAY_GO_ON, Trait.NOT_REFUSED}),
    ),
    Protection.RATE_LIMITED: ProtectionNote(
        Layer.ORIGIN, "It limits requests (429 Too Many Requests).", "Wait a minute, then try again."
    ),
    Protection.SERVER_ERROR: ProtectionNote(
        Layer.ORIGIN, "The server failed.", "Try again in a minute; if it lasts, tell the owner."
    ),
    Protection.UNEXPECTED: ProtectionNote(
        Layer.ORIGIN,
        "The response does not mention a login.",
        "Look at the response, and check the URL and --method.",
        traits=frozenset({Trait.NOT_REFUSED, Trait.SAYS_NOTHING}),
    ),
    Protection.NO_ANSWER: ProtectionNote(
        Layer.NETWORK,
        "There was no answer.",
        "Check the address and the network, then try again.",
        traits=frozenset({Trait.SAYS_NOTHING}),
    ),
}

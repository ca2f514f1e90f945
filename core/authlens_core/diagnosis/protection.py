"""What can be between a user and a resource, and what to do about each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from functools import cache
from typing import Final, NamedTuple

from authlens_core.values.check import Layer
from authlens_core.values.fix import Fix, WayOn, cure_in, fix
from authlens_core.values.word_files import words

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
        return self in _TRAITS[trait]


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


# What follows from a classification; a new one is in each set that is true of it.
_TRAITS: Final[Mapping[Trait, frozenset[Protection]]] = {
    Trait.GOES_ON: frozenset({Protection.OAUTH, Protection.UNAUTHORIZED_BARE}),
    Trait.MAY_GO_ON: frozenset(
        {Protection.PUBLIC, Protection.ACCESS_LOGIN, Protection.METHOD_NOT_ALLOWED, Protection.NOT_FOUND}
    ),
    Trait.NOT_REFUSED: frozenset(
        {Protection.PUBLIC, Protection.METHOD_NOT_ALLOWED, Protection.NOT_FOUND, Protection.UNEXPECTED}
    ),
    Trait.REFUSES_CREDENTIAL: frozenset(
        {Protection.OAUTH, Protection.ACCESS_LOGIN, Protection.SERVICE_AUTH_ONLY, Protection.FORBIDDEN}
    ),
    Trait.AT_THE_EDGE: frozenset(
        {Protection.BLOCKED, Protection.REQUIRE_ACCESS_PROTECTION, Protection.ORIGIN_DOWN}
    ),
    Trait.SAYS_NOTHING: frozenset({Protection.PUBLIC, Protection.UNEXPECTED, Protection.NO_ANSWER}),
}
# Who gives the answer, if it is not the origin.
_LAYERS: Final[Mapping[Protection, Layer]] = {
    Protection.ACCESS_LOGIN: Layer.ACCESS,
    Protection.SERVICE_AUTH_ONLY: Layer.ACCESS,
    Protection.BLOCKED: Layer.WAF,
    Protection.REQUIRE_ACCESS_PROTECTION: Layer.ACCESS,
    Protection.PREFLIGHT: Layer.ACCESS,
    Protection.NO_ANSWER: Layer.NETWORK,
}


class ProtectionNote(NamedTuple):
    """What a protection means to a user.

    Attributes:
        cure: what to do, one or two sentences; empty where nothing is wrong.
    """

    layer: Layer
    summary: str
    cure: str | Fix


@cache
def note_on(protection: Protection) -> ProtectionNote:
    """Return who gives such an answer, and its entry in `words/protections.json`."""
    entry = words("protections")[protection]
    cure = cure_in(entry.get("cure", ""))
    if "ways" in entry:
        cure = fix(cure, ways=map(WayOn, entry["ways"]))
    return ProtectionNote(_LAYERS.get(protection, Layer.ORIGIN), entry["summary"], cure)

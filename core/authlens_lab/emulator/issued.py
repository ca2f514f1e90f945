"""What an authorization server issues: clients, codes, grants and tokens; what it refuses; its rules."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.values.secret import Unprinted
from authlens_core.values.word_files import words
from authlens_lab.emulator import randomness
from authlens_lab.emulator.profile import Profile

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_CREDENTIALS_GRANT: Final = "client_credentials"
JWT_BEARER_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MACHINE_GRANTS: Final = (CLIENT_CREDENTIALS_GRANT, JWT_BEARER_GRANT)
MOST_ENTRIES: Final = 5000  # of one table, so that a client in a loop cannot fill the memory
TOKEN_CHARACTERS: Final = 65  # of a token of Access after the prefix, as observed
DENIED_BY_POLICY: Final = "mallory@example.com"
# A SHA-256 digest in base64url (RFC 7636 §4.2).
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

Entry = TypeVar("Entry")


class OAuthRefusal(Exception):
    """A refusal with an RFC 6749 §5.2 error code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class RegisteredClient(Unprinted, Struct, frozen=True):
    """A registered client (RFC 7591), or one of a client metadata document. A public one has no secret.

    Attributes:
        key: the public JWK of one that authenticates with a signature, or None.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    name: str = ""
    auth_method: str = "none"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    issued_at: int = 0
    secret: str = ""
    management_token: str = ""
    key: Mapping[str, Any] | None = None


class IssuedGrant(Unprinted, Struct, kw_only=True):
    """One user's permission to one client: the family of its tokens, which end together.

    Attributes:
        user: empty until a user has approved it.
        nonce: of the authorization request, for the first ID token; empty without one.
        audience: the party that its access tokens are for (RFC 8707); empty where none was asked for.
        jkt: the thumbprint of the key that it is bound to; empty without one (RFC 9449 §6).
        refresh_token: the newest.
        refreshable: whether it has a refresh token; a program's has none (RFC 6749 §4.4.3).
        refused_by_the_edge: it can be refreshed, but the resource refuses its access tokens.
    """

    client_id: str
    user: str = ""
    expires_at: float = math.inf
    scope: str = ""
    nonce: str = ""
    audience: str = ""
    jkt: str = ""
    refresh_token: str = ""
    previous_token: str = ""
    alive: bool = True
    refreshable: bool = True
    refused_by_the_edge: bool = False


class AuthorizationCode(Unprinted, Struct, frozen=True):
    """What a code stands for (RFC 6749 §4.1.2, RFC 7636 §4.4)."""

    grant: IssuedGrant
    redirect_uri: str
    challenge: str
    expires_at: float


class AccessToken(Struct, frozen=True):
    """What an access token stands for."""

    grant: IssuedGrant
    expires_at: float


class DeviceLogin(Unprinted, Struct, kw_only=True):
    """A device login (RFC 8628); its grant has a user once one has approved it.

    Attributes:
        beside: whose browser was open where it began; empty if none was.
    """

    grant: IssuedGrant
    device_code: str
    user_code: str
    expires_at: float
    next_poll: float
    interval: int = 1
    polls: int = 0
    beside: str = ""
    denied: bool = False


class GrantRules(Struct, frozen=True, kw_only=True):
    """How one profile's server differs from another's.

    Attributes:
        refusals: the descriptions of errors at `code`, `refresh_token` and `authorization`, by the reason.
        grant_types: those of its token endpoint.
        client_id: makes one.
        token: makes a refresh token.
        grant_lifetime: seconds a grant, and so its refresh tokens, lives.
        rotation: whether a refresh issues a new refresh token and ends the old one.
        grace: whether the refresh token before the newest is good until the newest is used.
        ends_replaced: whether a refresh token that was replaced is refused.
        detects_reuse: whether one that was replaced is refused, and ends its grant.
        denied: users that the policy refuses at the start.
    """

    refusals: Mapping[str, Mapping[str, str]]
    grant_types: tuple[str, ...]
    client_id: Callable[[], str]
    token: Callable[[], str]
    grant_lifetime: float = math.inf
    rotation: bool = True
    grace: bool = False
    ends_replaced: bool = True
    detects_reuse: bool = True
    denied: frozenset[str] = frozenset()


def new_token() -> str:
    """Return an access or a refresh token, in the form in which Access issues both."""
    return "oauth:" + randomness.token_urlsafe(64)[:TOKEN_CHARACTERS]


_REFUSALS: Final = words("emulator", "authlens_lab")
RULES: Final = GrantRules(
    refusals=_REFUSALS["standard-refusals"],
    grant_types=("authorization_code", "refresh_token", DEVICE_GRANT),
    # It is typed behind an option, and what starts with a dash would be another option.
    client_id=lambda: randomness.token_urlsafe(16).lstrip("-"),
    token=partial(randomness.token_urlsafe, 32),
)
ACCESS_RULES: Final = GrantRules(
    refusals=_REFUSALS["access-refusals"],
    grant_types=("authorization_code", "refresh_token"),
    client_id=lambda: str(randomness.uuid4()),
    token=new_token,
    denied=frozenset({DENIED_BY_POLICY}),
)
_RULES: Final = {Profile.ACCESS: ACCESS_RULES, Profile.MACHINE: replace(RULES, grant_types=MACHINE_GRANTS)}


def rules_of(profile: Profile) -> GrantRules:
    return _RULES.get(profile, RULES)


def s256(text: str) -> str:
    """Return the digest of a verifier, or of a token (RFC 7636 §4.2, RFC 9449 §4.1)."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def put(entries: dict[str, Entry], key: str, value: Entry, most: int = MOST_ENTRIES) -> None:
    """Store `value`, and drop the oldest entry of a full table."""
    if len(entries) >= most:
        del entries[next(iter(entries))]
    entries[key] = value

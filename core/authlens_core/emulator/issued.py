"""What an authorization server issues, as values: clients, codes, grants and tokens; and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_CREDENTIALS_GRANT: Final = "client_credentials"
JWT_BEARER_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MACHINE_GRANTS: Final = frozenset({CLIENT_CREDENTIALS_GRANT, JWT_BEARER_GRANT})


class OAuthRefusal(Exception):
    """A refusal with an RFC 6749 §5.2 error code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class RegisteredClient:
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
    secret: str = field(default="", repr=False)
    management_token: str = field(default="", repr=False)
    key: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a code stands for (RFC 6749 §4.1.2, RFC 7636 §4.4)."""

    client_id: str
    redirect_uri: str
    challenge: str = field(repr=False)
    user: str
    expires_at: float
    scope: str = ""
    nonce: str = ""
    audience: str = ""


@dataclass(slots=True)
class IssuedGrant:
    """One user's permission to one client: the family of its tokens, which end together.

    Attributes:
        nonce: of the authorization request, for the first ID token; empty without one.
        audience: the party that its access tokens are for (RFC 8707); empty where none was asked for.
        jkt: the thumbprint of the key that it is bound to; empty without one (RFC 9449 §6).
        refresh_token: the newest.
        refreshable: whether it has a refresh token; a program's has none (RFC 6749 §4.4.3).
        refused_by_the_edge: it can be refreshed, but the resource refuses its access tokens.
    """

    client_id: str
    user: str
    expires_at: float = math.inf
    scope: str = ""
    nonce: str = ""
    jkt: str = ""
    refresh_token: str = field(default="", repr=False)
    previous_token: str = field(default="", repr=False)
    alive: bool = True
    refreshable: bool = True
    refused_by_the_edge: bool = False
    audience: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token stands for."""

    grant: IssuedGrant
    expires_at: float


@dataclass(slots=True)
class DeviceLogin:
    """A device login (RFC 8628): `user` is set once the user has decided.

    Attributes:
        beside: whose browser was open where it began; empty if none was.
    """

    client_id: str
    device_code: str = field(repr=False)
    user_code: str
    scope: str
    expires_at: float
    next_poll: float
    interval: int = 1
    polls: int = 0
    beside: str = ""
    user: str = ""
    denied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRules:
    """How one profile's server differs from another's.

    Attributes:
        words: what the server says of a refused code and of a refused refresh token, by the reason.
        grant_types: what its token endpoint takes.
        client_id: makes one.
        refresh_token: makes one.
        grant_lifetime: seconds a grant, and so its refresh tokens, lives.
        rotation: whether a refresh issues a new refresh token and ends the old one.
        grace: whether the refresh token before the newest is good until the newest is used.
        detects_reuse: whether a refresh token that was replaced is refused, and ends its grant.
        denied: users that the policy refuses at the start.
    """

    words: Mapping[str, Mapping[str, str]]
    grant_types: frozenset[str]
    client_id: Callable[[], str]
    refresh_token: Callable[[], str]
    grant_lifetime: float = math.inf
    rotation: bool = True
    grace: bool = False
    detects_reuse: bool = True
    denied: frozenset[str] = frozenset()

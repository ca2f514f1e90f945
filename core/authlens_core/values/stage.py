"""What a trace and its records are about: stages, grant types, how they ended, and a client's ways."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """What a record is about: the stages of a login in their order, then what is done with a grant later.

    A login has some of these stages; which, its `Flow` says.
    """

    DETECTION = "detection"
    RESOURCE_METADATA = "resource_metadata"
    SERVER_METADATA = "server_metadata"
    REGISTRATION = "registration"
    PKCE = "pkce"
    AUTHORIZATION = "authorization"
    EXCHANGE = "exchange"
    ACCESS = "access"
    REFRESH = "refresh"
    REVOKE = "revoke"
    PROBE = "probe"


LOGIN_STAGES: Final = tuple(
    stage for stage in Stage if stage not in (Stage.REFRESH, Stage.REVOKE, Stage.PROBE)
)


class Outcome(StrEnum):
    """How a stage ended."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TraceKind(StrEnum):
    """What the user set out to do."""

    LOGIN = "login"
    REFRESH = "refresh"
    REVOKE = "revoke"
    PROBE = "probe"


# How a client authenticates at the token endpoint (RFC 7591 §2).
AUTH_METHODS: Final = ("none", "client_secret_basic", "client_secret_post")


class Need(StrEnum):
    """What a server wants of a request although no specification asks for it."""

    SCOPE = "scope"
    """The granted scope in a refresh (Microsoft Entra ID: AADSTS90014)."""
    RAW_BASIC = "raw basic"
    """Id and secret in Basic as they are, without the form encoding of RFC 6749 §2.3.1."""
    CLIENT_ID = "client_id"
    """The client's id in the body, beside Basic."""
    EMPTY_SECRET = "empty client_secret"  # noqa: S105 - a name
    """An empty `client_secret` of a public client: some servers read the field first."""
    ENDPOINT_AUDIENCE = "token endpoint as audience"
    """The token endpoint, not the issuer, in what a client signs (RFC 7523 §3, before its revision)."""


class GrantType(StrEnum):
    """What a login exchanges for tokens; each has its `Flow`. A refresh is no login and is not among them."""

    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
    """At an identity provider, for an assertion that the resource's server takes."""


MACHINE_GRANTS: Final = frozenset(
    {GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER, GrantType.TOKEN_EXCHANGE}
)

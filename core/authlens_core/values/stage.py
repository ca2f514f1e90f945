"""What a trace and its records are about: stages, grant types, and how they ended."""

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


class GrantType(StrEnum):
    """What a login exchanges for tokens; each has its `Flow`. A refresh is no login and is not among them."""

    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    CLIENT_CREDENTIALS = "client_credentials"

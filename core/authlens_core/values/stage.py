"""What a trace and its records are about, and how they ended."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What a record is about: the eight stages of a login, then what the dashboard does with a grant."""

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

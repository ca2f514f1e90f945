"""What can happen to a credential, in the words of the history."""

from __future__ import annotations

from enum import StrEnum


class AccessKind(StrEnum):
    """The kind of an event in the history. The index may hold others: another version wrote them."""

    LOGIN = "login"
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    REFRESHED = "refreshed"
    REFRESH_LOGIN_NEEDED = "refresh: login needed"
    REFRESH_UNKNOWN = "refresh: unknown"
    REFRESH_INTERRUPTED = "refresh interrupted"
    REVOKED = "revoked"
    REVOCATION_FAILED = "revocation failed"
    RENEWAL_ENDED = "renewal ended"
    REVEALED = "revealed"
    COPIED = "copied"
    MOVED = "moved"
    FORGOTTEN = "forgotten"
    RESTORED = "restored"
    SERVICE_TOKEN_ADDED = "service token added"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_REPLACED = "service token replaced"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_UNCHANGED = "service token unchanged"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_EDITED = "service token edited"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_REMOVED = "service token removed"  # noqa: S105 - an event, not a token
    CLIENT_REGISTERED = "client registered"
    CLIENT_FORGOTTEN = "client forgotten"


# What needs a user's attention.
TROUBLES = frozenset(
    {
        AccessKind.NOT_VERIFIED,
        AccessKind.REFRESH_LOGIN_NEEDED,
        AccessKind.REFRESH_UNKNOWN,
        AccessKind.REFRESH_INTERRUPTED,
        AccessKind.REVOCATION_FAILED,
    }
)

"""How a refresh can end, and what a caller may know beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.secret import Secret
from authlens_core.trace.record import Trace

__all__ = ["Observed", "RefreshOutcome", "Refreshed"]


class RefreshOutcome(StrEnum):
    """How a refresh ended."""

    REFRESHED = "refreshed"
    ADOPTED = "adopted"
    """Another process refreshed it meanwhile; nothing was sent."""
    NOT_NEEDED = "not needed"
    """The access token lasts long enough; nothing was sent."""
    LOGIN_NEEDED = "login needed"
    """Only a person can go on."""
    TRANSIENT = "transient"
    """It may work later; the grant says when it is tried again."""
    REFUSED = "refused"
    """The server said no for a reason that is not the token's end; its tokens stay."""
    UNKNOWN = "unknown"
    """What the server did is not known: the refresh token may be spent."""
    STORE_FAILED = "store failed"
    """The server gave new tokens and they could not be stored: they are in `Refreshed.unsaved` alone."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the resource and its server say now, for a caller that asked them again.

    Attributes:
        issuers: the authorization servers that the resource names.
        token_endpoint: the one in the server's metadata, or None where it was not fetched.
    """

    issuers: tuple[str, ...]
    token_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result of a refresh.

    Attributes:
        grant: the grant as it is stored now; with STORE_FAILED, as it is to be stored with `unsaved`.
        outcome: how it ended.
        trace: what was sent and what came back.
        summary: what happened, one sentence.
        cure: what to do, one sentence, or the empty string.
        retry_after: seconds that the server asks to be left alone, or None.
        access_token: the access token that is stored now, whether it is valid or not.
        unsaved: with STORE_FAILED the new secrets, for `Credentials.save(grant, unsaved)`.
    """

    grant: Grant
    outcome: RefreshOutcome
    trace: Trace
    summary: str
    cure: str = ""
    retry_after: int | None = None
    access_token: Secret | None = None
    unsaved: GrantSecrets | None = None

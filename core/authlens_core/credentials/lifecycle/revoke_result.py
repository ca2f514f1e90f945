"""How a revocation can end, for each token and as a whole."""

from __future__ import annotations

from enum import StrEnum

from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.records.grant import Grant
from authlens_core.oauth.revocation import RevocationOutcome, TokenHint
from authlens_core.trace.record import Trace
from authlens_core.values.quick_dataclass import dataclass


class RevokeOutcome(StrEnum):
    """How a revocation ended."""

    REVOKED = "revoked"
    """The server confirmed it; the tokens are removed from here."""
    RENEWAL_ENDED = "renewal ended"
    """The server cannot revoke the access token: nothing renews it, and it works until it expires."""
    FAILED = "failed"
    """The server did not confirm it; the grant is stored and marked."""
    NO_ENDPOINT = "no endpoint"
    """The server has no usable revocation endpoint; nothing was sent and nothing changed."""


@dataclass(frozen=True, slots=True)
class TokenResult:
    """What happened to one token.

    Attributes:
        outcome: the server's word; None if there was no answer.
        summary: the same in words.
        retry_after: seconds that the server asks to be left alone, or None.
    """

    token: TokenHint
    outcome: RevocationOutcome | None
    summary: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(ActionResult):
    """The result of a revocation that could be tried; `details` is what each token and the resource answered.

    Attributes:
        grant: the grant as it is now; with REVOKED as it was before it was removed.
        tokens: each token's own result, in the order in which they were revoked.
        still_accepted: whether the resource accepted the access token afterwards; None if its answer says
            neither, or it was not asked.
        removed: true if the tokens are gone from this machine.
    """

    outcome: RevokeOutcome
    trace: Trace
    grant: Grant
    tokens: tuple[TokenResult, ...]
    still_accepted: bool | None
    removed: bool

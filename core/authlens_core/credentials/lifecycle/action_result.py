"""The result of an action on one credential, as the app and the command line show it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from authlens_core.credentials.records.grant import Grant, GrantSecrets, TokenVerdict
from authlens_core.trace.record import Trace
from authlens_core.values.check import Diagnosis, Layer
from authlens_core.values.errors import AuthlensError
from authlens_core.values.fix import Fix
from authlens_core.values.safe_text import safe_fields

if TYPE_CHECKING:
    from authlens_core.diagnosis.classification import Classification
    from authlens_core.oauth.revocation import RevocationOutcome, TokenHint


class ActionOutcome(StrEnum):
    """The outcome of an action that has no outcomes of its own."""

    DONE = "done"
    FAILED = "failed"
    """The store, a lock or the record was in the way."""


class ActionResult(Struct, frozen=True, kw_only=True):
    """What an action on one credential came to.

    Attributes:
        outcome: how it ended; its value is the word in JSON.
        summary: what happened, one or two sentences; made safe to show, as `cure` is.
        cure: what to do, or the empty string.
        error_type: the error that a verb ends with; None if the action did what was asked for.
        trace: what was sent and received; None if nothing could be.
        details: further results, such as that of each token, a sentence each.
    """

    outcome: StrEnum
    summary: str
    cure: str | Fix = ""
    error_type: type[AuthlensError] | None = None
    trace: Trace | None = None
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        safe_fields(self, "summary", "cure")

    @property
    def good(self) -> bool:
        return self.error_type is None

    @property
    def has_failed(self) -> bool:
        """Whether it could not be done at all."""
        return self.outcome is ActionOutcome.FAILED

    @property
    def sign(self) -> str:
        """The sign that both faces show before the summary."""
        return "✔" if self.good else "✖"

    @property
    def exit_code(self) -> int:
        """The exit code of a verb that did only this."""
        return 0 if self.error_type is None else self.error_type.exit_code


def failed_action(error: AuthlensError) -> ActionResult:
    return ActionResult(
        outcome=ActionOutcome.FAILED, summary=error.cause, cure=error.cure, error_type=type(error)
    )


# -- refresh -----------------------------------------------------------------------------------------------


class RefreshOutcome(StrEnum):
    """How a refresh ended."""

    REFRESHED = "refreshed"
    ADOPTED = "adopted"
    """Another process refreshed it meanwhile; nothing was sent."""
    NOT_NEEDED = "not needed"
    """The access token lasts long enough; nothing was sent."""
    LOGIN_NEEDED = "login needed"
    """Only a new login helps."""
    TRANSIENT = "transient"
    """It may work later; the grant says when it is tried again."""
    REFUSED = "refused"
    """The server refused for a reason other than the end of the token; the tokens stay stored."""
    DOWNGRADED = "downgraded"
    """The server answered with a token that is not bound to the key; only its new refresh token is stored."""
    UNKNOWN = "unknown"
    """What the server did is unknown: the refresh token may be spent."""
    STORE_FAILED = "store failed"
    """The new tokens could not be stored: `Refreshed.secrets` is the only copy."""


class Refreshed(ActionResult, frozen=True, kw_only=True):
    """The result of a refresh that could be tried.

    Attributes:
        grant: the grant as it is stored now; with STORE_FAILED, as it is to be stored.
        secrets: what is stored now, whether its access token is valid or not; with STORE_FAILED, the only
            copy of the new ones.
    """

    outcome: RefreshOutcome
    trace: Trace
    grant: Grant
    secrets: GrantSecrets

    @property
    def is_new(self) -> bool:
        """Whether this refresh got the access token from the server."""
        return self.outcome is RefreshOutcome.REFRESHED

    @property
    def may_be_spent(self) -> bool:
        """Whether the refresh token may be spent, so that sending it again may end the login."""
        return self.outcome is RefreshOutcome.UNKNOWN


# -- revoke ------------------------------------------------------------------------------------------------


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


class TokenResult(Struct, frozen=True):
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


class Revoked(ActionResult, frozen=True, kw_only=True):
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


# -- probe -------------------------------------------------------------------------------------------------


class ProbeResult(ActionResult, frozen=True, kw_only=True):
    """What the resource answered to a credential.

    Attributes:
        accepted: the resource's decision; None if its answer is about something else, or nothing was sent.
        layer: who answered; `THIS_MACHINE` if nothing was sent, because the secret store or a file was in
            the way.
        classification: what the answer is; None if nothing was sent.
        diagnosis: why it was not accepted; None if it was, or the reason is unknown.
    """

    outcome: TokenVerdict
    accepted: bool | None
    layer: Layer
    classification: Classification | None = None
    diagnosis: Diagnosis | None = None

    @property
    def said(self) -> str:
        """The summary, with the number by which Cloudflare finds the answer, if it has one."""
        ray = None if self.diagnosis is None else self.diagnosis.cf_ray
        return self.summary if ray is None else f"{self.summary} CF-Ray: {ray}."

    @property
    def was_sent(self) -> bool:
        return self.layer is not Layer.THIS_MACHINE

    @property
    def was_answered(self) -> bool:
        return self.was_sent and self.layer is not Layer.NETWORK

    @property
    def sign(self) -> str:
        """The sign that both faces show before the summary: `?` if the resource did not decide."""
        return {True: "✔", False: "✖", None: "?"}[self.accepted]


def failed_probe(error: AuthlensError) -> ProbeResult:
    return ProbeResult(
        outcome=TokenVerdict.UNTESTED,
        summary=error.cause,
        cure=error.cure,
        error_type=type(error),
        accepted=None,
        layer=Layer.THIS_MACHINE,
    )

"""What a caller of a refresh asks for, and how the refresh can end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.trace.record import Trace
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret


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
    """The new tokens could not be stored: `Refreshed.unsaved` holds the only copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshOptions:
    """When to refresh, and for how long another process that does is waited for.

    Attributes:
        min_ttl: how long the access token has to last to be left alone; None for a minute, or half of its
            life if that is less.
        force: refresh a token that lasts long enough, too.
        despite_unknown: send the refresh token although it may be spent, because the user chose to.
        patient: send nothing before the time at which a refresh that failed is to be tried again.
        refused: the access token that the resource has refused (RFC 6750 §3.1, `invalid_token`): it is
            refreshed however long it should last, unless another one is stored by now.
        give_up: asked repeatedly during the wait for another process that is refreshing; true ends it.
    """

    min_ttl: timedelta | None = None
    force: bool = False
    despite_unknown: bool = False
    patient: bool = False
    refused: Secret | None = None
    give_up: Callable[[], bool] = bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed(ActionResult):
    """The result of a refresh that could be tried.

    Attributes:
        grant: the grant as it is stored now; with STORE_FAILED, as it is to be stored with `unsaved`.
        access_token: the access token that is stored now, whether it is valid or not.
        dpop_key: the private key that it is bound to, or None.
        unsaved: with STORE_FAILED the new secrets, for `Credentials.save(grant, unsaved)`.
    """

    outcome: RefreshOutcome
    trace: Trace
    grant: Grant
    access_token: Secret
    dpop_key: Secret | None = None
    unsaved: GrantSecrets | None = None

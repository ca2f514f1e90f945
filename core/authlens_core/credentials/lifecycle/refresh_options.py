"""When a grant is refreshed, and for how long another process that does is waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshOptions:
    """What the caller of a refresh wants.

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

"""One access token for one URL, refreshed if it would not last: what scripts and agents ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from authlens_core.credentials.lifecycle.action_result import Refreshed, RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.records.grant import Grant, TokenVerdict, utc_now
from authlens_core.credentials.records.refresh_schedule import RefreshOptions, lasts
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.dpop import is_bound
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire


@dataclass(frozen=True, slots=True)
class UsableToken:
    """An access token with what has to be known to send it.

    Attributes:
        dpop_key: the private key that it is bound to, or None.
    """

    token: Secret
    grant: Grant
    dpop_key: Secret | None

    @property
    def is_bound(self) -> bool:
        """True if each request with it needs a proof (RFC 9449)."""
        return is_bound(self.grant.token_type)


async def usable_token(
    credentials: Credentials,
    wire: Wire,
    grant: Grant,
    *,
    min_ttl: timedelta | None = None,
    refused: Secret | None = None,
    now: Callable[[], datetime] = utc_now,
) -> UsableToken:
    """Return the access token of a login, refreshed if it would not last; never opens a browser.

    A token that ends sooner is still given where the server could not be reached for a new one. One that the
    resource is known to refuse is not, whatever the clock says.

    Args:
        min_ttl: how long it has to last; None for a minute, or half of its life where that is less.
        refused: the token from an earlier call, where the resource answered it with 401 `invalid_token`: it
            is refreshed, once, whatever the clock says. A caller whose new token is refused as well stops.

    Raises:
        LoginNeeded: only a user can renew it.
        Refused: the server refused the refresh.
        NetworkFailure: the token has expired and the server cannot be reached just now.
        NoSecretStore: the store could not be read or written.
        LockBusy: another process was refreshing all the time.
    """
    # Asking the store takes long: it is not asked for a token that will not be given.
    if refused is None and grant.state.is_wanted and lasts(grant, min_ttl, now()):
        stored, secrets = await credentials.load(grant.grant_id)
        # Again: another process may have replaced or revoked it since it was looked up.
        if stored.state.is_wanted and lasts(stored, min_ttl, now()):
            if stored.last_verdict is not TokenVerdict.REFUSED:
                return UsableToken(secrets.access_token, stored, secrets.dpop_key)
            refused = secrets.access_token  # noted by the program that was refused with it
    options = RefreshOptions(min_ttl=min_ttl, refused=refused)
    result = await refresh(credentials, wire, grant.grant_id, options, now=now)
    # A server that is down for a moment must not stop a script whose token still works.
    if result.error_type is None or _still_good(result, refused, now()):
        return UsableToken(result.access_token, result.grant, result.dpop_key)
    raise result.error_type(result.summary, result.cure)


def _still_good(result: Refreshed, refused: Secret | None, moment: datetime) -> bool:
    """Return whether the old token is still worth something where there is no new one for now."""
    if result.outcome is not RefreshOutcome.TRANSIENT or result.access_token == refused:
        return False
    return lasts(result.grant, timedelta(0), moment)

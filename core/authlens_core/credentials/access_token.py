"""One access token for one URL, refreshed if it would not last: what scripts and agents ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.model import SOON, Grant, GrantState, utc_now
from authlens_core.credentials.refresh import refresh
from authlens_core.credentials.refresh_result import Refreshed, RefreshOutcome
from authlens_core.errors import LoginNeeded, NetworkFailure, NoSecretStore, Refused
from authlens_core.safe_text import safe_line
from authlens_core.secret import Secret
from authlens_core.wire.client import Wire

__all__ = ["access_token"]


async def access_token(
    credentials: Credentials,
    wire: Wire,
    url: str,
    *,
    min_ttl: timedelta = SOON,
    now: Callable[[], datetime] = utc_now,
) -> Secret:
    """Return a token that may be sent to `url` and lasts for `min_ttl`; never opens a browser.

    A token that ends sooner is still given where the server could not be reached for a new one.

    Raises:
        LoginNeeded: there is no login for the URL, or only a person can renew it.
        Refused: the server refused the refresh.
        NetworkFailure: the token has expired and the server cannot be reached just now.
        NoSecretStore: the store could not be read or written.
        LockBusy: another process was refreshing all the time.
    """
    grant, secrets = await credentials.load(_find(credentials, url).grant_id)
    if _is_wanted(grant) and _lasts(grant, min_ttl, now()):
        return secrets.access_token
    result = await refresh(credentials, wire, grant.grant_id, min_ttl=min_ttl, now=now)
    if result.outcome in (RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED, RefreshOutcome.NOT_NEEDED):
        return (await credentials.load(grant.grant_id))[1].access_token
    if result.outcome is RefreshOutcome.TRANSIENT and _lasts(grant, timedelta(0), now()):
        return secrets.access_token
    raise _error(result)


def _find(credentials: Credentials, url: str) -> Grant:
    found = credentials.find(url)
    if found is None:
        shown = safe_line(url, 300)
        raise LoginNeeded(f"There is no login for {shown} on this machine.", f"Run: authlens login {shown}")
    return found


def _is_wanted(grant: Grant) -> bool:
    return grant.state not in (GrantState.REVOKED, GrantState.REVOCATION_FAILED)


def _lasts(grant: Grant, min_ttl: timedelta, moment: datetime) -> bool:
    return grant.expires_at is None or grant.expires_at - moment > min_ttl


def _error(result: Refreshed) -> LoginNeeded | NetworkFailure | NoSecretStore | Refused:
    match result.outcome:
        case RefreshOutcome.TRANSIENT:
            return NetworkFailure(result.summary, result.cure)
        case RefreshOutcome.STORE_FAILED:
            return NoSecretStore(result.summary, result.cure)
        case RefreshOutcome.REFUSED:
            return Refused(result.summary, result.cure)
        case _:
            return LoginNeeded(result.summary, result.cure)

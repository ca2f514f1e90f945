"""How a token of cloudflared stands, in the words that the dashboard has for every credential."""

from __future__ import annotations

from datetime import datetime

from authlens_core.access.cloudflared_files import CloudflaredToken
from authlens_core.credentials.model import SOON, Standing, StandingKind, symbol, utc_now

__all__ = ["describe_cloudflared"]


def describe_cloudflared(token: CloudflaredToken, now: datetime | None = None) -> Standing:
    """Return how `token` stands at `now` (default: the present). Nothing here can refresh it."""
    moment = now or utc_now()
    left = None if token.expires_at is None else (token.expires_at - moment).total_seconds()
    waits = token.lock is not None and token.lock.holds
    kind = _kind(token, left, moment, waits=waits)
    note = token.problem if kind is StandingKind.UNREADABLE else ""
    if kind is StandingKind.FOREIGN:
        note = (
            "The token in this file is not for the application in its name, so it is sent nowhere. To get "
            "the right one: authlens login URL --cloudflared"
        )
    if kind is StandingKind.NOT_YET and token.not_before is not None:
        note = (
            f"It is valid from {token.not_before:%Y-%m-%d %H:%M:%S} UTC. Is the clock of this machine right?"
        )
    if kind is StandingKind.EXPIRED:
        note = "cloudflared removes it at the next login: authlens login URL --cloudflared"
    if waits and token.lock is not None:
        note = f"{note} cloudflared (process {token.lock.pid}) waits for a login.".lstrip()
    return Standing(kind, symbol(kind), kind.value, left, False, note)


def _kind(token: CloudflaredToken, left: float | None, now: datetime, *, waits: bool) -> StandingKind:
    if token.problem:
        return StandingKind.LOGIN_WAITING if waits or token.pending_url else StandingKind.UNREADABLE
    if left is not None and left <= 0:
        return StandingKind.LOGIN_WAITING if waits else StandingKind.EXPIRED
    if token.is_foreign:
        return StandingKind.FOREIGN
    if token.is_early(now):
        return StandingKind.NOT_YET
    if left is None:
        return StandingKind.UNKNOWN_END
    return StandingKind.SOON if left <= SOON.total_seconds() else StandingKind.LIVE

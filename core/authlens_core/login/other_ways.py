"""The two other ways in, for a login by OAuth that ends before a client is registered."""

from __future__ import annotations

from enum import StrEnum

from authlens_core.access.answer import classify
from authlens_core.access.protection import Protection
from authlens_core.oauth.check import CheckId
from authlens_core.trace.record import Outcome, Stage, StageRecord


class OtherWay(StrEnum):
    """A way to a protected resource that is not OAuth."""

    CLOUDFLARED = "cloudflared"
    SERVICE_TOKEN = "service token"  # noqa: S105 - the name of a way, not a secret


_BY_PROTECTION = {
    Protection.ACCESS_LOGIN: (OtherWay.CLOUDFLARED, OtherWay.SERVICE_TOKEN),
    Protection.SERVICE_AUTH_ONLY: (OtherWay.SERVICE_TOKEN,),
}
_BY_CHECK = {
    CheckId.METADATA_FOUND.value: (OtherWay.CLOUDFLARED,),
    CheckId.SERVER_REGISTRATION.value: (OtherWay.CLOUDFLARED, OtherWay.SERVICE_TOKEN),
}


def other_ways(record: StageRecord | None) -> tuple[OtherWay, ...]:
    """Return the ways that are worth trying after `record` failed; none where they would fail alike."""
    if record is None or record.outcome is not Outcome.FAILED:
        return ()
    if record.stage is Stage.DETECTION:
        # Answers of metadata documents follow the one that refuses.
        found = (classify(exchange).protection for exchange in record.exchanges)
        return next((_BY_PROTECTION[one] for one in found if one in _BY_PROTECTION), ())
    return next((_BY_CHECK[check.name] for check in record.failures if check.name in _BY_CHECK), ())

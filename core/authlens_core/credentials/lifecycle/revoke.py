"""Revoking a grant (RFC 7009) and verifying it: only what the server confirmed is called revoked.

The refresh token goes first, which should end its access tokens too; then the access token, each with its own
result. Then the resource is called until it refuses the token. Only then are the tokens removed from this
machine. A grant whose revocation was started and not confirmed stays stored and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from authlens_core.credentials.lifecycle.action_result import Revoked
from authlens_core.credentials.lifecycle.revoke_operation import RevokeOperation
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.wire.client import Wire

# How long a resource that still accepts the token is asked again: Cloudflare Access needs 20 to 30 s.
PROOF_SECONDS: Final = 31.0


def proof_pauses(seconds: float) -> tuple[float, ...]:
    """Return the pauses between the calls of a resource: doubled up to 8 s, `seconds` together."""
    pauses: list[float] = []
    left = seconds
    while left > 0:
        pauses.append(min(2.0 ** min(len(pauses), 3), left))
        left -= pauses[-1]
    return tuple(pauses)


async def revoke(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    *,
    waiting: Callable[[float], None] = lambda _seconds: None,
    pauses: Sequence[float] | None = None,
) -> Revoked:
    """Revoke the tokens of a grant at its server, verify that, and remove them from this machine.

    Args:
        waiting: called with the seconds that it may take, where the resource still accepts the token after
            the server has confirmed the revocation, and is asked again.
        pauses: seconds between these calls; None for those of `PROOF_SECONDS`.

    Raises:
        LoginNeeded: there is no such grant, or its secrets are gone or damaged: it can only be forgotten.
        NoSecretStore: the store or the index could not be used.
        LockBusy: another process was refreshing the grant all the time.
    """
    before = credentials.get(grant_id)
    async with credentials.locks.hold(*refresh_lock(before), purpose="revoking"):
        grant, secrets = await credentials.load(grant_id)
        done = await RevokeOperation(credentials, wire, grant, secrets, utc_now).run(
            waiting, proof_pauses(PROOF_SECONDS) if pauses is None else pauses
        )
    # With a grant that was revoked its traces went, too, and none is stored of one that is gone.
    credentials.traces.keep(grant_id, done.trace)
    return done

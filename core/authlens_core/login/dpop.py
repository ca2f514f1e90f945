"""Proof of possession in a login (RFC 9449): whether it is needed, and the proofs of its requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.stage import PlannedRequest
from authlens_core.oauth.dpop import TOKEN_TYPE, DpopNonces, is_bound
from authlens_core.wire.dpop import DpopSigner
from authlens_core.wire.purpose import Purpose

_AT_THE_TOKEN_ENDPOINT: Final = frozenset(
    {Purpose.TOKEN, Purpose.TOKEN_AGAIN, Purpose.DEVICE_TOKEN, Purpose.REFRESH, Purpose.REFRESH_AGAIN}
)


def needs_dpop(facts: Facts) -> bool:
    """Return whether the tokens have to be bound to a key.

    The user chose so, the resource metadata requires it, or the challenge names DPoP and not Bearer. That the
    server can do it is no reason: the resource may not take such tokens.
    """
    metadata, answer = facts.resource_metadata, facts.answer
    if facts.options.dpop or (metadata is not None and metadata.dpop_bound_access_tokens_required):
        return True
    challenges = answer.challenge_field.challenges if answer is not None else ()
    named = {TOKEN_TYPE if c.is_scheme(TOKEN_TYPE) else c.scheme.lower() for c in challenges}
    return TOKEN_TYPE in named and "bearer" not in named


class LoginProofs:
    """Gives the signer for a request of a login; it remembers the servers' nonces for all stages."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._nonces = DpopNonces()

    def signer(self, facts: Facts, planned: PlannedRequest) -> DpopSigner | None:
        """Return what signs the request, or None if it carries no proof."""
        key = facts.dpop_key
        scheme = (planned.request.headers.get("authorization") or "").partition(" ")[0]
        wanted = planned.purpose in _AT_THE_TOKEN_ENDPOINT or is_bound(scheme)
        if key is None or not wanted:
            return None
        return DpopSigner(key, nonces=self._nonces, remember=self._remember, now=self._clock)

    def _remember(self, nonces: DpopNonces) -> None:
        self._nonces = nonces

"""Whether the answer of a resource accepts the token that was sent."""

from __future__ import annotations

from typing import Final

from authlens_core.access.answer import Answer
from authlens_core.access.protection import Protection
from authlens_core.wire.exchange import Exchange

_REFUSALS: Final = frozenset({Protection.ACCESS_LOGIN, Protection.SERVICE_AUTH_ONLY, Protection.FORBIDDEN})


def token_accepted(exchange: Exchange, answer: Answer) -> bool | None:
    """Return whether the token was accepted; None if something other than the token decided."""
    response = exchange.response
    if response is None:
        return None
    if 200 <= response.status < 300:
        return True
    if response.status == 401 or answer.protection in _REFUSALS:
        return False
    # A Bearer challenge on another status refuses the token as well (RFC 9110 §11.6.1).
    return False if answer.protection is Protection.OAUTH else None

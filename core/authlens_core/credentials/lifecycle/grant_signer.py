"""The key and the nonces with which the requests of a stored grant are signed (RFC 9449)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.dpop import BadDpopKey, DpopNonces, load_dpop_key
from authlens_core.values.errors import LoginNeeded, StateUnusable
from authlens_core.values.exchange import Exchange
from authlens_core.values.fix import LOG_IN_AGAIN
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.secret import Secret
from authlens_core.values.url import UrlRefused
from authlens_core.wire.dpop_signer import DpopSigner

_FACT: Final = "dpop nonces"


def signer_for(
    credentials: Credentials, dpop_key: Secret | None, now: Callable[[], datetime] = utc_now
) -> DpopSigner | None:
    """Return what signs the requests of a grant with this key; None if its tokens are not bound.

    The servers' nonces are stored in the index, for the next program.

    Raises:
        LoginNeeded: the key cannot be read.
    """
    if dpop_key is None:
        return None
    try:
        key = load_dpop_key(dpop_key)
    except BadDpopKey:
        raise LoginNeeded(
            "The key that the tokens of this login are bound to cannot be read.", LOG_IN_AGAIN
        ) from None
    return DpopSigner(
        key, nonces=_stored(credentials), remember=lambda nonces: _store(credentials, nonces), now=now
    )


def note_nonces(credentials: Credentials, exchanges: Sequence[Exchange]) -> None:
    """Store the nonces that came with answers to signed requests."""
    nonces = before = _stored(credentials)
    for exchange in exchanges:
        if exchange.response is not None and exchange.request.headers.get("dpop") is not None:
            with suppress(UrlRefused):
                nonces = nonces.with_response(exchange.request, exchange.response)
    if nonces != before:
        _store(credentials, nonces)


def _stored(credentials: Credentials) -> DpopNonces:
    try:
        nonces = object_in((credentials.index.fact(_FACT) or "{}").encode())
    except StateUnusable:
        return DpopNonces()
    return DpopNonces({key: nonce for key, nonce in nonces.items() if isinstance(nonce, str)})


def _store(credentials: Credentials, nonces: DpopNonces) -> None:
    with suppress(StateUnusable):  # without it the next request is refused once and sent again
        credentials.index.set_fact(_FACT, json.dumps(dict(nonces.by_key)))

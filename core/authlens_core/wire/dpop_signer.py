"""Sending with proof of possession (RFC 9449): fresh proofs, and the nonces of servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

from authlens_core.oauth.dpop import DpopKey, DpopNonces, make_jti, wants_nonce, with_proof
from authlens_core.values.exchange import Exchange, Request, Response
from authlens_core.values.url import usable_url

_FIELD: Final = "dpop"


class DpopSigner:
    """Signs requests with the key of one grant.

    Args:
        remember: called with all nonces when a server sent another one.
        now: the clock, in UTC.
    """

    def __init__(
        self,
        key: DpopKey,
        *,
        nonces: DpopNonces | None = None,
        remember: Callable[[DpopNonces], None] = lambda _nonces: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.key = key
        self._nonces = nonces or DpopNonces()
        self._remember = remember
        self._now = now

    def sign(self, request: Request) -> Request:
        """Return the request with a fresh proof.

        Raises:
            UrlRefused: its URL cannot be sent.
        """
        return with_proof(request, self.key, self._nonces, now=self._now(), jti=make_jti())

    def knows_nonce(self, request: Request) -> bool:
        """Return whether the server that gets a request has sent a nonce before."""
        return self._nonces.get(request) is not None

    def learn(self, request: Request, response: Response) -> bool:
        """Note the nonce in the response to a request; return whether that may be sent again with it."""
        if usable_url(request.url, loopback_http=True) is None:
            return False
        nonces = self._nonces.with_response(request, response)
        if nonces != self._nonces:
            self._nonces = nonces
            self._remember(nonces)
        # A new nonce also comes with good answers (RFC 9449 §8.2): it is for the next request.
        return wants_nonce(response)


async def send_with_proof(
    signer: DpopSigner | None, request: Request, send: Callable[[Request], Awaitable[Exchange]]
) -> tuple[Exchange, ...]:
    """Send with a proof, and once again if the server asks for its nonce; return every exchange in order.

    Without a signer the request is sent as it is.
    """
    if signer is None:
        return (await send(request),)
    first = await send(signer.sign(request))
    if first.response is None or not signer.learn(request, first.response):
        return (first,)
    # Once only: a server that asks for a nonce again would ask for ever.
    second = await send(signer.sign(request))
    if second.response is not None:
        signer.learn(request, second.response)
    return first, second


def settled(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """Return the exchanges without those that were refused for want of a nonce and then sent again."""
    return tuple(
        exchange
        for exchange, following in zip_longest(exchanges, exchanges[1:])
        if following is None or not _is_sent_again(exchange, following)
    )


def _is_sent_again(first: Exchange, following: Exchange) -> bool:
    # What was sent a second time for another reason stays in the record as an exchange of its own.
    same = (first.request.method, first.request.url) == (following.request.method, following.request.url)
    signed = all(e.request.headers.get(_FIELD) is not None for e in (first, following))
    return same and signed and first.response is not None and wants_nonce(first.response)

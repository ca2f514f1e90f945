"""A streamed request with the credential, signed each time it is sent if the token is bound (RFC 9449)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from authlens_core.credentials.inventory.request_headers import CredentialHeaders
from authlens_core.errors import Refused
from authlens_core.gateway.forwarding import asks_for_a_token
from authlens_core.oauth.http_message import Headers, Response
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse

OwnFields = tuple[tuple[str, str], ...]


async def in_one_chunk(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body that is at hand as a request streams it."""
    yield body


@asynccontextmanager
async def signed_stream(
    wire: Wire,
    credential: CredentialHeaders,
    build: Callable[[OwnFields], StreamedRequest],
    *,
    replayable: bool = True,
) -> AsyncIterator[StreamedResponse]:
    """Send a request; send it again, once, if the resource wants its nonce in the proof.

    Args:
        credential: whose fields the request carries.
        build: returns the request with these fields.
        replayable: whether the body can be sent twice.

    Raises:
        Refused: the address cannot be signed; nothing was sent.
        StreamFailed: there was no answer.
    """
    # The nonce comes with the refusal of the first attempt (RFC 9449 §9); a second refusal is the answer.
    for last in (not replayable or credential.signer is None, True):
        url, request = _signed(credential, build)
        async with wire.stream(request) as answer:
            if credential.signer is None:
                yield answer
                return
            wants = credential.learn(url, _head(answer))
            if last or not (wants and asks_for_a_token(answer.status, answer.fields)):
                yield answer
                return


def _signed(
    credential: CredentialHeaders, build: Callable[[OwnFields], StreamedRequest]
) -> tuple[str, StreamedRequest]:
    bare = build(credential.fields)
    url = f"{bare.origin.origin}{bare.target.decode('latin-1')}"
    if credential.signer is None:
        return url, bare
    try:
        return url, build(credential.for_request(bare.method, url))
    except ValueError as error:
        raise Refused(
            f"The token needs a signature over the address, and this address cannot be signed: {error}.",
            "Use a plain path and query.",
        ) from None


def _head(answer: StreamedResponse) -> Response:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.fields)
    return Response(answer.status, headers=Headers.of(pairs))

"""A streamed request with the credential: renewed once if it is refused, signed if it is bound (RFC 9449)."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

from authlens_core.credentials.lifecycle.request_credential import (
    RequestCredential,
    asks_for_a_token,
    leads_to_login,
)
from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.values.errors import AuthlensError, LoginNeeded, Refused, ServerMisconfigured
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.fix import LOG_IN_AGAIN, step
from authlens_core.values.url import Url, UrlRefused, parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse

# What browsers drop from a Location, and others do not.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
OWNER: Final = "Only the server's owner can correct it."

OwnFields = tuple[tuple[str, str], ...]


async def in_one_chunk(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body that is at hand as a request streams it."""
    yield body


class SendAgain(AuthlensError):
    """The credential was renewed, and the body of the request is gone: only its client can send it again."""

    exit_code = 0

    def __init__(self) -> None:
        super().__init__(
            "The resource refused the credential while the body was being sent; authlens has a new one.",
            "Send the request again.",
        )


def refused_for_good(url: str) -> Refused:
    """Return the error where the resource at `url` refuses a renewed credential, too."""
    return Refused(
        f"{url} refuses the credential.", step("To see why", f"authlens probe --kept {shlex.quote(url)}")
    )


def redirect_target(location: str, url: str) -> Url | None:
    """Return where a `Location` of the answer from `url` leads; None where readers differ about it."""
    try:
        if not _CONTROL.search(location):
            return parse_url(urljoin(url, location.partition("#")[0]), loopback_http=True)
    except (UrlRefused, ValueError):
        pass
    return None


def redirect_refused(location: str, url: str) -> AuthlensError:
    """Return the error where a redirect is not followed: no one approved of the credential going there."""
    target = redirect_target(location, url)
    if target is None:
        return ServerMisconfigured("The server redirects to an address that authlens does not use.", OWNER)
    # How Access refuses a session that has ended: to follow it would give the client a web page.
    if leads_to_login(target.text):
        return LoginNeeded(f"The server redirects to the login page at {target.authority}.", LOG_IN_AGAIN)
    return ServerMisconfigured(
        f"The server redirects to another address at {target.authority}, and authlens does not follow it.",
        "Use the final address if you trust it.",
    )


class Renewal:
    """What a refused request is sent again with: first the resource's nonce, then a renewed credential."""

    def __init__(self, source: RequestCredential) -> None:
        self._source = source
        self._attempts = set[str]()

    async def after(self, sent: CredentialHeaders, *, wants_nonce: bool) -> CredentialHeaders | None:
        """Return what to send instead of the refused `sent`; None if the refusal is final.

        Raises:
            LoginNeeded: a user has to log in.
            AuthlensError: the refresh failed.
        """
        # The nonce comes with the refusal of the first attempt (RFC 9449 §9).
        if wants_nonce and "nonce" not in self._attempts:
            self._attempts.add("nonce")
            return sent
        # Once: a resource that refuses a new token as well refuses the user, and would do so for ever.
        renewed = None if "token" in self._attempts else await self._source.renewed(sent)
        self._attempts.add("token")
        if renewed is None:
            self._source.refused(sent)
        return renewed


@asynccontextmanager
async def authorized_stream(
    wire: Wire,
    source: RequestCredential,
    build: Callable[[OwnFields], StreamedRequest],
    *,
    replayable: bool = True,
) -> AsyncIterator[StreamedResponse]:
    """Send a request with the credential; after a 401 send it again, once, with a renewed one.

    Before that it is sent again, once, if the resource wants its nonce in the proof.

    Args:
        build: returns the request with these fields, each time it is sent.
        replayable: whether the body can be sent twice.

    Raises:
        LoginNeeded: a user has to log in.
        Refused: the resource refuses the renewed credential, too, or the address cannot be signed.
        SendAgain: the credential was renewed and the body cannot be sent twice.
        StreamFailed: there was no answer.
    """
    credential, renewal = await source.fields(), Renewal(source)
    while True:
        url, request = _signed(credential, build)
        async with wire.stream(request) as answer:
            wants_nonce = credential.signer is not None and credential.learn(url, _head(answer))
            if not asks_for_a_token(answer.status, answer.fields):
                source.accepted(credential)
                yield answer
                return
        renewed = await renewal.after(credential, wants_nonce=wants_nonce)
        if renewed is None:
            raise refused_for_good(source.url)
        # The new credential is stored by now, so the client's next try works.
        if not replayable:
            raise SendAgain
        credential = renewed


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

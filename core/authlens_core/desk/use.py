"""Get the credential for a URL, whatever its kind: as an access token, or as the fields of a request.

Nothing here opens a browser: `LoginNeeded` says that a user has to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from authlens_core.credentials.lifecycle.refresh import UsableToken, usable_token
from authlens_core.credentials.lifecycle.request_headers import (
    CredentialHeaders,
    CredentialMatch,
    headers_for,
    matching_credentials,
    renew_nonce,
)
from authlens_core.credentials.records.grant import Grant
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

__all__ = [
    "CredentialHeaders",
    "CredentialKind",
    "CredentialMatch",
    "UsableToken",
    "access_token",
    "covering_credentials",
    "request_headers",
]


async def access_token(
    session: Session, login: str | Grant, *, min_ttl: timedelta | None = None, refused: Secret | None = None
) -> UsableToken:
    """Return the access token of a login, refreshed if it would not last.

    Args:
        login: from `Credentials.list`; or a URL, whose newest login is taken.
        min_ttl: how long it has to last; None for a minute, or half of its life where that is less.
        refused: the token from an earlier call, where the resource answered it with 401: it is refreshed,
            whatever the clock says, unless a newer one is stored.

    Raises:
        NoLogin: there is no OAuth login for the URL.
        LoginNeeded: only a user can renew it.
        AuthlensError: the server refused, or cannot be reached; or the store cannot be used.
    """
    grant = login if isinstance(login, Grant) else session.credentials.covering(login)
    return await usable_token(session.credentials, session.wire, grant, min_ttl=min_ttl, refused=refused)


async def request_headers(
    session: Session,
    url: str,
    *,
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
    refused: CredentialHeaders | None = None,
    on_nonce: Callable[[], None] | None = None,
    tried: bool = False,
) -> CredentialHeaders:
    """Return the header fields that authorize a request to `url`.

    An OAuth login comes first, then a service token, then a token of `cloudflared`. A credential that only a
    user can renew is passed over where the next one covers the URL.

    Args:
        kind: the only kind that is wanted, or None.
        min_ttl: as in `access_token`.
        refused: the fields that the resource answered with 401; see `access_token`.
        on_nonce: called where the resource wants a nonce in the proofs of a bound token and was asked for it:
            for fields that another program sends.
        tried: true to ask the resource with an access token first, and to renew it once if it is refused.

    Raises:
        NoCredential: nothing covers the URL.
        LoginNeeded: a user has to renew what covers it.
        AuthlensError: the server refused, or cannot be reached; or the store cannot be used.
    """
    if tried:
        return await session.credential_for(url, kind=kind, min_ttl=min_ttl).tried()
    headers = await headers_for(
        session.credentials, session.wire, url, kind=kind, min_ttl=min_ttl, refused=refused
    )
    if on_nonce is not None and await renew_nonce(session.wire, headers, url):
        on_nonce()
    return headers


def covering_credentials(
    session: Session, url: str, *, kind: CredentialKind | None = None, usable: bool = True
) -> tuple[CredentialMatch, ...]:
    """Return the credentials that cover `url`, the one that is tried first at the start; reads no secret.

    Args:
        usable: false to return a token of `cloudflared`, too, that has expired or that a login waits for.
    """
    return tuple(matching_credentials(session.credentials, url, kind=kind, usable=usable))

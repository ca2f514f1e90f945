"""Opening a session for a verb: the keyring if it is usable, or an error that says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.model import Grant
from authlens_core.credentials.open_store import open_store
from authlens_core.errors import LoginNeeded, UsageError
from authlens_core.oauth.url import UrlRefused, parse_url
from authlens_core.safe_text import safe_line
from authlens_core.session import Session
from authlens_core.wire.client import Wire

__all__ = ["checked_url", "grant_for", "open_session"]


@asynccontextmanager
async def open_session(*, probe: bool) -> AsyncIterator[Session]:
    """Yield a session on the keyring.

    Args:
        probe: true to try the keyring by write, read and delete first: before anything is earned.

    Raises:
        NoSecretStore: there is no usable keyring.
    """
    opened = await open_store(probe=probe)
    async with Session(Wire(), Credentials.open(opened.store)) as session:
        yield session


def checked_url(url: str) -> str:
    """Return `url` if it can be used.

    Raises:
        UsageError: with every reason why it cannot.
    """
    try:
        return parse_url(url, loopback_http=True).text
    except UrlRefused as refused:
        cause = f"{safe_line(url, 200)} cannot be used: {'; '.join(refused.reasons)}."
        raise UsageError(cause, "Give the whole address, such as https://wiki.example.com/") from None


def grant_for(session: Session, url: str) -> Grant:
    """Return the grant that covers `url`.

    Raises:
        LoginNeeded: there is none.
    """
    grant = session.credentials.find(checked_url(url))
    if grant is None:
        shown = safe_line(url, 200)
        raise LoginNeeded(
            f"There is no credential for {shown} on this machine.", f"Log in: authlens login {shown}"
        )
    return grant

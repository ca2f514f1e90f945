"""One run of the program: a sender and the stored credentials that its logins use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from authlens_core.credentials.vault.credentials import Credentials
    from authlens_core.login.facts import Options
    from authlens_core.login.login import Login
    from authlens_core.wire.client import Wire


class Session:
    """The sender and the credentials of one run of the program; close it with `aclose()`.

    Args:
        wire: the sender; None makes one when the first request needs it.
    """

    def __init__(self, wire: Wire | None, credentials: Credentials) -> None:
        self._wire = wire
        self.credentials = credentials

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            from authlens_core.wire.client import Wire  # the first screen sends nothing

            self._wire = Wire()
        return self._wire

    def login(self, resource_url: str, options: Options | None = None) -> Login:
        """Return a login whose tokens are stored here and whose client is reused.

        Raises:
            UrlRefused: when the URL cannot be used, with all the reasons.
        """
        from authlens_core.session.session_login import session_login  # most verbs log in to nothing

        return session_login(self.wire, self.credentials, resource_url, options)

    async def aclose(self) -> None:
        """Let what must not be lost end, let go of the store and close the connections."""
        try:
            await self.credentials.aclose()
        finally:
            if self._wire is not None:
                await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

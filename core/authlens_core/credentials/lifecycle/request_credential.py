"""The header fields for one URL, fresh at every request of a long-running process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from authlens_core.cloudflare.team import is_login_page
from authlens_core.credentials.lifecycle.request_headers import (
    CredentialHeaders,
    headers_for,
    matching_credentials,
)
from authlens_core.credentials.records.grant import Grant, TokenVerdict, utc_now
from authlens_core.credentials.records.lifetime import outlasts
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.mcp import resource_request
from authlens_core.values.errors import AuthlensError, LoginNeeded, NoSecretStore, StateUnusable, UsageError
from authlens_core.values.exchange import Purpose, Response
from authlens_core.values.formats.challenge import parse_challenges
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import Url, covers, parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE

# Seconds for which held fields are used without a look at the index, which another process may change.
_RECHECK: Final = 1.0
# A resource that is slow is not waited for: the program finds out.
_TRIAL: Final = replace(RESOURCE, deadline=5.0)


def asks_for_a_token(status: int, fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a 401 is about our token: it has a challenge of OAuth or of Access, or none at all."""
    if status != HTTPStatus.UNAUTHORIZED:
        return False
    lines = [value.decode("latin-1") for name, value in fields if name.lower() == b"www-authenticate"]
    # One line may hold several challenges, and may be empty (RFC 9110 §11.6.1).
    challenges = parse_challenges(lines).challenges
    return not challenges or any(
        challenge.wants_token or challenge.is_scheme("cloudflare-access") for challenge in challenges
    )


def refuses_token(head: Response) -> bool:
    """Return the same of an answer whose head is at hand."""
    fields = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in head.headers.fields)
    return asks_for_a_token(head.status, fields)


def leads_to_login(location: str) -> bool:
    """Return whether a redirect has the path of Access's login page; any site may have it."""
    with suppress(ValueError):
        return is_login_page(urlsplit(location).path)
    return False


class RequestCredential:
    """Gives the header fields that may be sent to one URL; concurrent callers share one refresh.

    Args:
        url: the resource; the fields are for it and for what is below it, never for another origin.
        kind: the only kind of credential that is wanted; None for the first that covers the URL.
        min_ttl: how long an access token has to last; None as in `usable_token`.
    """

    def __init__(
        self,
        credentials: Credentials,
        wire: Wire,
        url: str,
        *,
        kind: CredentialKind | None = None,
        min_ttl: timedelta | None = None,
    ) -> None:
        self.url = url
        self._asked = self._root = parse_url(url, loopback_http=True)
        self.refreshes = 0
        self._credentials = credentials
        self._wire = wire
        self._kind = kind
        self._min_ttl = min_ttl
        # One load at a time: a refresh token that rotates may be spent only once.
        self._turn = asyncio.Lock()
        self._held: CredentialHeaders | None = None
        self._loaded_at = utc_now()
        self._checked = 0.0
        self._version: object = None
        self._unproven: CredentialHeaders | None = None
        self._refused: CredentialHeaders | None = None
        self._failed: tuple[float, AuthlensError] | None = None

    @property
    def granted_scope(self) -> str | None:
        """The scope of the grant for the URL; None where the credential is of another kind."""
        grant = self._held.match.source if self._held is not None else None
        return grant.scope if isinstance(grant, Grant) else None

    async def fields(self) -> CredentialHeaders:
        """Return the fields to send now.

        Raises:
            LoginNeeded: a user has to log in.
            AuthlensError: the other reasons why there are none; see `headers_for`.
        """
        held = self._usable()
        if held is not None:
            return held
        asked_at = time.monotonic()
        async with self._turn:
            # Where the server cannot be reached, callers in a queue would wait for one time-out each.
            if self._failed is not None and self._failed[0] > asked_at:
                raise self._failed[1]
            try:
                return self._usable() or await self._load()
            except AuthlensError as error:
                self._failed = (time.monotonic(), error)
                raise

    async def tried(self) -> CredentialHeaders:
        """Return the fields to send now, after the resource was asked with them: renewed if it refuses them.

        For a program that cannot do that itself. An answer about anything else decides nothing.

        Raises:
            LoginNeeded: a user has to log in.
            AuthlensError: as `fields`, or the refresh failed.
        """
        held = await self.fields()
        if held.token is None or held.is_bound:
            return held
        request = resource_request(self._asked, None, authorization=held.fields[0])
        plain = self._asked.scheme == "http"
        exchange = await self._wire.send(request, limits=_TRIAL, loopback_http=plain, purpose=Purpose.ACCESS)
        if exchange.response is not None and refuses_token(exchange.response):
            return await self.renewed(held) or held
        return held

    async def problem_at_start(self) -> AuthlensError | None:
        """Return why there are no fields just now, where that may change while the program runs.

        Raises:
            UsageError: the URL or the credential cannot be used.
            NoSecretStore: the store cannot be read.
        """
        try:
            await self.fields()
        except (UsageError, NoSecretStore):
            raise
        except AuthlensError as error:
            return error
        return None

    async def renewed(self, refused: CredentialHeaders) -> CredentialHeaders | None:
        """Return other fields after a 401 to `refused`, or None where trying again makes no sense.

        The access token is refreshed once. If the resource refuses the new one too, it is not refreshed
        again before an answer showed that it works.

        Raises:
            LoginNeeded: a user has to log in.
            AuthlensError: the refresh failed.
        """
        async with self._turn:
            held = self._held
            if held is not None and held.fields != refused.fields:
                return held
            # A credential that was renewed and is refused too says that the resource refuses the user, not
            # the token.
            if self._unproven is not None and self._unproven.fields == refused.fields:
                return None
            try:
                fresh = await self._load(refused)
            except LoginNeeded:
                self.refused(refused)
                raise
            if fresh.fields == refused.fields:
                return None
            self._unproven = fresh
            return fresh

    @property
    def resource(self) -> Url:
        """The URL, parsed."""
        return self._asked

    @property
    def widest(self) -> str:
        """The shortest URL that the credential is for."""
        return self._root.text

    def serves(self, path: str) -> bool:
        """Say whether a path of the same origin is the URL that was asked for, or below it."""
        return _is_below(self._asked, path)

    def covers(self, path: str) -> bool:
        """Say whether the credential may be sent to another path of the same origin."""
        return _is_below(self._root, path)

    def accepted(self, fields: CredentialHeaders) -> None:
        """Note that the resource answered `fields` with something other than a refusal of them."""
        if self._unproven is not None and self._unproven.fields == fields.fields:
            self._unproven = None
        if self._refused is not None and self._refused.fields == fields.fields:
            self._note(fields, accepted=True)

    def refused(self, fields: CredentialHeaders) -> None:
        """Note that the resource refuses `fields`, which cannot be renewed or were just renewed."""
        self._note(fields, accepted=False)

    def _note(self, sent: CredentialHeaders, *, accepted: bool) -> None:
        """Store what the resource said to an access token, so that every program goes by it."""
        self._refused = None if accepted else sent
        grant = sent.match.source
        if not isinstance(grant, Grant):
            return
        words = f"The resource {'accepts' if accepted else 'refuses'} the access token."
        with suppress(LoginNeeded, StateUnusable):
            self._credentials.note_verdict(grant, utc_now(), accepted=accepted, words=words)

    async def _load(self, refused: CredentialHeaders | None = None) -> CredentialHeaders:
        before, known = self._held, self._credentials.find(self.url)
        headers = await headers_for(
            self._credentials,
            self._wire,
            self.url,
            kind=self._kind,
            min_ttl=self._min_ttl,
            refused=refused,
        )
        if before is not None and before.fields != headers.fields:
            self.refreshes += 1
        if known is not None and known.last_verdict is TokenVerdict.REFUSED and refused is None:
            self._unproven = headers  # renewed because of that: not again
        self._held, self._loaded_at = headers, utc_now()
        self._version, self._checked = self._stored_version(), time.monotonic()
        # The shortest address that the credential is for: what a proxy could serve at most.
        self._root = min(self._roots(headers.match.urls), key=lambda root: len(root.path.rstrip("/")))
        return headers

    def _roots(self, urls: Iterable[str]) -> Iterator[Url]:
        yield self._asked
        for url in urls:
            if covers(url, self.url):
                yield parse_url(url, loopback_http=True)

    def _usable(self) -> CredentialHeaders | None:
        """Return the held fields while they last and the index says nothing new."""
        held = self._held
        if held is None or not outlasts(self._loaded_at, held.expires_at, self._min_ttl, utc_now()):
            return None
        if time.monotonic() - self._checked >= _RECHECK:
            if self._stored_version() != self._version:
                return None
            self._checked = time.monotonic()
        return held

    def _stored_version(self) -> object:
        """Return a value that changes when something is stored that would be sent instead of what is held."""
        held = self._held
        versions = []
        for match in matching_credentials(self._credentials, self.url, kind=self._kind):
            versions.append((match.kind, match.version))
            # What would only be tried after the held one does not matter.
            if held is None or match.kind is held.kind:
                break
        return versions


def _is_below(place: Url, path: str) -> bool:
    """Say whether `path` is covered by `place`, of the same origin.

    Below the root of an origin every path is, also one that cannot be read with certainty.
    """
    return not place.path.strip("/") or covers(place.text, f"{place.origin}{path}")

"""A client that runs in a data centre, and a service beside it that no one outside can reach.

Before a login it reads metadata, and so opens URLs that the resource chose (RFC 9728 §7.7).
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_core.emulator.answers import json_answer
from authlens_core.emulator.ledger import Ledger, Reason, What
from authlens_core.emulator.loopback_http import LoadedPage
from authlens_core.emulator.loopback_http import request as http_request
from authlens_core.emulator.parties.party_server import PartyServer
from authlens_core.emulator.parties.victim import SEAT, VictimSwitches

PARTY: Final = "internal"
_METADATA: Final = "/.well-known/oauth-protected-resource"
_SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
_CHALLENGE: Final = re.compile(r'resource_metadata="([^"]*)"')


class HostedClient(PartyServer):
    """The client, and the service beside it at `url`. Use it as an asynchronous context manager.

    Args:
        ledger: where it notes what was fetched, and what it refused to fetch.
        switches: which checks it makes.
    """

    def __init__(self, ledger: Ledger, switches: VictimSwitches) -> None:
        super().__init__()
        self._ledger = ledger
        self._switches = switches

    def _app(self) -> ASGIApp:
        return Starlette(routes=[Route("/{path:path}", self._inside)])

    async def _inside(self, _: Request) -> Response:
        self._ledger.note(What.FETCHED, at=PARTY)
        return json_answer({"error": "not_found"}, 404)

    async def discover(self, resource_url: str) -> None:
        """Read the metadata of a resource and of its server, as before a login."""
        with self._ledger.seated(SEAT):
            refusal = await http_request(resource_url)
            named = _CHALLENGE.search(refusal.challenge)
            document = await self._fetch(named[1] if named else resource_url.rstrip("/") + _METADATA)
            if document is None or document.status != 200:
                return
            metadata = json.loads(document.text)
            if self._switches.resource_check and metadata["resource"] != resource_url:
                self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.WRONG_RESOURCE)
                return
            await self._fetch(metadata["authorization_servers"][0].rstrip("/") + _SERVER_METADATA)

    async def _fetch(self, url: str) -> LoadedPage | None:
        """Return what is at a URL that came from outside, after one redirect; None if that is refused."""
        if self._is_refused(url):
            return None
        shown = await _loaded(url)
        if shown is None or not shown.location or self._switches.no_redirects:
            return shown
        return shown if self._is_refused(shown.location) else await _loaded(shown.location)

    def _is_refused(self, url: str) -> bool:
        """Return whether the address is an inside one. Everything here is on loopback, so a port is one."""
        blocked = self._switches.address_guard and urlsplit(url).netloc == urlsplit(self.url).netloc
        if blocked:
            self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.BLOCKED_ADDRESS)
        return blocked


async def _loaded(url: str) -> LoadedPage | None:
    """Return what is at a URL; None for one that leads away from loopback, where nothing is simulated."""
    try:
        return await http_request(url)
    except ValueError:
        return None

"""Logins under every fault of the emulator, walked to their end once and kept for every test that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.lifecycle import probe
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.emulator import Emulator, Fault, PlayResult, play_person
from authlens_core.learning.desk.drill_world import DrillWorld
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import Diagnosis
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import METADATA, Limits
from support.waiting import PATIENCE

__all__ = ["Walk", "explained", "walked"]

WAIT: Final = 60.0  # seconds for the browser; the person needs a tenth of one
SHORT: Final = 2.0  # seconds for the stages before, on a busy machine, if no one is going to come
COMES_WRONGLY: Final = 5.0  # seconds in which the played user brings an answer that is ignored
NOBODY_COMES: Final = frozenset(
    {Fault.DENIED_USER, Fault.WRONG_STATE, Fault.INVALID_NONCE, Fault.APPLICATION_NOT_FOUND}
)
_walks: dict[Fault, Walk] = {}


class ImpatientWire(Wire):
    """The real sender with a shorter patience, so that a slow server is slow soon."""

    async def send(
        self,
        request: Request,
        *,
        limits: Limits = METADATA,
        loopback_http: bool = False,
        addresses: AddressPolicy = AddressPolicy.ANY,
        purpose: Purpose = Purpose.OTHER,
    ) -> Exchange:
        """Send with a deadline of half a second."""
        return await super().send(
            request,
            limits=replace(limits, deadline=0.5),
            loopback_http=loopback_http,
            addresses=addresses,
            purpose=purpose,
        )


@dataclass
class Walk:
    """A login that was walked, with everything it told.

    Attributes:
        afterwards: what was tried after the login, under a fault that shows only then.
    """

    login: Login
    events: list[Event]
    pages: list[PlayResult]
    secrets: set[str]
    afterwards: StageRecord | None = None


async def walked(fault: Fault) -> Walk:
    if fault not in _walks:
        _walks[fault] = await _walk(fault)
    return _walks[fault]


async def _walk(fault: Fault) -> Walk:
    events: list[Event] = []
    playing: list[asyncio.Task[PlayResult]] = []
    secrets: set[str] = set()
    wire = ImpatientWire() if fault is Fault.SLOW else Wire()

    def watch(event: Event) -> None:
        events.append(event)
        secrets.update(_secrets_of(login))
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))

    async with Emulator(faults=[fault]) as emulator, Session(wire, Credentials.memory()) as session:
        login = start_login(session, emulator.resource_url, _options(fault))
        login.watch(watch)
        try:
            await asyncio.wait_for(login.run_all(), PATIENCE)
            secrets.update(_secrets_of(login))
            pages = await asyncio.gather(*playing)
        finally:
            await login.aclose()
        afterwards = await _afterwards(fault, emulator, session)
    for page in pages:
        query = parse_qs(urlsplit(page.callback_url or "").query)
        secrets.update(query.get("code", ()))
    return Walk(login, events, list(pages), secrets, afterwards)


def _options(fault: Fault) -> Options:
    wait = SHORT if fault in NOBODY_COMES else WAIT
    if fault is Fault.WRONG_STATE:
        wait = COMES_WRONGLY
    return Options(port=8400 if fault is Fault.PORT_TAKEN else 0, wait=wait)


def _secrets_of(login: Login) -> Iterator[str]:
    """Every secret the login holds now, but for the state, which is in the link that a person is shown."""
    facts = login.facts
    if facts.pkce is not None:
        yield facts.pkce.code_verifier.reveal()
    if facts.tokens is not None:
        yield facts.tokens.access_token.reveal()
        if facts.tokens.refresh_token is not None:
            yield facts.tokens.refresh_token.reveal()
    for record in login.trace.records:
        for fact in record.facts:
            if isinstance(fact.value, Secret) and fact.name != "state":
                yield fact.value.reveal()


async def _afterwards(fault: Fault, emulator: Emulator, session: Session) -> StageRecord | None:
    """Do what makes a fault show that a login does not meet."""
    credentials, wire = session.credentials, session.wire
    match fault:
        case Fault.EXPIRED_REFRESH_TOKEN:
            [grant] = credentials.list()
            return (
                await refresh(credentials, wire, grant.grant_id, RefreshOptions(force=True))
            ).trace.records[0]
        case Fault.REVOCATION_UNAVAILABLE:
            [grant] = credentials.list()
            return (await revoke(credentials, wire, grant.grant_id)).trace.records[0]
        case Fault.BINDING_COOKIE | Fault.SERVICE_AUTH_MISSING:
            return await _probe(emulator, credentials, wire)
        case _:
            return None


async def _probe(emulator: Emulator, credentials: Credentials, wire: Wire) -> StageRecord:
    """Ask the resource with what the demo hands out, as `p` on its row of the dashboard does."""
    demo, session = DrillWorld(), Session(wire, credentials)
    demo.emulator = emulator
    try:
        await demo.hand_out(session)
        [entry] = inventory_of((), demo.find_tokens(), credentials.service_tokens.list())
        probed = await probe(session, entry)
    finally:
        await demo.take_back(session)
    assert probed.trace is not None
    return probed.trace.records[0]


def explained(walk: Walk) -> Diagnosis | None:
    """Return what a person is told of the fault: of what failed, then or afterwards, or of what warned."""
    last = (walk.afterwards or walk.login.trace.records[-1]).reason
    if last is not None:
        return last
    made = (record.diagnosis for record in walk.login.trace.records)
    return next((one for one in made if one is not None), None)

"""The world of one phase: fresh servers, parties and browsers on loopback, and their record.

Every request of the learner is real. authlens's own login is the login that everyone has; what Mallory sends
goes through the same sender, and is recorded as a probe that says what was done on purpose.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Final, Literal, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from authlens_core.desk.log_in import Login
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.arrows import Party
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.login_options import Options
from authlens_core.values.stage import GrantType
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import TOKEN
from authlens_lab.emulator import Emulator, Profile
from authlens_lab.emulator.ledger import LedgerEvent, What
from authlens_lab.emulator.parties.servers import RogueServer, SecondResource
from authlens_lab.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_lab.emulator.parties.victim import HostedClient, Victim, VictimSwitches
from authlens_lab.emulator.person import Browser
from authlens_lab.emulator.profile import email_of
from authlens_lab.emulator.weakness import SWITCHES as SERVER_SWITCHES
from authlens_lab.emulator.weakness import Weakness
from authlens_lab.learning.row import EvidenceRow, rows_of
from authlens_lab.learning.strict_file import StrictTable

YOU: Final = "you"
OWNER: Final = "ada"
"""Whose account it is that you log in to, and who visits the victim's website."""
MALLORY: Final = "mallory"
PartyName = Literal["victim", "second", "rogue", "internal"]
"""Who can be in a world besides the resource, its server and Ada."""
SWITCHES: Final = frozenset({*SERVER_SWITCHES, *(f"victim.{name}" for name in VICTIM_SWITCHES)})
"""Everything that a repair can turn on."""
_Party = TypeVar("_Party")
_NAMES: Final = ("wiki.localhost", "login.localhost")  # a picture of ports says nothing
_WAIT: Final = 15.0  # seconds of one login


class WorldSettings(StrictTable, frozen=True):
    """The servers and parties of a lesson; every phase that has a world of its own starts from these.

    Attributes:
        faults: what the emulator does differently, by the names of its faults.
        weaknesses: checks that its servers leave out, by their names.
        parties: who is there besides resource, server and Ada: `victim`, `rogue`, `second`, `internal`.
        victim: the checks of the victim client that are not at their default, on or off.
        token_lifetime: seconds an access token is good for.
    """

    profile: Profile = Profile.GENERIC
    faults: tuple[str, ...] = ()
    weaknesses: tuple[Weakness, ...] = ()
    parties: tuple[PartyName, ...] = ()
    victim: Mapping[str, bool] = {}
    token_lifetime: int = 60


class World:
    """One world, which starts and stops with the block that it is used in.

    Args:
        seed: makes ids, codes and tokens the same each time.
        seat: who attacks.
        switches: what was turned on to repair it.
        faults: additional faults that break the honest login, to check a lesson.
        hides_causes: whether the learner has to make the diagnosis.

    Attributes:
        loot: the credentials that the learner holds here, by name.
        emulator: the resource and its authorization server.
        victim: the website, in worlds that have one.
        rogue: Mallory's own authorization server, in worlds that have one.
        hosted: a client in a data centre, in worlds that have a service beside it.
        second: another resource of the same server, in worlds that have one.
        own_client: the client of your own login, once that has leaked something.
        own_refresh_token: the newest one of that login.
        skipped: seconds that the servers are ahead, so that no one waits for a device login.
        device_page: where the device login that Mallory started is approved.
        linked_uri: the redirect URI of the link that Mallory wrote.
        link_verifier: what its challenge was made of.
    """

    def __init__(
        self,
        settings: WorldSettings,
        *,
        seed: int,
        seat: str = MALLORY,
        switches: Collection[str] = (),
        faults: Collection[str] = (),
        hides_causes: bool = False,
    ) -> None:
        self.settings = settings
        self._hides_causes = hides_causes
        self.seat = seat
        self.skipped = 0.0
        self._switches = frozenset(switches)
        self.emulator = self._new_emulator(seed, (*settings.faults, *faults))
        self.victim: Victim | None = None
        self.second: SecondResource | None = None
        self.rogue: RogueServer | None = None
        self.hosted: HostedClient | None = None
        self.loot: dict[str, str] = {}
        self._wire = Wire(environ={})
        self.device_page = ""
        self._records: list[StageRecord] = []
        self._login: Login | None = None
        self.own_client = Client("", "")
        self.own_refresh_token = ""
        self.linked_uri = ""
        self.link_verifier = secrets.token_urlsafe(32)
        self._recorded = 0
        self._browsers: dict[str, Browser] = {}
        self._rows: tuple[EvidenceRow, ...] | None = None
        self._running = AsyncExitStack()

    def _new_emulator(self, seed: int, faults: Collection[str]) -> Emulator:
        settings = self.settings
        return Emulator(
            settings.profile,
            faults=faults,
            access_token_lifetime=settings.token_lifetime,
            seed=seed,
            clock=lambda: time.time() + self.skipped,
            names=_NAMES,
            weaknesses=settings.weaknesses,
        )

    async def __aenter__(self) -> Self:
        emulator = self.emulator
        there = set(self.settings.parties)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(emulator)
            for name in sorted(self._switches & set(SERVER_SWITCHES)):
                self.emulator.turn_on(name)
            if "rogue" in there:
                rogue = RogueServer(emulator.ledger, honest=emulator.issuer)
                self.rogue = await stack.enter_async_context(rogue)
            if "victim" in there:
                others = {} if self.rogue is None else {"rogue": self.rogue.url}
                website = Victim(
                    emulator.ledger,
                    issuer=emulator.issuer,
                    resource_url=emulator.resource_url,
                    switches=self._victim_switches(),
                    others=others,
                )
                self.victim = await stack.enter_async_context(website)
            if "internal" in there:
                hosted = HostedClient(emulator.ledger, self._victim_switches())
                self.hosted = await stack.enter_async_context(hosted)
            if "second" in there:
                self.second = await stack.enter_async_context(SecondResource(self.emulator))
            stack.push_async_callback(self._wire.aclose)
            stack.push_async_callback(self._end_login)
            self._running = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def _victim_switches(self) -> VictimSwitches:
        on = {name.partition(".")[2]: True for name in self._switches if name.startswith("victim.")}
        return VictimSwitches(**{**self.settings.victim, **on})

    @property
    def parties(self) -> Mapping[str, str]:
        """Who is at which URL."""
        servers = {self.emulator.server_url: "server", self.emulator.resource_url: "resource"}
        others = {"victim": self.victim, "second": self.second, "rogue": self.rogue, "internal": self.hosted}
        return servers | {party.url: role for role, party in others.items() if party is not None}

    @property
    def events(self) -> tuple[LedgerEvent, ...]:
        return self.emulator.ledger.events

    @property
    def rows(self) -> tuple[EvidenceRow, ...]:
        """Everything that happened up to the end of the attack, in its order."""
        if self._rows is not None:
            return self._rows
        return rows_of(self._records, self.events, self.parties)

    def end_of_attack(self) -> None:
        """Freeze the rows: the honest login that follows must not meet a claim."""
        self._rows = self.rows

    @property
    def records(self) -> tuple[StageRecord, ...]:
        """What the moves sent, in their order; without a diagnosis if the learner has to make it."""
        if not self._hides_causes:
            return tuple(self._records)
        return tuple(replace(record, diagnosis=None) for record in self._records)

    async def leak(self, names: Collection[str]) -> None:
        """Give the learner the credentials that leak in this lesson.

        A code and its client are those of a login that is not over: of Ada's at the website, or else your
        own. Tokens are those of a login that is over, in the same way. A callback is the last page of
        Mallory's own login there, which she did not open.
        """
        leaking = set(names)
        website = self.victim is not None
        credentials = dict[str, str]()
        if {"code", "client"} & leaking:
            credentials = await (
                self._code_of_ada() if website else self._own_credentials(until=Stage.EXCHANGE)
            )
        if {"token", "refresh", "proof"} & leaking:
            credentials |= await (self._token_of_ada() if website else self._own_credentials())
        if "callback" in leaking:
            credentials["callback"] = await self.open(MALLORY, self.website().sign_in_url, deliver=False)
        self.loot |= {name: value for name, value in credentials.items() if value and name in leaking}

    async def _code_of_ada(self) -> dict[str, str]:
        link = await self.open(OWNER, self.website().sign_in_url, deliver=False)
        code = parse_qs(urlsplit(link).query).get("code", [""])[0]
        return {"code": code, "client": await self.website().client_id()}

    async def _token_of_ada(self) -> dict[str, str]:
        """Return the token that the website has just sent to the resource for Ada."""
        await self.open(OWNER, self.website().sign_in_url)
        sent = (e.token for e in reversed(self.events) if e.what is What.TOKEN_ACCEPTED and e.user == OWNER)
        return {"token": next(sent, "")}

    async def _own_credentials(self, until: Stage | None = None) -> dict[str, str]:
        """Log in, and return the credentials that authlens has before a stage or at the end."""
        await self.log_in(until=until)
        if self._login is None or (client := self._login.facts.client) is None:
            return {}
        code = self._login.facts.code
        tokens = self._login.facts.tokens
        credentials = {"client": client.client_id, "code": "" if code is None else code.reveal()}
        if tokens is None:
            return credentials
        refresh = tokens.refresh_token
        last = self._login.trace.records[-1].exchanges[-1]
        self.own_client, self.own_refresh_token = client, "" if refresh is None else refresh.reveal()
        return credentials | {
            "token": tokens.access_token.reveal(),
            "refresh": self.own_refresh_token,
            "proof": last.request.headers.get("dpop") or "",
        }

    def site_of_mallory(self) -> RogueServer:
        """Return Mallory's own server."""
        return _require_party(self.rogue, "Mallory has no server in this world")

    def website(self) -> Victim:
        """Return the website."""
        return _require_party(self.victim, "no website is in this world")

    @property
    def redirect_uri(self) -> str:
        """The registered redirect URI of the client whose code leaked."""
        if self.victim is not None:
            return self.victim.redirect_uri
        client = None if self._login is None else self._login.facts.client
        return "" if client is None else client.redirect_uri

    def browser(self, user: str) -> Browser:
        """Return the browser of a user, with its cookies."""
        return self._browsers.setdefault(user, Browser())

    async def log_in(self, *, until: Stage | None = None, scope: str = "", device: bool = False) -> bool:
        """Log in with authlens, or continue the login that is not over; return whether it ended well.

        Args:
            scope: what to ask for, as a login of its own; empty is the default.
            device: whether to log in by a code that is entered elsewhere.
        """
        login = self._login
        records = () if login is None else login.trace.records
        has_failed = bool(records) and records[-1].outcome is not Outcome.PASSED
        if login is None or scope or login.finished or has_failed:
            await self._end_login()
            login = self._login = self._new_login(scope, device=device)
        with self.emulator.ledger.seated(YOU, browser=OWNER):
            while not login.finished and login.position is not until:
                if (await login.step()).outcome is not Outcome.PASSED:
                    break
        self._records += login.trace.records[self._recorded :]
        self._recorded = len(login.trace.records)
        return login.finished

    def _new_login(self, scope: str, *, device: bool) -> Login:
        options = Options(port=0, wait=_WAIT, scope=scope or None)
        if device:
            options = replace(options, grant_type=GrantType.DEVICE_CODE)
        login = Login(self.emulator.resource_url, self._wire, options=options)
        playing: list[asyncio.Task[None]] = []

        def watch(event: Event) -> None:
            if link := _link_of(event):
                playing.append(asyncio.create_task(self._play(link)))

        login.watch(watch)
        self._recorded = 0
        return login

    async def _play(self, link: str) -> None:
        """Have your browser open a page; a login that was left has closed its port."""
        with suppress(OSError):
            await self.browser(OWNER).play(link, email_of(OWNER))

    async def _end_login(self) -> None:
        login, self._login = self._login, None
        if login is not None:
            await login.aclose()

    async def send(self, request: Request, purpose: Purpose, summary: str, seat: str = "") -> Exchange:
        """Send a request of the learner's own making, and record it.

        Args:
            summary: what the move is, in a few words without a credential.
            seat: who sends it; the attacker if empty.
        """
        seat = seat or self.seat
        started_at = datetime.now(UTC)
        with self.emulator.ledger.seated(seat):
            exchange = await self._wire.send(
                request,
                limits=TOKEN,
                loopback_http=True,
                addresses=AddressPolicy.ANY,
                purpose=purpose,
            )
        answer = exchange.complete_response
        outcome = Outcome.PASSED if answer is not None and answer.status < 400 else Outcome.FAILED
        record = StageRecord(
            stage=Stage.PROBE,
            outcome=outcome,
            started_at=started_at,
            elapsed=exchange.elapsed,
            exchanges=(exchange,),
            facts=(Fact(FactId.SENT_BY, Party.MALLORY),) if seat == MALLORY else (),
            tampering=(f"{seat}: {summary}",),
        )
        self._records.append(record)
        return exchange

    async def open(self, user: str, url: str, *, deliver: bool = True) -> str:
        """Have a user's browser open a URL; return the callback that it led to, opened if `deliver`."""
        with self.emulator.ledger.seated(user, browser=user):
            played = await self.browser(user).play(url, email_of(user), deliver=deliver)
        return played.callback_url or ""

    async def honest_login_works(self) -> bool:
        """Return whether you still get in, and Ada still gets in at the website, in a browser of her own."""
        await self._end_login()
        if not await self.log_in():
            return False
        if self.victim is None:
            return True
        self._browsers.pop(OWNER, None)
        before = len(self.events)
        await self.open(OWNER, self.victim.sign_in_url)
        return any(
            event.what is What.SESSION and event.browser == event.user == OWNER
            for event in self.events[before:]
        )


def _link_of(event: Event) -> str:
    """Return the page that the user has to open now; empty if there is none."""
    if isinstance(event, AuthorizationReady):
        return event.url
    page = event.verification_uri_complete if isinstance(event, DeviceCodeReady) else None
    return "" if page is None else page.text


def _require_party(party: _Party | None, otherwise: str) -> _Party:
    if party is None:
        raise LookupError(otherwise)
    return party

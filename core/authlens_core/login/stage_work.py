"""The work of one stage: its requests in turn, and what belongs to it besides them.

These are the effects of a login that are not its control: the listener is bound before registration, a known
client is looked up, the browser is awaited, and the received tokens go to a keeper before success is claimed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.callback_wait import ResponseWait
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, PlannedRequest, StageResult, WaitStopped, stopped
from authlens_core.login.progress import Progress
from authlens_core.login.registered_clients import RegisteredClients
from authlens_core.login.stages import STAGES
from authlens_core.login.stages.authorization_stage import browser_diagnosis, learn_response, no_callback
from authlens_core.login.tampering.experiments import STALE_REFRESH
from authlens_core.login.tampering.tampering import TamperedStage, Tampering
from authlens_core.oauth.dpop import DpopNonces, DpopSigner, is_bound, send_with_proof, settled
from authlens_core.state.assertion_source import AssertionSource, read_assertion
from authlens_core.trace.events import (
    AuthorizationReady,
    DeviceCodeReady,
    Event,
    ExchangeEnded,
    ExchangeStarted,
)
from authlens_core.trace.record import Stage
from authlens_core.values.check import Check, CheckId, failures, requirement
from authlens_core.values.errors import AuthlensError, TimedOut
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.finish import finish_first
from authlens_core.values.login_options import BROWSER_WAIT
from authlens_core.values.stage import UserPart
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.limits import Limits

# Detection sends most: three calls, each again with a nonce, and documents. More means that a stage goes
# round.
_MOST_REQUESTS_IN_A_STAGE: Final = 12
_AT_THE_TOKEN_ENDPOINT: Final = frozenset(
    {Purpose.TOKEN, Purpose.TOKEN_AGAIN, Purpose.DEVICE_TOKEN, Purpose.REFRESH, Purpose.REFRESH_AGAIN}
)
_AFTER_THE_TOKENS: Final = frozenset({Purpose.SIGNING_KEYS})
_MOST_POLLS: Final = 3_600  # a device code lives an hour at most, and is asked about once a second at most


class Sender(Protocol):
    """Sends one request and returns what happened to it; `Wire` is the real one."""

    async def send(
        self,
        request: Request,
        *,
        limits: Limits,
        loopback_http: bool,
        addresses: AddressPolicy,
        purpose: Purpose,
    ) -> Exchange:
        """Send `request`; never raises for what a server or a network does."""


class Stored(Struct, frozen=True):
    """What a keeper did with the tokens of a login.

    Attributes:
        grant_id: the credential they were stored as, or None.
    """

    grant_id: str | None = None
    checks: tuple[Check, ...] = ()


# Called after the exchange and before it counts as passed.
Keeper = Callable[[Facts], Coroutine[Any, Any, Stored]]


async def keep_nothing(facts: Facts) -> Stored:  # noqa: ARG001 - the signature of a keeper
    """Store nothing: for drills and tests."""
    return Stored()


def handler_of(stage: Stage, facts: Facts) -> LoginStage:
    """Return what `stage` asks and learns in this login; after one, an experiment may refresh."""
    return STALE_REFRESH if stage is Stage.REFRESH else STAGES[facts.options.grant_type][stage]


class StageWork:
    """Does what a stage has to do. It decides nothing about which stage comes next."""

    def __init__(
        self,
        wire: Sender,
        clients: RegisteredClients,
        keeper: Keeper,
        progress: Progress,
        tampering: Tampering,
        emit: Callable[[Event], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._wire = wire
        self._clients = clients
        self._keeper = keeper
        self._progress = progress
        self._tampering = tampering
        self._emit = emit
        self._clock = clock
        # Of this login alone: a stored grant has nonces of its own.
        self._nonces = DpopNonces()
        self.wait = ResponseWait(emit)

    async def run(self, stage: Stage, exchanges: list[Exchange], limit: asyncio.Timeout) -> StageResult:
        """Run a stage after `exchanges`, add those of its own to them, and return what it taught.

        Args:
            limit: ends the stage. It is held up while the user is waited for, because that wait ends itself.
        """
        facts, problem = await self._prepare(stage, again=bool(exchanges))
        if problem is not None:
            return StageResult(facts, (problem,))
        return await self._perform(stage, facts, exchanges, limit)

    async def _prepare(self, stage: Stage, *, again: bool) -> tuple[Facts, Check | None]:
        """Do what a stage needs done before its first request: bind the port, look up the client.

        When answers are read `again`, the code that was sent for them is needed again, to mask it.
        """
        facts = self._progress.facts if again else self._progress.usable
        if stage is Stage.EXCHANGE and not again:
            return await _with_assertion(facts)
        # Nothing comes back to a program, whose client has no redirect URI.
        if stage is not Stage.REGISTRATION or facts.flow.is_by_program:
            return facts, None
        # A code is entered elsewhere: nothing comes back, so no port is opened, though the client names one.
        listens = facts.options.listen and facts.flow.is_by_link
        options = replace(facts.options, listen=listens)
        redirect_uri, problem = await self.wait.open(options)
        if problem is not None or redirect_uri is None:
            return facts, problem
        return await self._clients.looked_up(replace(facts, redirect_uri=redirect_uri)), None

    async def _perform(
        self, stage: Stage, facts: Facts, exchanges: list[Exchange], limit: asyncio.Timeout
    ) -> StageResult:
        """Send what the stage wants sent, and do what follows from the answers."""
        again, cut_short = bool(exchanges), False
        handler = TamperedStage(stage, handler_of(stage, facts), self._tampering, again=again)
        for planned in _planned(handler, facts, exchanges):
            # Before it is sent, whatever happens: a code that may have arrived is used up (RFC 6749 §4.1.2).
            if stage is Stage.EXCHANGE:
                self._progress.code_sent(facts)
            if planned.not_before is not None:
                await asyncio.sleep((planned.not_before - self._clock()).total_seconds())
            try:
                await self._exchange(stage, facts, planned, exchanges)
            except asyncio.CancelledError:
                if planned.purpose not in _AFTER_THE_TOKENS:
                    raise
                # The code is used up: tokens that were received are stored, whatever is not verified yet.
                cut_short = True
                break
        # A request that the server wanted signed with its nonce, and its repetition, are one to the stage.
        learned = handler.learn(facts, settled(exchanges))
        if stage is Stage.REGISTRATION:
            learned = learned.with_checks(*self.wait.remarks)
        if not failures(learned.checks, learned.facts.approved):
            learned = await self._follow_up(stage, learned, limit)
        return replace(learned, stop=learned.stop or cut_short)

    async def _follow_up(self, stage: Stage, learned: StageResult, limit: asyncio.Timeout) -> StageResult:
        """Do what belongs to a stage besides its requests: remember, wait for the browser, keep."""
        if stage is Stage.SERVER_METADATA:
            return replace(learned, facts=await self._clients.looked_up(learned.facts))
        if stage is Stage.AUTHORIZATION:
            return await self._hand_out(learned, limit)
        if not learned.stored:
            return learned
        if stage is Stage.REGISTRATION:
            _, cancelled = await finish_first(self._clients.remember(learned.facts))
            return replace(learned, stop=cancelled)
        if stage is Stage.EXCHANGE:
            # What was received is stored to the end: a cancellation meanwhile stops what would come next.
            stored, cancelled = await finish_first(self._keeper(learned.facts))
            await self._clients.answered(learned.facts)
            facts = replace(learned.facts, grant_id=stored.grant_id)
            return replace(learned, facts=facts, stop=cancelled).with_checks(*stored.checks)
        return learned

    async def _exchange(
        self, stage: Stage, facts: Facts, planned: PlannedRequest, exchanges: list[Exchange]
    ) -> None:
        """Send one request, with a proof if it needs one; the first may be refused for lack of a nonce."""

        async def send(request: Request) -> Exchange:
            return await self._exchange_once(stage, facts, replace(planned, request=request), exchanges)

        await send_with_proof(self._signer(facts, planned), planned.request, send)

    def _signer(self, facts: Facts, planned: PlannedRequest) -> DpopSigner | None:
        """Return what signs the request with a proof (RFC 9449), or None if it carries none."""
        scheme = (planned.request.headers.get("authorization") or "").partition(" ")[0]
        if facts.dpop_key is None:
            return None
        if planned.purpose not in _AT_THE_TOKEN_ENDPOINT and not is_bound(scheme):
            return None
        return DpopSigner(facts.dpop_key, self._nonces, self._remember)

    def _remember(self, nonces: DpopNonces) -> None:
        self._nonces = nonces

    async def _exchange_once(
        self, stage: Stage, facts: Facts, planned: PlannedRequest, exchanges: list[Exchange]
    ) -> Exchange:
        """Send a request and record the exchange, even if the stage is stopped meanwhile."""
        self._emit(ExchangeStarted(stage, planned.request))
        started_at, started = self._clock(), time.monotonic()
        # A public server that names an address of this network would use authlens to reach it (RFC 9728
        # §7.7). A server within the network may.
        guarded = planned.server_supplied and facts.resource_is_public
        try:
            exchange = await self._wire.send(
                planned.request,
                limits=planned.limits,
                loopback_http=facts.loopback_http,
                addresses=AddressPolicy.PUBLIC_ONLY if guarded else AddressPolicy.ANY,
                purpose=planned.purpose,
            )
        except asyncio.CancelledError:
            exchanges.append(stopped(planned, started_at, time.monotonic() - started))
            self._emit(ExchangeEnded(stage, exchanges[-1]))
            raise
        exchanges.append(exchange)
        self._emit(ExchangeEnded(stage, exchange))
        return exchange

    async def _hand_out(self, learned: StageResult, limit: asyncio.Timeout) -> StageResult:
        """Give the user what they log in with elsewhere."""
        match learned.facts.flow.user_part:
            case UserPart.LINK:
                return await self._await_browser(learned, limit)
            case UserPart.CODE:
                return self._show_code(learned, limit)
            case UserPart.NOTHING:
                return learned

    def _show_code(self, learned: StageResult, limit: asyncio.Timeout) -> StageResult:
        """Hand out the code for another device; it can be entered in what is left of the time."""
        now, device = self._clock(), learned.facts.device
        if device is None:
            return learned
        remaining = _left(limit)
        until = None if remaining is None else now + timedelta(seconds=remaining)
        facts = replace(learned.facts, device_until=until)
        ends_at = facts.device_ends_at or now
        self._emit(
            DeviceCodeReady(
                device.user_code,
                device.verification_uri,
                device.verification_uri_complete,
                expires_in=device.expires_in,
                seconds=max(0.0, (ends_at - now).total_seconds()),
            )
        )
        return replace(learned, facts=facts)

    async def _await_browser(self, ready: StageResult, limit: asyncio.Timeout) -> StageResult:
        """Hand out the link, wait for the first valid answer, by listener or paste, and read it."""
        url = ready.facts.authorization_url or ""
        ends, remaining = limit.when(), _left(limit)
        wait = BROWSER_WAIT if remaining is None else remaining
        problem = await self.wait.begin(ready.facts, wait, self._tampering.callback(ready.facts))
        if problem is not None:
            return ready.with_checks(problem)
        self._progress.link_shown(ready.facts)
        self._emit(AuthorizationReady(url, ready.display_facts, wait))
        # While you are in the browser, the wait has a deadline of its own, which you can extend.
        limit.reschedule(None)
        try:
            response = await self.wait.response()
        except asyncio.CancelledError:
            # What was ignored meanwhile may be why you stopped, so it goes into the record.
            raise WaitStopped(self._no_callback(ready.facts, stopped=True)) from None
        if ends is not None and response is not None:
            limit.reschedule(ends + self.wait.extended)
        # An experiment is judged by what came, and by nothing having come as well.
        judged = self._tampering.judged_answer(response)
        if response is None:
            await self._clients.unanswered(ready.facts)
            check = self._no_callback(ready.facts)
            diagnosis = browser_diagnosis(self.wait.page, ready.facts.issuer)
            return StageResult(ready.facts, (*ready.checks, check, *judged), ready.display_facts, diagnosis)
        answered = learn_response(ready.facts, response)
        checks = (*ready.checks, *answered.checks, *judged)
        return replace(answered, checks=checks, display_facts=(*ready.display_facts, *answered.display_facts))

    def _no_callback(self, facts: Facts, *, stopped: bool = False) -> Check:
        wait = self.wait
        return no_callback(
            facts, wait.waited, wait.ignored, stopped=stopped, page=wait.page, unproven=wait.unproven
        )


def _left(limit: asyncio.Timeout) -> float | None:
    ends = limit.when()
    return None if ends is None else max(0.0, ends - asyncio.get_running_loop().time())


async def _with_assertion(facts: Facts) -> tuple[Facts, Check | None]:
    """Read what a program logs in with, if it has an assertion."""
    source = AssertionSource.of(facts.options)
    if source == AssertionSource() or not facts.flow.is_by_program:
        return facts, None
    try:
        return replace(facts, assertion=await read_assertion(source)), None
    except AuthlensError as error:
        late = isinstance(error, TimedOut)
        name = CheckId.EXCHANGE_ASSERTION_LATE if late else CheckId.EXCHANGE_ASSERTION
        return facts, requirement(name, "exchange.assertion_read").failed(error.cause, cure=error.cure)


def _planned(handler: LoginStage, facts: Facts, exchanges: Sequence[Exchange]) -> Iterator[PlannedRequest]:
    """Yield what the stage wants sent, one request after the other, while `exchanges` grow."""
    at_once = 0
    for _ in range(_MOST_POLLS):
        planned = handler.request(facts, settled(exchanges))
        if planned is None:
            return
        # A request that waits for its time is a poll, which ends when the code of the device does.
        # A server that answers each request with a reason for another one must not keep a login busy for
        # ever.
        if planned.not_before is None:
            at_once += 1
        if at_once > _MOST_REQUESTS_IN_A_STAGE:
            return
        yield planned

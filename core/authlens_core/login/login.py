"""The login: drives the eight stages, keeps the record, and can be watched, stopped and taken back.

It owns the effects that are not requests: binding the listener before registration, looking up a known
client, waiting for the browser, and handing what was earned to a keeper before success is claimed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from authlens_core.finish import finish_first
from authlens_core.login.events import (
    AuthorizationReady,
    Event,
    ExchangeEnded,
    ExchangeStarted,
    StageEnded,
    StageStarted,
    Watcher,
)
from authlens_core.login.facts import Facts, Options
from authlens_core.login.ports import ClientRegistry, ForgetfulRegistry, Keeper, Sender, keep_nothing
from authlens_core.login.progress import Progress
from authlens_core.login.refusal import diagnosis_checks
from authlens_core.login.response_wait import ResponseWait
from authlens_core.login.stage import Learned, PlannedRequest, stopped
from authlens_core.login.stages import STAGES
from authlens_core.login.stages.authorization import learn_response, nobody_came
from authlens_core.login.stages.registration import redirect_uri_to_be
from authlens_core.login.verdict import client_is_unknown
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.check import Check, failures
from authlens_core.oauth.url import parse_url
from authlens_core.secret import Secret
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.exchange import Exchange

__all__ = ["Login"]

_Result = TypeVar("_Result")

_MOST_REQUESTS_IN_A_STAGE: Final = 12
_USES_A_CODE: Final = frozenset({Stage.AUTHORIZATION, Stage.EXCHANGE})


class Login:
    """One login to one resource.

    Args:
        resource_url: the URL as the person typed it.
        wire: what sends.
        options: what the person decided beforehand.
        registry: clients registered earlier.
        keeper: keeps what was earned; called after stage 7 and before it counts as passed.
        watchers: told of every step; they look and never steer.

    Raises:
        UrlRefused: when the URL cannot be used, with all the reasons.
    """

    def __init__(
        self,
        resource_url: str,
        wire: Sender,
        *,
        options: Options | None = None,
        registry: ClientRegistry | None = None,
        keeper: Keeper = keep_nothing,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        url = parse_url(resource_url, loopback_http=True)
        chosen = options or Options()
        self._wire = wire
        self._registry = registry if registry is not None else ForgetfulRegistry()
        self._keeper = keeper
        self._clock = clock
        self._watchers: list[Watcher] = []
        self._progress = Progress(
            Facts(
                resource_url=url,
                options=chosen,
                loopback_http=url.scheme == "http",
                method=chosen.method or "GET",
            )
        )
        self._task: asyncio.Task[StageRecord] | None = None
        self._running: Stage | None = None
        self._stop = False
        self._wait = ResponseWait(self._emit)
        self.trace = Trace(secrets.token_hex(8), TraceKind.LOGIN, url.text, clock())

    @property
    def position(self) -> Stage | None:
        """The stage to run next, or None when all eight have passed."""
        return self._progress.stage

    @property
    def running(self) -> Stage | None:
        """The stage that is running now, or None."""
        return self._running

    @property
    def finished(self) -> bool:
        """True when all eight stages have passed."""
        return self._progress.finished

    @property
    def facts(self) -> Facts:
        """Everything learned by the stages that have passed, without a code that was sent already."""
        return self._progress.usable

    @property
    def wait(self) -> ResponseWait:
        """The wait for the browser: its listener, its deadline, and the paste box's way in."""
        return self._wait

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of every step from now on."""
        self._watchers.append(watcher)

    def planned(self) -> PlannedRequest | None:
        """Return the first request of the next stage, to be shown before it is sent, or None."""
        stage = self.position
        return None if stage is None else STAGES[stage].request(self.facts, ())

    async def step(self) -> StageRecord:
        """Run the next stage and return its record.

        An authorization or exchange that was tried already is not tried again as it is: PKCE runs instead.

        Raises:
            RuntimeError: when a stage is running already or none is left.
        """
        if self._task is None:
            self._progress.renew()
        stage = self.position
        if stage is None or self._task is not None:
            msg = "a stage is running already" if self._task is not None else "the login has ended"
            raise RuntimeError(msg)
        return await self._drive(stage, ())

    async def run_all(self) -> Trace:
        """Run stage after stage until one fails, is cancelled, or all have passed."""
        while not self.finished:
            record = await self.step()
            if record.outcome is not Outcome.PASSED or self._stop:
                break
        return self.trace

    async def retry(self) -> None:
        """Make the failed stage the next one again, with the approvals given for it withdrawn.

        A code works once: after a failed authorization or exchange the way leads back to PKCE, where
        verifier, state and link are made afresh. A client that the server no longer knows is forgotten.
        """
        stage = self.position
        if stage is None or self._task is not None:
            return
        failed = self.trace.latest(stage)
        if stage in _USES_A_CODE:
            self._progress.back(Stage.PKCE)
        if failed is not None and client_is_unknown(failed) and self.facts.client is not None:
            await self._forget_client()
        self._progress.renew()

    def back(self) -> None:
        """Take the facts of one stage earlier; to PKCE, where that stage has used up its state or code."""
        if self._task is None:
            self._progress.back()

    def back_to(self, stage: Stage) -> None:
        """Take the facts from before `stage`, which becomes the next one; or PKCE, as with `back`."""
        if self._task is None:
            self._progress.back(stage)

    def use(self, options: Options) -> None:
        """Decide anew: another port, a client id, another scope. Goes back to where that matters first."""
        if self._task is None:
            self._progress.use(options)

    async def override(self, check_name: str) -> StageRecord | None:
        """Go on in spite of the failed check `check_name`, if the protocol lets it be overridden.

        What was fetched is not fetched again; requests that were held back are sent now.
        """
        stage = self.position
        record = self.trace.records[-1] if self.trace.records else None
        if stage is None or record is None or record.stage is not stage or self._task is not None:
            return None
        if not any(c.name == check_name and c.overridable for c in record.failures):
            return None
        self._progress.approve(check_name)
        return await self._drive(stage, record.exchanges)

    async def cancel(self) -> None:
        """Stop what is running; its record says cancelled. Does nothing when nothing runs."""
        task = self._task
        if task is not None and not task.done():
            if self._running is None:  # not begun yet: a task that never began would leave no record
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def paste(self, text: Secret) -> AuthorizationResponse:
        """Take the redirect URL that the person pasted; judged exactly as if the browser had come."""
        return self._wait.paste(text)

    async def aclose(self) -> None:
        """Cancel what runs and free the port."""
        await self.cancel()
        await self._wait.close()

    # -- running one stage ---------------------------------------------------------------------------

    async def _drive(self, stage: Stage, done: tuple[Exchange, ...]) -> StageRecord:
        """Run the stage in a task of its own, so that `cancel` ends the stage and not its caller."""
        self._stop = False
        task = self._task = asyncio.create_task(self._run(stage, done), name=f"login stage {stage}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            raise
        finally:
            self._task = None

    async def _run(self, stage: Stage, done: tuple[Exchange, ...]) -> StageRecord:
        started_at, started = self._clock(), time.monotonic()
        exchanges = list(done)
        self._running = stage
        self._emit(StageStarted(stage))
        outcome, learned = Outcome.CANCELLED, Learned(self.facts)
        try:
            prepared, problem = await self._prepare(stage, again=bool(done))
            if problem is not None:
                learned = Learned(prepared, (problem,))
            else:
                learned = await self._perform(stage, prepared, exchanges)
            standing = failures(learned.checks, learned.facts.approved)
            outcome = Outcome.FAILED if standing else Outcome.PASSED
            why = diagnosis_checks(stage, learned.checks, exchanges, learned.facts.approved)
            learned = replace(learned, checks=(*learned.checks, *why))
        except asyncio.CancelledError:
            learned = Learned(self.facts, learned.checks, learned.shown)
        finally:
            self._running = None
        record = StageRecord(
            stage,
            outcome,
            started_at,
            time.monotonic() - started,
            tuple(exchanges),
            learned.checks,
            learned.shown,
            learned.facts.approved,
            1 + sum(1 for r in self.trace.records if r.stage is stage),
        )
        self.trace = self.trace.with_record(record)
        if outcome is Outcome.PASSED:
            self._progress.passed(stage, learned.facts)
        self._emit(StageEnded(record))
        return record

    async def _prepare(self, stage: Stage, *, again: bool) -> tuple[Facts, Check | None]:
        """Do what a stage needs done before its first request: bind the port, look up the client.

        When answers are read `again`, the code that was sent for them is needed once more, to mask it.
        """
        facts = self._progress.facts if again else self._progress.usable
        if stage is not Stage.REGISTRATION:
            return facts, None
        redirect_uri, problem = await self._wait.open(facts.options)
        if problem is not None or redirect_uri is None:
            return facts, problem
        return await self._with_known_client(replace(facts, redirect_uri=redirect_uri)), None

    async def _with_known_client(self, facts: Facts) -> Facts:
        """Look up the client that this server knows for the redirect URI, bound or to be bound."""
        if facts.server_metadata is None or facts.options.client_id is not None:
            return facts
        redirect_uri = facts.redirect_uri or redirect_uri_to_be(facts)
        known = await self._registry.known_client(facts.server_metadata.issuer, redirect_uri)
        return replace(facts, known_client=known)

    async def _perform(self, stage: Stage, facts: Facts, exchanges: list[Exchange]) -> Learned:
        handler = STAGES[stage]
        for _ in range(_MOST_REQUESTS_IN_A_STAGE):
            planned = handler.request(facts, tuple(exchanges))
            if planned is None:
                break
            self._emit(ExchangeStarted(stage, planned.request))
            if stage is Stage.EXCHANGE:
                self._progress.code_sent(facts)
            started_at, started = self._clock(), time.monotonic()
            try:
                exchange = await self._send(facts, planned)
            except asyncio.CancelledError:
                exchanges.append(stopped(planned, started_at, time.monotonic() - started))
                self._emit(ExchangeEnded(stage, exchanges[-1]))
                raise
            exchanges.append(exchange)
            self._emit(ExchangeEnded(stage, exchange))
        learned = handler.learn(facts, tuple(exchanges))
        if failures(learned.checks, learned.facts.approved):
            return learned
        if stage is Stage.SERVER_METADATA:
            learned = replace(learned, facts=await self._with_known_client(learned.facts))
        elif stage is Stage.REGISTRATION:
            await self._kept(self._remember_client(learned.facts))
        elif stage is Stage.AUTHORIZATION:
            learned = await self._await_browser(learned)
        elif stage is Stage.EXCHANGE:
            checks = await self._kept(self._keeper(learned.facts))
            learned = replace(learned, checks=(*learned.checks, *checks))
        return learned

    async def _kept(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Let what was earned be kept to the end: a cancellation meanwhile stops what would come next."""
        result, cancelled = await finish_first(work)
        self._stop = self._stop or cancelled
        return result

    async def _send(self, facts: Facts, planned: PlannedRequest) -> Exchange:
        guarded = planned.server_supplied and facts.resource_is_public
        return await self._wire.send(
            planned.request,
            limits=planned.limits,
            loopback_http=facts.loopback_http,
            addresses=AddressPolicy.PUBLIC_ONLY if guarded else AddressPolicy.ANY,
            purpose=planned.purpose,
        )

    async def _await_browser(self, ready: Learned) -> Learned:
        """Wait for the first valid answer, by listener or paste, and read it."""
        url = ready.facts.authorization_url or ""
        wait = ready.facts.options.wait
        problem = await self._wait.begin(ready.facts, wait)
        if problem is not None:
            return replace(ready, checks=(*ready.checks, problem))
        self._progress.link_shown(ready.facts)
        self._emit(AuthorizationReady(url, ready.shown, wait))
        response = await self._wait.response()
        if response is None:
            check = nobody_came(self._wait.waited, self._wait.ignored)
            return Learned(ready.facts, (*ready.checks, check), ready.shown)
        answered = learn_response(ready.facts, response)
        return Learned(answered.facts, (*ready.checks, *answered.checks), (*ready.shown, *answered.shown))

    async def _remember_client(self, facts: Facts) -> None:
        if facts.known_client is not None or facts.client is None or facts.server_metadata is None:
            return
        if facts.client_is_given:
            return
        await self._registry.remember_client(facts.server_metadata.issuer, facts.client)

    async def _forget_client(self) -> None:
        facts = self.facts
        if facts.client is not None and facts.server_metadata is not None and not facts.client_is_given:
            await self._registry.forget_client(facts.server_metadata.issuer, facts.client.redirect_uri)
            self._progress.back(Stage.REGISTRATION)

    def _emit(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher(event)

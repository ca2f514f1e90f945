"""The login: drives the stages of its flow, keeps the record, and can be watched, stopped and taken back.

It owns the effects that are not requests: binding the listener before registration, looking up a known
client, waiting for the browser, and handing the received tokens to a keeper before success is claimed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from authlens_core.login.callback_wait import ResponseWait
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, WaitStopped, diagnosed
from authlens_core.login.progress import Progress, TimeLimit
from authlens_core.login.registered_clients import ClientRegistry, RegisteredClients
from authlens_core.login.stage_work import Keeper, Sender, StageWork, handler_of, keep_nothing
from authlens_core.login.stages.access_stage import MOST_STEP_UPS, wants_more, wider_scope
from authlens_core.login.tampering.editing import EditForm, RequestChanges, edit_form
from authlens_core.login.tampering.experiment import Experiment
from authlens_core.login.tampering.request_edit import RequestEdit, amended_url
from authlens_core.login.tampering.tampering import Tampering
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.trace.events import Event, StageEnded, StageStarted, Watcher
from authlens_core.trace.failure_reason import without_echoes
from authlens_core.trace.flow import Flow
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import failures
from authlens_core.values.exchange import Exchange
from authlens_core.values.formats.challenge import parse_challenges
from authlens_core.values.login_options import Options, StoredOptions
from authlens_core.values.secret import Secret
from authlens_core.values.url import parse_url


class Login:
    """One login to one resource.

    Args:
        keeper: keeps the tokens the login returned; called after stage 7 and before it counts as passed.
        earlier_issuer: the authorization server of the last login to this resource; a change is reported.
        earlier_by_program: whether that was the login of a program.
        remembered: what the user decided in earlier logins, for each issuer.

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
        earlier_issuer: str | None = None,
        earlier_by_program: bool = False,
        remembered: Mapping[str, StoredOptions] = MappingProxyType({}),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        url = parse_url(resource_url, loopback_http=True)
        self._clients = RegisteredClients(registry)
        self._clock = clock
        self._watchers: list[Watcher] = []
        self._progress = Progress(
            Facts(
                resource_url=url,
                options=options or Options(),
                # Plain http only to try a whole system on this machine: the scheme of the resource decides
                # for all its servers.
                loopback_http=url.scheme == "http",
                method=(options.method if options else None) or "GET",
                earlier_issuer=earlier_issuer,
                earlier_by_program=earlier_by_program,
                remembered=remembered,
            )
        )
        self._task: asyncio.Task[StageRecord] | None = None
        self.running: Stage | None = None
        self._stopped = False
        self._time = TimeLimit()
        self._tampering = Tampering()
        self._work = StageWork(
            wire,
            self._clients,
            keeper,
            progress=self._progress,
            tampering=self._tampering,
            emit=self._emit,
            clock=clock,
        )
        self.trace = Trace(secrets.token_hex(8), TraceKind.LOGIN, url.text, clock())

    @property
    def position(self) -> Stage | None:
        """The stage to run next, or None when all have passed."""
        return self._progress.stage

    @property
    def finished(self) -> bool:
        return self._progress.finished

    @property
    def facts(self) -> Facts:
        """Everything learned so far, without a code that was sent already."""
        return self._progress.usable

    @property
    def flow(self) -> Flow:
        """The way in which the user logs in; another one after `use` if they chose so."""
        return self._progress.facts.flow

    @property
    def wait(self) -> ResponseWait:
        """The wait for the browser: its listener, its deadline, and the paste box's way in."""
        return self._work.wait

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def planned(self) -> PlannedRequest | None:
        """Return the first request of the next stage as it will be sent, to be shown before, or None."""
        stage, planned = self.position, self._honest(self.facts)
        if stage is None or planned is None:
            return None
        return self._tampering.request(stage, planned, self.facts)

    def edit_form(self) -> EditForm | None:
        """Return what can be edited before the next stage, or None after the last; see `apply`."""
        if self.position is None:
            return None
        link = (self._honest_link() or "") if self.position is Stage.AUTHORIZATION else None
        planned = self._honest(self._progress.facts)
        return edit_form(self.position, self.facts, None if planned is None else planned.request, link)

    def apply(self, changes: RequestChanges) -> None:
        """Decide again, and change what the form's stage sends."""
        # Options first: they may go back to an earlier stage, and then the other changes wait for theirs.
        if changes.options != self.facts.options:
            self.use(changes.options)
        if changes.amendments:
            self.amend(*changes.amendments, stage=changes.stage)

    def planned_link(self) -> str | None:
        """Return the link that the next stage hands out; None if it does not, or sends something first."""
        # What is pushed first gives the link a reference that only its answer names (RFC 9126 §2.2).
        hands_out_link = self.position is Stage.AUTHORIZATION and self._honest(self._progress.facts) is None
        link = self._honest_link() if hands_out_link else None
        return None if link is None else amended_url(link, self.amendments)

    def _honest_link(self) -> str | None:
        facts = self._progress.facts
        return handler_of(Stage.AUTHORIZATION, facts).learn(facts, ()).facts.authorization_url

    def _honest(self, facts: Facts) -> PlannedRequest | None:
        """Return the first request of the next stage, as the protocol has it."""
        return None if self.position is None else handler_of(self.position, facts).request(facts, ())

    def amend(self, *amendments: RequestEdit, stage: Stage | None = None) -> None:
        """Change these parts of what `stage`, or the next one, sends; no tokens are stored then."""
        target = stage or self.position
        if self._task is None and target is not None:
            self._tampering.edit(target, amendments)
            self._progress.renew()

    @property
    def amendments(self) -> tuple[RequestEdit, ...]:
        """What will be changed in the next stage, by hand and by the armed experiment."""
        return () if self.position is None else self._tampering.amendments(self.position, self.facts)

    @property
    def edits(self) -> tuple[tuple[Stage, RequestEdit], ...]:
        """What will be changed by hand, each with the stage that sends it."""
        return self._tampering.edits

    def arm(self, experiment: Experiment | None) -> None:
        """Have `experiment` act in its stage, or none; goes back to it, or before its tokens are stored."""
        if self._task is not None:
            return
        self._tampering.armed = experiment
        self._tampering.drop_edits()
        if experiment is not None:
            # The attack comes after the login, but its tokens must not be stored: that is decided in
            # Exchange.
            acts = Stage.EXCHANGE if experiment.stage is Stage.REFRESH else experiment.stage
            self._progress.back(acts)

    @property
    def armed(self) -> Experiment | None:
        return self._tampering.armed

    @property
    def tampered(self) -> bool:
        """Whether something was changed on purpose already, in any stage."""
        return self._tampering.happened

    @property
    def keeps_nothing(self) -> bool:
        """Whether what this login gets is not stored: it was changed on purpose, or is about to be."""
        return self.tampered or self._tampering.pending

    async def step(self) -> StageRecord:
        """Run the next stage and return its record.

        What uses up a state or a code is not tried again as it is: the flow starts over instead.

        Raises:
            RuntimeError: when a stage is running already or none is left.
        """
        # A state that was shown, or a code that was sent, since the last step must not go out again.
        if self._task is None:
            self._progress.renew()
        stage = self.position
        if stage is None or self._task is not None:
            raise RuntimeError("the login has ended" if stage is None else "a stage is running already")
        # An attack on a refresh needs the tokens of a finished login, and is no stage of its flow.
        record = await self._drive(stage, ())
        armed = self.armed
        if self.finished and not self._stopped and armed is not None and armed.stage is Stage.REFRESH:
            return await self._drive(Stage.REFRESH, ())
        return record

    async def run_all(self) -> Trace:
        """Run stage after stage until one fails, is cancelled, or all have passed."""
        while not self.finished:
            record = await self.step()
            if record.outcome is not Outcome.PASSED or self._stopped:
                break
        return self.trace

    async def retry(self) -> None:
        """Make the failed stage the next one again, with the approvals given for it withdrawn.

        After a failed stage that uses up a state or a code, and after a refusal for lack of scope, the flow
        starts over. A client that the server no longer knows is forgotten.
        """
        stage = self.position
        if stage is None or self._task is not None:
            return
        failed = self.trace.latest(stage)
        self._tampering.drop_edits()
        if failed is not None and self._step_up(failed):
            return
        if stage in self.flow.single_use:
            self._progress.start_over()
        # After a change, in that stage or before, the refusal says nothing about the client as it is kept.
        unknown = failed is not None and failed.client_is_unknown and not self.tampered
        # One that got no answer is replaced once; see `Client.unanswered`.
        if (failed and failed.got_no_callback) or (unknown and await self._clients.forget(self.facts)):
            self._progress.back(Stage.REGISTRATION)
        self._progress.renew()

    @property
    def steps_up(self) -> bool:
        """Whether `retry` authorizes again with a scope that the resource wants and was not asked for yet."""
        failed = self.trace.latest(Stage.ACCESS) if self.position is Stage.ACCESS else None
        return self.facts.step_ups < MOST_STEP_UPS and wants_more(failed, self.facts)

    def _step_up(self, failed: StageRecord) -> bool:
        response = failed.exchanges[-1].response if failed.exchanges else None
        # Twice in a login, whatever the scopes: a resource that wants another one each time would have the
        # user sign in for ever.
        if response is None or not failed.lacks_scope or self.facts.step_ups >= MOST_STEP_UPS:
            return False
        challenges = parse_challenges(response.headers.get_all("www-authenticate"))
        self._progress.step_up(wider_scope(self._progress.facts, challenges))
        return True

    @property
    def client_is_new(self) -> bool:
        """Whether the client at hand was registered in this login, and is no stored one."""
        client = self.facts.client
        return client is not None and self._clients.is_own(client)

    def back(self, to: Stage | None = None) -> None:
        """Go back to the facts before `to`, or by one stage; further if a state or code is used up."""
        if self._task is None:
            self._tampering.drop_edits()
            self._progress.back(to)

    def use(self, options: Options) -> None:
        """Decide again: another port, a client id, another scope. Goes back to where that matters first."""
        if self._task is None:
            self._tampering.drop_edits()
            self._progress.use(options)

    async def override(self, check_name: str) -> StageRecord | None:
        """Go on despite the failed check `check_name`, if the protocol lets it be overridden.

        What was fetched is not fetched again; requests that were held back are sent now.
        """
        stage = self.position
        record = self.trace.records[-1] if self.trace.records else None
        if stage is None or record is None or record.stage is not stage or self._task is not None:
            return None
        if not any(c.name == check_name and c.overridable for c in record.failures):
            return None
        self._progress.approve(check_name)
        return await self._drive(stage, record.exchanges, record.tampering)

    async def cancel(self) -> None:
        """Stop what is running; its record says cancelled. Does nothing when nothing runs."""
        task = self._task
        if task is not None and not task.done():
            if self.running is None:  # not begun yet: a task that never began would leave no record
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def paste(self, *lines: Secret, any_state: bool = False) -> AuthorizationResponse:
        """Take the redirect URL that the user pasted; judged exactly as if the browser had come.

        Args:
            lines: those of a paste: the address may be one of them, or several that were wrapped.
            any_state: take a code alone, by the user's decision.
        """
        return self._work.wait.paste(*lines, any_state=any_state)

    async def aclose(self) -> None:
        """Cancel what runs and free the port."""
        await self.cancel()
        await self._work.wait.close()

    async def _drive(
        self, stage: Stage, earlier_exchanges: tuple[Exchange, ...], changed: tuple[str, ...] = ()
    ) -> StageRecord:
        """Run the stage in a task of its own, so that `cancel` ends the stage and not its caller."""
        self._stopped = False
        self._tampering.done = changed
        task = self._task = asyncio.create_task(
            self._run(stage, earlier_exchanges), name=f"login stage {stage}"
        )
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            raise
        finally:
            self._task = None

    async def _run(self, stage: Stage, earlier_exchanges: tuple[Exchange, ...]) -> StageRecord:
        started_at, started = self._clock(), time.monotonic()
        exchanges, self.running = list(earlier_exchanges), stage
        self._emit(StageStarted(stage))
        outcome, learned, diagnosis = Outcome.CANCELLED, StageResult(self.facts), None
        try:
            work = partial(self._work.run, stage, exchanges)
            learned = await self._time.limited(
                work, stage, self.facts, records=self.trace.records, sent=exchanges
            )
            self._stopped = learned.stop
            # `learned` counts only if nothing failed: the facts of a failed stage are dropped below.
            failing = failures(learned.checks, learned.facts.approved)
            outcome = Outcome.FAILED if failing else Outcome.PASSED
            diagnosis = learned.diagnosis or diagnosed(stage, learned.facts, learned.checks, exchanges)
        except asyncio.CancelledError as cancelled:
            wait_checks = (cancelled.check,) if isinstance(cancelled, WaitStopped) else ()
            learned = StageResult(self.facts, (*learned.checks, *wait_checks), learned.display_facts)
        finally:
            self.running = None
        record = StageRecord(
            stage,
            outcome,
            started_at,
            elapsed=time.monotonic() - started,
            exchanges=tuple(exchanges),
            checks=learned.checks,
            facts=learned.display_facts,
            overridden=learned.facts.approved,
            attempt=1 + sum(1 for r in self.trace.records if r.stage is stage),
            tampering=self._tampering.done,
            diagnosis=diagnosis,
            grant_type=self.flow.grant_type,
        )
        # Before anyone sees the record: servers repeat what they were sent in their errors.
        record = without_echoes(record)
        self.trace = self.trace.with_record(record)
        self._tampering.ended(stage, record.checks, passed=outcome is Outcome.PASSED)
        if outcome is Outcome.PASSED and stage in self.flow.stages:
            self._progress.passed(stage, learned.facts)
        self._emit(StageEnded(record))
        return record

    def _emit(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher(event)

"""What a user changes on purpose in one login: edits of the next stage, and one armed experiment.

It notes what was really changed. What a changed login gets is not stored: its tokens are the result of a
request that the protocol does not know. The login runs a `TamperedStage` like any other stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, PlannedRequest, StageResult
from authlens_core.login.tampering.experiment import (
    Experiment,
    Referee,
    answered_by_authlens,
    answered_on_callback,
    answered_the_link,
    answered_the_push,
    answered_with_resource,
    answered_with_tokens,
    link_is_refused,
    nothing_came,
)
from authlens_core.login.tampering.request_edit import (
    EditLocation,
    RequestEdit,
    amended_answer,
    amended_request,
    amended_url,
)
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.pushed_authorization import refers_to_pushed
from authlens_core.trace.fact import Fact
from authlens_core.values.check import Check, CheckId, failures, requirement
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
from authlens_core.wire.limits import RESOURCE


class Tampering:
    """The edits and the experiment of one login, and what was changed in the stage that runs.

    Attributes:
        edits: what is changed by hand, each with the stage that sends it.
        done: what was changed in the stage that runs, in exchanges that are read again too.
    """

    def __init__(self) -> None:
        self.edits: tuple[tuple[Stage, RequestEdit], ...] = ()
        self.armed: Experiment | None = None
        self.done: tuple[str, ...] = ()
        self._ever = False

    def edit(self, stage: Stage, amendments: Sequence[RequestEdit]) -> None:
        """Change these parts when `stage` runs; what was to be changed before is dropped."""
        self.edits = tuple((stage, edit) for edit in amendments)

    def drop_edits(self) -> None:
        """Change nothing of the next stage, but for an experiment."""
        self.edits = ()

    def amendments(self, stage: Stage, facts: Facts) -> tuple[RequestEdit, ...]:
        """Return what is to be changed in `stage`, first by hand, then by the experiment."""
        experiment = self.experiment_in(stage)
        by_hand = (edit for target, edit in self.edits if target is stage)
        return (*by_hand, *(experiment.change(facts) if experiment else ()))

    def experiment_in(self, stage: Stage) -> Experiment | None:
        """Return the armed experiment if it acts in `stage`."""
        return self.armed if self.armed is not None and self.armed.stage is stage else None

    @property
    def happened(self) -> bool:
        """True once something was changed, in this stage or an earlier one, failed or not."""
        return self._ever or bool(self.done)

    @property
    def pending(self) -> bool:
        """True while something is to be changed that was not yet."""
        return bool(self.edits) or self.armed is not None

    def request(self, stage: Stage, planned: PlannedRequest, facts: Facts) -> PlannedRequest:
        amendments = self.amendments(stage, facts)
        if planned.purpose is Purpose.PUSHED_AUTHORIZATION:
            amendments = tuple(edit.pushed for edit in amendments)
        request = amended_request(planned.request, amendments)
        return planned if request == planned.request else replace(planned, request=request)

    def callback(self, facts: Facts) -> Callable[[Secret], Secret] | None:
        """Return what changes the next answer of the browser, and notes it; None if nothing does."""
        amendments = self.amendments(Stage.AUTHORIZATION, facts)
        of_callback = tuple(edit for edit in amendments if edit.location is EditLocation.CALLBACK)

        def altered(answer: Secret) -> Secret:
            self.note(of_callback)
            return amended_answer(answer, of_callback)

        return altered if of_callback else None

    def judged_answer(self, response: AuthorizationResponse | None) -> tuple[Check, ...]:
        """Judge what came to the callback by the experiment of the authorization stage."""
        experiment = self.experiment_in(Stage.AUTHORIZATION)
        if experiment is None:
            return ()
        if response is None:
            return (nothing_came(experiment),)
        if experiment.referee is Referee.AUTHLENS:
            return (answered_by_authlens(experiment, response),)
        if experiment.referee is Referee.LINK:
            return (answered_the_link(experiment, refused=False),)
        return (answered_on_callback(experiment, response),)

    def ended(self, stage: Stage, checks: Sequence[Check], *, passed: bool) -> None:
        """Drop the edits of a stage that ran, and the experiment where it was judged."""
        # For the rest of the login: what an honest stage gets after a changed one is no honest result.
        self._ever = self.happened
        self.edits = tuple(pair for pair in self.edits if pair[0] is not stage)
        experiment = self.experiment_in(stage)
        if experiment is not None and any(check.judges_attack for check in checks):
            # The second part needs what the first one got.
            self.armed = experiment.follow_up if passed else None

    def note(self, amendments: Sequence[RequestEdit]) -> None:
        self.done = tuple(dict.fromkeys((*self.done, *(edit.words for edit in amendments))))


class TamperedStage(LoginStage):
    """Changes one request of a stage, adds those of an experiment, and judges the answers.

    Args:
        again: whether answers are read again after an override: what was sent for them was changed already.
    """

    def __init__(self, stage: Stage, handler: LoginStage, tampering: Tampering, *, again: bool) -> None:
        self._stage = stage
        self._handler = handler
        self._tampering = tampering
        self._experiment = tampering.experiment_in(stage)
        self._again = again
        self._changed: PlannedRequest | None = None

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next request of the stage, changed; after the last, that of the experiment."""
        planned = self._handler.request(facts, _own(sent))
        # A changed request is not repeated as it should have been: its refusal is what was asked for.
        if planned is None or (planned.repeats and self._tampering.happened):
            return self._attack(self._experiment, facts, sent) if self._experiment else None
        # A stage can send several requests; the attack is on one of them.
        target = self._experiment and self._experiment.request
        if self._changed is not None or self._again or target not in (None, planned.purpose):
            return planned
        self._changed = self._tampering.request(self._stage, planned, facts)
        if self._changed is not planned:
            self._tampering.note(self._tampering.amendments(self._stage, facts))
        return self._changed

    def _attack(
        self, experiment: Experiment, facts: Facts, sent: Sequence[Exchange]
    ) -> PlannedRequest | None:
        """Return the request that is sent again, or that opens the link; None after it."""
        if len(_own(sent)) < len(sent):
            return None
        if experiment.referee is Referee.LINK:
            learned = self._learned(facts, sent)
            link = learned.facts.authorization_url
            if link is None or _failed(learned):
                return None
            # Without a session it leads nowhere: it only shows whether the server refuses the address.
            request = Request("GET", link, Headers.of([("Accept", "text/html")]))
            return PlannedRequest(request, Purpose.LINK, limits=RESOURCE)
        changed = self._changed
        if changed is None or not experiment.repeats:
            return None
        # A repetition tells something only if the first request was granted.
        response = next((e.response for e in sent if e.purpose is changed.purpose), None)
        if response is None or response.status >= 300:
            return None
        self._tampering.done = (*self._tampering.done, f"the {experiment.reuses} was sent a second time")
        return replace(changed, purpose=changed.purpose.again)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Return what the stage taught, with the verdict on the experiment."""
        learned = self._learned(facts, exchanges)
        if self._experiment is not None:
            learned = learned.judged_by(_verdicts(self._experiment, exchanges, facts.grant_secrets))
            opened = next((e for e in exchanges if e.purpose is Purpose.LINK), None)
            if opened is not None:
                learned = learned.with_checks(*_link_verdicts(self._experiment, opened, facts))
        if _failed(learned):
            return learned
        tampering = self._tampering
        # A client from a changed request is not to be used by the next, normal login.
        if self._stage is Stage.REGISTRATION:
            return replace(learned, stored=not tampering.happened)
        if self._stage is Stage.EXCHANGE and (tampering.happened or tampering.pending):
            check = requirement(CheckId.EXCHANGE_STORED)
            learned = learned.with_checks(check.noticed("not stored, because the request was changed"))
            return replace(learned, stored=False)
        return learned

    def _learned(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Return what the stage alone taught, with its link changed.

        A link that refers to a pushed request stays as it is: the change was in the request.
        """
        learned = self._handler.learn(facts, _own(exchanges))
        url, facts = learned.facts.authorization_url, learned.facts
        if self._stage is not Stage.AUTHORIZATION or url is None or _failed(learned):
            return learned
        edits = self._tampering.amendments(self._stage, facts)
        edits = tuple(edit for edit in edits if edit.location is not EditLocation.CALLBACK)
        pushed = refers_to_pushed(url)
        changed = url if pushed else amended_url(url, edits)
        if not edits or (changed == url and not pushed):
            return learned
        self._tampering.note(edits)
        parameters = {fact.name: fact for fact in learned.display_facts}
        for edit in edits:
            if edit.pushed.location is not EditLocation.FORM:
                continue
            if edit.value is None:
                parameters.pop(edit.name, None)
            else:
                old = parameters.get(edit.name, Fact(edit.name, ""))
                parameters[edit.name] = replace(old, value=edit.value, note="changed on purpose")
        facts = replace(facts, authorization_url=changed)
        return replace(learned, facts=facts, display_facts=tuple(parameters.values()))


def _failed(learned: StageResult) -> bool:
    return bool(failures(learned.checks, learned.facts.approved))


def _own(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """Return the exchanges of the stage itself, without those of an experiment."""
    return tuple(e for e in exchanges if e.purpose is not Purpose.LINK and not e.purpose.repeats)


def _verdicts(
    experiment: Experiment, exchanges: Sequence[Exchange], sent: Sequence[Secret]
) -> tuple[Check, ...]:
    """Judge the answers of a stage by the experiment that acted in it."""
    pushed = next((e for e in exchanges if e.purpose is Purpose.PUSHED_AUTHORIZATION), None)
    # What is pushed has the parameters (RFC 9126), so this endpoint is the one that must refuse.
    if pushed is not None and experiment.referee is not Referee.AUTHLENS:
        return answered_the_push(experiment, pushed, sent)
    if experiment.referee is Referee.TOKEN_ENDPOINT and exchanges:
        return (answered_with_tokens(experiment, exchanges, sent),)
    if experiment.referee is Referee.RESOURCE:
        return (answered_with_resource(experiment, exchanges),)
    return ()


def _link_verdicts(experiment: Experiment, exchange: Exchange, facts: Facts) -> tuple[Check, ...]:
    """Judge the link that authlens opened; empty where the server asks for a sign-in first."""
    parts = {edit.name: edit.text for edit in experiment.change(facts)}
    refused = link_is_refused(exchange, parts.get("redirect_uri") or "")
    if refused is None:
        return ()
    reason = f"{exchange.status}: the server does not allow a sign-in with this link"
    return (
        requirement(CheckId.AUTHORIZATION_OPENED).failed(reason),
        answered_the_link(experiment, refused=refused, status=exchange.status),
    )

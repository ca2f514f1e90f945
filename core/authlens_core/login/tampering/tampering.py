"""What a user changes on purpose in one login: edits of the next stage, and one armed experiment.

It notes what was really changed. What a changed login gets is not stored: its tokens are the result of a
request that the protocol does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
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
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
from authlens_core.wire.limits import RESOURCE


class Tampering:
    """The edits and the experiment of one login, and what was changed in the stage that runs."""

    def __init__(self) -> None:
        self._edits: dict[Stage, tuple[RequestEdit, ...]] = {}
        self.armed: Experiment | None = None
        self.done: tuple[str, ...] = ()
        """What was changed in the stage that runs, in exchanges that are read again too."""
        self._ever = False

    # -- before a stage --------------------------------------------------------------------------------

    def edit(self, stage: Stage, amendments: Sequence[RequestEdit]) -> None:
        """Change these parts when `stage` runs; what was to be changed before is dropped."""
        self._edits = {stage: tuple(amendments)} if amendments else {}

    def drop_edits(self) -> None:
        """Change nothing of the next stage, but for an experiment."""
        self._edits = {}

    @property
    def edits(self) -> tuple[tuple[Stage, RequestEdit], ...]:
        return tuple((stage, edit) for stage, edits in self._edits.items() for edit in edits)

    def amendments(self, stage: Stage, facts: Facts) -> tuple[RequestEdit, ...]:
        """Return what is to be changed in `stage`, first by hand, then by the experiment."""
        experiment = self._here(stage)
        return (*self._edits.get(stage, ()), *(experiment.change(facts) if experiment else ()))

    @property
    def happened(self) -> bool:
        """True once something was changed, in this stage or an earlier one, failed or not."""
        return self._ever or bool(self.done)

    @property
    def withheld(self) -> Check | None:
        """Why the tokens of this login are not stored; None if nothing was or is to be changed."""
        if not (self.happened or self.pending):
            return None
        return requirement(CheckId.EXCHANGE_STORED).noticed("not stored, because the request was changed")

    @property
    def pending(self) -> bool:
        """True while something is to be changed that was not yet."""
        return bool(self._edits) or self.armed is not None

    # -- while a stage runs ----------------------------------------------------------------------------

    def request(self, stage: Stage, planned: PlannedRequest, facts: Facts) -> PlannedRequest:
        amendments = self.amendments(stage, facts)
        if planned.purpose is Purpose.PUSHED_AUTHORIZATION:
            amendments = tuple(edit.pushed for edit in amendments)
        request = amended_request(planned.request, amendments)
        return planned if request == planned.request else replace(planned, request=request)

    def concerns(self, stage: Stage, planned: PlannedRequest) -> bool:
        """Whether this is the request of `stage` that is changed, if one is."""
        experiment = self._here(stage)
        # A stage can send several requests; the attack is on one of them.
        return experiment is None or experiment.request in (None, planned.purpose)

    def sending(self, stage: Stage, planned: PlannedRequest, facts: Facts) -> PlannedRequest:
        """Return the first request as it is sent now, and note what was changed in it."""
        changed = self.request(stage, planned, facts)
        if changed is not planned:
            self._note(self.amendments(stage, facts))
        return changed

    def repeated(
        self, stage: Stage, planned: PlannedRequest, sent: Sequence[Exchange]
    ) -> PlannedRequest | None:
        """Return the request to send again, where the experiment wants that and the first was granted."""
        experiment = self._here(stage)
        response = next((e.response for e in sent if e.purpose is planned.purpose), None)
        # A repetition tells something only if the first request was granted.
        if experiment is None or not experiment.repeats or response is None or response.status >= 300:
            return None
        self.done = (*self.done, f"the {experiment.reuses} was sent a second time")
        return replace(planned, purpose=planned.purpose.again)

    def link(self, learned: StageResult) -> StageResult:
        """Return what the authorization stage learned with its link changed, and note what was changed.

        A link that refers to a pushed request stays as it is: the change was in the request.
        """
        url, facts = learned.facts.authorization_url, learned.facts
        amendments = self.amendments(Stage.AUTHORIZATION, facts)
        of_link = tuple(edit for edit in amendments if edit.location is not EditLocation.CALLBACK)
        if url is None or not of_link:
            return learned
        pushed = refers_to_pushed(url)
        changed = url if pushed else amended_url(url, amendments)
        if changed == url and not pushed:
            return learned
        self._note(of_link)
        parameters = {fact.name: fact for fact in learned.display_facts}
        for edit in of_link:
            if edit.pushed.location is not EditLocation.FORM:
                continue
            old = parameters.get(edit.name, Fact(edit.name, ""))
            if edit.value is None:
                parameters.pop(edit.name, None)
            else:
                parameters[edit.name] = replace(old, value=edit.value, note="changed on purpose")
        facts = replace(facts, authorization_url=changed)
        return replace(learned, facts=facts, display_facts=tuple(parameters.values()))

    def opened_link(self, facts: Facts) -> PlannedRequest | None:
        """Return the request with which authlens opens the link itself, where the experiment wants that.

        Without a session no one can be sent on by it: it shows whether the server refuses the address.
        """
        experiment = self._here(Stage.AUTHORIZATION)
        if experiment is None or experiment.referee is not Referee.LINK or facts.authorization_url is None:
            return None
        request = Request("GET", facts.authorization_url, Headers.of([("Accept", "text/html")]))
        return PlannedRequest(request, Purpose.LINK, limits=RESOURCE)

    def judged_link(self, exchange: Exchange, facts: Facts) -> tuple[Check, ...]:
        """Judge the link that authlens opened; empty where the server asks for a sign-in first."""
        experiment = self._here(Stage.AUTHORIZATION)
        if experiment is None:
            return ()
        parts = {edit.name: edit.text for edit in experiment.change(facts)}
        refused = link_is_refused(exchange, parts.get("redirect_uri") or "")
        if refused is None:
            return ()
        settled = requirement(CheckId.AUTHORIZATION_OPENED).failed(
            f"{exchange.status}: the server does not allow a sign-in with this link"
        )
        return settled, answered_the_link(experiment, refused=refused, status=exchange.status)

    def callback(self, facts: Facts) -> Callable[[Secret], Secret] | None:
        """Return what changes the next answer of the browser, and notes it; None if nothing does."""
        amendments = self.amendments(Stage.AUTHORIZATION, facts)
        of_callback = tuple(edit for edit in amendments if edit.location is EditLocation.CALLBACK)

        def altered(answer: Secret) -> Secret:
            self._note(of_callback)
            return amended_answer(answer, of_callback)

        return altered if of_callback else None

    # -- after a stage ---------------------------------------------------------------------------------

    def judged(
        self, stage: Stage, exchanges: Sequence[Exchange], sent: Sequence[Secret] = ()
    ) -> tuple[Check, ...]:
        """Hold the answers of `stage` against the experiment that acted in it."""
        experiment = self._here(stage)
        if experiment is None:
            return ()
        pushed = next((e for e in exchanges if e.purpose is Purpose.PUSHED_AUTHORIZATION), None)
        # What is pushed has the parameters (RFC 9126), so this endpoint is the one that must refuse.
        if pushed is not None and experiment.referee is not Referee.AUTHLENS:
            return answered_the_push(experiment, pushed, sent)
        if experiment.referee is Referee.TOKEN_ENDPOINT and exchanges:
            return (answered_with_tokens(experiment, exchanges, sent),)
        if experiment.referee is Referee.RESOURCE:
            return (answered_with_resource(experiment, exchanges),)
        return ()

    def judged_answer(self, response: AuthorizationResponse | None) -> tuple[Check, ...]:
        """Hold what came to the callback against the experiment of the authorization stage."""
        experiment = self._here(Stage.AUTHORIZATION)
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
        self._edits.pop(stage, None)
        experiment = self._here(stage)
        if experiment is not None and any(check.judges_attack for check in checks):
            # The second part needs what the first one got.
            self.armed = experiment.follow_up if passed else None

    def _here(self, stage: Stage) -> Experiment | None:
        return self.armed if self.armed is not None and self.armed.stage is stage else None

    def _note(self, amendments: Sequence[RequestEdit]) -> None:
        descriptions = (edit.words for edit in amendments)
        self.done = (*self.done, *(change for change in descriptions if change not in self.done))

"""How far a login has come: the facts before each stage, and what may not be used a second time.

Going back is taking earlier facts. A state is shown in one link and its code is sent in one request: where
one of them has gone out, going back leads to where the flow starts over, with new ones.
"""

from __future__ import annotations

from dataclasses import replace

from authlens_core.login.facts import Facts
from authlens_core.trace.flow import Flow
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options, first_changed
from authlens_core.values.secret import Secret


class Progress:
    """The position among the stages and the facts on which the next one works."""

    def __init__(self, start: Facts) -> None:
        self._start = start
        self._after: dict[Stage, Facts] = {}
        self._index = 0
        # States, each with the stage that may not use it again: to show it in a link, or to redeem its code.
        self._used: set[tuple[Stage, Secret]] = set()
        self._sent_codes: set[Secret] = set()

    @property
    def stage(self) -> Stage | None:
        """The stage to run next, or None when all have passed."""
        return None if self.finished else self._flow.stages[self._index]

    @property
    def finished(self) -> bool:
        return self._index >= len(self._flow.stages)

    @property
    def facts(self) -> Facts:
        """Everything learned so far, with the code even if it was sent already: answers to it mask it."""
        return self._start if self._index == 0 else self._after[self._flow.stages[self._index - 1]]

    @property
    def _flow(self) -> Flow:
        return self._start.flow

    @property
    def usable(self) -> Facts:
        """Everything learned so far, without a code that was sent already."""
        facts = self.facts
        return replace(facts, code=None) if facts.code in self._sent_codes else facts

    def passed(self, stage: Stage, facts: Facts) -> None:
        self._after[stage] = facts
        self._index = self._flow.place(stage) + 1

    def approve(self, check_name: str) -> None:
        """Note that the user goes on despite a check of the next stage."""
        self._replace(replace(self.facts, approved=self.facts.approved | {check_name}))

    def back(self, to: Stage | None = None) -> None:
        """Go back to `to`, or one stage; never forward. What was approved there is asked again."""
        index = self._index - 1 if to is None else self._flow.place(to)
        self._index = max(0, min(index, self._index))
        self.renew()

    def start_over(self) -> None:
        """Go back to where another attempt begins, in a flow in which something was used up."""
        if self._flow.starts_over is not None:
            self._index = min(self._index, self._flow.place(self._flow.starts_over))

    def renew(self) -> None:
        """Stay, or start over where a state would be shown, or its code redeemed, a second time.

        Approvals are withdrawn.
        """
        if (self.stage, self.facts.state) in self._used:
            self.start_over()
        # Another attempt may show something else.
        self._replace(replace(self.facts, approved=frozenset()))

    def use(self, options: Options) -> None:
        """Decide again, and go back to the first stage in which that matters."""
        before = self.facts.options
        if options.issuer_name != before.issuer_name and options.issuer == before.issuer:
            # It is for the server that the user sees now.
            options = replace(options, issuer=self.facts.issuer_identifier)
        changed, stage = first_changed(before, options), self.stage
        # What is remembered for one server is no choice for another, which may be named next.
        own = self.facts.own_options(options, self._start.options)
        self._start = replace(self._start, options=own)
        self._after = {
            stage: replace(facts, options=own if facts.issuer_identifier is None else options)
            for stage, facts in self._after.items()
        }
        # The flow may be another one now, with other stages. What was learned still counts, because all flows
        # have the stages in common that come before the choice matters.
        self._index = self._flow.place(stage)
        if changed is None:
            self.renew()
        else:
            self.back(changed)

    def step_up(self, scope: str) -> None:
        """Go back to authorize again with `scope`, and count it whatever comes after."""
        again = self.facts.step_ups + 1
        # In all facts: going back must not forget how often this was tried.
        self._start = replace(self._start, step_ups=again)
        self._after = {stage: replace(facts, step_ups=again) for stage, facts in self._after.items()}
        # As an option: the scope of the challenge would be asked for again.
        self.use(replace(self.facts.options, scope=scope))
        self.start_over()
        self.renew()

    def link_shown(self, facts: Facts) -> None:
        """Note that the link with the state in `facts` is out."""
        if facts.state is not None:
            self._used.add((Stage.AUTHORIZATION, facts.state))

    def code_sent(self, facts: Facts) -> None:
        """Note that the code in `facts` is on its way."""
        if facts.code is not None and facts.state is not None:
            # Whether or not it arrives: a server may count a code as used, and end the grant at a second use
            # (RFC 6749 §4.1.2).
            self._used.add((Stage.EXCHANGE, facts.state))
            self._sent_codes.add(facts.code)

    def _replace(self, facts: Facts) -> None:
        if self._index == 0:
            self._start = facts
        else:
            self._after[self._flow.stages[self._index - 1]] = facts

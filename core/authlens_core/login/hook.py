"""Where something outside the protocol may take part in a login; `tampering` is the one that does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from authlens_core.login.facts import Facts
from authlens_core.login.stage import PlannedRequest, StageResult
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.check import Check
from authlens_core.secret import Secret
from authlens_core.trace.record import Stage
from authlens_core.wire.exchange import Exchange


class StageHook(Protocol):
    """Takes part in the work of a stage. One that changes nothing returns what it was given."""

    @property
    def happened(self) -> bool:
        """True once something was changed, in this stage or before."""

    @property
    def withheld(self) -> Check | None:
        """Why the tokens of this login are not stored; None if they are."""

    def sending(self, stage: Stage, planned: PlannedRequest, facts: Facts) -> PlannedRequest:
        """Return the first request of a stage as it is sent."""

    def repeated(
        self, stage: Stage, planned: PlannedRequest, sent: Sequence[Exchange]
    ) -> PlannedRequest | None:
        """Return a request to send after those of the stage, or None."""

    def judged(
        self, stage: Stage, exchanges: Sequence[Exchange], sent: Sequence[Secret] = ()
    ) -> tuple[Check, ...]:
        """Return checks of the answers to what was changed."""

    def link(self, learned: StageResult) -> StageResult:
        """Return the result of the authorization stage with the link that is handed out."""

    def opened_link(self, facts: Facts) -> PlannedRequest | None:
        """Return the request that opens the link before the browser does, or None."""

    def judged_link(self, exchange: Exchange, facts: Facts) -> tuple[Check, ...]:
        """Return checks of the answer to that request; empty if the browser is to go on."""

    def callback(self, facts: Facts) -> Callable[[Secret], Secret] | None:
        """Return what changes the answer of the browser before it is read, or None."""

    def judged_answer(self, response: AuthorizationResponse | None) -> tuple[Check, ...]:
        """Return checks of what came to the callback."""

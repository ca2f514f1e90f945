"""An experiment: one attack in miniature, with the result that the specification demands of it.

It changes one thing in one stage. It names who has to refuse, the server or authlens.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.tampering.request_edit import RequestEdit
from authlens_core.trace.flow import UserPart
from authlens_core.trace.record import Stage
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Purpose
from authlens_core.values.quick_dataclass import dataclass

# No one can have a name below `.example` (RFC 2606 §2).
FOREIGN_ISSUER: Final = "https://attacker.example"


class Referee(StrEnum):
    """Whose answer is judged, and so how."""

    TOKEN_ENDPOINT = "token endpoint"  # noqa: S105 - a place, not a password
    CALLBACK = "callback"
    LINK = "link"
    AUTHLENS = "authlens"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment.

    Attributes:
        name: a stable identifier; the check is called `experiment.<name>`.
        question: what an attacker would try, one sentence.
        stage: where it acts; `Stage.REFRESH` comes after the last stage of the login.
        expectation: what the specification says must happen, in words of ours.
        why: what it would mean if it were let through.
        accepted: how grave that is.
        errors: the error codes that a refusal should carry; empty for any.
        change: the amendments, from what is known when the stage begins.
        applies: whether there is anything to attack in a login that is as far as this.
        request: what the request is for that it changes; None for the first of the stage.
        repeats: true to send the same request a second time, after it was answered.
        reuses: what is used twice by that.
        follow_up: what is looked at in a later stage because of this one.
    """

    name: str
    title: str
    question: str
    stage: Stage
    expectation: str
    spec: str
    referee: Referee
    why: str
    accepted: Severity = Severity.FAILURE
    errors: tuple[str, ...] = ()
    change: Callable[[Facts], tuple[RequestEdit, ...]] = lambda _: ()
    applies: Callable[[Facts], bool] = lambda facts: facts.flow.user_part is UserPart.LINK
    request: Purpose | None = None
    repeats: bool = False
    reuses: str = "code"
    follow_up: Experiment | None = None

    @property
    def who(self) -> str:
        """Who has to refuse."""
        return {Referee.AUTHLENS: "authlens", Referee.RESOURCE: "the resource"}.get(
            self.referee, "the server"
        )


def other_text(text: str) -> str:
    """Return a text that differs in one character: its form is right, and only a comparison can tell."""
    return f"{text[:-1]}{'B' if text.endswith('A') else 'A'}"

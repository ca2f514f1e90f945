"""An experiment: one attack in miniature, with the result that the specification demands of it.

It changes one thing in one stage. It names who has to refuse, the server or authlens. Its result is the
answer, held against that demand.

"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authlens_core.login.facts import Facts
from authlens_core.login.tampering.request_edit import RequestEdit
from authlens_core.oauth.authorization import AuthorizationResponse, Verdict
from authlens_core.trace.record import Stage
from authlens_core.values.check import Check, Severity, judged
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.secret import Secret

# No one can have a name below `.example` (RFC 2606 §2).
FOREIGN_ISSUER: Final = "https://attacker.example"


class Referee(StrEnum):
    """Whose answer is judged, and so how."""

    TOKEN_ENDPOINT = "token endpoint"  # noqa: S105 - a place, not a password
    CALLBACK = "callback"
    LINK = "link"
    AUTHLENS = "authlens"
    RESOURCE = "resource"


class Experiment(Struct, frozen=True):
    """One experiment.

    Attributes:
        name: a stable identifier; the check is called `experiment.<name>`.
        question: what an attacker would try, one sentence.
        stage: where it acts; `Stage.REFRESH` comes after the last stage of the login.
        expectation: what the specification says must happen, in our own words.
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
    applies: Callable[[Facts], bool] = lambda facts: facts.flow.is_by_link
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


_NOT_REFUSED: Final = "That is not a protocol error: it does not show that the rule is enforced."


def answered_with_tokens(
    experiment: Experiment, exchanges: Sequence[Exchange], sent: Sequence[Secret] = ()
) -> Check:
    """Judge the last answer of a token endpoint; `sent` is masked where the server repeats it."""
    # A server that refuses the honest request says nothing about its repetition.
    if experiment.repeats and not any(exchange.purpose.repeats for exchange in exchanges):
        return _check(
            experiment, Severity.NOTICE, "the first request was already refused, so nothing was sent again"
        )
    last = exchanges[-1] if exchanges else None
    refused = _not_granted(experiment, last, sent)
    if refused is not None:
        return refused
    return _check(experiment, experiment.accepted, f"{last and last.status}: it returned tokens")


def answered_on_callback(experiment: Experiment, response: AuthorizationResponse) -> Check:
    """Judge what the server sent the browser back with."""
    if response.error is not None:
        return _refused(experiment, f"{response.error}", response.error)
    if response.code is not None:
        return _check(experiment, experiment.accepted, "it sent the browser back with a code")
    return _check(experiment, Severity.WARNING, f"an answer that cannot be read. {_NOT_REFUSED}")


def link_is_refused(exchange: Exchange, redirect_uri: str) -> bool | None:
    """Return whether the server refused a link that authlens itself opened; None where it asks to sign in.

    Args:
        exchange: the GET of the link, without any session.
        redirect_uri: the address in the link that was not registered.
    """
    response = exchange.response
    if response is None:
        return None
    # Errors go to the redirect URI, too (RFC 6749 §4.1.2.1); only a page of the server's own is a refusal.
    if 300 <= response.status < 400 and (response.headers.get("location") or "").startswith(redirect_uri):
        return False
    return True if 400 <= response.status < 500 else None


def answered_the_link(experiment: Experiment, *, refused: bool, status: int | None = None) -> Check:
    """Judge whether the browser was sent to an address that was not registered."""
    if refused:
        return _check(experiment, Severity.PASS, f"{status}: its own error page, without a redirect")
    return _check(experiment, experiment.accepted, "it sent the browser to that address")


def answered_the_push(
    experiment: Experiment, pushed: Exchange, sent: Sequence[Secret] = ()
) -> tuple[Check, ...]:
    """Judge a pushed authorization request that was refused; empty if it was taken: the link shows more."""
    refused = _not_granted(experiment, pushed, sent)
    return () if refused is None else (refused,)


def answered_by_authlens(experiment: Experiment, response: AuthorizationResponse) -> Check:
    """Judge authlens itself: whether it took a forged callback for an answer."""
    if response.code is not None or response.error is not None:
        return _check(experiment, Severity.FAILURE, "authlens accepted it as a response")
    refusal = {
        Verdict.OUTDATED: "authlens refused it: the state matches no login here. The code was not used",
        Verdict.WRONG_ISSUER: "authlens refused it: another issuer. The code was not sent",
    }
    actual = refusal.get(response.verdict, "authlens refused it: the answer cannot be read")
    return _check(experiment, Severity.PASS, actual)


def answered_with_resource(experiment: Experiment, exchanges: Sequence[Exchange]) -> Check:
    response = exchanges[-1].response if exchanges else None
    if response is None:
        return _check(experiment, Severity.NOTICE, "no answer")
    # Only a 401 speaks of the token; a 403 or a 500 may come from behind it.
    if response.status == 401:
        return _check(experiment, Severity.PASS, "401: the token is no longer valid")
    return _check(experiment, experiment.accepted, f"{response.status}: the token is still accepted")


def nothing_came(experiment: Experiment) -> Check:
    """Return the verdict on a wait that ended without an answer: it decides nothing."""
    hint = "if the browser shows an error page of the server, that is its refusal"
    return _check(experiment, Severity.NOTICE, f"nothing came back to authlens; {hint}")


def _not_granted(experiment: Experiment, exchange: Exchange | None, sent: Sequence[Secret]) -> Check | None:
    """Judge an answer that grants nothing; None if it grants what was asked for."""
    response = exchange.complete_response if exchange is not None else None
    if response is None:
        cause = exchange.no_answer.cause if exchange is not None else "nothing was sent"
        # No answer is no refusal: a server that hangs may have accepted it.
        return _check(experiment, Severity.NOTICE, f"no answer: {cause}")
    if response.status < 300:
        return None
    error = read_error(response, sent)
    # A 5xx, or a page without an error code, may be a crash: it does not show a rule.
    if response.status < 500 and error is not None:
        return _refused(experiment, f"{response.status} {error}", error)
    return _check(experiment, Severity.WARNING, f"{response.status}. {_NOT_REFUSED}")


def _refused(experiment: Experiment, actual: str, error: OAuthError) -> Check:
    # A refusal with another code protects as well; only the specification is not followed to the letter.
    if experiment.errors and error.error not in experiment.errors:
        meant = " or ".join(experiment.errors)
        return _check(experiment, Severity.NOTICE, f"{actual} (refused, but the specified code is {meant})")
    return _check(experiment, Severity.PASS, actual)


def _check(experiment: Experiment, severity: Severity, actual: str) -> Check:
    return judged(
        severity,
        f"experiment.{experiment.name}",
        experiment.expectation,
        actual,
        why=experiment.why,
        spec=experiment.spec,
        cure="" if severity in (Severity.PASS, Severity.NOTICE) else _cure(experiment),
    )


def _cure(experiment: Experiment) -> str:
    if experiment.referee is Referee.AUTHLENS:
        return "Report this as a security bug of authlens."
    # Only the owner can close the hole; there is nothing to set here.
    return f"Tell the owner of {experiment.who}, with an export of this record."

"""What if…: the experiments on the login of a user, and those of any login, by their names.

What the specification demands is stated before one runs, in words of ours, and held against the answer.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.tampering.experiment import FOREIGN_ISSUER, Experiment, Referee, other_text
from authlens_core.login.tampering.program_experiments import PROGRAM_EXPERIMENTS
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.check import Check, ErrorCode, Severity
from authlens_core.values.secret import Secret

# Still our own listener: if the server is taken in, no code goes to a stranger.
_ELSEWHERE: Final = "?other=1"


def _wrong_verifier(facts: Facts) -> tuple[RequestEdit, ...]:
    verifier = facts.pkce.code_verifier.reveal() if facts.pkce else ""
    return (RequestEdit(EditLocation.FORM, "code_verifier", Secret(other_text(verifier))),)


def _plain(facts: Facts) -> tuple[RequestEdit, ...]:
    verifier = facts.pkce.code_verifier if facts.pkce else Secret("")
    return (
        RequestEdit(EditLocation.QUERY, "code_challenge", verifier),
        RequestEdit(EditLocation.QUERY, "code_challenge_method", "plain"),
    )


def _other_redirect(place: EditLocation, facts: Facts) -> tuple[RequestEdit, ...]:
    registered = facts.client.redirect_uri if facts.client else ""
    return (RequestEdit(place, "redirect_uri", f"{registered}{_ELSEWHERE}"),)


def _wrong_state(facts: Facts) -> tuple[RequestEdit, ...]:
    state = facts.state.reveal() if facts.state else ""
    return (RequestEdit(EditLocation.CALLBACK, "state", Secret(other_text(state))),)


EXPERIMENTS: Final[tuple[Experiment, ...]] = (
    Experiment(
        name="wrong_verifier",
        title="Wrong code_verifier",
        question="An attacker stole the code from the callback and redeems it without knowing the verifier.",
        stage=Stage.EXCHANGE,
        expectation="The server refuses a wrong verifier with invalid_grant.",
        spec="RFC 7636 §4.6",
        referee=Referee.TOKEN_ENDPOINT,
        why="A stolen code would be as good as the tokens.",
        errors=(ErrorCode.INVALID_GRANT,),
        change=_wrong_verifier,
    ),
    Experiment(
        name="reused_code",
        title="Code used twice",
        question="An attacker finds the code in a log or the browser history after it was redeemed.",
        stage=Stage.EXCHANGE,
        expectation="A code must not be used more than once: the server must deny the second request.",
        spec="RFC 6749 §4.1.2",
        referee=Referee.TOKEN_ENDPOINT,
        why="If a code works twice, every log that contains it gives access.",
        errors=(ErrorCode.INVALID_GRANT,),
        repeats=True,
        follow_up=Experiment(
            name="reused_code_tokens",
            title="The tokens of a code used twice",
            question="The first use of the code may have been the attacker's.",
            stage=Stage.ACCESS,
            expectation="When a code is used again, the server should also revoke the tokens from the "
            "first use.",
            spec="RFC 6749 §4.1.2",
            referee=Referee.RESOURCE,
            why="It cannot tell the attacker from you, so it is safer that neither has tokens.",
            accepted=Severity.NOTICE,
        ),
    ),
    Experiment(
        name="missing_resource",
        title="No resource parameter",
        question="A careless client does not say what the token is for, and gets one that many resources "
        "accept.",
        stage=Stage.AUTHORIZATION,
        expectation="The server may use a default, or require the parameter and answer invalid_target. MCP "
        "clients must send it.",
        spec="RFC 8707 §2; Model Context Protocol, Authorization",
        referee=Referee.CALLBACK,
        why="The server chose where the token is valid. A resource that receives it may use it at another.",
        accepted=Severity.WARNING,
        errors=(ErrorCode.INVALID_TARGET, ErrorCode.INVALID_REQUEST),
        change=lambda _: (RequestEdit(EditLocation.QUERY, "resource", None),),
    ),
    Experiment(
        name="plain_pkce",
        title="Plain PKCE",
        question="Anyone who reads the link learns the verifier, because the link contains it unhashed.",
        stage=Stage.AUTHORIZATION,
        expectation="A client that can do S256 must use it; a server that does not support plain returns "
        "invalid_request.",
        spec="RFC 7636 §4.2, §4.4.1; RFC 9700 §2.1.1",
        referee=Referee.CALLBACK,
        why="With plain, the link is enough to redeem a stolen code.",
        accepted=Severity.WARNING,
        errors=(ErrorCode.INVALID_REQUEST,),
        change=_plain,
    ),
    Experiment(
        name="other_redirect_authorization",
        title="Other redirect_uri in the link",
        question="A forged link asks the server to send the code to the attacker's address.",
        stage=Stage.AUTHORIZATION,
        expectation="The address is not one that was registered, letter for letter: the server must show an "
        "error itself and must not send the browser there.",
        spec="RFC 6749 §3.1.2.4; RFC 9700 §4.1.3",
        referee=Referee.LINK,
        why="The code of everyone who follows the forged link would go to the attacker.",
        change=partial(_other_redirect, EditLocation.QUERY),
    ),
    Experiment(
        name="other_redirect_exchange",
        title="Other redirect_uri in the exchange",
        question="The attacker got the code with a redirect URI of their own and sends it as if it had "
        "gone to the right one.",
        stage=Stage.EXCHANGE,
        expectation="The redirect_uri must be the same as in the authorization request, or the server "
        "returns invalid_grant.",
        spec="RFC 6749 §4.1.3",
        referee=Referee.TOKEN_ENDPOINT,
        why="Nothing would tie the code to the address that it was sent to.",
        errors=(ErrorCode.INVALID_GRANT,),
        change=partial(_other_redirect, EditLocation.FORM),
    ),
    Experiment(
        name="wrong_state",
        title="Wrong state in the callback",
        question="An attacker makes your browser open the callback with their code, so that you work in "
        "their account.",
        stage=Stage.AUTHORIZATION,
        expectation="The state is not the one of this login, so the client must not use the answer.",
        spec="RFC 6749 §10.12",
        referee=Referee.AUTHLENS,
        why="What you then save or pay would be in their account.",
        change=_wrong_state,
    ),
    Experiment(
        name="foreign_iss",
        title="Foreign iss in the callback",
        question="A hostile server, used alongside an honest one, presents the honest one's code as its "
        "own, to receive it.",
        stage=Stage.AUTHORIZATION,
        expectation="The iss is not the issuer that was asked, so the client must reject the answer and must "
        "not send the code anywhere.",
        spec="RFC 9207 §2.4",
        referee=Referee.AUTHLENS,
        why="The code would be sent to the hostile server's token endpoint.",
        change=lambda _: (RequestEdit(EditLocation.CALLBACK, "iss", FOREIGN_ISSUER),),
    ),
    Experiment(
        name="stale_refresh_token",
        title="Refresh token used twice",
        question="An attacker copied a refresh token from a backup and uses it after you did.",
        stage=Stage.REFRESH,
        expectation="A server that replaces refresh tokens recognises the old one, refuses it, and ends "
        "the whole grant, because one of its two holders is an attacker.",
        spec="RFC 9700 §4.14.2; RFC 6749 §10.4",
        referee=Referee.TOKEN_ENDPOINT,
        why="A stolen refresh token of a public client works as long as the grant, and no one notices.",
        accepted=Severity.WARNING,
        errors=(ErrorCode.INVALID_GRANT,),
        repeats=True,
        reuses="refresh token",
    ),
)


def experiment_named(name: str) -> Experiment | None:
    """Return the experiment of that name, follow-ups included, or None."""
    follow_ups = (experiment.follow_up for experiment in EXPERIMENTS)
    every = (*EXPERIMENTS, *PROGRAM_EXPERIMENTS, *follow_ups)
    return next((experiment for experiment in every if experiment and experiment.name == name), None)


def ended_in(record: StageRecord) -> tuple[tuple[Experiment, Check], ...]:
    """Return the experiments that ended in a record, each with the check that says how."""
    named = ((experiment_named(check.subject), check) for check in record.checks if check.judges_attack)
    return tuple((experiment, check) for experiment, check in named if experiment is not None)


def attacks_on(facts: Facts) -> tuple[Experiment, ...]:
    """Return the experiments that mean something in this login."""
    return tuple(one for one in (*EXPERIMENTS, *PROGRAM_EXPERIMENTS) if one.applies(facts))

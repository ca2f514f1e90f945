"""What if…: the experiments, each an attack in miniature, with the result that the specification demands.

An experiment changes one thing in one stage. It names who has to refuse, the server or authlens. What the
specification demands is stated before it runs, in words of ours, and held against the answer afterwards.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Final
from urllib.parse import quote_plus

from authlens_core.login.facts import Facts
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit
from authlens_core.oauth.client_assertion import signed
from authlens_core.trace.flow import UserPart
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.check import Check, ErrorCode, Severity
from authlens_core.values.exchange import Purpose
from authlens_core.values.program_grant import PROGRAMS
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType

# No one can have a name below `.example` (RFC 2606 §2).
FOREIGN_ISSUER: Final = "https://attacker.example"
# Still our own listener: if the server is taken in, no code goes to a stranger.
_ELSEWHERE: Final = "?other=1"


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

    @staticmethod
    def ended_in(record: StageRecord) -> tuple[tuple[Experiment, Check], ...]:
        """Return the experiments that ended in a record, each with the check that says how."""
        named = ((experiment_named(check.subject), check) for check in record.checks if check.judges_attack)
        return tuple((experiment, check) for experiment, check in named if experiment is not None)


def experiment_named(name: str) -> Experiment | None:
    """Return the experiment of that name, follow-ups included, or None."""
    follow_ups = (experiment.follow_up for experiment in EXPERIMENTS)
    every = (
        *EXPERIMENTS,
        *MACHINE_EXPERIMENTS,
        *(experiment for experiment in follow_ups if experiment is not None),
    )
    return next((experiment for experiment in every if experiment.name == name), None)


def _other(text: str) -> str:
    # Changed in one character alone, so that its form is right and only a comparison can tell.
    return f"{text[:-1]}{'B' if text.endswith('A') else 'A'}"


def _wrong_verifier(facts: Facts) -> tuple[RequestEdit, ...]:
    verifier = facts.pkce.code_verifier.reveal() if facts.pkce else ""
    return (RequestEdit(EditLocation.FORM, "code_verifier", Secret(_other(verifier))),)


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
    return (RequestEdit(EditLocation.CALLBACK, "state", Secret(_other(state))),)


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


def _signs(facts: Facts) -> bool:
    """Whether the program has a key of its own; what a platform signed cannot be signed again here."""
    by_itself = facts.options.grant_type is GrantType.CLIENT_CREDENTIALS
    return by_itself and facts.options.client_key is not None


def _parameter(facts: Facts) -> str:
    """Return the parameter with an assertion that another party signed; empty in a login without one."""
    program = PROGRAMS.get(facts.options.grant_type)
    return "" if program is None else program.assertion


def _shows_assertion(facts: Facts) -> bool:
    return _signs(facts) or bool(_parameter(facts))


def _asks_a_provider(facts: Facts) -> bool:
    program = PROGRAMS.get(facts.options.grant_type)
    return program is not None and program.listed_as is not None


def _assertion(facts: Facts, audience: str | None = None) -> Secret:
    """Return a new assertion of the client's key, for its server or for another."""
    client, endpoint, metadata = facts.client, facts.token_endpoint, facts.server_metadata
    if client is None or endpoint is None or metadata is None:
        return Secret("")
    plain = replace(client, needs=()) if audience else client
    made = signed(plain, audience or metadata.issuer, endpoint, now=datetime.now(UTC)).assertion
    return made or Secret("")


def _forged(facts: Facts) -> tuple[RequestEdit, ...]:
    own = _signs(facts)
    whole = (_assertion(facts) if own else facts.assertion or Secret("")).reveal()
    said, dot, signature = whole.rpartition(".")
    # The first character: bits of the last one may mean nothing.
    other = f"{'B' if signature.startswith('A') else 'A'}{signature[1:]}"
    member = "client_assertion" if own else _parameter(facts)
    return (RequestEdit(EditLocation.FORM, member, Secret(f"{said}{dot}{other}")),)


def _for_another(facts: Facts) -> tuple[RequestEdit, ...]:
    return (RequestEdit(EditLocation.FORM, "client_assertion", _assertion(facts, FOREIGN_ISSUER)),)


def _wrong_secret(facts: Facts) -> tuple[RequestEdit, ...]:
    client = facts.client
    if client is None or client.client_secret is None:
        return ()
    other = Secret(_other(client.client_secret.reveal()))
    if not client.sends_basic:
        return (RequestEdit(EditLocation.FORM, "client_secret", other),)
    pair = base64.b64encode(f"{quote_plus(client.client_id)}:{quote_plus(other.reveal())}".encode())
    return (RequestEdit(EditLocation.HEADER, "Authorization", Secret(f"Basic {pair.decode()}")),)


MACHINE_EXPERIMENTS: Final[tuple[Experiment, ...]] = (
    Experiment(
        name="wrong_secret",
        title="Wrong client secret",
        question="An attacker knows the client id, which is no secret, and guesses the rest.",
        stage=Stage.EXCHANGE,
        expectation="The server must authenticate the client, and returns invalid_client.",
        spec="RFC 6749 §3.2.1, §5.2",
        referee=Referee.TOKEN_ENDPOINT,
        why="Anyone who knows the id would be the program.",
        errors=(ErrorCode.INVALID_CLIENT,),
        change=_wrong_secret,
        applies=lambda facts: (
            facts.flow.user_part is UserPart.NOTHING and facts.options.client_secret is not None
        ),
        request=Purpose.TOKEN,
    ),
    Experiment(
        name="forged_assertion",
        title="Assertion with another signature",
        question="An attacker writes an assertion themselves, without the key.",
        stage=Stage.EXCHANGE,
        expectation="The signature is not that of the key, so the server must reject the assertion.",
        spec="RFC 7523 §3; RFC 8693 §2.2.2",
        referee=Referee.TOKEN_ENDPOINT,
        why="Anyone could write who they are.",
        errors=(ErrorCode.INVALID_CLIENT, ErrorCode.INVALID_GRANT, ErrorCode.INVALID_REQUEST),
        change=_forged,
        applies=_shows_assertion,
    ),
    Experiment(
        name="foreign_audience",
        title="Assertion for another server",
        question="A hostile server that the program once logged in to shows its assertion here.",
        stage=Stage.EXCHANGE,
        expectation="aud does not name this server, so it must reject the assertion.",
        spec="RFC 7523 §3",
        referee=Referee.TOKEN_ENDPOINT,
        why="Every server that gets an assertion could log in elsewhere as the program.",
        errors=(ErrorCode.INVALID_CLIENT, ErrorCode.INVALID_GRANT),
        change=_for_another,
        applies=_signs,
    ),
    Experiment(
        name="foreign_grant",
        title="Grant for another server",
        question="A program gets a grant for one server from your identity provider and shows it to another.",
        stage=Stage.EXCHANGE,
        expectation="The identity provider returns invalid_target for a server that it does not know. If it "
        "gives a grant, aud does not name this server, which must reject it.",
        spec="RFC 8693 §2.2.2; RFC 7523 §3",
        referee=Referee.TOKEN_ENDPOINT,
        why="A grant for any one server would be good at every other.",
        errors=(ErrorCode.INVALID_TARGET, ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_GRANT),
        change=lambda _: (RequestEdit(EditLocation.FORM, "audience", FOREIGN_ISSUER),),
        applies=_asks_a_provider,
    ),
    Experiment(
        name="reused_assertion",
        title="Assertion used twice",
        question="An attacker finds the token request in a log of the server and sends it again.",
        stage=Stage.EXCHANGE,
        expectation="A server may remember the jti of an assertion and reject it the second time; an "
        "assertion without one is good until it expires.",
        spec="RFC 7523 §3",
        referee=Referee.TOKEN_ENDPOINT,
        why="Until it expires, a copy of the assertion is as good as the key.",
        accepted=Severity.WARNING,
        errors=(ErrorCode.INVALID_CLIENT, ErrorCode.INVALID_GRANT),
        applies=_shows_assertion,
        request=Purpose.TOKEN,
        repeats=True,
        reuses="assertion",
    ),
)


def attacks_on(facts: Facts) -> tuple[Experiment, ...]:
    """Return the experiments that mean something in this login."""
    return tuple(one for one in (*EXPERIMENTS, *MACHINE_EXPERIMENTS) if one.applies(facts))

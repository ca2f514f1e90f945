"""The experiments on the login of a program: its secret, its key, and what another party vouches for."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote_plus

from authlens_core.login.facts import Facts
from authlens_core.login.tampering.experiment import FOREIGN_ISSUER, Experiment, Referee, other_text
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit
from authlens_core.oauth.client_assertion import signed
from authlens_core.trace.flow import UserPart
from authlens_core.trace.record import Stage
from authlens_core.values.check import ErrorCode, Severity
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import Secret
from authlens_core.values.stage import PROGRAMS, GrantType


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
    other = Secret(other_text(client.client_secret.reveal()))
    if not client.sends_basic:
        return (RequestEdit(EditLocation.FORM, "client_secret", other),)
    pair = base64.b64encode(f"{quote_plus(client.client_id)}:{quote_plus(other.reveal())}".encode())
    return (RequestEdit(EditLocation.HEADER, "Authorization", Secret(f"Basic {pair.decode()}")),)


PROGRAM_EXPERIMENTS: Final[tuple[Experiment, ...]] = (
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

"""Who said what to whom: a trace read as the arrows of a sequence diagram.

Labels hold methods, paths without their query, status codes and our own words. What a server wrote is in
a note only. Nothing is cut here: notes and paths pass a redactor whole, and then `safe_line`, where they are
shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.diagnosis.credential import Credential, credential_of
from authlens_core.trace.fact import FactId
from authlens_core.trace.flow import Flow, flow_of
from authlens_core.trace.record import (
    REVOCATION_CHECKS,
    Outcome,
    RunningStage,
    Stage,
    StageRecord,
    taken_over,
)
from authlens_core.values.check import Check, CheckId, Severity
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.stage import GrantType, UserPart

_AT_RESOURCE: Final = frozenset({Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.ACCESS, Stage.PROBE})
_CREDENTIALS: Final = {
    Credential.BEARER: "Bearer token",
    Credential.BEARER_JWT: "Bearer token",
    Credential.SERVICE_TOKEN: "service token",
    Credential.ACCESS_JWT: "Access token",
}
# Only an answer of the browser can fail these checks; any other failure came before the link was given.
OF_THE_ANSWER: Final = frozenset(
    {
        CheckId.AUTHORIZATION_CODE,
        CheckId.AUTHORIZATION_ENCODING,
        CheckId.AUTHORIZATION_ERROR,
        CheckId.AUTHORIZATION_ISS,
        CheckId.AUTHORIZATION_PARAMETERS,
        CheckId.AUTHORIZATION_STATE,
    }
)
_REVOKED: Final = {
    Purpose.REVOKE_ACCESS_TOKEN: "access_token",
    Purpose.REVOKE_REFRESH_TOKEN: "refresh_token",
}
# What a token request is granted for, by the names of its parameters; the next two where it has none of them.
_GRANTED_FOR: Final = (
    "code",
    "code_verifier",
    "device_code",
    "assertion",
    "subject_token",
    "refresh_token",
)
_NAMED: Final = ("client_id", "scope")
_LONGEST_FORM: Final = 65_536  # bytes; a token request is far shorter
_STAGES: Final = {
    Purpose.RESOURCE: Stage.DETECTION,
    Purpose.RESOURCE_METADATA: Stage.RESOURCE_METADATA,
    Purpose.SERVER_METADATA: Stage.SERVER_METADATA,
    Purpose.REGISTRATION: Stage.REGISTRATION,
    Purpose.LINK: Stage.AUTHORIZATION,
    Purpose.PUSHED_AUTHORIZATION: Stage.AUTHORIZATION,
    Purpose.DEVICE_AUTHORIZATION: Stage.AUTHORIZATION,
    Purpose.TOKEN: Stage.EXCHANGE,
    Purpose.TOKEN_AGAIN: Stage.EXCHANGE,
    Purpose.DEVICE_TOKEN: Stage.EXCHANGE,
    Purpose.SIGNING_KEYS: Stage.EXCHANGE,
    Purpose.ACCESS: Stage.ACCESS,
    Purpose.REFRESH: Stage.REFRESH,
    Purpose.REFRESH_AGAIN: Stage.REFRESH,
    Purpose.REVOKE_ACCESS_TOKEN: Stage.REVOKE,
    Purpose.REVOKE_REFRESH_TOKEN: Stage.REVOKE,
}


class Party(StrEnum):
    """Who takes part in a login, from left to right."""

    PERSON = "person"
    BROWSER = "browser"
    AUTHLENS = "authlens"
    MALLORY = "Mallory"
    """Who attacks in a lesson: her requests were sent as hers."""
    RESOURCE = "resource"
    SERVER = "server"
    PROVIDER = "identity provider"


class Arrow(Struct, frozen=True):
    """One arrow, or a note where sender and receiver are the same.

    Attributes:
        label: the words at it, a few without secrets; a path in it comes from outside.
        exchange_index: which exchange of the record it opens, or None where authlens sent nothing itself.
        failed: true for the arrow at which the stage failed, and for an answer that did not come.
        note: why it failed, one sentence; may hold text from outside.
        reply: true for an answer.
        record_index: which record it belongs to; the number of records for a stage that is under way.
        missing: true for an arrow that should have been there and was not, or is not yet.
        grant_type: of the login that it belongs to.
        attempt: which one at its stage it belongs to, from 1.
    """

    sender: Party
    receiver: Party
    label: str
    stage: Stage
    exchange_index: int | None = None
    failed: bool = False
    note: str = ""
    reply: bool = False
    record_index: int = 0
    missing: bool = False
    grant_type: GrantType | None = None
    attempt: int = 1

    @property
    def flow(self) -> Flow:
        """The way to log in that it belongs to."""
        return flow_of(self.grant_type)


def alone(exchange: Exchange) -> RunningStage:
    """Return `exchange` as the stage that sends such a request, for one that is in no record yet."""
    # An identity provider is asked for what the exchange needs.
    other = Stage.EXCHANGE if exchange.purpose.asks_provider else Stage.PROBE
    return RunningStage(_STAGES.get(exchange.purpose, other), (exchange,))


def messages(records: Sequence[StageRecord], underway: RunningStage | None = None) -> tuple[Arrow, ...]:
    """Return the arrows of `records` in the order in which they were sent, then those of a running stage.

    An exchange that was read again, after a user went on despite a failed check, is drawn once.
    """
    drawn = [
        (record.grant_type, record.attempt, _of_record(record, taken_over(records, index)))
        for index, record in enumerate(records)
    ]
    if underway is not None:
        attempt = 1 + sum(record.stage is underway.stage for record in records)
        drawn.append((underway.grant_type, attempt, _of_underway(underway)))
    return tuple(
        replace(arrow, record_index=index, grant_type=grant_type, attempt=attempt)
        for index, (grant_type, attempt, arrows) in enumerate(drawn)
        for arrow in arrows
    )


def authorities(records: Sequence[StageRecord], underway: RunningStage | None = None) -> Mapping[Party, str]:
    """Return `host:port` of the resource and of the server, as far as they were asked; from outside."""
    hosts: dict[Party, str] = {}
    stages = [(record.stage, record.exchanges) for record in records]
    if underway is not None:
        stages.append((underway.stage, underway.exchanges))
    for stage, exchanges in stages:
        for exchange in exchanges:
            # Not by urlsplit, which raises: a record that was opened may have anything for a URL.
            _, _, remainder = exchange.request.url.partition("://")
            host = remainder.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
            hosts.setdefault(receiver_of(stage, exchange.purpose), host)
    return hosts


def short_name(authority: str) -> str:
    """Return what a server of this machine is called: `wiki` for `wiki.localhost:8400`; else nothing."""
    name, _, domain = authority.partition(".")
    return name if domain.partition(":")[0] == "localhost" else ""


def _of_record(record: StageRecord, start: int) -> Iterator[Arrow]:
    if record.stage is Stage.AUTHORIZATION:
        yield from _authorization(record)
        return
    # What was sent before the user's yes is drawn with the attempt before.
    if start and record.overridden:
        yield _own("continued despite a failed check", record.stage)
    failing = record.failed_exchanges
    by_mallory = any((fact.name, fact.value) == (FactId.SENT_BY, Party.MALLORY) for fact in record.facts)
    client = Party.MALLORY if by_mallory else Party.AUTHLENS
    for number, exchange in enumerate(record.exchanges[start:], start):
        yield replace(_request(record.stage, exchange.request, exchange.purpose, number), sender=client)
        yield replace(_reply(record, exchange, number, failed=number in failing), receiver=client)
    if record.outcome is Outcome.PASSED:
        if record.stage in _SILENT and not record.exchanges:
            yield _own(_SILENT[record.stage], record.stage)
    elif not failing:
        label = "cancelled" if record.outcome is Outcome.CANCELLED else "stopped here"
        yield replace(_own(label, record.stage), failed=True, note=_reason(record))


def _of_underway(underway: RunningStage) -> Iterator[Arrow]:
    stage = underway.stage
    for number, exchange in enumerate(underway.exchanges):
        yield _request(stage, exchange.request, exchange.purpose, number)
        yield _answer(stage, exchange, number)
    if underway.request is not None:
        # What it is for is noted with its answer; only this one goes to a party that no stage tells.
        exchanged = "subject_token" in _granted_for(underway.request)
        purpose = Purpose.TOKEN_EXCHANGE if exchanged else Purpose.OTHER
        yield _request(stage, underway.request, purpose, len(underway.exchanges))
    elif stage is Stage.AUTHORIZATION and flow_of(underway.grant_type).is_by_link:
        yield from _AUTHORIZATIONS["waiting"]


def receiver_of(stage: Stage, purpose: Purpose = Purpose.OTHER) -> Party:
    """Return who is asked at a stage, by a request for `purpose`."""
    if purpose.asks_provider:
        return Party.PROVIDER
    if stage is Stage.PROBE:  # a move of a lesson is one, whatever it sends
        stage = _STAGES.get(purpose, stage)
    return Party.RESOURCE if stage in _AT_RESOURCE or purpose is Purpose.ACCESS else Party.SERVER


def speaker(arrow: Arrow) -> Party:
    """Return whose message this is to a reader: the sender, and of authlens, the one it speaks to."""
    return arrow.receiver if arrow.sender is Party.AUTHLENS else arrow.sender


def asked_at(stage: Stage, flow: Flow) -> Party:
    """Return who decides how a stage ends: the user where one signs in, else who is sent its requests."""
    if stage is Stage.PKCE:
        return Party.AUTHLENS
    by_user = stage is Stage.AUTHORIZATION and not flow.is_by_program
    return Party.PERSON if by_user else receiver_of(stage)


def _request(stage: Stage, request: Request, purpose: Purpose, number: int) -> Arrow:
    carries = ""
    if stage in (Stage.EXCHANGE, Stage.REFRESH):
        carries = _granted_for(request)
    elif stage in (Stage.ACCESS, Stage.PROBE) or (stage is Stage.REVOKE and purpose is Purpose.ACCESS):
        carries = _credential_in(request)
    elif stage is Stage.REVOKE:
        carries = _REVOKED.get(purpose, "")
    # Cut, since a record that was opened may have any method: it must not push the parties apart.
    label = f"{request.method[:20]} {_path(request.url)}" + (f"  {carries}" if carries else "")
    return Arrow(Party.AUTHLENS, receiver_of(stage, purpose), label, stage=stage, exchange_index=number)


def _granted_for(request: Request) -> str:
    """Return the names of the parameters that a token request really has: an attack may have left one out."""
    form = request.body.reveal()[:_LONGEST_FORM].decode("utf-8", "replace")
    sent = {name for name, _ in parse_qsl(form, keep_blank_values=True)}
    return ", ".join(
        name for name in (_GRANTED_FOR if sent.intersection(_GRANTED_FOR) else _NAMED) if name in sent
    )


def _credential_in(request: Request) -> str:
    # The scheme is compared and not shown: a record that was opened may have any.
    scheme = (request.headers.get("authorization") or "").partition(" ")[0]
    if scheme.lower() == "dpop":
        return "DPoP token"
    return _CREDENTIALS.get(credential_of(request), "")


def _path(url: str) -> str:
    _, _, remainder = url.partition("://")
    _, slash, path = remainder.partition("?")[0].partition("#")[0].partition("/")
    return slash + path or "/"


def _answer(stage: Stage, exchange: Exchange, number: int) -> Arrow:
    failure, response = exchange.failure, exchange.response
    label = "no answer" if response is None else _status(response.status)
    if failure is not None:
        label = f"{label} ({failure.kind})" if response is None else f"{label}, cut short ({failure.kind})"
    return Arrow(
        receiver_of(stage, exchange.purpose),
        Party.AUTHLENS,
        label,
        stage=stage,
        exchange_index=number,
        failed=failure is not None,
        note=failure.cause if failure is not None else "",
        reply=True,
        missing=response is None,
    )


def _reply(record: StageRecord, exchange: Exchange, number: int, *, failed: bool) -> Arrow:
    plain = _answer(record.stage, exchange, number)
    if plain.failed or not failed:
        return plain
    return replace(plain, failed=True, note=_reason(record, REVOCATION_CHECKS.get(exchange.purpose, "")))


def _status(status: int) -> str:
    """Return the code with the phrase of the standard; what a server wrote there is not repeated."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _reason(record: StageRecord, name: str = "") -> str:
    """Return what the stage failed at: the check called `name` if there is one, else the gravest first."""
    if record.outcome is Outcome.CANCELLED:
        return "It was cancelled."
    if record.refused_attack is not None:
        return _words(record.refused_attack)
    # A probe that proves nothing has no failure, and its warning is what it stopped at.
    failing = record.failures or tuple(c for c in record.checks if c.severity is Severity.WARNING)
    matching = [check for check in failing if check.name == name]
    for check in (*matching, *failing):
        return _words(check)
    return ""


def _words(check: Check) -> str:
    expected = check.expected.rstrip(".")
    return f"expected: {expected} · seen: {check.seen}" if check.seen else f"expected: {expected}"


def _own(label: str, stage: Stage) -> Arrow:
    return Arrow(Party.AUTHLENS, Party.AUTHLENS, label, stage)


# What authlens does in a stage that sends nothing: what the next stages prove depends on it (RFC 7636 §4.1).
_SILENT: Final = {
    Stage.PKCE: "holds code_verifier, sends only its SHA-256",
    Stage.REGISTRATION: "has a client_id already: nothing to send",
}
_arrow: Final = partial(Arrow, stage=Stage.AUTHORIZATION)
_LINK: Final = _arrow(Party.AUTHLENS, Party.PERSON, "the link")
_OPENS: Final = _arrow(Party.PERSON, Party.BROWSER, "opens")
_SIGN_IN: Final = (_LINK, _OPENS, _arrow(Party.BROWSER, Party.SERVER, "sign in"))
_missing_callback: Final = partial(_arrow, Party.BROWSER, Party.AUTHLENS, reply=True, missing=True)
# The way of the browser, by how the authorization ended: known once it came back; until then, the arrow that
# is missing. A stage fails at its last arrow.
_AUTHORIZATIONS: Final[Mapping[str, tuple[Arrow, ...]]] = {
    "no link": (_own("cannot offer the link", Stage.AUTHORIZATION),),
    "waiting": (_LINK, _missing_callback("waiting for the browser")),
    "no callback": (_LINK, _missing_callback("the browser did not come back")),
    "no device code": (_own("got no code to enter", Stage.AUTHORIZATION),),
    "device code": (
        _arrow(Party.AUTHLENS, Party.PERSON, "the code to enter"),
        _OPENS,
        _arrow(Party.BROWSER, Party.SERVER, "sign in, enter the code"),
    ),
    **{
        answer: (
            *_SIGN_IN,
            _arrow(Party.SERVER, Party.BROWSER, f"redirect with {answer.partition(',')[0]}", reply=True),
            _arrow(Party.BROWSER, Party.AUTHLENS, answer),
        )
        for answer in ("code, state", "code", "error", "answer")
    },
}


def _authorization(record: StageRecord) -> Iterator[Arrow]:
    opened = CheckId.AUTHORIZATION_OPENED in record.failed_checks
    # An experiment may have opened the link itself first, to see whether the server refuses it.
    for number, exchange in enumerate(record.exchanges):
        yield _request(record.stage, exchange.request, exchange.purpose, number)
        yield _reply(record, exchange, number, failed=opened)
    # Stopped while the server was being asked: no link was given to anyone.
    cut = bool(record.exchanges) and record.exchanges[-1].failure is not None
    by_link = record.flow.user_part is not UserPart.CODE
    if by_link and (opened or (cut and record.outcome is Outcome.CANCELLED)):
        return
    *before, last = _AUTHORIZATIONS[_ending(record)]
    yield from before
    passed = record.outcome is Outcome.PASSED
    yield last if passed else replace(last, failed=True, note=_reason(record))


def _ending(record: StageRecord) -> str:
    """Return how an authorization ended, as the table has it."""
    failed, passed = record.failed_checks, record.outcome is Outcome.PASSED
    if record.flow.user_part is UserPart.CODE:
        return "device code" if passed else "no device code"
    if passed:
        # The answer of an experiment may have come without a state, or with another one.
        state = CheckId.AUTHORIZATION_STATE
        proved = any(check.name == state and check.severity is Severity.PASS for check in record.checks)
        return "code, state" if proved else "code"
    if failed & OF_THE_ANSWER:
        return "error" if CheckId.AUTHORIZATION_ERROR in failed else "answer"
    no_link = record.outcome is Outcome.FAILED and CheckId.AUTHORIZATION_TIMEOUT not in failed
    return "no link" if no_link else "no callback"

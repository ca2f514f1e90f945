"""The rows that claims are about: exchanges, checks and stages of the moves, and events of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.trace.arrows import OF_THE_ANSWER
from authlens_core.trace.record import FactId, StageRecord, sent_once
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Exchange, Headers, Purpose
from authlens_core.values.formats.challenge import parse_challenges
from authlens_core.values.formats.form import decode_form
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.secret import Unprinted
from authlens_core.values.stage import Outcome, Stage
from authlens_lab.emulator.ledger import LedgerEvent, Reason, What


class Source(StrEnum):
    """Where a row comes from: the record of the moves, or the ledger of the emulator."""

    EXCHANGE = "exchange"
    CHECK = "check"
    RECORD = "record"
    EVENT = "event"


SEATS: Final = frozenset({"you", "mallory", "ada", "victim"})
PARTIES: Final = frozenset({"resource", "server", "victim", "rogue", "second", "internal", "mallory"})
_USERS: Final = frozenset({"ada", "grace", "mallory"})
_STAGES: Final = frozenset(stage.value for stage in Stage)

PREFIXES: Final = frozenset({"query", "form", "header", "reply", "json", "challenge", "proof"})
"""What a field of an exchange may start with: `form.code` is the parameter `code` of the body."""

WORDS: Final[Mapping[Source, Mapping[str, frozenset[str]]]] = {
    Source.EXCHANGE: {
        "seat": SEATS,
        "stage": _STAGES,
        "purpose": frozenset(purpose.name.lower() for purpose in Purpose),
        "method": frozenset({"GET", "POST", "DELETE"}),
        "at": PARTIES,
        "path": frozenset(),
        "url": frozenset(),
        "status": frozenset(),
        "error": frozenset(),
        "scheme": frozenset({"bearer", "dpop", "basic"}),
    },
    Source.CHECK: {
        "seat": SEATS,
        "stage": _STAGES,
        "name": frozenset(),
        "severity": frozenset(severity.value for severity in Severity),
    },
    Source.RECORD: {
        "seat": SEATS,
        "stage": _STAGES,
        "outcome": frozenset(outcome.value for outcome in Outcome),
        "diagnosis": frozenset(),
    },
    Source.EVENT: {
        "what": frozenset(what.value for what in What),
        "seat": SEATS,
        "user": _USERS,
        "browser": _USERS,
        "at": PARTIES,
        "for": PARTIES | {"any"},
        "issuer": frozenset({"server", "rogue"}),
        "reason": frozenset(reason.value for reason in Reason),
        "scope": frozenset(),
        "code": frozenset(),
        "token": frozenset(),
        "refresh": frozenset(),
        "device": frozenset(),
    },
}
"""The fields of each source, and the words that each can have; any value where there are none."""


_IN_A_BROWSER: Final = frozenset({What.CODE_ISSUED, What.DEVICE_APPROVED, What.LINK_REFUSED, What.SESSION})
"""What a request of a browser leads to, which is no exchange of the record."""


_LOWEST_ERROR: Final = 400  # the statuses from here on


class EvidenceRow(Unprinted, Struct, frozen=True):
    """One row.

    Attributes:
        when: an exchange when its answer was complete, a check and a stage when the stage ended.
        arrow: the number of the exchange among all of the moves, from 1; of an event or a check, that of the
            request that led to it, or 0 where a browser sent or brought it.
        values: its fields; one that is not here is absent. They hold credentials as they are.
    """

    source: Source
    when: datetime
    arrow: int
    values: Mapping[str, str | int]

    def has(self, arrow: str, field: str) -> bool:
        """Return whether it is the request or the answer of this arrow, and has this field."""
        return self.source is Source.EXCHANGE and str(self.arrow) == arrow and field in self.values

    @property
    def is_refusal(self) -> bool:
        """Whether a party refused something in it."""
        values = self.values
        return (
            int(values.get("status", 0)) >= _LOWEST_ERROR
            or values.get("severity") == Severity.FAILURE
            or values.get("outcome") == Outcome.FAILED
            or str(values.get("what", "")).endswith(("_refused", "_ended"))
        )


def rows_of(
    records: Sequence[StageRecord], events: Sequence[LedgerEvent], parties: Mapping[str, str]
) -> tuple[EvidenceRow, ...]:
    """Return all rows in the order in which they happened.

    Args:
        parties: who is at which URL.
    """
    origins = {_origin(url): role for url, role in parties.items()}
    rows: list[EvidenceRow] = []
    last = dict.fromkeys(range(len(records)), 0)  # the arrow of each record
    sent = [(index, exchange) for index, _, exchange in sent_once(records)]
    for arrow, (index, exchange) in enumerate(sent, 1):
        last[index] = arrow
        values = _exchange_values(exchange, records[index], origins)
        rows.append(EvidenceRow(Source.EXCHANGE, exchange.ended_at, arrow, values))
    for index, record in enumerate(records):
        rows += _stage_rows(record, last[index])
    for event in events:
        during = (n for n, (_, one) in enumerate(sent, 1) if one.started_at <= event.when <= one.ended_at)
        arrow = 0 if event.what in _IN_A_BROWSER else next(during, 0)
        rows.append(EvidenceRow(Source.EVENT, event.when, arrow, _event_values(event)))
    return tuple(sorted(rows, key=lambda row: row.when))


def _common_values(record: StageRecord) -> dict[str, str | int]:
    """Return the values that all rows of a record share."""
    is_hers = any(fact.name is FactId.SENT_BY for fact in record.facts)
    return {"seat": "mallory" if is_hers else "you", "stage": record.stage.value}


def _stage_rows(record: StageRecord, arrow: int) -> Iterator[EvidenceRow]:
    ended = max((exchange.ended_at for exchange in record.exchanges), default=record.started_at)
    shared = _common_values(record)
    diagnosis = {"diagnosis": record.diagnosis.name} if record.diagnosis else {}
    yield EvidenceRow(Source.RECORD, ended, arrow, shared | {"outcome": record.outcome.value} | diagnosis)
    for check in record.checks:
        judged = {"name": check.name, "severity": check.severity.value}
        request_arrow = 0 if check.name in OF_THE_ANSWER else arrow
        yield EvidenceRow(Source.CHECK, ended, request_arrow, shared | judged)


def _event_values(event: LedgerEvent) -> dict[str, str | int]:
    attributes = {"for": "audience"}  # a word of Python
    values = {name: getattr(event, attributes.get(name, name)) for name in WORDS[Source.EVENT]}
    return {name: str(value) for name, value in values.items() if value}


def _exchange_values(
    exchange: Exchange, record: StageRecord, origins: Mapping[str, str]
) -> dict[str, str | int]:
    request = exchange.request
    response = exchange.response
    url = urlsplit(request.url)
    values = _common_values(record) | {
        "purpose": exchange.purpose.name.lower(),
        "method": request.method,
        "path": url.path,
        "url": request.url,
    }
    if party := origins.get(_origin(request.url)):
        values["at"] = party
    scheme, _, _ = (request.headers.get("authorization") or "").partition(" ")
    if scheme:
        values["scheme"] = scheme.lower()
    values |= {f"query.{name}": value for name, value in decode_form(url.query)}
    if request.headers.media_type == "application/x-www-form-urlencoded":
        body = request.body.reveal().decode("ascii", "replace")
        values |= {f"form.{name}": value for name, value in decode_form(body)}
    values |= _fields("header", request.headers)
    values |= {f"proof.{name}": value for name, value in _proof(request.headers.get("dpop") or "")}
    if response is not None:
        values["status"] = response.status
        values |= _fields("reply", response.headers) | _response_values(
            response.body.reveal(), response.headers
        )
    return values


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _fields(prefix: str, headers: Headers) -> dict[str, str | int]:
    return {f"{prefix}.{name.lower()}": value for name, value in headers.fields}


def _response_values(body: bytes, headers: Headers) -> dict[str, str | int]:
    values: dict[str, str | int] = {}
    for challenge in parse_challenges(headers.get_all("www-authenticate")).challenges:
        values |= {f"challenge.{name}": value for name, value in challenge.params}
    values |= {
        f"json.{name}": value for name, value in object_in(body).items() if isinstance(value, str | int)
    }
    error = values.get("json.error", values.get("challenge.error"))
    return values if error is None else values | {"error": error}


def _proof(proof: str) -> Iterator[tuple[str, str | int]]:
    """Yield the claims of a DPoP proof (RFC 9449 §4.2)."""
    jwt = parse_jwt(proof)
    claims = (jwt and jwt.claims) or {}
    yield from ((name, value) for name, value in claims.items() if isinstance(value, str | int))

"""A whole trace without its secrets: the one value that every export is written from.

A secret is learned in one stage and repeated in another: the code arrives in stage 6 and is in the form
of stage 7. So the secrets of every record are gathered first, and each string is masked with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from authlens_core.access.diagnosis import Diagnosis
from authlens_core.export.redaction import BodyKind, Redactor, secrets_in
from authlens_core.export.secret_names import text_secrets
from authlens_core.oauth.check import Check
from authlens_core.oauth.http_message import Headers, Request, Response
from authlens_core.secret import Body, Secret
from authlens_core.trace.record import Fact, StageRecord, Trace
from authlens_core.wire.exchange import Exchange, WireFailure

_Value = TypeVar("_Value", Check, Diagnosis, Exchange, Fact, Request, Response, WireFailure)
_Message = TypeVar("_Message", Request, Response)


def secrets_of(trace: Trace) -> Iterator[Secret]:
    """Yield every secret of the trace: known as one, or standing under a telling name in a message."""
    yield from (Secret(value) for value in text_secrets(trace.resource_url))
    for record in trace.records:
        yield from (fact.value for fact in record.facts if isinstance(fact.value, Secret))
        for exchange in record.exchanges:
            yield from secrets_in(exchange)


def redacted_trace(trace: Trace) -> Trace:
    """Return `trace` with each secret replaced by its mask, in every string and body.

    The masks keep their fingerprints, so the same secret is recognised in two places and in two traces.
    Bodies that are not text become their summary. Applied to its own result it changes nothing that matters.
    """
    redactor = Redactor(secrets_of(trace))
    return replace(
        trace,
        resource_url=redactor.text(trace.resource_url),
        records=tuple(_record(record, redactor) for record in trace.records),
    )


def body_text(body: Body) -> str:
    return body.reveal().decode("utf-8", "replace")


def _record(record: StageRecord, redactor: Redactor) -> StageRecord:
    return replace(
        record,
        exchanges=tuple(_exchange(exchange, redactor) for exchange in record.exchanges),
        checks=tuple(_texts(check, redactor) for check in record.checks),
        facts=tuple(_fact(fact, redactor) for fact in record.facts),
        overridden=frozenset(redactor.text(name) for name in record.overridden),
        tampering=tuple(redactor.text(words) for words in record.tampering),
        diagnosis=record.diagnosis and _diagnosis(record.diagnosis, redactor),
    )


def _texts(value: _Value, redactor: Redactor) -> _Value:
    """Return a dataclass with each field masked that is text; enumerations are words of ours."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    masked: dict[str, Any] = {
        name: redactor.text(text)
        for name, text in found.items()
        if isinstance(text, str) and not isinstance(text, Enum)
    }
    return replace(value, **masked)


def _exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    return replace(
        _texts(exchange, redactor),
        request=_message(exchange.request, redactor),
        response=exchange.response and _message(exchange.response, redactor),
        failure=exchange.failure and _texts(exchange.failure, redactor),
    )


def _message(message: _Message, redactor: Redactor) -> _Message:
    headers = Headers.of(
        (redactor.text(name), redactor.header(name, value)) for name, value in message.headers.fields
    )
    return replace(_texts(message, redactor), headers=headers, body=_body(message.body, redactor))


def _body(body: Body, redactor: Redactor) -> Body:
    shown = redactor.body(body)
    text = shown.text
    if shown.kind is BodyKind.BINARY:
        text = f"({shown.size} bytes that are not text)\n{text}"
    return Body(text.encode("utf-8", "replace"), truncated=body.truncated, size=body.size)


def _diagnosis(found: Diagnosis, redactor: Redactor) -> Diagnosis:
    return replace(_texts(found, redactor), evidence=tuple(redactor.text(line) for line in found.evidence))


def _fact(fact: Fact, redactor: Redactor) -> Fact:
    value = fact.value
    masked = value.masked if isinstance(value, Secret) else redactor.header(fact.name, value)
    return replace(_texts(fact, redactor), value=masked)

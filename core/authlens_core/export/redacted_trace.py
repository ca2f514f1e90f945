"""A whole trace without its secrets: the one value that every export is written from.

A secret is learned in one stage and repeated in another: the code arrives in stage 6 and is in the form
of stage 7. So the secrets of every record are gathered first, and each string is masked with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from authlens_core.access.diagnosis import Diagnosis
from authlens_core.export.redaction import BodyKind, Redactor, secrets_in
from authlens_core.export.secret_names import is_sensitive, text_secrets
from authlens_core.oauth.check import Check
from authlens_core.oauth.http_message import Headers, Request, Response
from authlens_core.secret import Body, Secret
from authlens_core.trace.record import Fact, StageRecord, Trace
from authlens_core.wire.exchange import Exchange, WireFailure


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
    """Return a body of a redacted trace as the text that it is."""
    return body.reveal().decode("utf-8", "replace")


def _record(record: StageRecord, redactor: Redactor) -> StageRecord:
    return replace(
        record,
        exchanges=tuple(_exchange(exchange, redactor) for exchange in record.exchanges),
        checks=tuple(_check(check, redactor) for check in record.checks),
        facts=tuple(_fact(fact, redactor) for fact in record.facts),
        overridden=frozenset(redactor.text(name) for name in record.overridden),
        tampering=tuple(redactor.text(words) for words in record.tampering),
        diagnosis=record.diagnosis and _diagnosis(record.diagnosis, redactor),
    )


def _exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    return replace(
        exchange,
        request=_request(exchange.request, redactor),
        response=None if exchange.response is None else _response(exchange.response, redactor),
        failure=None if exchange.failure is None else _failure(exchange.failure, redactor),
        peer=_optional(exchange.peer, redactor),
        proxy=_optional(exchange.proxy, redactor),
        tls=_optional(exchange.tls, redactor),
    )


def _optional(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)


def _request(request: Request, redactor: Redactor) -> Request:
    return Request(
        redactor.text(request.method),
        redactor.text(request.url),
        _headers(request.headers, redactor),
        _body(request.body, redactor),
    )


def _response(response: Response, redactor: Redactor) -> Response:
    return Response(
        response.status,
        redactor.text(response.reason),
        _headers(response.headers, redactor),
        _body(response.body, redactor),
        redactor.text(response.http_version),
    )


def _headers(headers: Headers, redactor: Redactor) -> Headers:
    return Headers.of((redactor.text(name), redactor.header(name, value)) for name, value in headers.fields)


def _body(body: Body, redactor: Redactor) -> Body:
    shown = redactor.body(body)
    text = shown.text
    if shown.kind is BodyKind.BINARY:
        text = f"({shown.size} bytes that are not text)\n{text}"
    return Body(text.encode("utf-8", "replace"), truncated=body.truncated, size=body.size)


def _failure(failure: WireFailure, redactor: Redactor) -> WireFailure:
    return replace(failure, cause=redactor.text(failure.cause), cure=redactor.text(failure.cure))


def _check(check: Check, redactor: Redactor) -> Check:
    return replace(
        check,
        name=redactor.text(check.name),
        expected=redactor.text(check.expected),
        seen=redactor.text(check.seen),
        spec=redactor.text(check.spec),
        why=redactor.text(check.why),
        cure=redactor.text(check.cure),
        error_code=redactor.text(check.error_code),
    )


def _diagnosis(found: Diagnosis, redactor: Redactor) -> Diagnosis:
    return Diagnosis(
        redactor.text(found.name),
        redactor.text(found.cause),
        redactor.text(found.cure),
        tuple(redactor.text(line) for line in found.evidence),
        redactor.text(found.source),
        redactor.text(found.layer),
    )


def _fact(fact: Fact, redactor: Redactor) -> Fact:
    value = fact.value
    if isinstance(value, Secret):
        masked = value.masked
    else:
        masked = redactor.header(fact.name, value) if is_sensitive(fact.name) else redactor.text(value)
    return Fact(redactor.text(fact.name), masked, redactor.text(fact.spec), redactor.text(fact.note))

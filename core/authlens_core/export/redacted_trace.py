"""A whole trace without its secrets: the one value that every export is written from.

A secret is learned in one stage and repeated in another: the code arrives in stage 6 and is in the form
of stage 7. So the secrets of every record are gathered first, and each string is masked with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.export.secret_names import text_secrets
from authlens_core.trace.record import Fact, Trace
from authlens_core.values.exchange import Headers
from authlens_core.values.secret import Body, Secret


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
    records = tuple(_masked(record, redactor) for record in trace.records)
    return replace(trace, resource_url=redactor.text(trace.resource_url), records=records)


def body_text(body: Body) -> str:
    return body.reveal().decode("utf-8", "replace")


def _masked(value: Any, redactor: Redactor) -> Any:
    """Return a value of a trace with each text in it masked; enumerations are words of ours."""
    match value:
        # Before `str`, which a StrEnum is as well.
        case Enum():
            return value
        case str():
            return redactor.text(value)
        case Secret():
            return value.masked
        case Body():
            return _body(value, redactor)
        case Headers():
            return Headers.of(
                (redactor.text(name), redactor.header(name, element)) for name, element in value.fields
            )
        case tuple() | frozenset():
            return type(value)(_masked(element, redactor) for element in value)
    has_fields = is_dataclass(value)
    if not has_fields:
        return value
    shown = {field.name: _masked(getattr(value, field.name), redactor) for field in fields(value)}
    if isinstance(value, Fact) and isinstance(value.value, str):
        # By its name, as a header field: the fact `client_secret` is masked although its value looks like a
        # word.
        shown["value"] = redactor.header(value.name, value.value)
    return replace(value, **shown)


def _body(body: Body, redactor: Redactor) -> Body:
    shown = redactor.body(body)
    text = f"({shown.size} bytes that are not text)\n{shown.text}" if shown.binary else shown.text
    return Body(text.encode("utf-8", "replace"), truncated=body.truncated, size=body.size)

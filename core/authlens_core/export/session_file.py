"""The session file: a trace without its secrets, to be kept, handed on and opened again read-only.

The format, version 1: one JSON object (RFC 8259, UTF-8), read strictly; docs/session-file.md describes it.
A member in parentheses may be missing.

    format    "authlens-session"
    version   1; a reader refuses a higher number, and ignores members that it does not know
    trace     trace_id, kind, resource_url, started_at, records[]
    record    stage, outcome, started_at, elapsed, attempt, overridden[], facts[], checks[], exchanges[],
              (tampering[]), (diagnosis or null)
    fact      name, value, spec, note
    check     name, severity, expected, seen, why, spec, cure, overridable, (error_code)
    diagnosis name, cause, cure, evidence[], source, layer
    exchange  request, response or null, failure or null, started_at, elapsed, timings, peer, proxy, tls,
              purpose
    request   method, url, headers [[name, value], ...], body
    response  status, reason, http_version, headers, body
    failure   kind, cause, cure, may_have_arrived
    timings   dns, connect, tls, send, wait, receive: seconds or null
    body      text, truncated, (size: bytes before its secrets were replaced by masks)

Times are ISO 8601 with an offset, durations are seconds. A secret is written as its mask, `•••• #` and eight
hexadecimal digits: the same digits in two places mean the same secret. A body that is not text is summarised.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Final

from authlens_core.access.diagnosis import UNKNOWN, Diagnosis
from authlens_core.errors import UsageError
from authlens_core.export.json_output import json_output
from authlens_core.export.json_record import JsonRecord, RecordRefused, read_json
from authlens_core.export.redacted_trace import body_text, redacted_trace
from authlens_core.oauth.check import Check, Severity, judged
from authlens_core.oauth.http_message import Headers, Request, Response
from authlens_core.secret import Body, Secret
from authlens_core.trace.record import Fact, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.trace.stage_diagnosis import diagnosis_of
from authlens_core.wire.exchange import Exchange, FailureKind, Timings, WireFailure
from authlens_core.wire.purpose import Purpose

FORMAT: Final = "authlens-session"
VERSION: Final = 1
MAX_SESSION_BYTES: Final = 32 * 1024 * 1024
_BODIES_KEPT: Final = 16 * 1024 * 1024  # bytes of all bodies together; what comes later is left out
_LONGEST_ID: Final = 64  # characters
_PHASES: Final = ("connect", "tls", "send", "wait", "receive")
_EARLY_DIAGNOSIS: Final = ".diagnosis"


class SessionFileRefused(UsageError):
    """The file is not a session file that this authlens can open."""


def session_json(trace: Trace, *, bodies: int | None = None, compact: bool = False) -> str:
    """Return `trace` as the text of a session file, every secret replaced by its mask.

    Args:
        trace: what happened; a trace without secrets is written as it is.
        bodies: bytes of all bodies together that are written; what comes later is left out, and says so.
            16 MiB where it is not given.
        compact: all on one line, for a program to read; written several times as fast.
    """
    shown = redacted_trace(trace)
    budget = _Budget(_BODIES_KEPT if bodies is None else bodies)
    return json_output(
        {
            "format": FORMAT,
            "version": VERSION,
            "trace": _out(shown, budget),
        },
        compact=compact,
    )


def read_session(data: bytes) -> Trace:
    """Return the trace that a session file holds; its secrets are masks, which are ordinary text.

    Args:
        data: the bytes of the file; nothing in them is trusted.

    Raises:
        SessionFileRefused: too large, not strict JSON, not a session file, or of a newer version.
    """
    if len(data) > MAX_SESSION_BYTES:
        cause = f"The file has {len(data)} bytes; a session file has at most {MAX_SESSION_BYTES}."
        raise SessionFileRefused(cause, "Choose a file that authlens saved.")
    try:
        document = read_json(data)
        _require_known(document)
        return _trace_in(document.record("trace"))
    except RecordRefused as refused:
        cause = f"The file cannot be opened as a session: {refused}."
        raise SessionFileRefused(cause, "Choose a file made with --format session, unchanged.") from None


def _require_known(document: JsonRecord) -> None:
    if document.value("format") != FORMAT:
        raise RecordRefused(f'it does not say "format": "{FORMAT}"')
    version = document.integer("version")
    if version > VERSION:
        cause = (
            f"The file was saved by a newer authlens (version {version} of the format, known is {VERSION})."
        )
        raise SessionFileRefused(cause, "Update authlens, or ask for the file in the older version.")
    if version != VERSION:
        raise RecordRefused(f"there is no version {version} of the format")


class _Budget:
    """How many bytes of bodies may still be written, so that what is written can be read again."""

    def __init__(self, size: int) -> None:
        self._left = size

    def body(self, body: Body) -> dict[str, object]:
        size = len(body)
        if size > self._left:
            text = f"({size} bytes left out: the file would be too large)"
            return {"text": text, "truncated": True, "size": body.size}
        self._left -= size
        return {"text": body_text(body), "truncated": body.truncated, "size": body.size}


def _out(value: object, budget: _Budget) -> object:
    """Return a value of a trace as JSON: its members under their own names, a secret as its mask."""
    match value:
        case str() | int() | None:
            return value
        case Secret():
            return value.masked
        case Body():
            return budget.body(value)
        case Headers():
            return value.fields
        case datetime():
            return value.isoformat()
        case tuple():
            return [_out(one, budget) for one in value]
        case frozenset():
            return sorted(value)
    if is_dataclass(value):
        return {one.name: _out(getattr(value, one.name), budget) for one in fields(value)}
    return value


def _trace_in(found: JsonRecord) -> Trace:
    trace_id = found.text("trace_id")
    if not (trace_id.isascii() and trace_id.isalnum() and len(trace_id) <= _LONGEST_ID):
        raise RecordRefused("trace_id is not a short word of letters and digits")
    return Trace(
        trace_id,
        found.choice("kind", TraceKind),
        found.text("resource_url"),
        found.time("started_at"),
        tuple(_record_in(record) for record in found.records("records")),
    )


def _record_in(found: JsonRecord) -> StageRecord:
    record = _plain_record_in(found)
    if found.has("diagnosis") or record.diagnosis is not None or record.outcome is not Outcome.FAILED:
        return record
    made = diagnosis_of(record.stage, record.checks, record.exchanges, record.overridden)
    return replace(record, diagnosis=made)


def _plain_record_in(found: JsonRecord) -> StageRecord:
    checks = tuple(found.records("checks"))
    # Until a diagnosis had a member of its own, it was written as a check with this ending.
    early = next((check for check in checks if check.text("name").endswith(_EARLY_DIAGNOSIS)), None)
    return StageRecord(
        stage=found.choice("stage", Stage),
        outcome=found.choice("outcome", Outcome),
        started_at=found.time("started_at"),
        elapsed=found.seconds("elapsed"),
        exchanges=tuple(_exchange_in(exchange) for exchange in found.records("exchanges")),
        checks=tuple(_check_in(check) for check in checks if check is not early),
        facts=tuple(
            Fact(f.text("name"), f.text("value"), f.text("spec"), f.text("note"))
            for f in found.records("facts")
        ),
        overridden=frozenset(found.texts("overridden")),
        attempt=found.integer("attempt"),
        tampering=found.texts("tampering") if found.has("tampering") else (),
        diagnosis=_early_diagnosis(early) if early is not None else _diagnosis_in(found),
    )


def _check_in(found: JsonRecord) -> Check:
    return judged(
        found.choice("severity", Severity),
        found.text("name"),
        found.text("expected"),
        found.text("seen"),
        why=found.text("why"),
        spec=found.text("spec"),
        cure=found.text("cure"),
        overridable=found.flag("overridable"),
        error_code=found.text("error_code") if found.has("error_code") else "",
    )


def _diagnosis_in(record: JsonRecord) -> Diagnosis | None:
    found = record.optional_record("diagnosis") if record.has("diagnosis") else None
    if found is None:
        return None
    return Diagnosis(
        found.text("name"),
        found.text("cause"),
        found.text("cure"),
        found.texts("evidence"),
        found.text("source"),
        found.text("layer"),
    )


def _early_diagnosis(check: JsonRecord) -> Diagnosis:
    unknown = check.text("name").endswith(f".{UNKNOWN}{_EARLY_DIAGNOSIS}")
    evidence = check.text("evidence").splitlines() if check.has("evidence") else ()
    name = UNKNOWN if unknown else "early"
    return Diagnosis(name, check.text("seen"), check.text("cure"), tuple(evidence), check.text("spec"))


def _purpose_in(text: str) -> Purpose:
    return Purpose(text) if text in set(Purpose) else Purpose.OTHER


def _exchange_in(found: JsonRecord) -> Exchange:
    response, failure = found.optional_record("response"), found.optional_record("failure")
    return Exchange(
        request=_request_in(found.record("request")),
        response=None if response is None else _response_in(response),
        failure=None if failure is None else _failure_in(failure),
        started_at=found.time("started_at"),
        elapsed=found.seconds("elapsed"),
        timings=_timings_in(found.record("timings")),
        peer=found.optional_text("peer"),
        proxy=found.optional_text("proxy"),
        tls=found.optional_text("tls"),
        purpose=_purpose_in(found.text("purpose")),
    )


def _request_in(found: JsonRecord) -> Request:
    return Request(found.text("method"), found.text("url"), _headers_in(found), _body_in(found))


def _response_in(found: JsonRecord) -> Response:
    return Response(
        found.integer("status"),
        found.text("reason"),
        _headers_in(found),
        _body_in(found),
        found.text("http_version"),
    )


def _failure_in(found: JsonRecord) -> WireFailure:
    return WireFailure(
        found.choice("kind", FailureKind),
        found.text("cause"),
        found.text("cure"),
        may_have_arrived=found.flag("may_have_arrived"),
    )


def _timings_in(found: JsonRecord) -> Timings:
    dns = found.optional_seconds("dns") if found.has("dns") else None
    return Timings(dns, *(found.optional_seconds(name) for name in _PHASES))


def _headers_in(found: JsonRecord) -> Headers:
    return Headers.of(found.pairs("headers"))


def _body_in(found: JsonRecord) -> Body:
    body = found.record("body")
    text = body.text("text").encode("utf-8", "replace")
    # Files written before sizes were kept have none; a number that no body has counts as none, too.
    size = body.integer("size") if body.has("size") else -1
    return Body(text, truncated=body.flag("truncated"), size=size if size >= 0 else None)

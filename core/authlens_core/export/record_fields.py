"""A redacted record as named fields of text, so that two records can be held against each other.

The name of a field says where it is: `fact issuer`, `check token.status`, `request 1 query state`,
`response 1 body expires_in`. Times and durations are left out: no two runs have the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl

from authlens_core.export.redaction import body_text
from authlens_core.trace.record import StageRecord, fact_text
from authlens_core.values.exchange import FORM_TYPE, Exchange, Headers
from authlens_core.values.formats.json_document import JsonRefused, load_object
from authlens_core.values.secret import Body

# Each field by its name, in the order in which they are in the record.
Fields = dict[str, str]
_MOST_PARAMETERS: Final = 1_000
_MOST_MEMBERS: Final = 2_000  # of one JSON body; a larger one is compared as one text
# Levels of a body whose members are compared.
_DEEPEST: Final = 30
# The first words of names, in order.
_GROUPS: Final = ("outcome", "changed", "continued", "fact", "check", "diagnosis")
OUTCOME: Final = "outcome"
_TITLES: Final = {"diagnosis": "Cause", "diagnosis evidence": "Evidence"}
_MESSAGES: Final = ("request", "response")

Named = Iterator[tuple[str, str]]


def fields_of(record: StageRecord) -> Fields:
    """Return every field of a redacted record; a name that comes again gets a number."""
    fields: Fields = {}
    times: dict[str, int] = {}
    for name, value in _record(record):
        free = name
        while free in fields:  # also where a name from outside ends in a number of its own
            times[name] = times.get(name, 1) + 1
            free = f"{name} ({times[name]})"
        fields[free] = value
    return fields


def group_of(name: str) -> tuple[int, int]:
    """Return where a field belongs: the record itself, its facts, its checks, then message after message."""
    words = name.split(" ", 2)
    if words[0] in _MESSAGES and len(words) > 1 and words[1].isdecimal():
        return len(_GROUPS) + int(words[1]), _MESSAGES.index(words[0])
    return (_GROUPS.index(words[0]) if words[0] in _GROUPS else 0), 0


def title_of(name: str) -> str:
    """Return what a field is called on a screen."""
    kind, _, rest = name.partition(" ")
    if kind in _MESSAGES:
        number, _, part = rest.partition(" ")
        return f"{kind.capitalize()} {number}: {part}"
    return rest if kind == "fact" else _TITLES.get(name) or name.capitalize()


def _record(record: StageRecord) -> Named:
    yield OUTCOME, record.outcome.value
    for words in record.tampering:
        yield "changed on purpose", words
    for name in sorted(record.overridden):
        yield "continued despite", name
    for fact in record.facts:
        yield f"fact {fact.name}", fact_text(fact)
    for check in record.checks:
        # What was expected follows from what else differs: the issuer, the resource, the port.
        yield f"check {check.name}", f"{check.severity}: {check.seen}" if check.seen else check.severity.value
    if record.diagnosis is not None:
        yield "diagnosis", record.diagnosis.cause
        yield "diagnosis evidence", "\n".join(record.diagnosis.evidence)
    for number, exchange in enumerate(record.exchanges, 1):
        yield from _exchange(number, exchange)


def _exchange(number: int, exchange: Exchange) -> Named:
    request, response, failure = exchange.request, exchange.response, exchange.failure
    where = f"request {number}"
    yield f"{where} purpose", exchange.purpose
    yield f"{where} method", request.method
    address, _, query = request.url.partition("?")
    yield f"{where} address", address
    yield from _parameters(f"{where} query", query)
    yield from _headers(where, request.headers)
    yield from _body(where, request.headers, request.body)
    for name, value in (("proxy", exchange.proxy), ("TLS", exchange.tls)):
        if value is not None:
            yield f"{where} {name}", value
    if failure is not None:
        yield f"{where} failure", f"{failure.kind}: {failure.cause}"
    if response is not None:
        where = f"response {number}"
        yield f"{where} status", f"{response.status} {response.reason}".strip()
        yield f"{where} protocol", response.http_version
        yield from _headers(where, response.headers)
        yield from _body(where, response.headers, response.body)


def _headers(where: str, headers: Headers) -> Named:
    for name, value in headers.fields:
        # The length of a body follows from the body, and a mask is not as long as what it stands for.
        if name.lower() != "content-length":
            yield f"{where} header {name.lower()}", value


def _parameters(where: str, text: str) -> Named:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        pairs = [("", text)]
    yield from ((f"{where} {name}".rstrip(), value) for name, value in pairs)


def _body(where: str, headers: Headers, body: Body) -> Named:
    where = f"{where} body"
    if body.truncated:
        yield f"{where}: cut off", "yes"
    if not body:
        return
    text = body_text(body)
    if headers.media_type == FORM_TYPE:
        yield from _parameters(where, text)
        return
    members = _members(where, text)
    if members is None:
        yield where, text
    else:
        yield from members


def _members(where: str, text: str) -> list[tuple[str, str]] | None:
    """Return the members of a JSON object, one for each leaf, or None where it is none or too large."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = load_object(text.encode())
    except JsonRefused:
        return None
    leaves: list[tuple[str, str]] = []
    waiting: list[tuple[str, object, int]] = [(where, document, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict) and value and depth < _DEEPEST:
            inner = [(f"{name} {key}", below, depth + 1) for key, below in value.items()]
            # The last one in is the first one out: the members come in the order of the document.
            waiting.extend(reversed(inner))
        else:
            leaves.append((name, value if isinstance(value, str) else _as_json(value)))
        if len(leaves) + len(waiting) > _MOST_MEMBERS:
            return None
    return leaves


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

"""A redacted record as named fields of text, so that two records can be compared.

The name of a field says where it is: `fact issuer`, `check token.status`, `request 1 query state`,
`response 1 body expires_in`. Times and durations are left out: no two runs have the same.

Other values differ although nothing is wrong. Some, such as a state, are new in every run. Two runs at two
addresses differ in every URL, and yet in one thing: an address that has one counterpart, and always the
same, is one difference. A client id that both runs were given by registering says nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from msgspec import Struct

from authlens_core.export.redaction import body_text
from authlens_core.trace.fact import fact_text
from authlens_core.trace.record import StageRecord
from authlens_core.values.exchange import Exchange, Headers
from authlens_core.values.formats.json_document import JsonRefused, load_object
from authlens_core.values.secret import Body
from authlens_core.values.secret_masking import MASKED

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
    name_parts = name.split(" ", 2)
    if name_parts[0] in _MESSAGES and len(name_parts) > 1 and name_parts[1].isdecimal():
        return len(_GROUPS) + int(name_parts[1]), _MESSAGES.index(name_parts[0])
    return (_GROUPS.index(name_parts[0]) if name_parts[0] in _GROUPS else 0), 0


def title_of(name: str) -> str:
    """Return what a field is called on a screen."""
    kind, _, label = name.partition(" ")
    if kind in _MESSAGES:
        number, _, detail = label.partition(" ")
        return f"{kind.capitalize()} {number}: {detail}"
    return label if kind == "fact" else _TITLES.get(name) or name.capitalize()


def _record(record: StageRecord) -> Named:
    yield OUTCOME, record.outcome.value
    for change in record.tampering:
        yield "changed on purpose", change
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
    if headers.is_form:
        yield from _parameters(where, text)
        return
    members = _members(where, text)
    if members is None:
        yield where, text
    else:
        yield from members


def _members(where: str, text: str) -> list[tuple[str, str]] | None:
    """Return the members of a JSON object, one for each leaf, or None if it is not one or too large."""
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


# The last word of a field's name: what is under it is drawn, issued or dated for one run.
_ANEW: Final = frozenset(
    {
        # OAuth (RFC 6749, 7636, 7591) and OpenID Connect; codes and tokens are masks, whatever their name
        "state", "nonce", "code_verifier", "code_challenge",
        "expires_at", "obtained_at", "client_id_issued_at",
        # JWT (RFC 7519 §4.1)
        "jti", "iat", "nbf", "exp", "auth_time", "at_hash",
        # header fields that name a moment or a request
        "date", "age", "expires", "last-modified", "cf-ray", "x-request-id", "request-id",
        "x-amzn-trace-id", "traceparent", "server-timing", "report-to", "nel", "set-cookie",
    }
)  # fmt: skip
# A user chose these; another value of theirs explains why two runs differ.
_CHOSEN: Final = frozenset(
    {"client_secret", "client_assertion", "cookie", "password", "cf-access-client-secret"}
)
_PARAMETER: Final = re.compile(
    r"(?<![\w-])(state|nonce|code|code_challenge|jti|iat|nbf|exp)(=|%3[Dd])(?:(?!%26)[\w.~+/:%•# -]){1,600}"
)
_HEADER: Final = re.compile(r"(?i)(?<![\w-])(cf-ray|date|age|expires|set-cookie): [^;\n)]{1,600}")
_MEASURED: Final = frozenset(
    {"check pkce.first_character", "check token.clock"}
)  # unless they come out unlike
_COUNTED: Final = re.compile(r" \(\d+\)$")  # of a name that appears more than once
_MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d| UTC)?")
_AUTHORITY: Final = re.compile(r"(?i)https?(?::|%3A)(?://|%2F%2F)((?:[a-z0-9.\[\]:-]|%3A)+)")
_THROUGHOUT: Final = 5  # fields in which an address differs before it counts as one difference
_CLIENT_ID: Final = re.compile(r"response \d+ body client_id")
_SHORTEST: Final = 4  # characters of a name that is looked for in other texts

# The same thing as the left side calls it, and as the right side does.
Pair = tuple[str, str]


def differs_in_every_run(name: str, a: str, b: str) -> bool:
    """Return whether two different values of the field `name`, secrets masked, differ as any two runs do.

    They do where the name says so, or where nothing is left once masks, moments and parameters such as
    `state` are taken out of both. A secret that a user chose, such as a client's, is not new in every run.
    """
    name = _COUNTED.sub("", name)
    last = name.rpartition(" ")[2].lower()
    if last in _CHOSEN or (last == "authorization" and "basic" in (a[:5].lower(), b[:5].lower())):
        return False
    # Before the colon is the severity: a check that came out otherwise is a difference.
    measured = name in _MEASURED and a.partition(":")[0] == b.partition(":")[0]
    return measured or last in _ANEW or _settled(a) == _settled(b)


def _settled(text: str) -> str:
    """Return `text` with what is new in every run replaced by the same sign in any run."""
    text = _HEADER.sub(r"\1…", _PARAMETER.sub(r"\1\2…", text))
    return _MOMENT.sub("…", MASKED.sub("…", text))


def moved(fields: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the addresses that have another name on the other side, throughout and always the same one.

    Args:
        fields: the values of each field that both sides have, equal ones too.
    """
    left_of: defaultdict[str, set[str]] = defaultdict(set)
    right_of: defaultdict[str, set[str]] = defaultdict(set)
    times: Counter[Pair] = Counter()
    for a, b in fields:
        authorities = _authorities(a), _authorities(b)
        if len(authorities[0]) != len(authorities[1]):
            continue
        pairs = dict.fromkeys(zip(*authorities, strict=True))
        times.update(pairs.keys())
        for left_name, right_name in pairs:
            right_of[left_name].add(right_name)
            left_of[right_name].add(left_name)
    return tuple(
        (left_name, right_name)
        for (left_name, right_name), count in times.items()
        if left_name != right_name
        and count >= _THROUGHOUT
        and len(right_of[left_name]) == len(left_of[right_name]) == 1
    )


def _authorities(text: str) -> list[str]:
    return [unquote(authority).lower() for authority in _AUTHORITY.findall(text)]


def client_ids(a: dict[str, str], b: dict[str, str]) -> tuple[Pair, ...]:
    """Return the client ids that two registrations gave out, by their fields; those that differ."""
    return tuple(
        (a[name], b[name]) for name in a if _CLIENT_ID.fullmatch(name) and name in b and a[name] != b[name]
    )


class Renamed(Struct, frozen=True):
    """Texts of both sides, with what is called otherwise called the same."""

    a: _Side
    b: _Side

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Renamed:
        usable = [pair for pair in dict.fromkeys(pairs) if min(map(len, pair)) >= _SHORTEST]
        return cls(_Side.of([a for a, _ in usable]), _Side.of([b for _, b in usable]))

    def both(self, a: str, b: str) -> Pair:
        """Return a text of each side in common words."""
        return self.a.common(a), self.b.common(b)


class _Side(Struct, frozen=True):
    numbers: dict[str, int]
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, names: Sequence[str]) -> _Side:
        numbers: dict[str, int] = {}
        for number, name in enumerate(names):
            for form in (name, quote(name, safe="")):
                numbers.setdefault(form.lower(), number)
        if not numbers:
            return cls({}, None)
        forms = "|".join(map(re.escape, sorted(numbers, key=len, reverse=True)))
        return cls(numbers, re.compile(rf"(?i)(?<![\w.-])(?:{forms})(?![\w-]|\.\w|:\d)"))

    def common(self, text: str) -> str:
        if self.pattern is None:
            return text
        return self.pattern.sub(lambda name: f"\0{self.numbers[name[0].lower()]}\0", text)

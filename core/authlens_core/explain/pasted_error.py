"""What a pasted error message means: a log of an agent, a page, a transcript of curl.

The same causes are used as for a login of our own, then those that only other programs name, which are in
`words/clients.toml`. Nothing is sent, and what looks like a secret is masked in the lines that are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Final

from authlens_core.diagnosis.answer import classify
from authlens_core.diagnosis.cause import Cause
from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.evidence import body_line
from authlens_core.diagnosis.protection import MANAGED_OAUTH, MEANINGS, Protection, Trait
from authlens_core.values.diagnosis import CauseId, Diagnosis
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body
from authlens_core.values.stage import Stage
from authlens_core.values.word_files import words

_LONGEST: Final = 256 * 1024  # characters that are looked at
# A longer list of causes would explain nothing.
_MOST: Final = 3
_CODE: Final = re.compile(
    r"""(?:["']?\berror["']?\s*[:=]\s*["']?|\b)"""
    r"""(invalid_[a-z_]+|access_denied|unauthorized_client|insufficient_scope|unsupported_[a-z_]+|use_dpop_nonce)\b"""
)
_STATUS: Final = re.compile(r"^(?:[<>*] ?)?HTTP/[\d.]+ (\d{3})(?: (.*))?$")
_FIELD: Final = re.compile(r"^(?:< ?)?([A-Za-z0-9-]{1,64}): ?(.*)$")
_REQUEST: Final = re.compile(r"^> ")


def explain_text(text: str) -> tuple[Diagnosis, ...]:
    """Return what `text` says, the most particular first; at most three, none where nothing is known."""
    text = text[:_LONGEST]
    response = Response(0, body=Body(text.encode("utf-8", "replace")))
    diagnoses: dict[str, Diagnosis] = {}
    for cause, phrase in _fitting(text.lower()):
        line = body_line(response, phrase)
        diagnosis = Diagnosis(cause.name, cause.cause, cause.cure, (line,) if line else (), cause.source)
        diagnoses.setdefault(cause.name, diagnosis)
    answer = _transcript(text)
    if answer is not None and len(diagnoses) < _MOST:
        diagnoses.setdefault(answer.name, answer)
    return tuple(diagnoses.values())[:_MOST]


@cache
def client_causes() -> tuple[Cause, ...]:
    """Return the causes that the messages of other programs name; the first that has a phrase counts."""
    return tuple(_client_cause(CauseId(name), **entry) for name, entry in words("clients").items())


def _client_cause(
    name: CauseId,
    *,
    source: str,
    phrases: tuple[str, ...],
    cause: str = "",
    cure: str = "",
    errors: tuple[str, ...] = (),
    protection: str = "",
) -> Cause:
    if protection:
        meaning = MEANINGS[Protection(protection)]
        cause, cure = meaning.summary, meaning.cure
    cure = cure.replace("{managed_oauth}", MANAGED_OAUTH)
    return Cause(name=name, cause=cause, cure=cure, source=source, errors=frozenset(errors), phrases=phrases)


def _fitting(text: str) -> Iterator[tuple[Cause, str]]:
    """Yield the causes whose words are in the text, then those of the error codes in it.

    One phrase has one cause, the first that has it. Where the server's own words are known, its codes add
    nothing. The words of a server that belong to an error code say nothing without the code.
    """
    said: set[str] = set()
    codes = dict.fromkeys(match[1] for match in _CODE.finditer(text))
    servers = (cause for cause in CAUSES if not cause.errors or not cause.errors.isdisjoint(codes))
    for cause in (*servers, *client_causes()):
        phrase = next((phrase for phrase in cause.phrases if phrase in text), None)
        if phrase is not None and phrase not in said:
            said.add(phrase)
            yield cause, phrase
    if any(phrase in said for cause in CAUSES for phrase in cause.phrases):
        return
    for code in codes:
        fitting = (cause for cause in _of_codes(text) if code in cause.errors)
        yield from ((cause, code) for cause in islice(fitting, 1))


def _of_codes(text: str) -> Iterator[Cause]:
    """Yield the causes that an error code alone tells, with the stage as far as the text names it."""
    for cause in CAUSES:
        here = Stage.REFRESH not in cause.stages or "refresh" in text
        if here and not (cause.checks or cause.protections or cause.phrases or cause.grants):
            yield cause
    yield from client_causes()


def _transcript(text: str) -> Diagnosis | None:
    """Return the diagnosis of the last answer in an HTTP transcript, as for one of our own."""
    status = 0
    fields: list[tuple[str, str]] = []
    body: list[str] = []
    in_head = False
    # CR LF ends a line of HTTP, and LF alone may (RFC 9112 §2.2): what curl shows has either.
    for line in (row.rstrip("\r") for row in text.rstrip("\r\n").split("\n")):
        begins = _STATUS.match(line)
        field = _FIELD.match(line) if in_head else None
        if begins is not None:
            status, fields, body, in_head = int(begins[1]), [], [], True
        elif field is not None:
            fields.append((field[1], field[2]))
        elif not _REQUEST.match(line):
            in_head = in_head and bool(line.strip("< "))
            body.append(line)
    if not status:
        return None
    response = Response(status, headers=Headers(tuple(fields)), body=Body("\n".join(body).encode()))
    request = Request("GET", "https://pasted.invalid/")
    answer = classify(Exchange(request, response, None, datetime.now(UTC), 0.0))
    if answer.protection.has(Trait.SAYS_NOTHING):
        return None
    cure = answer.cure or "Log in: authlens login URL."
    return Diagnosis(answer.protection.value, answer.summary, cure, answer.evidence, layer=answer.layer)

"""An HTTP transcript in a pasted text, read as an answer to a request of our own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from authlens_core.diagnosis.answer import classify
from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.diagnosis.protection import Trait
from authlens_core.values.check import Diagnosis
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.fix import step
from authlens_core.values.secret import Body

_STATUS: Final = re.compile(r"^(?:[<>*] ?)?HTTP/[\d.]+ (\d{3})(?: (.*))?$")
_FIELD: Final = re.compile(r"^(?:< ?)?([A-Za-z0-9-]{1,64}): ?(.*)$")
_REQUEST: Final = re.compile(r"^> ")
# The status of an answer whose first line was not pasted.
_STATUS_OF: Final = {"www-authenticate": 401, "location": 302, "cf-mitigated": 403, "cf-access-aud": 403}
# The end of a login: its error says more than where the browser is sent (RFC 6749 §4.1.2.1).
_ERROR_IN_LOCATION: Final = re.compile(r"[?&#]error=[a-z]+_[a-z]")


def transcript_answer(text: str) -> Diagnosis | None:
    """Return the diagnosis of the last answer in an HTTP transcript, as for one of our own.

    Where the status line was not pasted, a header field that only one kind of answer has stands for it.
    """
    status = 0
    fields: list[tuple[str, str]] = []
    body: list[str] = []
    in_head = False
    # CR LF ends a line of HTTP, and LF alone may (RFC 9112 §2.2): what curl shows has either.
    for line in (row.rstrip("\r") for row in text.rstrip("\r\n").split("\n")):
        begins = _STATUS.match(line)
        field = _FIELD.match(line)
        if begins is not None:
            status, fields, body, in_head = int(begins[1]), [], [], True
        elif field is not None and (in_head or (not status and field[1].lower() in _STATUS_OF and field[2])):
            status = status or _STATUS_OF[field[1].lower()]
            in_head = True
            fields.append((field[1], field[2]))
        elif not _REQUEST.match(line):
            in_head = in_head and bool(line.strip("< "))
            body.append(line)
    if not status:
        return None
    headers = Headers(tuple(fields))
    if _ERROR_IN_LOCATION.search(headers.get("location") or ""):
        return None
    response = Response(status, headers=headers, body=Body("\n".join(body).encode()))
    request = Request("GET", "https://pasted.invalid/")
    answer = classify(Exchange(request, response, None, datetime.now(UTC), 0.0))
    if answer.protection.has(Trait.SAYS_NOTHING):
        return None
    cure = answer.cure or step("Log in", "authlens login URL")
    evidence = tuple(map(without_credentials, answer.evidence))
    return Diagnosis(answer.protection.value, answer.summary, cure, evidence, layer=answer.layer)

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

# curl puts a sign before each line. LF ends a line of HTTP, and nothing else does (RFC 9112 §2.2).
_HEAD: Final = re.compile(
    r"^(?:[<*] ?)?HTTP/[\d.]+ (\d{3})\b.*\n((?:(?:< ?)?[A-Za-z0-9-]{1,64}:.*\n)*)", re.MULTILINE
)
_FIELD: Final = re.compile(r"^(?:< ?)?([A-Za-z0-9-]+): ?(.*?)\r?$", re.MULTILINE)


def transcript_answer(text: str) -> Diagnosis | None:
    """Return the diagnosis of the last answer in an HTTP transcript, as for one of our own."""
    heads = list(_HEAD.finditer(f"{text}\n"))
    if not heads:
        return None
    last = heads[-1]
    headers = Headers(tuple(_FIELD.findall(last[2])))
    response = Response(int(last[1]), headers=headers, body=Body(text[last.end() :].encode()))
    request = Request("GET", "https://pasted.invalid/")
    answer = classify(Exchange(request, response, None, datetime.now(UTC), 0.0))
    if answer.protection.has(Trait.SAYS_NOTHING):
        return None
    cure = answer.cure or step("Log in", "authlens login URL")
    evidence = tuple(map(without_credentials, answer.evidence))
    return Diagnosis(answer.protection.value, answer.summary, cure, evidence, layer=answer.layer)

"""Evidence: lines of a raw answer, quoted as they were, without secrets, bounded and safe to show.

A server may repeat what it was sent, in any text of its answer: a reason phrase, a header field, an error
code, a member that was to be a number. So whatever is shown of an exchange loses the secrets sent in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.diagnosis.credential import secrets_sent
from authlens_core.diagnosis.likely_secrets import masked_text, without_credentials
from authlens_core.values.check import Diagnosis
from authlens_core.values.exchange import Exchange, Response
from authlens_core.values.fix import Fix, mapped
from authlens_core.values.formats.error_response import OAuthError
from authlens_core.values.formats.json_document import JsonRefused, load_object
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import SecretMasker

# How much of a body is quoted.
FIRST_BYTES: Final = 160
_LONGEST_LINE: Final = 500  # characters
_BODY_SEARCHED: Final = 16 * 1024  # bytes of an answer
_AROUND: Final = 60  # characters kept before what was found in one long line
_LONGEST_PART: Final = 200  # characters of a line of a body
# In a phrase, for whatever the same line has between two parts.
ANYTHING: Final = " … "


def phrase_in(phrase: str, text: str) -> str:
    """Return what of `text` is the phrase, or the empty string; both in lower case.

    It begins and ends where a word does: `AADSTS90014` is not part of `AADSTS900144`.
    """
    match = _pattern(phrase).search(text) if phrase.partition(ANYTHING)[0] in text else None
    return match[0] if match is not None else ""


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    between = r"[^\n]{0,300}?".join(map(re.escape, phrase.split(ANYTHING)))
    # Not between two letters, digits or underscores: ENOTFOUND is not part of FileNotFoundError.
    return re.compile(rf"(?!\B\w){between}(?!\B\w)", re.ASCII)


def status_line(response: Response) -> str:
    return safe_line(f"{response.http_version} {response.status} {response.reason}".rstrip())


def header_lines(response: Response, *names: str) -> tuple[str, ...]:
    """Return the fields `names` as lines; a URL loses its query, which may repeat what was sent."""
    values = ((name, value) for name in dict.fromkeys(names) for value in response.headers.get_all(name))
    pairs = ((n, re.split("[?#]", value)[0] if n == "location" else value) for n, value in values)
    return tuple(f"{name}: {safe_line(value, _LONGEST_LINE)}" for name, value in pairs)


def error_lines(error: OAuthError) -> tuple[str, ...]:
    """Return an OAuth error as it was: members of JSON, or parameters of the callback (no status)."""
    pairs = (("error", error.error), ("error_description", error.description))
    form = '"{}": "{}"' if error.status is not None else "{}={}"
    return tuple(form.format(name, safe_line(value, _LONGEST_LINE)) for name, value in pairs if value)


def quoted(response: Response, name: str) -> str:
    """Return the member `name` of a JSON answer as it was, or the header field; or say that it is missing."""
    field = header_lines(response, name)
    if field:
        return field[0]
    try:
        document = load_object(response.body.reveal())
    except JsonRefused:
        return ""
    if name not in document:
        return f'no "{name}" in it'
    return safe_line(f'"{name}": {json.dumps(document[name], ensure_ascii=False)}', _LONGEST_LINE)


def body_line(response: Response, phrase: str) -> str:
    """Return the line of the body that contains `phrase`, in any case; empty if none does."""
    text = response.body.reveal()[:_BODY_SEARCHED].decode("utf-8", "replace")
    if len(response.body.reveal()) > _BODY_SEARCHED:  # half a secret looks like a word
        text = text[: max(text.rfind(" "), text.rfind("\n")) + 1]
    for line in masked_text(text).split("\n"):
        if phrase.lower() in line.lower():
            return around(line, phrase.lower(), _LONGEST_PART)
    return ""


def around(line: str, phrase: str, longest: int = _LONGEST_LINE) -> str:
    """Return a line, or what of a long one begins shortly before the phrase, which is in lower case."""
    start = max(0, line.lower().find(phrase) - _AROUND) if len(line) > longest else 0
    return safe_line(("…" if start else "") + line[start:].strip(), longest)


def whole_answer(response: Response, secrets: Sequence[Secret] = ()) -> tuple[str, ...]:
    """Return what an answer is, for one that is not known: status, type, CF-Ray and its first bytes.

    What was sent and what looks like a credential is masked in them.
    """
    kind = header_lines(response, "content-type") or ("no Content-Type",)
    ray = header_lines(response, "cf-ray")
    data = response.body.reveal()
    if not data:
        return (status_line(response), *kind, *ray, "an empty body")
    # Masked before it is cut, so that half a secret is not taken for something else.
    # More than is quoted, because white space is folded afterwards.
    text = without_credentials(data[: 8 * FIRST_BYTES].decode("utf-8", "replace"), secrets)
    folded = " ".join(text.split())
    begins = safe_line(folded[:FIRST_BYTES], _LONGEST_LINE)
    more = "…" if len(folded) > FIRST_BYTES or len(data) > 8 * FIRST_BYTES else ""
    return (status_line(response), *kind, *ray, f"starts with: {begins}{more}")


_Value = TypeVar("_Value", bound=Struct)
SHORTEST: Final = 8  # characters; what is shorter is an ordinary word in too many sentences


def sent_in(exchanges: Iterable[Exchange]) -> tuple[Secret, ...]:
    secrets = dict.fromkeys(secret for exchange in exchanges for secret in secrets_sent(exchange.request))
    return tuple(secret for secret in secrets if len(secret.reveal()) >= SHORTEST)


def without_echoes(value: _Value, sent: SecretMasker, *names: str) -> _Value:
    """Return `value` with `sent` masked in the fields `names`: texts, or tuples of texts."""
    masked = {name: _masked(getattr(value, name), sent) for name in names if sent}
    return replace(value, **masked)


def without_sent(diagnosis: Diagnosis, exchange: Exchange) -> Diagnosis:
    """Return a diagnosis that is shown beside its record, the secrets that were sent masked in it."""
    sent = SecretMasker(sent_in((exchange,)))
    return without_echoes(diagnosis, sent, "cause", "cure", "evidence")


def _masked(text: Any, sent: SecretMasker) -> Any:
    if isinstance(text, tuple):
        return tuple(map(sent.masked, text))
    if isinstance(text, Fix):
        return mapped(text, sent.masked)
    return sent.masked(text) if isinstance(text, str) else text

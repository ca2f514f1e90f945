"""What went over the wire, made safe to show and to hand on.

A secret is hidden in three ways that do not rely on each other: by its value, in every encoding; by the name
it is under; by its shape, as a JWT or a bearer credential has one. What cannot be read as text is not
shown at all if anything in it looks like a secret.

A secret is learned in one stage and repeated in another: the code arrives in stage 6 and is in the form
of stage 7. So of a trace the secrets of every record are gathered first, and each text is masked with all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from authlens_core.export.secret_names import (
    header_masked,
    header_secrets,
    is_sensitive,
    mask,
    names_masked,
    pieces,
    text_secrets,
)
from authlens_core.trace.fact import Fact
from authlens_core.trace.record import Trace
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.safe_text import safe_text
from authlens_core.values.secret import Body, Secret
from authlens_core.values.secret_masking import MASKED, SecretMasker

__all__ = [
    "MASKED",
    "NoRedactor",
    "RedactedBody",
    "Redactor",
    "body_text",
    "raw_message",
    "redacted_trace",
    "secrets_in",
    "secrets_of",
]

# `eyJ` is `{"` and a letter in base64url: the beginning of a JOSE header (RFC 7515 §3.1). The quantifiers are
# possessive, so that a body of a megabyte is read once, whatever is in it.
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{6,}+(?:\.[\w-]*+){1,4}+")
_CLOUDFLARE: Final = re.compile(r"(?<![\w:])oauth:[\w.~+/:=-]{8,}+")
_BEARER: Final = re.compile(  # but not what follows the grant type `jwt-bearer` in a command of ours
    r"(?i)\b((?:bearer|dpop)[ \t]+)(?!--assertion-file )([\w.~+/:-]{16,}+=*+)(?![=\"])"
)
_CUT: Final = re.compile(r"[\n\",;<>]")  # no token goes over it
_HEX_SHOWN: Final = 256  # bytes
_SHORT: Final = 256  # characters of a text whose masked form is remembered
_MOST_NAMED: Final = 256  # secrets of one text that are looked for in every other


class RedactedBody(Struct, frozen=True):
    """A body as it may be shown.

    Attributes:
        text: what is shown; not yet safe for a terminal.
        size: bytes that were kept of it.
        truncated: true when a limit cut it.
        binary: true if `text` is a summary of bytes that are not text.
    """

    text: str
    size: int
    truncated: bool = False
    binary: bool = False


class Redactor:
    """Masks secrets in text.

    Args:
        secrets: the values that are known to be secret. Those shorter than four characters are masked only
            where their name gives them away.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._secrets = SecretMasker(secrets)
        # Names of header fields and words of checks come again and again.
        self._cached = lru_cache(maxsize=1_024)(self._masked)

    def text(self, text: str) -> str:
        """Return `text` with every secret masked: by value, then by name, then by shape."""
        return self._cached(text) if len(text) <= _SHORT else self._masked(text)

    def _masked(self, text: str) -> str:
        # By value first: a mask is left alone by the other two, and a value under an innocent name is known
        # only here.
        text = self._secrets.masked(text)
        text = names_masked(text)
        text = "".join(_shapes_masked(piece) for piece in pieces(text, _CUT))
        return self._secrets.without_prefixes(text)

    def header(self, name: str, value: str) -> str:
        """Return the value of the header field `name`, masked by what the field is for."""
        if is_sensitive(name):
            return self._secrets.masked(header_masked(name, value))
        return self.text(value)

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        """Return header fields with their values masked: order, case and number stay."""
        return [(name, self.header(name, value)) for name, value in headers.fields]

    def member(self, name: str, value: str, *, secret: bool = False) -> str:
        """Return the value of a member, claim or parameter: masked if `secret` or its name says so."""
        return mask(value) if secret or is_sensitive(name) else self.text(value)

    def body(self, body: Body) -> RedactedBody:
        """Return `body` as text, masked; bytes that are not text become a summary."""
        data = body.reveal()
        text = _decoded(body)
        if text is not None:
            # The size is that of the bytes: a mask is shorter or longer than what it hides.
            return RedactedBody(self.text(text), len(data), body.truncated)
        # UTF-16 is text with a NUL in every pair of bytes; without these a secret in it reads as it is.
        readings = (data.decode("latin-1"), data.replace(b"\0", b"").decode("latin-1"))
        hidden = any(self.text(reading) != reading for reading in readings)
        summary = "(not text; hidden, because a secret is in it)" if hidden else _hex_dump(data)
        return RedactedBody(summary, len(data), body.truncated, binary=True)


class NoRedactor(Redactor):
    """Masks nothing. Only for a user who asked to see the secrets."""

    def text(self, text: str) -> str:
        return text

    def header(self, name: str, value: str) -> str:  # noqa: ARG002
        return value

    def member(self, name: str, value: str, *, secret: bool = False) -> str:  # noqa: ARG002
        return value


def _shapes_masked(text: str) -> str:
    # Most text has none of them: to look for how each begins is far quicker than to try the patterns.
    lowered = text.lower()
    if "bearer" in lowered or "dpop" in lowered:
        text = _BEARER.sub(lambda m: m[1] + mask(m[2]), text)
    # By shape as the last resort, for a secret that no record knows and no name announces.
    for beginning, shape in (("eyJ", _JWT), ("oauth:", _CLOUDFLARE)):
        if beginning in text:
            text = shape.sub(lambda m: mask(m[0]), text)
    return text


def raw_message(message: Request | Response, redactor: Redactor) -> str:
    """Return a message byte for byte but for masks and control characters, with no words of ours in it.

    It is meant for the clipboard, and what is pasted into a terminal must not steer it.
    """
    if isinstance(message, Request):
        first = f"{message.method} {redactor.text(message.url)}"
    else:
        reason = redactor.text(message.reason)
        first = f"{message.http_version} {message.status} {reason}".rstrip()
    body = redactor.body(message.body).text
    lines = [first, *(f"{name}: {value}" for name, value in redactor.headers(message.headers))]
    return safe_text("\n".join([*lines, "", body] if body else lines))


def secrets_in(exchange: Exchange) -> tuple[Secret, ...]:
    """Return the secrets that are under a telling name in either message, to be masked everywhere else.

    At most 256 of each text: every one is looked for in every other text, and a server that sends thousands
    would stop the program with them. Where they are, all are masked by their names.
    """
    secrets: dict[Secret, None] = {}
    messages = [message for message in (exchange.request, exchange.response) if message is not None]
    for text in (exchange.request.url, *(text for message in messages for text in _texts(message))):
        secrets |= dict.fromkeys(Secret(value) for value in islice(text_secrets(text), _MOST_NAMED))
    for message in messages:
        values = (value for field in message.headers.fields for value in header_secrets(*field))
        secrets |= dict.fromkeys(map(Secret, islice(values, _MOST_NAMED)))
    # A trace that was opened from a file has masks where secrets were.
    return tuple(s for s in secrets if s and not MASKED.fullmatch(s.reveal()))


def _decoded(body: Body) -> str | None:
    """Return the body as UTF-8 text, or None when it is not; half a character at a cut is left out."""
    data = body.reveal()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as stopped:
        # A character of UTF-8 has at most four bytes, so a cut leaves up to three of one.
        if body.truncated and stopped.start >= len(data) - 3:
            return data[: stopped.start].decode("utf-8")
        return None


def _hex_dump(data: bytes) -> str:
    rows = [data[i : i + 16] for i in range(0, min(len(data), _HEX_SHOWN), 16)]
    lines = [
        f"{16 * n:08x}  {row.hex(' '):<47}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}"
        for n, row in enumerate(rows)
    ]
    more = len(data) - _HEX_SHOWN
    return "\n".join([*lines, f"… {more} more bytes"] if more > 0 else lines)


def _texts(message: Request | Response) -> Iterator[str]:
    yield from message.headers.get_all("location")
    text = _decoded(message.body)
    yield message.body.reveal().decode("latin-1") if text is None else text


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
            return _redacted_body(value, redactor)
        case Headers():
            return Headers.of(
                (redactor.text(name), redactor.header(name, element)) for name, element in value.fields
            )
        case tuple() | frozenset():
            return type(value)(_masked(element, redactor) for element in value)
    if not isinstance(value, Struct):
        return value
    members = {name: _masked(member, redactor) for name, member in asdict(value).items()}
    if isinstance(value, Fact) and isinstance(value.value, str):
        # By its name, as a header field: the fact `client_secret` is masked although its value looks like a
        # word.
        members["value"] = redactor.header(value.name, value.value)
    return replace(value, **members)


def _redacted_body(body: Body, redactor: Redactor) -> Body:
    safe_body = redactor.body(body)
    text = (
        f"({safe_body.size} bytes that are not text)\n{safe_body.text}"
        if safe_body.binary
        else safe_body.text
    )
    return Body(text.encode("utf-8", "replace"), truncated=body.truncated, size=body.size)

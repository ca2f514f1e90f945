"""Where a message of HTTP/1.1 ends, read so strictly that every other reader agrees.

Source: RFC 9112 (§2.2 lines, §3 request line, §5 fields, §6 message body) and RFC 9110 (§5 fields, §7.6.1
Connection, §10.1.1 Expect). h11 reads messages and writes them; it also accepts what RFC 9112 lets a lenient
recipient accept. There two programs in a row can find two different requests in the same bytes. This module
names what h11 0.16 lets through, and refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

RawField = tuple[bytes, bytes]

# RFC 9110 §5.6.2 and §5.5; values may have bytes above ASCII (obs-text), and no controls but the tab.
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_NOT_IN_A_VALUE: Final = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")
# Without leading zeros, which some read as octal, and below 2**63, where others overflow.
_LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
_NOT_ALPHANUMERIC: Final = re.compile(rb"[^0-9a-z]")

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
# For one connection only (RFC 9110 §7.6.1, RFC 9113 §8.2.2), and so never passed on.
HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"http2-settings", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
# Fields of the whole way: a `Connection` that names one would make the next reader lose it.
_NOT_OF_ONE_HOP: Final = frozenset(
    {*_FRAMING, b"authorization", b"cookie", b"expect", b"host", b"origin"},
)
# RFC 9112 §3.2.2: what clients send to an HTTP proxy, and seldom to a server.
WHOLE_URL: Final = "a whole URL as its target"
_READ_HERE: Final = HOP_BY_HOP | _FRAMING | {b"expect", b"host"}


def head_fault(received: bytes) -> str:
    """Return what makes the head of a request ambiguous, in constant words; empty where nothing does.

    Args:
        received: the bytes of the connection from the request line on. The head may be incomplete, and is
            judged as far as it has come; what follows it is not looked at.
    """
    head, complete, following = received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not complete and b"\n" in lines.pop():
        return "a line that ends in LF alone"
    if not lines:
        return ""
    request = _REQUEST_LINE.fullmatch(lines[0])
    if request is None:
        return "a request line that is not valid in HTTP/1.1"
    method, target, minor = request.groups()
    if not _is_path(target) and method != b"CONNECT" and target != b"*":
        return WHOLE_URL if b"://" in target else "a request target that is not a path"
    fields = []
    for line in lines[1:]:
        field = _FIELD_LINE.fullmatch(line)
        if field is None:
            return "a header line that is not `name: value`"
        fields.append((field[1].lower(), field[2].strip(b" \t")))
    if not complete:
        return ""
    return _fields_fault(fields, minor) or _upgrade_fault(method, minor, fields, following)


def answer_fault(status: int, fields: Iterable[RawField]) -> str:
    """Return why an answer cannot be passed on, in constant words; empty where it can.

    Args:
        status: of a final answer, not an interim one.
        fields: as h11 read them: it has refused lengths that differ, and codings but `chunked`.
    """
    if not 200 <= status <= 599:
        return "its status is not an HTTP status"
    pairs = [(name.lower(), value) for name, value in fields]
    if sum(name in _FRAMING for name, _ in pairs) > 1:
        return "it has both Content-Length and Transfer-Encoding"
    if sum(name == b"location" for name, _ in pairs) > 1:
        return "it has more than one Location"
    if any(_NOT_IN_A_VALUE.search(value) for _, value in pairs):
        return "it has a control character in a header field"
    return ""


def is_chunked(fields: Iterable[RawField]) -> bool:
    """Return whether the body's length is unknown in advance."""
    return any(name.lower() == b"transfer-encoding" for name, _ in fields)


def body_length(fields: Iterable[RawField]) -> int | None:
    """Return the Content-Length of a message that has no fault; None without one."""
    return next((int(value) for name, value in fields if name.lower() == b"content-length"), None)


def framing(fields: Sequence[RawField]) -> tuple[RawField, ...]:
    """Return the one framing of a message that is passed on, in our own spelling."""
    if is_chunked(fields):
        return ((b"Transfer-Encoding", b"chunked"),)
    length = body_length(fields)
    return () if length is None else ((b"Content-Length", b"%d" % length),)


def for_one_hop(fields: Iterable[RawField]) -> set[bytes]:
    """Return the names of the fields that are not passed on (RFC 9110 §7.6.1)."""
    options = {
        option for name, value in fields if name.lower() == b"connection" for option in _options(value)
    }
    return set(HOP_BY_HOP) | (options - {b"", b"close"})


def alias_of(name: bytes, field_names: frozenset[bytes]) -> bytes | None:
    """Return the field that a server may take `name` for, although it is written differently.

    CGI and WSGI make `Content_Length` and `Content-Length` one variable (RFC 3875 §4.1.18), and some servers
    do so with every character that is neither letter nor digit.
    """
    lower = name.lower()
    folded = _NOT_ALPHANUMERIC.sub(b"-", lower).strip(b"-")
    return folded if folded != lower and folded in field_names else None


def is_read_as(name: bytes, field_names: frozenset[bytes]) -> bool:
    """Return whether a server may take the field `name` for one of `field_names`: it, or its alias."""
    return name.lower() in field_names or alias_of(name, field_names) is not None


# Where WebDAV copies to (RFC 4918 §10.3), and by their form the fields that IIS, Symfony, Zend, Envoy, nginx
# and others read as the path: X-Original-URL, X-Forwarded-Prefix, X-Envoy-Original-Path, X-Accel-Redirect.
_NAMES_A_PLACE: Final = re.compile(rb"destination|x-.*(?:url|uri|path|prefix|redirect).*")


def names_a_place(name: bytes) -> bool:
    """Return whether some servers read a path from the field `name`, instead of the request's own."""
    return _NAMES_A_PLACE.fullmatch(name.lower().replace(b"_", b"-")) is not None


def _is_path(target: bytes) -> bool:
    """Return whether a target is in origin form (RFC 9112 §3.2.1): it names no host and has no fragment."""
    return target.startswith(b"/") and b"#" not in target


def _fields_fault(fields: Sequence[RawField], minor: bytes) -> str:
    if sum(name in _FRAMING for name, _ in fields) > 1:
        return "more than one Content-Length or Transfer-Encoding"
    for name, value in fields:
        if name == b"content-length" and not _LENGTH.fullmatch(value):
            return "a Content-Length that is not a plain number"
        if name == b"transfer-encoding" and (value.lower() != b"chunked" or minor == b"0"):
            return "a Transfer-Encoding other than `chunked` in HTTP/1.1"
        if name == b"expect" and value.lower() != b"100-continue":
            return "an Expect other than `100-continue`"
        if name == b"connection" and not _NOT_OF_ONE_HOP.isdisjoint(_options(value)):
            return "a Connection that names a field for the resource"
        if alias_of(name, _READ_HERE) is not None:
            return "a field name that a server may take for another"
    if minor != b"0" and b"host" not in dict(fields):
        return "no Host"
    return ""


def _upgrade_fault(method: bytes, minor: bytes, fields: Sequence[RawField], following: bytes) -> str:
    """Return what is wrong with a handshake of WebSocket (RFC 6455 §4.1); empty for any other request."""
    upgrades = [value.lower() for name, value in fields if name == b"upgrade"]
    asks = any(name == b"connection" and b"upgrade" in _options(value) for name, value in fields)
    if not asks or b"websocket" not in upgrades:
        return ""
    if method != b"GET" or minor != b"1" or len(upgrades) != 1:
        return "an upgrade that is not one GET of HTTP/1.1 to one protocol"
    # It has no body, and the client sends nothing before the answer. A length of 0 is sent by
    # Dart's client, and means no body.
    if following or is_chunked(fields) or body_length(fields):
        return "an upgrade with a body, or with bytes after it"
    return ""


def _options(value: bytes) -> set[bytes]:
    return {option.strip(b" \t").lower() for option in value.split(b",")}

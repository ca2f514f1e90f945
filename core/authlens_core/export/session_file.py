"""The session file: a trace without its secrets, to be kept, handed on and opened again read-only.

docs/internals/session-file.md describes the format, version 1: one JSON object (RFC 8259, UTF-8), read
strictly. Its members are the fields of a trace and of all that is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import asdict

from authlens_core.export.redaction import body_text, redacted_trace
from authlens_core.trace.fact import Fact, FactValue
from authlens_core.trace.record import Trace
from authlens_core.values.errors import UsageError
from authlens_core.values.exchange import Headers, Purpose
from authlens_core.values.fix import Fix
from authlens_core.values.formats.json_document import JsonRefused, json_output, load_object
from authlens_core.values.secret import Body, Secret

FORMAT: Final = "authlens-session"
VERSION: Final = 1
MAX_SESSION_BYTES: Final = 32 * 1024 * 1024
_BODIES_KEPT: Final = 16 * 1024 * 1024  # bytes of all bodies together; what comes later is left out
_LONGEST_ID: Final = 64  # characters
_MAX_ELEMENTS: Final = 10_000  # of one list
_MAX_NUMBER: Final = 2**31

# Takes a value, its name, and the name of what it is in.
_Read = Callable[[Any, str, str], Any]


class SessionFileRefused(UsageError):
    """The file is not a session file that this authlens can open."""


class _RecordRefused(ValueError):
    """The document is not what it has to be; says what is wrong, not yet safe to show."""


def session_json(trace: Trace, *, bodies: int | None = None, compact: bool = False) -> str:
    """Return `trace` as the text of a session file, every secret replaced by its mask.

    Args:
        trace: what happened; a trace without secrets is written as it is.
        bodies: bytes of all bodies together that are written; what comes later is left out, and says so.
            16 MiB where it is not given.
        compact: all on one line, for a program to read; written several times as fast.
    """
    safe_trace = redacted_trace(trace)
    budget = _Budget(_BODIES_KEPT if bodies is None else bodies)
    return json_output(
        {
            "format": FORMAT,
            "version": VERSION,
            "trace": _out(safe_trace, budget),
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
    # Before anything is parsed: the file comes from someone else.
    if len(data) > MAX_SESSION_BYTES:
        cause = f"The file has {len(data)} bytes; a session file has at most {MAX_SESSION_BYTES}."
        raise SessionFileRefused(cause, "Choose a file that authlens saved.")
    try:
        document = load_object(data, large=True)
        _require_version(document)
        trace: Trace = _record(Trace, document.get("trace"), "trace")
        if not (trace.trace_id.isascii() and trace.trace_id.isalnum() and len(trace.trace_id) <= _LONGEST_ID):
            raise _RecordRefused("trace_id is not a short word of letters and digits")
    except (JsonRefused, _RecordRefused) as refused:
        cause = f"The file cannot be opened as a session: {refused}."
        raise SessionFileRefused(cause, "Choose a file made with --format session, unchanged.") from None
    return trace


def _require_version(document: dict[str, Any]) -> None:
    if document.get("format") != FORMAT:
        raise _RecordRefused(f'it does not say "format": "{FORMAT}"')
    version = _read(int, document.get("version"), "version", "the document")
    if version > VERSION:
        cause = (
            f"The file was saved by a newer authlens (version {version} of the format, known is {VERSION})."
        )
        raise SessionFileRefused(cause, "Update authlens, or ask for the file in the older version.")
    if version != VERSION:
        raise _RecordRefused(f"there is no version {version} of the format")


class _Budget:
    """How many bytes of bodies may still be written, so that what is written can be read again."""

    def __init__(self, size: int) -> None:
        self._left = size

    def body(self, body: Body) -> dict[str, object]:
        size = len(body)
        if size > self._left:
            text = f"({size} bytes left out: the file would be too large)"
            return {"text": text, "truncated": True, "size": body.size}
        # The first bodies stay: of a long trace the beginning says why it went on.
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
        case Fact():
            return {**_members(value, budget), "value": _fact_value_out(value.value)}
        case tuple():
            return [_out(element, budget) for element in value]
        case frozenset():
            return sorted(value)
    return _members(value, budget) if isinstance(value, Struct) else value


def _members(value: Struct, budget: _Budget) -> dict[str, object]:
    return {name: _out(member, budget) for name, member in asdict(value).items()}


def _fact_value_out(value: FactValue) -> object:
    """Return the value of a fact as JSON; what JSON has no type for is an object with one member."""
    match value:
        case timedelta():
            return {"seconds": value.total_seconds()}
        case datetime():
            return {"time": value.isoformat()}
        case Secret():
            return value.masked
        case _:
            return value


def _read(kind: Any, value: Any, name: str, parent: str) -> Any:
    """Return `value`, the member `name` of `parent`, as a value of the type `kind`.

    Of alternatives, the first is read, or None.

    Raises:
        _RecordRefused: it is not one.
    """
    if kind in _READERS:
        return _READERS[kind](value, name, parent)
    shape, parts = get_origin(kind), get_args(kind)
    if shape in (Union, UnionType):
        return None if value is None and NoneType in parts else _read(parts[0], value, name, parent)
    if shape in (tuple, frozenset):
        elements = enumerate(_list_of(value, name, parent))
        return shape(_read(parts[0], element, f"{name}[{number}]", parent) for number, element in elements)
    return _record(kind, value, name) if issubclass(kind, Struct) else _choice(kind, value, name, parent)


def _record(kind: Any, value: Any, name: str) -> Any:
    """Return an object as a `kind`; members that it does not know are ignored."""
    if not isinstance(value, dict):
        raise _RecordRefused(f"{name} is not an object")
    values = {}
    for field, field_type in _types(kind).items():
        if field not in value:
            raise _RecordRefused(f"{name} has no {field}")
        values[field] = _read(field_type, value[field], field, name)
    return kind(**values)


def _list_of(value: Any, name: str, parent: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MAX_ELEMENTS:
        _wrong(name, parent, f"a list of at most {_MAX_ELEMENTS}")
    return value


@cache
def _types(kind: Any) -> dict[str, Any]:
    """Return the type of each field of a Struct."""
    types = get_type_hints(kind)
    return {name: types[name] for name in kind.__struct_fields__}


def _wrong(name: str, parent: str, expected: str) -> NoReturn:
    raise _RecordRefused(f"{name} of {parent} is not {expected}")


def _text(value: Any, name: str, parent: str) -> str:
    return value if isinstance(value, str) else _wrong(name, parent, "text")


def _flag(value: Any, name: str, parent: str) -> bool:
    return value if isinstance(value, bool) else _wrong(name, parent, "true or false")


def _integer(value: Any, name: str, parent: str) -> int:
    # JSON's true would pass: to Python, a bool is an int.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_NUMBER:
        _wrong(name, parent, "a whole number")
    return value


def _seconds(value: Any, name: str, parent: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < _MAX_NUMBER:
        _wrong(name, parent, "a number of seconds")
    return float(value)


def _time(value: Any, name: str, parent: str) -> datetime:
    try:
        time = datetime.fromisoformat(_text(value, name, parent))
    except ValueError:
        _wrong(name, parent, "a time")
    return time if time.tzinfo is not None else _wrong(name, parent, "a time with an offset")


def _choice(kind: type[StrEnum], value: Any, name: str, parent: str) -> StrEnum:
    try:
        return kind(_text(value, name, parent))
    except ValueError:
        _wrong(name, parent, "a known word")


def _fact_value_in(value: Any, name: str, parent: str) -> Any:
    match value:
        case None | str():
            return value
        # In Python True is an int; in a file of ours no fact is a truth value.
        case int() if not isinstance(value, bool):
            return _read(int, value, name, parent)
        case list():
            return _read(tuple[str, ...], value, name, parent)
        case {"seconds": seconds, **others} if not others:
            return timedelta(seconds=_read(float, seconds, "seconds", name))
        case {"time": time, **others} if not others:
            return _read(datetime, time, "time", name)
        case _:
            return _wrong(name, parent, "the value of a fact")


def _purpose_in(value: Any, name: str, parent: str) -> Purpose:
    text = _read(str, value, name, parent)
    # A newer authlens may have purposes that are unknown here.
    return Purpose(text) if text in set(Purpose) else Purpose.OTHER


def _headers_in(value: Any, name: str, parent: str) -> Headers:
    pairs = _list_of(value, name, parent)
    if not all(isinstance(pair, list) and [type(item) for item in pair] == [str, str] for pair in pairs):
        _wrong(name, parent, "a list of pairs of text")
    return Headers.of((field, content) for field, content in pairs)


class _WrittenBody(Struct, frozen=True):
    text: str
    truncated: bool
    size: int


def _body_in(value: Any, name: str, _parent: str) -> Body:
    body: _WrittenBody = _record(_WrittenBody, value, name)
    return Body(body.text.encode("utf-8", "replace"), truncated=body.truncated, size=body.size)


def _cure_in(value: Any, name: str, parent: str) -> str | Fix:
    cure: str | Fix = _read(Fix if isinstance(value, dict) else str, value, name, parent)
    return cure


_READERS: Final[Mapping[Any, _Read]] = {
    str: _text,
    bool: _flag,
    int: _integer,
    float: _seconds,
    datetime: _time,
    Purpose: _purpose_in,
    Headers: _headers_in,
    Body: _body_in,
    FactValue: _fact_value_in,
    str | Fix: _cure_in,
}

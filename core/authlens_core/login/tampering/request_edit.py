"""An amendment: one named part of a request, a link or a callback, changed on purpose.

Applying one is a pure function over values, and it changes nothing but the part it names: every other
parameter, field and header keeps its place and its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import quote, quote_plus

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.values.exchange import TOKEN_CHARACTERS, Headers, Request, is_visible
from authlens_core.values.formats.form import FormRefused, decode_component
from authlens_core.values.formats.json_document import JsonRefused, JsonValue, load_json, load_object
from authlens_core.values.secret import Body, Secret

_LONGEST: Final = 16 * 1024  # characters: what a user types, or the value that was there


_Item = TypeVar("_Item")


class RequestEditRefused(ValueError):
    """A value that cannot be sent at all, so that no server would see it; the message says why."""


class EditLocation(StrEnum):
    """Where the named part is."""

    METHOD = "method"
    URL = "address"
    QUERY = "query parameter"
    HEADER = "header field"
    FORM = "form field"
    JSON = "JSON member"
    CALLBACK = "callback parameter"


class RequestEdit(Struct, frozen=True):
    """One change.

    Attributes:
        name: its name; empty for the method and the address.
        value: what is there instead; None leaves the part out. A JSON member that held a string stays
            one; any other is read as JSON where that is possible.
        new: true where no part of that name was there; it is put behind the others.

    Raises:
        RequestEditRefused: HTTP has no way to carry the value.
    """

    location: EditLocation
    name: str
    value: str | Secret | None
    new: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be sent, before it is shown as about to be sent."""
        problem = _problem(self.location, self.name, self.text)
        if problem:
            raise RequestEditRefused(problem)

    @property
    def text(self) -> str | None:
        """The value itself, out of its box; None where the part is left out."""
        return self.value.reveal() if isinstance(self.value, Secret) else self.value

    @property
    def pushed(self) -> RequestEdit:
        """The same change in a pushed authorization request: what the link would carry is in its form."""
        return replace(self, location=EditLocation.FORM) if self.location is EditLocation.QUERY else self

    @property
    def words(self) -> str:
        if self.location is EditLocation.METHOD:
            return f"the method was changed to {self.text}"
        if self.location is EditLocation.URL:
            return "the address was replaced"
        change = "added" if self.new else "replaced"
        if self.value is None:
            change = "left out"
        if self.location is EditLocation.HEADER:
            return f"the header field {self.name} was {change}"
        where = " in the callback" if self.location is EditLocation.CALLBACK else ""
        return f"{self.name}{where} was {change}"


def amended_request(request: Request, amendments: Iterable[RequestEdit]) -> Request:
    """Return `request` with each amendment applied in turn; those of a callback do not concern it."""
    for edit in amendments:
        request = _applied(request, edit)
    return request


def amended_url(url: str, amendments: Iterable[RequestEdit]) -> str:
    """Return the link `url` with its address and its parameters amended; other places do not concern it."""
    for edit in amendments:
        if edit.location is EditLocation.URL:
            url = _with_address(url, edit.text or "")
        elif edit.location is EditLocation.QUERY:
            url = _with_parameter(url, edit.name, edit.text)
    return url


def amended_answer(answer: Secret, amendments: Iterable[RequestEdit]) -> Secret:
    """Return the answer of a browser, its query alone or a whole address, with the callback amended."""
    text = answer.reveal()
    for edit in amendments:
        if edit.location is EditLocation.CALLBACK:
            where, mark, query = text.rpartition("?")
            text = f"{where}{mark}{_with_pair(query, edit.name, edit.text, _for_query)}"
    return Secret(text)


def _problem(location: EditLocation, name: str, text: str | None) -> str:
    whole = f"{name}{text or ''}"
    if len(whole) > _LONGEST:
        return f"It is longer than {_LONGEST} characters."
    # JSON can write half of a surrogate pair, and a paste can hold one.
    if any(0xD800 <= ord(character) <= 0xDFFF for character in whole):
        return "It contains a lone surrogate, which cannot be encoded."
    if location is EditLocation.METHOD and not (text and TOKEN_CHARACTERS.issuperset(text)):
        return "A method is one word of ASCII letters (RFC 9110 §9.1)."
    if location is EditLocation.URL and not (text and is_visible(text)):
        return "An address is printable ASCII without spaces (RFC 3986)."
    if location is EditLocation.HEADER:
        if not name or not TOKEN_CHARACTERS.issuperset(name):
            return "The name of a header field is one word of ASCII letters (RFC 9110 §5.1)."
        if text is not None and not (text.isascii() and (text.isprintable() or not text)):
            return "The value of a header field is printable ASCII in one line (RFC 9110 §5.5)."
    return ""


def _applied(request: Request, edit: RequestEdit) -> Request:
    match edit.location:
        case EditLocation.METHOD:
            return replace(request, method=edit.text or request.method)
        case EditLocation.URL | EditLocation.QUERY:
            return replace(request, url=amended_url(request.url, (edit,)))
        case EditLocation.HEADER:
            return replace(request, headers=_with_header(request.headers, edit.name, edit.text))
        case EditLocation.FORM:
            form = request.body.reveal().decode("ascii")
            return replace(
                request, body=Body(_with_pair(form, edit.name, edit.text, quote_plus).encode("ascii"))
            )
        case EditLocation.JSON:
            return replace(request, body=_with_member(request.body, edit.name, edit.text))
        case EditLocation.CALLBACK:
            return request


def _with_address(url: str, address: str) -> str:
    _, mark, query = url.partition("?")
    # A new address without a query means another host for the same parameters.
    return address if "?" in address else f"{address}{mark}{query}"


def _with_parameter(url: str, name: str, value: str | None) -> str:
    address, _, query = url.partition("?")
    new = _with_pair(query, name, value, _for_query)
    return f"{address}?{new}" if new else address


def _for_query(text: str) -> str:
    return quote(text, safe="")


def _with_pair(text: str, name: str, value: str | None, encoded: Callable[[str], str]) -> str:
    """Replace the first pair of that name, drop any other of it, and put it at the end where it is new."""
    new = None if value is None else f"{encoded(name)}={encoded(value)}"
    return "&".join(_replaced(text.split("&") if text else (), lambda pair: _name_of(pair) == name, new))


def _replaced(items: Iterable[_Item], is_old: Callable[[_Item], bool], new: _Item | None) -> Iterator[_Item]:
    """Yield the items with `new` where the first old one was, or at the end; None leaves it out."""
    for item in items:
        if not is_old(item):
            yield item
        elif new is not None:
            yield new
            new = None
    if new is not None:
        yield new


def _name_of(pair: str) -> str:
    name = pair.partition("=")[0]
    try:
        return decode_component(name)
    except FormRefused:
        return name


def _with_header(headers: Headers, name: str, value: str | None) -> Headers:
    lower_name = name.lower()
    written = next((key for key, _ in headers.fields if key.lower() == lower_name), name)
    new = None if value is None else (written, value)
    return Headers.of(_replaced(headers.fields, lambda field: field[0].lower() == lower_name, new))


def _with_member(body: Body, name: str, value: str | None) -> Body:
    document = load_object(body.reveal())
    if value is None:
        document.pop(name, None)
    else:
        # A text stays a text: 123 typed for a string must not become a number.
        document[name] = value if isinstance(document.get(name), str) else _json_or_text(value)
    return Body(json.dumps(document).encode())


def _json_or_text(text: str) -> JsonValue:
    try:
        return load_json(text.encode())
    except JsonRefused:
        return text

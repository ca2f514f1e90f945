"""HTTP messages as values (RFC 9110 §6): what a stage builds and what it learns from.

Header fields keep their order, their case and their repetitions, because an inspector that merges two
`WWW-Authenticate` fields shows something that was never sent.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import field
from typing import Final
from urllib.parse import urlsplit

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
# Of methods, field names, schemes and parameter names (RFC 9110 §5.6.2).
TOKEN_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")


def is_visible(text: str) -> bool:
    """Return whether `text` is ASCII without spaces and control characters; true for the empty string."""
    return text.isascii() and text.isprintable() and " " not in text


@dataclass(frozen=True, slots=True, repr=False)
class Headers:
    """Header fields in the order, case and number that they had; `repr` shows names only."""

    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        return cls(tuple(pairs))

    def get(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)

    def get_all(self, name: str) -> tuple[str, ...]:
        wanted = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == wanted)

    @property
    def media_type(self) -> str:
        """The media type in lower case without parameters (RFC 9110 §8.3), or the empty string."""
        return (self.get("content-type") or "").partition(";")[0].strip().lower()

    def __repr__(self) -> str:
        return f"<Headers {', '.join(name for name, _ in self.fields)!r}>"


def _without_query(url: str) -> str:
    try:
        return urlsplit(url)._replace(query="", fragment="").geturl()
    except ValueError:
        return "<unparsable>"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A request before or after it was sent.

    `headers` is what the stage asks for; once sent, the exchange holds the complete fields.
    """

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: Body = field(default_factory=Body)

    def __repr__(self) -> str:
        return f"<Request {self.method} {_without_query(self.url)!r} {self.headers!r} {self.body!r}>"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """A response as it was received. `reason` is the phrase of the status line, which a server may invent."""

    status: int
    reason: str = ""
    headers: Headers = field(default_factory=Headers)
    body: Body = field(default_factory=Body)
    http_version: str = "HTTP/1.1"

    @property
    def media_type(self) -> str:
        return self.headers.media_type

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.headers!r} {self.body!r}>"

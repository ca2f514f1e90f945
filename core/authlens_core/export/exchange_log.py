"""Every exchange of one run of the program, the newest last, as rows without secrets that can be filtered.

Filters have the syntax of mitmproxy: `~m POST & ~c 4.. & !(~d example.com)`. A word without an operator is
looked for everywhere. Texts are compared without case and as they are shown, masked: a filter cannot be used
to guess a secret. They are no regular expressions, so none can run forever; only in a status code a dot
stands for any digit.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.trace.record import StageRecord
from authlens_core.values.exchange import Exchange, Request, Response
from authlens_core.values.safe_text import safe_line

_MOST: Final = 500  # exchanges
_MOST_BYTES: Final = 16 * 1024 * 1024  # of their bodies together
_SEARCHED: Final = 64 * 1024  # characters of a body that a filter looks at


class ExchangeLog:
    """Holds the last 500 exchanges, or fewer where their bodies are large."""

    def __init__(self) -> None:
        self._exchanges: deque[tuple[int, Exchange]] = deque()
        self._bytes = 0
        self._records: dict[int, StageRecord] = {}
        self.count = 0
        """How many there were, those that were dropped included."""
        self.changes = 0
        """Grows whenever something is noted."""

    def note(self, exchange: Exchange) -> None:
        """Add an exchange, and drop the oldest where there are too many."""
        self.count += 1
        self.changes += 1
        self._exchanges.append((self.count, exchange))
        self._bytes += _size(exchange)
        # The newest stays however large it is: it is the one that the user wants to see.
        while len(self._exchanges) > _MOST or (self._bytes > _MOST_BYTES and len(self._exchanges) > 1):
            number, dropped = self._exchanges.popleft()
            self._bytes -= _size(dropped)
            self._records.pop(number, None)

    def note_record(self, record: StageRecord) -> None:
        """Remember that the exchanges of `record` were sent in it; a later one of the same stage counts."""
        self.changes += 1
        # By identity: two requests that are equal are two rows.
        sent = {id(exchange) for exchange in record.exchanges}
        self._records |= {number: record for number, exchange in self._exchanges if id(exchange) in sent}

    def record_of(self, number: int) -> StageRecord | None:
        """Return the stage in which an exchange was sent; None while it runs, and of what is no stage."""
        return self._records.get(number)

    @property
    def exchanges(self) -> tuple[tuple[int, Exchange], ...]:
        """The exchanges that are held, each with its number since the program began."""
        return tuple(self._exchanges)


class ExchangeRow(Struct, frozen=True):
    """One exchange without its secrets.

    Attributes:
        number: counted from 1 since the program began.
        url: without its secrets.
        status: of the response; None if none came.
        request_headers: one `name: value` a line.
    """

    number: int
    exchange: Exchange
    method: str
    url: str
    host: str
    status: int | None
    request_headers: str
    response_headers: str
    request_body: str
    response_body: str

    @property
    def failed(self) -> bool:
        """Whether the answer is missing or incomplete."""
        return self.exchange.failure is not None

    @property
    def size(self) -> int | None:
        """Bytes of the response's body; None without a response."""
        response = self.exchange.response
        return None if response is None else len(response.body)

    @property
    def shown_url(self) -> str:
        return safe_line(self.url)


def rows_of(numbered: Sequence[tuple[int, Exchange]]) -> tuple[ExchangeRow, ...]:
    """Return exchanges as rows; a secret of one is masked in all of them."""
    redactor = Redactor(secret for _, exchange in numbered for secret in secrets_in(exchange))
    return tuple(_row(number, exchange, redactor) for number, exchange in numbered)


def _row(number: int, exchange: Exchange, redactor: Redactor) -> ExchangeRow:
    request, response = exchange.request, exchange.response
    url = redactor.text(request.url)
    rest = url.partition("://")[2]
    return ExchangeRow(
        number,
        exchange,
        request.method,
        url,
        rest.partition("/")[0].partition("?")[0],
        None if response is None else response.status,
        _lines(request, redactor),
        "" if response is None else _lines(response, redactor),
        # Cut after masking: of a secret that is cut, the part before would not be recognised.
        redactor.body(request.body).text[:_SEARCHED],
        "" if response is None else redactor.body(response.body).text[:_SEARCHED],
    )


def _lines(message: Request | Response, redactor: Redactor) -> str:
    return "\n".join(f"{name}: {value}" for name, value in redactor.headers(message.headers))


def _size(exchange: Exchange) -> int:
    response = exchange.response
    return len(exchange.request.body) + (0 if response is None else len(response.body))


Filter = Callable[[ExchangeRow], bool]

FILTER_HELP: Final = "~m method  ~c status  ~d host  ~u URL  ~h header  ~b body  ~e no answer  ! & | ( )"
_APART: Final = re.compile(r"[\s()!&|'\"\\]")  # not part of one word of a filter
_OPERATOR: Final = re.compile(r"~[a-z]+(?=\s+\Z)")  # before the word that is typed
_LONGEST: Final = 300  # characters
_DEEPEST: Final = 20  # parentheses and negations within each other


class FilterRefused(ValueError):
    """The filter cannot be read; the message says why."""


class FilterUnfinished(FilterRefused):
    """The filter ends too early: the rest is not typed yet."""


_Texts = Callable[[ExchangeRow], tuple[str, ...]]
# The texts of a row in which an operator looks for a part.
_TEXTS: Final[dict[str, _Texts]] = {
    "~u": lambda row: (row.url,),
    "~d": lambda row: (row.host,),
    "~h": lambda row: (row.request_headers, row.response_headers),
    "~hq": lambda row: (row.request_headers,),
    "~hs": lambda row: (row.response_headers,),
    "~b": lambda row: (row.request_body, row.response_body),
    "~bq": lambda row: (row.request_body,),
    "~bs": lambda row: (row.response_body,),
}
_FLAGS: Final[dict[str, Filter]] = {
    "~e": lambda row: row.failed,
    "~q": lambda row: row.status is None,
    "~s": lambda row: row.status is not None,
    "~all": lambda _: True,
}


def _everything(row: ExchangeRow) -> tuple[str, ...]:
    return (row.method, row.url, str(row.status or ""), *_TEXTS["~h"](row), *_TEXTS["~b"](row))


def parse_filter(text: str) -> Filter:
    """Return what `text` lets through; the empty text lets everything through.

    Raises:
        FilterRefused: it is too long, or cannot be read.
    """
    if len(text) > _LONGEST:
        raise FilterRefused(f"A filter has at most {_LONGEST} characters.")
    words = _words(text)
    if not words:
        return lambda _: True
    reader = _Reader(words)
    accepts = reader.either(0)
    if reader.left:
        raise FilterRefused(f"Nothing is open that “{reader.left[0]}” could close.")
    return accepts


def _values(operator: str, row: ExchangeRow) -> Sequence[str]:
    """Return what is worth typing after an operator, as one exchange has it."""
    match operator:
        case "~m":
            return (row.method,)
        case "~c":
            return () if row.status is None else (str(row.status),)
        case "~u":
            # A query is new in each request: to offer it would help no one.
            return (row.url.partition("?")[0],)
        case "~h" | "~hq" | "~hs":
            lines = (line.partition(":") for text in _TEXTS[operator](row) for line in text.split("\n"))
            return [name for name, colon, _ in lines if colon]
    return () if operator in _TEXTS and operator != "~d" else (row.host,)


def next_words(before: str, rows: Iterable[ExchangeRow]) -> list[str]:
    """Return the words that may follow `before` in a filter: operators, or values that `rows` have."""
    typed = _OPERATOR.search(before)
    operator = "" if typed is None else typed[0]
    words = {safe_line(word): None for row in rows for word in _values(operator, row)}
    has_value = operator in _TEXTS or operator in ("~m", "~c")
    operators = () if has_value else ("~m", "~c", *_TEXTS, *_FLAGS)
    return [*operators, *(word for word in words if not _APART.search(word))]


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="()!&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        raise FilterRefused("A quotation mark is missing.") from None
    # The lexer takes neighbouring signs for one word.
    return [piece for word in words for piece in (word if set(word) <= set("()!&|") else (word,))]


class _Reader:
    """Reads the words from left to right; `|` binds least, then `&` and neighbours, then `!`."""

    def __init__(self, words: list[str]) -> None:
        self.left = words

    def either(self, depth: int) -> Filter:
        filters = [self._both(depth)]
        while self.left and self.left[0] == "|":
            self.left.pop(0)
            filters.append(self._both(depth))
        return filters[0] if len(filters) == 1 else lambda row: any(accepts(row) for accepts in filters)

    def _both(self, depth: int) -> Filter:
        filters = [self._one(depth)]
        while self.left and self.left[0] not in ("|", ")"):
            if self.left[0] == "&":
                self.left.pop(0)
            filters.append(self._one(depth))
        return filters[0] if len(filters) == 1 else lambda row: all(accepts(row) for accepts in filters)

    def _one(self, depth: int) -> Filter:
        # Each level is a call within a call: many parentheses must not end in Python's own error.
        if depth > _DEEPEST:
            raise FilterRefused(f"More than {_DEEPEST} parentheses are within each other.")
        word = self._next("a filter")
        if word == "!":
            inner = self._one(depth + 1)
            return lambda row: not inner(row)
        if word == "(":
            within = self.either(depth + 1)
            if self._next("a closing parenthesis") != ")":
                raise FilterRefused("A closing parenthesis is missing.")
            return within
        if word in (")", "&", "|"):
            raise FilterRefused(f"A filter is missing before “{word}”.")
        return self._operator(word) if word.startswith("~") else _holds(_everything, word)

    def _operator(self, word: str) -> Filter:
        if word in _FLAGS:
            return _FLAGS[word]
        if word == "~m":
            method = self._next(f"a value after {word}").upper()
            return lambda row: row.method.upper() == method
        if word == "~c":
            return _status(self._next(f"a value after {word}"))
        if word in _TEXTS:
            return _holds(_TEXTS[word], self._next(f"a value after {word}"))
        refused = FilterUnfinished if word == "~" and not self.left else FilterRefused
        raise refused(f"“{word}” is not a filter. There are: {FILTER_HELP}")

    def _next(self, wanted: str) -> str:
        if not self.left:
            raise FilterUnfinished(f"The filter ends where {wanted} is expected.")
        return self.left.pop(0)


def _holds(texts_of: _Texts, part: str) -> Filter:
    wanted = part.casefold()
    return lambda row: any(wanted in text.casefold() for text in texts_of(row))


def _status(pattern: str) -> Filter:
    if len(pattern) != 3 or not all(sign == "." or sign in "0123456789" for sign in pattern):
        raise FilterRefused(f"A status has three digits, such as 401 or 4.., and not “{pattern}”.")

    def fits(row: ExchangeRow) -> bool:
        digits = str(row.status or "")
        return len(digits) == 3 and all(a in (".", b) for a, b in zip(pattern, digits, strict=True))

    return fits

"""Every exchange of one run of the program, the newest last, as rows without secrets.

Words are looked for in what is shown, masked: they cannot be used to guess a secret.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.trace.record import StageRecord
from authlens_core.values.exchange import Exchange, Request, Response
from authlens_core.values.safe_text import safe_line

_MOST: Final = 500  # exchanges
_MOST_BYTES: Final = 16 * 1024 * 1024  # of their bodies together
_SEARCHED: Final = 64 * 1024  # characters of a body in which words are found


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
        """Note that the exchanges of `record` were sent in it; a later record of the stage replaces it."""
        self.changes += 1
        # By identity: two requests that are equal are two rows.
        sent = {id(exchange) for exchange in record.exchanges}
        self._records |= {number: record for number, exchange in self._exchanges if id(exchange) in sent}

    def record_of(self, number: int) -> StageRecord | None:
        """Return the stage in which an exchange was sent; None while it runs, or outside of any stage."""
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
        text: the whole exchange without its secrets, in lower case.
    """

    number: int
    exchange: Exchange
    url: str
    text: str

    @property
    def host(self) -> str:
        return self.url.partition("://")[2].partition("/")[0].partition("?")[0]

    @property
    def status(self) -> int | None:
        """The status of the response; None if none came."""
        response = self.exchange.response
        return None if response is None else response.status

    @property
    def size(self) -> int | None:
        """Bytes of the response's body; None without a response."""
        response = self.exchange.response
        return None if response is None else len(response.body)

    @property
    def safe_url(self) -> str:
        return safe_line(self.url)

    def matches(self, query: str) -> bool:
        """Return whether each of `query` occurs in the exchange."""
        return all(word in self.text for word in query.casefold().split())


def rows_of(numbered: Sequence[tuple[int, Exchange]]) -> tuple[ExchangeRow, ...]:
    """Return exchanges as rows; a secret of one is masked in all of them."""
    redactor = Redactor(secret for _, exchange in numbered for secret in secrets_in(exchange))
    return tuple(_row(number, exchange, redactor) for number, exchange in numbered)


def _row(number: int, exchange: Exchange, redactor: Redactor) -> ExchangeRow:
    request, response = exchange.request, exchange.response
    url = redactor.text(request.url)
    first = f"{request.method} {url} {exchange.purpose.value}"
    answer = "no answer" if response is None else f"{response.status}\n{_text(response, redactor)}"
    text = f"{first}\n{_text(request, redactor)}\n{answer}"
    return ExchangeRow(number, exchange, url, text.casefold())


def _text(message: Request | Response, redactor: Redactor) -> str:
    lines = (f"{name}: {value}" for name, value in redactor.headers(message.headers))
    # Cut after masking: of a secret that is cut, the part before would not be recognised.
    return "\n".join((*lines, redactor.body(message.body).text[:_SEARCHED]))


def _size(exchange: Exchange) -> int:
    response = exchange.response
    return len(exchange.request.body) + (0 if response is None else len(response.body))

"""Every exchange of one run of the program, the newest last, as rows without secrets that can be filtered."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.values.exchange import Exchange, Request, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_line

_MOST: Final = 500  # exchanges
_MOST_BYTES: Final = 16 * 1024 * 1024  # of their bodies together
_SEARCHED: Final = 64 * 1024  # characters of a body that a filter looks at


class ExchangeLog:
    """Holds the last 500 exchanges, or fewer where their bodies are large."""

    def __init__(self) -> None:
        self._exchanges: deque[tuple[int, Exchange]] = deque()
        self._bytes = 0
        self.count = 0
        """How many there were, those that were dropped included."""

    def note(self, exchange: Exchange) -> None:
        """Add an exchange, and drop the oldest where there are too many."""
        self.count += 1
        self._exchanges.append((self.count, exchange))
        self._bytes += _size(exchange)
        while len(self._exchanges) > _MOST or (self._bytes > _MOST_BYTES and len(self._exchanges) > 1):
            self._bytes -= _size(self._exchanges.popleft()[1])

    @property
    def exchanges(self) -> tuple[tuple[int, Exchange], ...]:
        """The exchanges that are held, each with its number since the program began."""
        return tuple(self._exchanges)


@dataclass(frozen=True, slots=True)
class ExchangeRow:
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
        redactor.body(request.body).text[:_SEARCHED],
        "" if response is None else redactor.body(response.body).text[:_SEARCHED],
    )


def _lines(message: Request | Response, redactor: Redactor) -> str:
    return "\n".join(f"{name}: {value}" for name, value in redactor.headers(message.headers))


def _size(exchange: Exchange) -> int:
    response = exchange.response
    return len(exchange.request.body) + (0 if response is None else len(response.body))

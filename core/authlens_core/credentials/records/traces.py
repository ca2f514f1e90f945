"""The last traces of each credential, without their secrets, in a file of their own beside the index.

What a credential went through is worth having when it stops working. A few traces of each are stored, and of
those the newest login always, as it says where everything came from. A login that left no credential, and
what ended one, are stored for its URL, for a month. All are for reading only: losing the file costs nothing
else, which is why it is not the index.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.record_json import from_text
from authlens_core.credentials.records.schema import connected, transaction, version
from authlens_core.state.paths import own_file
from authlens_core.values.errors import StateUnusable, UsageError
from authlens_core.values.secret import Body
from authlens_core.values.stage import Outcome, TraceKind

if TYPE_CHECKING:
    from authlens_core.trace.record import StageRecord, Trace
    from authlens_core.values.exchange import Exchange

# Traces of one credential that are stored beside its newest login.
KEPT_BESIDE_LOGIN: Final = 9
# Traces that belong to no credential: of one URL, of all together, and for how long.
KEPT_OF_URL: Final = 5
KEPT_OF_ALL_URLS: Final = 50
KEPT_FOR: Final = timedelta(days=30)
# Where a credential has its id, these have their URL.
_OF_URL: Final = "url "
# What is worth having without a credential: it failed, or it is why there is none.
_WITHOUT_CREDENTIAL: Final = frozenset({TraceKind.LOGIN, TraceKind.REVOKE})
# Characters of one trace; a longer one is cut.
MAX_TRACE: Final = 1024 * 1024
# Of one that is too long without its bodies: exchanges of a record, records, characters of a header field.
_CUTS: Final = ((6, 100, 1_000), (1, 20, 100))
# Characters of all traces together; the oldest go first.
MAX_ALL: Final = 64 * 1024 * 1024
# Bytes of a body that is not kept, because masking it would hold up everything else.
_LARGE_BODY: Final = 64 * 1024
_VERSION: Final = 1
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS traces (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        trace_id TEXT NOT NULL UNIQUE,
        grant_id TEXT NOT NULL,
        kind     TEXT NOT NULL,
        at       TEXT NOT NULL,
        outcome  TEXT NOT NULL,
        text     TEXT NOT NULL
    ) STRICT
"""


class TraceGone(UsageError):
    """The trace was kept once and is not there any more, or cannot be read."""


class TraceSummary(Struct, frozen=True):
    """A trace that is stored: what was done, when it started, and how it ended."""

    trace_id: str
    kind: TraceKind
    at: datetime
    outcome: Outcome


class Traces:
    """The traces that are stored. The file is made when the first one is.

    Args:
        path: the file; None keeps everything in memory.
        known: the ids of the credentials that there are; a trace of any other is not kept.
    """

    def __init__(self, path: Path | None, known: Callable[[], Collection[str]]) -> None:
        self._path = path
        self._known = known
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()  # the connection serves one thread at a time
        self.on_trace: Callable[[Trace], None] = lambda _trace: None
        """Called with each trace that is to be kept, before anything is masked."""

    @staticmethod
    def get_ready() -> None:
        """Load what writes a trace, so that keeping one takes less time."""
        import authlens_core.export.session_file  # noqa: F401

    def keep(self, grant_id: str, trace: Trace | None) -> bool:
        """Keep a trace in which something was sent, instead of an earlier state of the same one.

        That of a login or a revocation is kept for its URL if there is no such credential. Never fails: what
        the trace records has happened, with or without a record of it.

        Returns:
            False if it was not kept: nothing was sent, something in it was changed on purpose, the
            credential of a probe or a refresh is gone or never was, or the file cannot be used.
        """
        if trace is not None:
            self.on_trace(trace)
        # What was changed on purpose says nothing about the credential.
        if trace is None or trace.tampering or not any(record.exchanges for record in trace.records):
            return False
        try:
            # Asked before the transaction: it reads the index, which another process may hold.
            known = self._known()
            owner = grant_id if grant_id in known else _owner_without_credential(trace)
            text = _written(trace) if owner else None
            if text is None:
                return False
            with self._writing() as connection:
                # A login is stored after each of its stages; the number is new, so the newest is also the
                # highest.
                connection.execute(
                    "INSERT OR REPLACE INTO traces (trace_id, grant_id, kind, at, outcome, text)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        trace.trace_id,
                        owner,
                        trace.kind.value,
                        trace.started_at.isoformat(),
                        trace.records[-1].outcome.value,
                        text,
                    ),
                )
                # In the same transaction: the bounds hold whenever another process looks.
                _delete_unlisted(connection, owner, known)
        except StateUnusable:
            return False
        return True

    def of(self, grant_id: str, *urls: str) -> tuple[TraceSummary, ...]:
        """Return what is stored of a credential and of these URLs, newest first.

        Raises:
            StateUnusable: the file cannot be used.
        """
        return self._summaries("grant_id IN (SELECT value FROM json_each(?))", _owners(grant_id, urls))

    def without_credential(self) -> tuple[TraceSummary, ...]:
        """Return what belongs to no credential, newest first.

        Raises:
            StateUnusable: the file cannot be used.
        """
        return self._summaries("grant_id LIKE ?", f"{_OF_URL}%")

    def _summaries(self, which: str, value: str) -> tuple[TraceSummary, ...]:
        if not self._exists():
            return ()
        query = f"SELECT trace_id, kind, at, outcome FROM traces WHERE {which} ORDER BY number DESC"  # noqa: S608
        with self._using() as connection:
            rows = connection.execute(query, (value,)).fetchall()
        summaries = []
        for trace_id, kind, at, outcome in rows:
            with suppress(ValueError):  # a row of a newer authlens, or a damaged one
                summaries.append(TraceSummary(trace_id, TraceKind(kind), from_text(at), Outcome(outcome)))
        return tuple(summaries)

    def open(self, trace_id: str) -> Trace:
        """Return a trace that is stored; its secrets are masks.

        Raises:
            TraceGone: there is none of this id, or it cannot be read.
            StateUnusable: the file cannot be used.
        """
        row = None
        if self._exists():
            with self._using() as connection:
                query = "SELECT text FROM traces WHERE trace_id = ?"
                row = connection.execute(query, (trace_id,)).fetchone()
        if row is None:
            raise TraceGone("This trace is no longer stored.", "Choose another one.")
        from authlens_core.export.session_file import read_session  # few verbs need it

        try:
            # Through the reader of session files, which refuses what is malformed: any program can write this
            # file.
            return read_session(row[0].encode("utf-8", "replace"))
        except UsageError as error:
            raise TraceGone(f"This trace cannot be read: {error.cause}", "Choose another one.") from None

    def drop(self, grant_id: str, *urls: str) -> bool:
        """Erase what is stored of a credential and of these URLs; return whether nothing of it is left."""
        try:
            if self._exists():
                with self._writing() as connection:
                    query = "DELETE FROM traces WHERE grant_id IN (SELECT value FROM json_each(?))"
                    connection.execute(query, (_owners(grant_id, urls),))
        except StateUnusable:
            return False  # the next trace that is stored takes these away
        return True

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # The file

    def _exists(self) -> bool:
        return self._connection is not None or (self._path is not None and self._path.exists())

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # What is deleted is overwritten, and the journal is a file of the same mode that goes again.
        connection.execute("PRAGMA secure_delete = ON")
        written = version(connection)
        if written > _VERSION:
            cure = "Use the newer version, or move it away."
            raise StateUnusable(f"A newer authlens wrote {self._path}.", cure)
        if written < _VERSION:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    where = ":memory:" if self._path is None else own_file(self._path)
                    self._connection = connected(where, self._prepare, check_same_thread=False)
                yield self._connection
            except sqlite3.Error as error:
                where = str(self._path)
                raise StateUnusable(
                    f"The stored traces in {where} cannot be used: {error}.",
                    "Move the file away: it holds only recorded requests and responses.",
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection, transaction(connection):
            yield connection


def _owners(grant_id: str, urls: Collection[str]) -> str:
    """Return whose traces these are, as the database takes a list: in JSON."""
    return json.dumps([grant_id, *map(_owner_of, urls)])


def _owner_of(url: str) -> str:
    # Without a query, which may hold a secret, and without what the database would refuse.
    bare = url.partition("?")[0].encode("utf-8", "replace").decode()
    return f"{_OF_URL}{bare}"


def _owner_without_credential(trace: Trace) -> str:
    return _owner_of(trace.resource_url) if trace.kind in _WITHOUT_CREDENTIAL else ""


def _written(trace: Trace) -> str | None:
    """Return the trace as a session file of at most `MAX_TRACE`: whole, without its bodies, or cut."""
    from authlens_core.export.redaction import redacted_trace  # few verbs need it
    from authlens_core.export.session_file import session_json

    records = tuple(
        replace(record, exchanges=tuple(_without_large_body(exchange) for exchange in record.exchanges))
        for record in trace.records
    )
    whole = replace(trace, records=records)
    # Bodies first: what is masked and escaped can be longer than it was, hence half.
    for bodies in (MAX_TRACE // 2, 0):
        text = session_json(whole, bodies=bodies, compact=True)
        if len(text) <= MAX_TRACE:
            return text
    # Only then: what one exchange shows to be a secret is masked in all of them.
    shown = redacted_trace(whole)
    for exchanges, most, longest in _CUTS:
        cut = tuple(_cut(record, exchanges, longest) for record in shown.records[-most:])
        text = session_json(replace(shown, records=cut), bodies=0, compact=True)
        if len(text) <= MAX_TRACE:
            return text
    return None


def _cut(record: StageRecord, most: int, longest: int) -> StageRecord:
    """Return a record with its last exchanges, and with header fields of at most `longest` characters."""
    from authlens_core.values.check import requirement  # nor is a trace often that long

    exchanges = tuple(_with_short_fields(exchange, longest) for exchange in record.exchanges[-most:])
    note = requirement("record.cut").noticed(
        f"the last {len(exchanges)} of {len(record.exchanges)} requests, and what is long in them is cut"
    )
    return replace(record, exchanges=exchanges, checks=(*record.checks, note))


def _with_short_fields(exchange: Exchange, longest: int) -> Exchange:
    from authlens_core.values.exchange import Headers

    response = exchange.response
    if response is None:
        return exchange
    fields = tuple((name[:longest], value[:longest]) for name, value in response.headers.fields)
    return replace(exchange, response=replace(response, headers=Headers(fields)))


# What is too much: of one credential or URL, of all URLs, of credentials that are gone, of all together.
_TOO_MUCH: Final = (
    """
    DELETE FROM traces WHERE grant_id = :owner AND number NOT IN (
        SELECT max(number) FROM traces WHERE grant_id = :owner AND kind = 'login'
        UNION ALL SELECT number FROM (
            SELECT number FROM traces WHERE grant_id = :owner AND number IS NOT (
                SELECT max(number) FROM traces WHERE grant_id = :owner AND kind = 'login'
            ) ORDER BY number DESC LIMIT :beside
        )
    )
    """,
    """
    DELETE FROM traces WHERE grant_id LIKE :urls AND (at < :oldest OR number NOT IN (
        SELECT number FROM traces WHERE grant_id LIKE :urls ORDER BY number DESC LIMIT :most
    ))
    """,
    """
    DELETE FROM traces
    WHERE grant_id NOT LIKE :urls AND grant_id NOT IN (SELECT value FROM json_each(:known))
    """,
    """
    DELETE FROM traces WHERE number IN (
        SELECT number FROM (
            SELECT number, sum(length(text)) OVER (ORDER BY number DESC) AS so_far FROM traces
        ) WHERE so_far > :characters
    )
    """,
)


def _delete_unlisted(connection: sqlite3.Connection, owner: str, known: Collection[str]) -> None:
    bounds = {
        "owner": owner,
        "beside": KEPT_OF_URL - 1 if owner.startswith(_OF_URL) else KEPT_BESIDE_LOGIN,
        "urls": f"{_OF_URL}%",
        "oldest": (datetime.now(UTC) - KEPT_FOR).isoformat(),
        "most": KEPT_OF_ALL_URLS,
        "known": json.dumps([*known]),
        "characters": MAX_ALL,
    }
    for statement in _TOO_MUCH:
        connection.execute(statement, bounds)


def _without_large_body(exchange: Exchange) -> Exchange:
    """Return the exchange without a response body that is large; requests are our own, and small."""
    response = exchange.response
    if response is None or len(response.body) <= _LARGE_BODY:
        return exchange
    words = f"({len(response.body)} bytes not stored)".encode()
    return replace(exchange, response=replace(response, body=Body(words, truncated=True)))

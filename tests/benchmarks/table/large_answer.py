"""A session file whose last answer is large."""

import json
from datetime import UTC, datetime
from pathlib import Path

from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body


def large_session(folder: Path, size: int) -> Path:
    """Write a recorded login whose resource answered with `size` bytes of JSON; return the file."""
    member = {"name": "a value of some length", "list": [1, 2.5, True, None], "url": "https://h/?q=1"}
    one = len(json.dumps(member)) + 14
    body = json.dumps({f"member_{n}": member for n in range(max(1, size // one))}).encode()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    answer = Response(200, "OK", Headers.of([("Content-Type", "application/json")]), Body(body))
    exchange = Exchange(Request("GET", "https://h/mcp"), answer, None, now, 0.1)
    record = StageRecord(Stage.ACCESS, Outcome.PASSED, now, 0.1, (exchange,))
    path = folder / "large.authlens.json"
    path.write_text(
        session_json(Trace("benchmark", TraceKind.LOGIN, "https://h/mcp", now, (record,)), bodies=8 * size)
    )
    return path

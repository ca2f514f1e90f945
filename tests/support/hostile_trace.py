"""A trace in which every string from outside does its worst."""

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import (
    Exchange,
    FailureKind,
    Headers,
    Request,
    Response,
    Timings,
    WireFailure,
)
from authlens_core.values.secret import Body, Secret
from support.made_checks import failed

HOSTILE: Final = (
    "\x1b]0;x\x07 ``` ```` | <script>alert(1)</script> \u202e @everyone #1 \"'$(id)`id`\\ \r\n"
    "~~~\n```\n````\n# heading\n;end\nNote over x: y\n\ud800"
)
CANARY: Final = "c4nary/+&=ü\"→' \\ value-0123456789"


def hostile_trace() -> Trace:
    """Return it; the secret `CANARY` is repeated in every place."""
    text = HOSTILE + CANARY
    body = Body(text.encode("utf-8", "replace"))
    request = Request("POST", "https://evil.example/a'b;$(id)?x=%0a`id`", Headers.of([("X-A'", text)]), body)
    response = Response(200, text, Headers.of([("Set-Cookie", f"a={CANARY}"), ("X", text)]), body)
    binary = replace(response, body=Body(b"\xff\xfe" + CANARY.encode()))
    failure = WireFailure(FailureKind.TIMEOUT, "No answer.", "Try again.", may_have_arrived=True)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    exchanges = (
        Exchange(request, response, None, began, 0.5, Timings(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), "192.0.2.1:443"),
        Exchange(request, binary, None, began, 0.5, peer=text, proxy=text, tls=text),
        Exchange(request, None, failure, began, 0.5),
    )
    check = failed("a.b", text, text, why=text, spec=text, cure=text, overridable=True)
    facts = (
        Fact(FactId.CLIENT_SECRET, Secret(CANARY)),
        Fact(FactId.CLIENT_ID, text, text, text),
        Fact(text, text),
    )
    records = (
        StageRecord(
            Stage.DETECTION, Outcome.FAILED, began, 1.5, exchanges, (check,), facts, frozenset({text})
        ),
        StageRecord(
            Stage.REFRESH, Outcome.PASSED, began, 1.5, exchanges, overridden=frozenset({"a.b"}), attempt=2
        ),
    )
    return Trace("abcdef", TraceKind.LOGIN, "https://evil.example/" + text, began, records)

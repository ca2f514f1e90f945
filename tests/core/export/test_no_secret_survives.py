"""A secret is in no export, whatever characters it has and wherever it was repeated."""

import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authlens_core.export.formats import FORMATS
from authlens_core.export.redaction import Redactor, raw_message, secrets_of
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import (
    JSON_TYPE,
    Exchange,
    FailureKind,
    Headers,
    Request,
    Response,
    WireFailure,
)
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Body, Secret
from support.driven_login import Recorded, leaks
from support.hostile_trace import CANARY
from support.made_checks import failed

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
MARKER: Final = "Zq7Marker"
SECRETS: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=2, max_size=12).map(
    lambda text: f"{MARKER}{text}{MARKER}"
)


def trace(secret: str) -> Trace:
    """Return a trace whose server repeats a token wherever it can, once named and once not."""
    named = Response(
        200,
        "OK",
        Headers.of(
            [("Content-Type", JSON_TYPE), ("X-Echo", quote(secret)), ("Location", f"/?a={quote(secret)}")]
        ),
        Body(json.dumps({"access_token": secret, "echo": [f"it is {secret}!"]}).encode()),
    )
    failure = WireFailure(FailureKind.TLS, f"The host said {secret}.", f"Not {secret}.")
    exchange = Exchange(
        Request("GET", f"https://h/?q={quote(secret)}", Headers.of([("X-Sent", quote(secret))])),
        named,
        failure,
        NOW,
        0.1,
    )
    check = failed("a.b", "no token", f"it sent {secret}", why=f"{secret}", cure=f"Never {secret}.")
    facts = (Fact(FactId.ACCESS_TOKEN, Secret(secret)), Fact("echo", f"<{secret}>", note=secret))
    record = StageRecord(Stage.EXCHANGE, Outcome.FAILED, NOW, 0.1, (exchange,), (check,), facts)
    return Trace("t", TraceKind.LOGIN, "https://wiki.example", NOW, (record,))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40, deadline=None)
@given(secret=SECRETS)
@example(secret=f"{MARKER}:0@{MARKER}")  # in a sentence like the user name and password of a URL
@example(secret=f"{MARKER} a:0@{MARKER}")
def test_no_secret_survives_in_an_export(form: str, secret: str) -> None:
    text = FORMATS[form].write(trace(secret))
    assert "••••" in text
    assert secret not in text
    assert safe_line(secret) not in text
    assert MARKER not in text


@pytest.mark.parametrize("form", FORMATS)
def test_no_secret_of_a_login_or_of_a_hostile_trace_is_in_an_export(
    form: str, login: Recorded, hostile: Trace
) -> None:
    """V-7: raw, percent-encoded, base64, JSON-escaped; also what a server repeats."""
    text = FORMATS[form].write(login.trace)
    assert len(login.secrets) >= 4
    assert [leak for secret in login.secrets for leak in leaks(text, secret)] == []
    assert leaks(FORMATS[form].write(hostile), CANARY) == []


@settings(max_examples=60, deadline=None)
@given(secret=SECRETS)
def test_no_secret_survives_in_what_is_copied(secret: str) -> None:
    shown = trace(secret)
    redactor = Redactor(secrets_of(shown))
    exchange = shown.records[0].exchanges[0]
    assert exchange.response is not None
    copied = raw_message(exchange.request, redactor) + raw_message(exchange.response, redactor)
    assert "••••" in copied
    assert MARKER not in copied


@pytest.mark.parametrize("name", FORMATS)
def test_a_token_in_a_form_encoded_answer_is_masked(name: str) -> None:
    """As GitHub answers; nothing was read of it, where the answer was refused."""
    secret = "gho/16C7e42F292c6912E7710c838347Ae178B4a"
    answer = Response(
        200,
        "OK",
        Headers.of([("Content-Type", "application/x-www-form-urlencoded")]),
        Body(f"access_token={quote(secret, safe='')}&token_type=bearer".encode()),
    )
    exchange = Exchange(Request("POST", "https://h/token"), answer, None, NOW, 0.1)
    record = StageRecord(Stage.EXCHANGE, Outcome.FAILED, NOW, 0.1, (exchange,))
    written = FORMATS[name].write(Trace("t", TraceKind.LOGIN, "https://wiki.example", NOW, (record,)))
    assert "16C7e42F292c6912E7710c838347Ae178B4a" not in written

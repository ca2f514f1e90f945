"""A recorded request, copied as curl or exported as a script, arrives as it was recorded."""

import os
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from authlens_core.export.curl_commands import curl_commands, curl_script
from authlens_core.export.redaction import Redactor
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import FORM_TYPE, Exchange, Headers, Request
from authlens_core.values.secret import Body
from support.needs import needs, program
from support.request_recorder import Recorded, RequestRecorder, recorder
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ADDED = {"host", "content-length", "accept", "user-agent"}
"""Fields that curl adds where the request has none."""
PIECES = (
    *("-K./x", "--next", "@", "@./canary", "<./canary", ";", ":", "=", "&", "+", "-d", "--output", "-o"),
    *("%00", "%0d%0a", "%C3%28", "%", "%2", "{a,b}", "[1-3]", "#1", "..", "/../", "/./", "%2e%2e/", "?"),
    *(
        "\\",
        '"',
        "'",
        "$(touch hit)",
        "`touch hit`",
        "${HOME}",
        "!!",
        "~",
        "*",
        "%{json}",
        "\\n",
        "http://evil/",
    ),
    *(" ", "\t", "\n", "\r\nHost: evil", "\x1b", "\x7f", "é", "漢", "ü=", "a", "b=c"),
)
METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "-d", "--head", "@x", "!", "get")


@pytest.fixture
def server() -> Iterator[RequestRecorder]:
    needs("curl", "bash")
    with recorder() as running:
        yield running


def drawn(draw: random.Random, server: RequestRecorder) -> Request:
    """Return a request whose every text is hostile."""

    def text(most: int, *, without: str = "") -> str:
        made = "".join(draw.choices(PIECES, k=draw.randint(0, most)))
        return "".join(character for character in made if character not in without)

    query = draw.choice(["", f"?{text(3, without=URL_CANNOT)}"])
    host, port = server.address
    url = f"http://{host}:{port}/{text(3, without=URL_CANNOT)}{query}"
    kind = draw.choice([FORM_TYPE, "text/plain", "application/json", None])
    body = text(6) if draw.random() < 0.7 else ""
    fields = [(draw.choice(["X-A", "x-b", "@./canary", "X;", "A B", "Accept"]), text(3)) for _ in range(2)]
    typed = [("Content-Type", kind)] if kind else []
    return Request(draw.choice(METHODS), url, Headers.of([*fields, *typed]), Body(body.encode()))


URL_CANNOT = " \t\n\r\x1b\x7f#é漢ü\\"
"""What no URL holds; curl refuses the first ones, and leaves out what follows a number sign."""


def ran(script: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run lines of bash in a folder with files that must not be read."""
    (folder / "canary").write_text("X-Canary: content of a file")
    (folder / "x").write_text("output = hit\n")
    return subprocess.run(
        [program("bash"), "-c", script],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        input=b"",
        capture_output=True,
        timeout=PATIENCE,
    )


def expected_fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields that can be sent, as they arrive."""
    sendable = [
        (name.lower(), value.strip(" \t").encode().decode("latin-1"))
        for name, value in request.headers.fields
        if name in {"X-A", "x-b", "Accept", "Content-Type"}
        and not any(character in value for character in "\r\n\x1b\x7f")
    ]
    return sorted(sendable)


def differences(request: Request, arrived: list[Recorded], *, form: bool) -> list[str]:
    """Return what did not arrive as it was recorded; `form` compares a form by what its fields mean."""
    if request.method == "@x":
        return [f"sent: {arrived}"] if arrived else []
    if len(arrived) != 1:
        return [f"{len(arrived)} requests"]
    (one,) = arrived
    # curl removes the question mark of an empty query.
    target = "/" + request.url.split("/", 3)[3].removesuffix("?")
    body, sent = request.body.reveal(), one.body
    found = []
    if (one.method, one.target.removesuffix("?")) != (request.method, target):
        found.append(f"{one.method} {one.target} for {request.method} {target}")
    expected = expected_fields(request)
    added = ADDED - {name for name, _ in expected}
    fields = sorted((name.lower(), value) for name, value in one.fields if name.lower() not in added)
    if fields != expected:
        found.append(f"{fields} for {expected}")
    if form and request.headers.media_type == FORM_TYPE:
        body, sent = _pairs(body), _pairs(sent)
    if sent != body:
        found.append(f"{sent!r} for {body!r}")
    return found


def _pairs(body: bytes) -> bytes:
    return repr(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")).encode()


def test_a_copied_request_arrives_as_it_was_recorded(server: RequestRecorder, tmp_path: Path) -> None:
    """H358, H359: no text of a stranger's session file is an option, a file or a pattern to curl."""
    draw, faults = random.Random(12), []
    for _ in range(250):
        request = drawn(draw, server)
        lines = list(curl_commands([request], Redactor()))
        done = ran("\n".join(lines), tmp_path)
        faults += [(lines, fault, done.stderr) for fault in differences(request, server.take(), form=True)]
        assert {path.name for path in tmp_path.iterdir()} == {"canary", "x"}, lines
    assert faults == []


def test_the_script_of_a_trace_sends_what_was_recorded(server: RequestRecorder, tmp_path: Path) -> None:
    """H358, H359: as configuration for curl, in which a value cannot become an option either."""
    draw, faults, began = random.Random(13), [], datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(60):
        request = drawn(draw, server)
        exchanges = (Exchange(request, None, None, began, 0.5),)
        record = StageRecord(Stage.DETECTION, Outcome.PASSED, began, 1.0, exchanges)
        done = ran(curl_script(Trace("abcdef", TraceKind.LOGIN, server.url, began, (record,))), tmp_path)
        faults += [(request.url, f, done.stderr) for f in differences(request, server.take(), form=False)]
        assert {path.name for path in tmp_path.iterdir()} == {"canary", "x"}, request.url
    assert faults == []


@pytest.mark.parametrize("url", ["@canary", "-K./x", "file://{folder}/canary", "{folder}/canary"])
def test_a_file_is_no_url(url: str, server: RequestRecorder, tmp_path: Path) -> None:
    """H358: curl reads URLs from `@canary`, and sends `file:` nowhere but shows it."""
    began, request = datetime(2026, 1, 1, tzinfo=UTC), Request("GET", url.format(folder=tmp_path))
    exchanges = (Exchange(request, None, None, began, 0.5),)
    record = StageRecord(Stage.DETECTION, Outcome.PASSED, began, 1.0, exchanges)
    script = curl_script(Trace("abcdef", TraceKind.LOGIN, server.url, began, (record,)))
    for text in (script, "\n".join(curl_commands([request], Redactor()))):
        done = ran(text, tmp_path)
        assert b"content of a file" not in done.stdout + done.stderr
    assert server.raw == []

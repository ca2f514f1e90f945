"""Every parser of text from outside as a function of bytes that fails only at what must never be."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from authlens_core.grammars.json_rpc import NotJsonRpc, read_message
from authlens_core.login.callback.request_head import ListenerLimits, RequestHead
from authlens_core.oauth.authorization import ExpectedResponse, read_authorization_response, read_pasted
from authlens_core.values.formats.challenge import parse_challenges, resource_metadata_parameter
from authlens_core.values.formats.duration import parse_expires_in
from authlens_core.values.formats.form import decode_form
from authlens_core.values.formats.json_document import JsonRefused, JsonValue, load_json
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.formats.server_sent_events import EventReader
from authlens_core.values.safe_text import safe_line, safe_text
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, UrlRefused, parse_url

CORPUS: Final = Path(__file__).parents[1] / "wild" / "corpus"
STATE: Final = "the-state"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def corpus(name: str) -> list[bytes]:
    lines = (CORPUS / f"{name}.txt").read_text("ascii").splitlines()
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def as_line(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii") + "\n"


def challenge(data: bytes) -> None:
    """A challenge has no name twice, and a problem can be shown."""
    field = parse_challenges(data.decode("latin-1").split("\n"))
    choice = resource_metadata_parameter(field)
    assert all(text.isprintable() for text in (*field.problems, *choice.problems))
    for one in field.challenges:
        names = [name for name, _ in one.params]
        assert len(names) == len(set(names))


def json_document(data: bytes) -> None:
    """What is accepted is what the standard library reads."""
    try:
        value = load_json(data)
    except JsonRefused as refused:
        reason = str(refused)
    else:
        _agrees(value, data)
        return
    assert reason.isprintable()


def _agrees(value: JsonValue, data: bytes) -> None:
    assert value == json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    lifetime = parse_expires_in(value)
    assert lifetime.seconds is None or 0 <= lifetime.seconds < 10**12


def url(data: bytes) -> None:
    """What is accepted means the same host to urllib and httpx."""
    try:
        found = parse_url(data.decode("utf-8", "surrogateescape"), loopback_http=True)
    except UrlRefused as refused:
        reasons = str(refused)
    else:
        _means_the_same(found)
        return
    assert reasons


def _means_the_same(found: Url) -> None:
    bare = found.host.strip("[]")
    assert urlsplit(found.text).hostname == bare == httpx.URL(found.text).raw_host.decode()
    assert urlsplit(found.text).port == httpx.URL(found.text).port == found.port


def callback(data: bytes) -> None:
    """A request of any bytes is a verdict or needs more, and does not depend on how the bytes came."""
    whole, slow = (RequestHead(8400, ListenerLimits()) for _ in range(2))
    verdict = whole.receive(data)
    step = None
    for start in range(0, len(data), 7):
        step = slow.receive(data[start : start + 7])
        if step is not None:
            break
    assert verdict is None or step is not None


def answer(data: bytes) -> None:
    """Nothing without the state of the login is an answer to it, in a query or in a paste."""
    expected = ExpectedResponse(
        Secret(STATE), "https://as.example", iss_required=True, redirect_uri="http://localhost:8400/callback"
    )
    text = Secret(data.decode("utf-8", "surrogateescape"))
    for response in (read_authorization_response(text, expected), read_pasted(text, expected)):
        assert response.code is None or STATE in text.reveal()


def form(data: bytes) -> None:
    """A query is decoded or refused."""
    try:
        decode_form(data.decode("latin-1"))
    except ValueError:
        return


def jwt(data: bytes) -> None:
    """A token is taken apart, with its times, or it is none."""
    found = parse_jwt(data.decode("utf-8", "surrogateescape"))
    if found is not None:
        assert [c for c in found.claims_at(NOW) if (c.time is None) is not (c.seconds is None)] == []
        assert [member for member in found.header_members if member.time is not None] == []


def shown(data: bytes) -> None:
    """What is shown is printable, and stays as it is when it is made safe again."""
    text = data.decode("utf-8", "surrogatepass" if data.isascii() else "surrogateescape")
    assert safe_line(text).isprintable()
    assert safe_text(text).replace("\n", "").isprintable()
    assert safe_text(safe_text(text)) == safe_text(text)


def json_rpc(data: bytes) -> None:
    """What is passed on is one line that says the same to every reader."""
    try:
        message = read_message(data)
    except NotJsonRpc:
        return
    line = message.line.decode("utf-8")
    assert len(line.splitlines()) == 1
    assert json.loads(line) == message.body
    assert read_message(message.line) == message


def server_sent_events(data: bytes) -> None:
    slow = EventReader()
    pieces = [data[start : start + 3] for start in range(0, len(data), 3)]
    assert [event for piece in pieces for event in slow.feed(piece)] == list(EventReader().feed(data))


PARSERS: Final[Mapping[str, Callable[[bytes], None]]] = {
    one.__name__: one
    for one in (
        *(challenge, json_document, url, callback, answer, form, jwt, shown),
        *(json_rpc, server_sent_events),
    )
}

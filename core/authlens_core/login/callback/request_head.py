"""What a request may be: its head is read here, within limits, and nothing of it is believed before.

Sans-I/O: bytes go in, a verdict comes out. h11 reads the syntax (RFC 9112); this module holds the limits and
the rules that keep other web pages out (RFC 8252 §8.3, DNS rebinding, fetch metadata).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import h11
from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.callback.binding import CALLBACK_PATH, TEST_PATH
from authlens_core.login.callback.browser_pages import Page
from authlens_core.values.formats.fetch_metadata import is_no_page_load, is_service_worker
from authlens_core.values.secret import Secret

# What browsers ask every host for, unbidden; also after the test page, whose visit is no cause for alarm.
_ICONS: Final = frozenset(
    {b"/favicon.ico", b"/apple-touch-icon.png", b"/apple-touch-icon-precomposed.png", b"/favicon.png"}
)
_FORM_POST: Final = "a form: perhaps the server uses response_mode=form_post, which only its owner can change"
_TLS_HANDSHAKE: Final = 0x16


class ListenerLimits(Struct, frozen=True):
    """Limits of time, size and connections at the listener.

    Attributes:
        request_line: bytes of the first line.
        headers: bytes of the header fields together.
        connections: how many are read from at once.
        burst: how many are read from for `patience` seconds.
        patience: seconds until those beyond `connections` are turned away.
        deadline: seconds from connection to complete request head.
        linger: seconds for which bytes are thrown away after the answer, so that it is not lost to a reset.
        discard: how many bytes are thrown away then.
    """

    request_line: int = 16 * 1024
    headers: int = 16 * 1024
    connections: int = 20
    burst: int = 100
    patience: float = 0.1
    deadline: float = 5.0
    linger: float = 1.0
    discard: int = 4 * 1024 * 1024


class Callback(Struct, frozen=True):
    """A well-formed GET of the redirect URI.

    Attributes:
        query: the text after the question mark as sent, not decoded; empty if there was none.
    """

    query: Secret


class TunnelTest(Struct, frozen=True):
    """A GET of the page that shows whether a forwarded port arrives here."""


class Refusal(Struct, frozen=True):
    """Anything else.

    Attributes:
        reason: why, in constant words: nothing from the request is in it.
        bodiless: true for HEAD, which is answered without a body.
        page: what the browser is shown.
        worth_telling: false for what a browser requests automatically beside a page, such as its icon.
    """

    status: int
    reason: str
    bodiless: bool = False
    page: Page = Page.REFUSED
    worth_telling: bool = True


Verdict = Callback | TunnelTest | Refusal


class RequestHead:
    """Collects the bytes of one request head until there is a verdict.

    Args:
        port: the port of the listener; the Host field has to name it.
        limits: how many bytes are accepted.
        host: that of the redirect URI.
        path: that of the redirect URI; empty where it has none.
    """

    def __init__(
        self, port: int, limits: ListenerLimits, host: str = "localhost", path: str = CALLBACK_PATH
    ) -> None:
        self._hosts = _hosts(port, host)
        self._path = (path or "/").encode()
        self._limits = limits
        self._bytes = bytearray()

    @property
    def silent(self) -> bool:
        return not self._bytes

    def receive(self, data: bytes) -> Verdict | None:
        """Take the next bytes; return a verdict as soon as there is one, None while more are needed.

        What follows the head (a body, a second request) is not looked at.
        """
        self._bytes += data
        if not self._bytes:
            return None
        # Browsers that insist on https send this; h11 would wait for the end of a line that never comes.
        if self._bytes[0] == _TLS_HANDSHAKE:
            return Refusal(HTTPStatus.BAD_REQUEST, "https instead of http")
        if self._bytes[0] < ord("!"):
            return Refusal(HTTPStatus.BAD_REQUEST, "not HTTP")
        line_end = self._bytes.find(b"\n")
        if max(line_end, len(self._bytes) if line_end < 0 else 0) >= self._limits.request_line:
            return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "a request line over the limit")
        if line_end < 0:
            return None
        head_end = _head_end(self._bytes, line_end)
        header_bytes = (len(self._bytes) if head_end < 0 else head_end) - line_end - 1
        if header_bytes > self._limits.headers:
            return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header fields over the limit")
        return None if head_end < 0 else self._parse(bytes(self._bytes[:head_end]))

    def _parse(self, head: bytes) -> Verdict:
        limit = self._limits.request_line + self._limits.headers + 2
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=limit)
        connection.receive_data(head)
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return Refusal(error.error_status_hint, "not a well-formed request")
        if not isinstance(event, h11.Request):
            return Refusal(HTTPStatus.BAD_REQUEST, "not a well-formed request")
        verdict = self._judge_fields(event) or self._judge_target(event)
        if isinstance(verdict, Refusal) and event.target.partition(b"?")[0] in _ICONS:
            return replace(verdict, worth_telling=False)
        return verdict

    def _judge_fields(self, request: h11.Request) -> Refusal | None:
        hosts = [value for name, value in request.headers if name == b"host"]
        # Against DNS rebinding: a web page whose name leads to 127.0.0.1 is another origin, and says so here.
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return Refusal(HTTPStatus.MISDIRECTED_REQUEST, "another host")
        # No login asks for it, and a form may come from any page: it is named, and not read.
        if request.method == b"POST" and self._is_callback(request) and not is_no_page_load(request.headers):
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, _FORM_POST, page=Page.FORM_POST)
        names = {name for name, _ in request.headers}
        if b"upgrade" in names:
            return Refusal(HTTPStatus.FORBIDDEN, "a change of protocol")
        # A navigation has no Origin; a fetch or a form of another page does. It may come from another site,
        # because the login page leads here; no login page may be framed (RFC 9700 §4.16).
        if b"origin" in names or is_no_page_load(request.headers) or is_service_worker(request.headers):
            return Refusal(HTTPStatus.FORBIDDEN, "sent by another web page, not by the browser itself")
        if request.method != b"GET":
            bodiless = request.method == b"HEAD"
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "another method than GET", bodiless=bodiless)
        return None

    def _is_callback(self, request: h11.Request) -> bool:
        return request.target.partition(b"?")[0] == self._path

    def _judge_target(self, request: h11.Request) -> Verdict:
        path, _, query = request.target.partition(b"?")
        if self._is_callback(request) and b"#" not in query:
            return Callback(Secret(query.decode("ascii")))
        if path == TEST_PATH.encode():
            return TunnelTest()
        return Refusal(HTTPStatus.NOT_FOUND, "another path")


def _hosts(port: int, host: str) -> frozenset[bytes]:
    names = ("localhost", "127.0.0.1", "[::1]", host)
    bare = names if port == 80 else ()  # browsers leave the default port out
    return frozenset(each.encode() for each in (*(f"{name}:{port}" for name in names), *bare))


def _head_end(data: bytearray, line_end: int) -> int:
    """Return where the empty line that ends the head is over, -1 if it has not come yet."""
    # A bare LF ends a line for h11, too (RFC 9112 §2.2).
    positions = {mark: data.find(mark, line_end) for mark in (b"\n\r\n", b"\n\n")}
    return min((position + len(mark) for mark, position in positions.items() if position >= 0), default=-1)

"""A server on loopback, in threads, that notes every byte of each request."""

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from authlens_core.gateway.curl import command, config_pipe, configuration, curl_environment
from authlens_core.grammars.curl import read_request
from support.needs import program
from support.waiting import PATIENCE

_LINE = re.compile(r" (?:-(?P<letter>.),|   ) --(?P<name>[^ ]+)(?P<value> <.*?>+)? {1,}")


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One option as `curl --help all` shows it; `letter` is empty where it has none."""

    name: str
    letter: str
    takes_word: bool


@cache
def machine_options() -> tuple[HelpLine, ...]:
    """Return every option of the curl of this machine."""
    text = subprocess.run(
        [program("curl"), "--help", "all"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    found = [_LINE.match(line) for line in text.splitlines()]
    assert None not in found, "a line of the help is not understood"
    return tuple(HelpLine(one["name"], one["letter"] or "", bool(one["value"])) for one in found if one)


@dataclass(frozen=True, slots=True)
class CurlDone:
    """What curl left."""

    code: int
    out: bytes
    err: bytes


def run_words(
    words: Iterable[str], url: str, fields: tuple[tuple[str, str], ...], *, cwd: Path, typed: bytes = b""
) -> CurlDone:
    """Check the words as `authlens curl` does, and run curl with them and with `fields` for the credential.

    The heads of its answers go nowhere.

    Raises:
        UsageError: a word is refused.
    """
    request = read_request(list(words), url)
    reader, heads = config_pipe(configuration(url, request, fields)), os.open(os.devnull, os.O_WRONLY)
    try:
        done = subprocess.run(
            command(request, reader, heads),
            executable=program("curl"),
            env=curl_environment(),
            cwd=cwd,
            input=typed,
            capture_output=True,
            pass_fds=(reader, heads),
            timeout=PATIENCE,
        )
    finally:
        os.close(reader)
        os.close(heads)
    return CurlDone(done.returncode, done.stdout, done.stderr)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


@dataclass
class RequestRecorder:
    """What came in.

    Attributes:
        address: host and port.
        answer: what is sent back, whole.
        tunnel: where a CONNECT leads to; None refuses it as any other request.
    """

    address: tuple[str, int]
    answer: bytes = ANSWER
    tunnel: tuple[str, int] | None = None
    context: ssl.SSLContext | None = None
    raw: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        host, port = self.address
        return f"{'https' if self.context else 'http'}://{host}:{port}/app/page"

    @property
    def requests(self) -> list[Recorded]:
        """Every request as it is read by RFC 9112."""
        return [_parsed(one) for one in self.raw]

    def take(self) -> list[Recorded]:
        found = self.requests
        self.raw.clear()
        return found

    def serve(self, listener: socket.socket) -> None:
        """Answer one connection after the other until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with suppress(OSError), self._secured(connection) as connection:
            head = _head(connection)
            self.raw.append(head)
            number = len(self.raw) - 1
            if self.tunnel is not None and head.startswith(b"CONNECT "):
                self._relay(connection, self.tunnel)
                return
            if b"100-continue" in head.lower():
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.raw[number] = _whole(connection, head)
            connection.sendall(self.answer)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self.context is None:
            return connection
        try:
            return self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise

    def _relay(self, connection: socket.socket, target: tuple[str, int]) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with socket.create_connection(target, PATIENCE) as upstream:
            back = threading.Thread(target=_pump, args=(upstream, connection), daemon=True)
            back.start()
            _pump(connection, upstream)
            back.join(PATIENCE)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            break
        data += more
    return data


def _whole(connection: socket.socket, data: bytes) -> bytes:
    """Read the body that the head announces."""
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
    ]
    chunked = b"transfer-encoding: chunked" in head.lower()
    while (lengths and len(body) < int(lengths[0])) or (chunked and not body.endswith(b"0\r\n\r\n")):
        more = connection.recv(65_536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def _parsed(raw: bytes) -> Recorded:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    method, _, target = line.partition(" ")
    fields = [(name, value.strip()) for name, _, value in (one.partition(":") for one in rest)]
    return Recorded(method, target.rpartition(" ")[0], tuple(fields), body)


@contextmanager
def recorder(
    *, answer: bytes = ANSWER, tunnel: tuple[str, int] | None = None, context: ssl.SSLContext | None = None
) -> Iterator[RequestRecorder]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RequestRecorder(listener.getsockname(), answer, tunnel, context)
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        try:
            yield server
        finally:
            # A thread in accept() keeps the port until it is woken.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)

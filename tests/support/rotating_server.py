"""A small authorization server and resource on loopback: refresh tokens rotate, and reuse ends the grant."""

import json
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Seen:
    """One request that arrived."""

    method: str
    path: str
    authorization: str | None
    form: dict[str, str]


@dataclass(frozen=True)
class Scripted:
    """One answer in place of the ordinary one; with `drop` the connection ends without one."""

    status: int = 200
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    drop: bool = False
    spend: bool = False


@dataclass
class RotatingServer:
    """The state of the server: what is valid, what was asked, and what it is told to answer.

    With `grace` the refresh token before the present one stays valid until the present one is used, as at
    servers that know that an answer can be lost.
    """

    refresh_token: str = "refresh-canary-0"
    access_tokens: set[str] = field(default_factory=lambda: {"access-canary-0"})
    spent: set[str] = field(default_factory=set)
    dead: bool = False
    rotates: bool = True
    grace: bool = False
    previous: str | None = None
    expires_in: int | None = 900
    revokes_access: bool = True
    seen: list[Seen] = field(default_factory=list)
    script: dict[str, deque[Scripted]] = field(default_factory=dict)
    hold: threading.Event | None = None
    held: bool = False
    port: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, path: str, *scripted: Scripted) -> None:
        self.script.setdefault(path, deque()).extend(scripted)

    def posts(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path == path]

    def token(self, form: dict[str, str]) -> tuple[int, object]:
        """Answer the token endpoint."""
        given = form.get("refresh_token", "")
        again = self.grace and given == self.previous
        if given in self.spent and not again:
            self.dead = True
        if self.dead or (given != self.refresh_token and not again):
            return 400, {"error": "invalid_grant", "error_description": f"no good: {given}"}
        self.count += 1
        answer: dict[str, object] = {"access_token": f"access-canary-{self.count}", "token_type": "bearer"}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if self.rotates:
            self.spent |= {given, self.refresh_token}
            self.previous = given
            self.refresh_token = f"refresh-canary-{self.count}"
            answer["refresh_token"] = self.refresh_token
        self.access_tokens = {f"access-canary-{self.count}"}
        return 200, answer

    def revoke(self, form: dict[str, str]) -> tuple[int, object]:
        """Answer the revocation endpoint."""
        if form.get("token") == self.refresh_token:
            self.dead = True
            self.access_tokens = set()
            return 200, None
        if not self.revokes_access:
            return 400, {"error": "unsupported_token_type"}
        self.access_tokens.discard(form.get("token", ""))
        return 200, None


class _Handler(BaseHTTPRequestHandler):
    rotating: RotatingServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _take(self) -> tuple[Seen, Scripted | None]:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        seen = Seen(self.command, self.path, self.headers.get("authorization"), form)
        self.rotating.seen.append(seen)
        script = self.rotating.script.get(self.path)
        return seen, script.popleft() if script else None

    def _answer(self, status: int, body: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        typed = () if "Content-Type" in dict(headers) else (("Content-Type", "application/json"),)
        for name, value in (*typed, *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        with self.rotating.turn:
            seen, scripted = self._take()
            if self.rotating.hold is not None:
                self.rotating.held = True
                self.rotating.hold.wait(30)
            if scripted is None or scripted.spend:
                status, body = (self.rotating.token if self.path == "/token" else self.rotating.revoke)(
                    seen.form
                )
            if scripted is None:
                self._answer(status, body)
            elif scripted.drop:
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(scripted.status, scripted.body, scripted.headers)

    def do_GET(self) -> None:
        seen, scripted = self._take()
        if scripted is not None and scripted.drop:
            self.connection.shutdown(socket.SHUT_RDWR)
        elif scripted is not None:
            self._answer(scripted.status, scripted.body, scripted.headers)
        elif (seen.authorization or "").removeprefix("Bearer ") in self.rotating.access_tokens:
            self._answer(200, {"hello": "there"})
        else:
            challenge = 'Bearer realm="OAuth", error="invalid_token"'
            self._answer(401, {"error": "invalid_token"}, (("WWW-Authenticate", challenge),))

    def do_DELETE(self) -> None:
        self.do_GET()


@contextmanager
def rotating_server() -> Iterator[RotatingServer]:
    """Run the server on a free port of loopback."""
    state = RotatingServer()
    handler = type("Handler", (_Handler,), {"rotating": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        httpd.daemon_threads = True
        state.port = httpd.server_port
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            if state.hold is not None:
                state.hold.set()
            httpd.shutdown()
            thread.join(5)

"""A raw-socket server that lets a login through, and the language to say what one answer does differently.

No HTTP library writes the answers, so they can be malformed. It is honest by default; a case turns one knob:

    Case("H022", Place.RESOURCE_METADATA, header("Content-Type", "text/html"))
"""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey


class Place(StrEnum):
    """Which answer of a login a case changes."""

    PROBE = "probe"
    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    REGISTRATION = "registration"
    CALLBACK = "callback"
    DEVICE = "device authorization"
    TOKEN = "token"
    KEYS = "keys"
    ACCESS = "access"


@dataclass(frozen=True)
class Answer:
    """One answer before it is written; `raw` replaces all of it, `then` is what happens after it."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    raw: bytes | None = None
    then: str = "close"

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def encoded(self) -> bytes:
        """Return the bytes to send."""
        if self.raw is not None:
            return self.raw
        fields = (*self.fields, ("Content-Length", str(len(self.body))), ("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {self.status} Words\r\n{head}\r\n".encode("latin-1", "replace") + self.body


Change = Callable[[Answer], Answer]


def status(number: int) -> Change:
    return lambda answer: replace(answer, status=number)


def header(name: str, value: str) -> Change:
    """Set a header field instead of those of that name; `{server}` and `{stranger}` are filled in."""
    return lambda answer: replace(
        without_header(name)(answer), fields=(*without_header(name)(answer).fields, (name, value))
    )


def without_header(name: str) -> Change:
    return lambda answer: replace(
        answer, fields=tuple(pair for pair in answer.fields if pair[0].lower() != name.lower())
    )


def body(data: bytes) -> Change:
    return lambda answer: replace(answer, body=data)


def document(value: object) -> Change:
    return body(json.dumps(value).encode())


def member(name: str, value: object) -> Change:
    return lambda answer: replace(answer, body=json.dumps({**answer.document, name: value}).encode())


def without(name: str) -> Change:
    return lambda answer: replace(
        answer, body=json.dumps({n: v for n, v in answer.document.items() if n != name}).encode()
    )


def raw(data: bytes) -> Change:
    """Send these bytes, whatever they are."""
    return lambda answer: replace(answer, raw=data)


def cut_off(at: int) -> Change:
    return lambda answer: replace(answer, raw=answer.encoded()[:at])


def silent(answer: Answer) -> Answer:
    return replace(answer, raw=b"", then="hang")


def trickle(answer: Answer) -> Answer:
    return replace(answer, raw=answer.encoded()[:40], then="trickle")


@dataclass
class WildServer:
    """The server of one login, and a stranger that must never be sent a secret.

    Attributes:
        url: the origin of resource and authorization server.
        stranger: another origin.
        place: which answer is changed; None for an honest server.
        change: how.
        heard: every byte that came to the stranger.
        secrets: what only this server may see.
        changed: set when the first changed answer is about to be sent.
        signer: who signs an ID token: `server`, `stranger` or `no one`; None for no ID token.
        nonce: of the last link that was opened.
    """

    url: str = ""
    stranger: str = ""
    place: Place | None = None
    change: Change | None = None
    heard: bytearray = field(default_factory=bytearray)
    secrets: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    signer: str | None = None
    nonce: str = ""

    def honest(self) -> None:
        self.place = self.change = None

    def callback(self, authorization_url: str) -> str:
        """Return the query with which the browser comes back."""
        given = {name: v[0] for name, v in parse_qs(urlsplit(authorization_url).query).items()}
        self.nonce = given.get("nonce", "")
        self.secrets["state"], self.secrets["code"] = given["state"], f"code-{secrets.token_hex(12)}"
        answer = Answer(fields=(("code", self.secrets["code"]), ("state", given["state"]), ("iss", self.url)))
        return "&".join(f"{name}={value}" for name, value in self._changed(Place.CALLBACK, answer).fields)

    def _changed(self, place: Place, answer: Answer) -> Answer:
        if place is not self.place or self.change is None:
            return answer
        changed = self.change(answer)
        self.changed.set()

        def filled(text: str) -> str:
            return text.replace("{server}", self.url).replace("{stranger}", self.stranger)

        places = {b"{server}": self.url.encode(), b"{stranger}": self.stranger.encode()}
        data = changed.body
        for name, value in places.items():
            data = data.replace(name, value)
        fields = tuple((name, filled(value)) for name, value in changed.fields)
        return replace(changed, body=data, fields=fields)

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer to one request, changed as the case wants."""
        path = target.partition("?")[0]
        self.requests.append((method, path))
        if path == "/.well-known/oauth-protected-resource/api":
            return self._changed(Place.RESOURCE_METADATA, _json(self._resource_metadata()))
        if path == "/.well-known/oauth-authorization-server":
            return self._changed(Place.SERVER_METADATA, _json(self._server_metadata()))
        if path == "/register":
            registered = {"client_id": "wild", "token_endpoint_auth_method": "none"}
            return self._changed(Place.REGISTRATION, replace(_json(registered), status=201))
        if path == "/device_authorization":
            return self._changed(Place.DEVICE, _json(self._codes()))
        if path == "/token":
            return self._changed(Place.TOKEN, _json(self._tokens()))
        if path == "/keys":
            return self._changed(Place.KEYS, _json({"keys": [_key("server").as_dict(private=False)]}))
        if path != "/api":
            return Answer(404)
        token = headers.get("authorization", "").partition(" ")[2]
        if token and token == self.secrets.get("access_token"):
            return self._changed(Place.ACCESS, _json({"hello": "world"}))
        metadata = f"{self.url}/.well-known/oauth-protected-resource/api"
        challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{metadata}"')
        return self._changed(Place.PROBE, Answer(401, (challenge,)))

    def _resource_metadata(self) -> dict[str, Any]:
        return {"resource": f"{self.url}/api", "authorization_servers": [self.url]}

    def _server_metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "device_authorization_endpoint": f"{self.url}/device_authorization",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _codes(self) -> dict[str, Any]:
        self.secrets["device_code"] = f"device-{secrets.token_hex(16)}"
        page = f"{self.url}/device"
        return {
            "device_code": self.secrets["device_code"],
            "user_code": "WDJB-MJHT",
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code=WDJB-MJHT",
            "expires_in": 600,
            "interval": 1,
        }

    def _tokens(self) -> dict[str, Any]:
        for name in ("access_token", "refresh_token"):
            self.secrets[name] = f"{name}-{secrets.token_hex(16)}"
        tokens = {
            "access_token": self.secrets["access_token"],
            "refresh_token": self.secrets["refresh_token"],
            "token_type": "Bearer",
            "expires_in": 60,
        }
        return tokens if self.signer is None else {**tokens, "id_token": self._id_token(self.signer)}

    def _id_token(self, signer: str) -> str:
        claims = {"iss": self.url, "aud": "wild", "sub": "ada", "exp": int(time.time()) + 300}
        if self.nonce:
            claims["nonce"] = self.nonce
        if signer == "no one":
            head, body = ({"alg": "none"}, claims)
            return ".".join((*map(_segment, (head, body)), ""))
        return jws.serialize_compact({"alg": "ES256", "kid": "k1"}, json.dumps(claims), _key(signer))


@cache
def _key(owner: str) -> ECKey:
    """Return the key of `owner`; all have the same name."""
    return ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _json(value: object) -> Answer:
    return Answer(fields=(("Content-Type", "application/json"),), body=json.dumps(value).encode())


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def wild_server(place: Place | None = None, change: Change | None = None) -> AsyncIterator[WildServer]:
    """Start the server and the stranger."""
    server = WildServer(place=place, change=change)
    handlers: set[asyncio.Task[None]] = set()

    def handled(
        handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(handler(reader, writer))
            handlers.add(task)
            task.add_done_callback(handlers.discard)

        return accept

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.rstrip().split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (each.partition(":") for each in lines)}
            if length := int(headers.get("content-length", 0)):
                await reader.readexactly(length)
            answer = server.answer(line.split()[0], line.split()[1], headers)
            writer.write(answer.encoded())
            await writer.drain()
            while answer.then == "trickle":
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.02)
            if answer.then == "hang":
                await reader.read()
        await _closed(writer)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(0.5):
                server.heard.extend(await reader.read(65_536))
            writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await _closed(writer)

    async with (
        await asyncio.start_server(handled(serve), "127.0.0.1", 0) as main,
        await asyncio.start_server(handled(hear), "127.0.0.1", 0) as other,
    ):
        server.url = f"http://127.0.0.1:{main.sockets[0].getsockname()[1]}"
        server.stranger = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        try:
            yield server
        finally:
            for handler in set(handlers):
                handler.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)

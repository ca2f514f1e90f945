"""A login without sockets: values of a resource and a server, and a sender that answers from a script."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.oauth.discovery.server_metadata import ServerMetadata
from authlens_core.oauth.pkce import Pkce
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response, WireFailure
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.limits import Limits

RESOURCE: Final = "https://app.example/mcp"
ISSUER: Final = "https://as.example"
METADATA: Final = "https://app.example/.well-known/oauth-protected-resource/mcp"
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
PUBLIC_PEER: Final = "93.184.216.34:443"
Answer = Response | WireFailure


def reply(
    status: int = 200, document: object = None, *fields: tuple[str, str], text: str | None = None
) -> Response:
    """Return a response with a JSON document, with a text, or empty."""
    if document is not None:
        fields = (*fields, ("Content-Type", "application/json"))
    body = b"" if document is None and text is None else (text or json.dumps(document)).encode()
    return Response(status, "", Headers.of(fields), Body(body))


def exchange(
    answer: Answer, request: Request | None = None, *, peer: str | None = None, proxy: str | None = None
) -> Exchange:
    """Return an exchange that began on the first of January 2026 and took a second."""
    response, failure = (answer, None) if isinstance(answer, Response) else (None, answer)
    return Exchange(
        request or Request("GET", RESOURCE), response, failure, BEGAN, 1.0, peer=peer, proxy=proxy
    )


def server_document(issuer: str = ISSUER, **changes: Any) -> dict[str, Any]:
    """Return the metadata of an honest server; a member changed to None is left out."""
    document = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def facts(*, upto: str = "exchange", resource: str = RESOURCE, **changes: Any) -> Facts:
    """Return what an honest login knows after the stage `upto`: `server_metadata`, `pkce` or `exchange`."""
    known = Facts(
        parse_url(resource, loopback_http=True),
        Options(port=8400),
        metadata_candidates=(parse_url(METADATA),),
        resource_metadata=ResourceMetadata(resource, (ISSUER,), None, {}),
        issuer=parse_url(ISSUER),
        server_metadata=ServerMetadata(
            ISSUER,
            f"{ISSUER}/authorize",
            f"{ISSUER}/token",
            f"{ISSUER}/register",
            token_endpoint_auth_methods_supported=("none",),
        ),
        redirect_uri="http://localhost:8400/callback",
    )
    if upto in ("pkce", "exchange"):
        known = replace(
            known,
            client=Client("client-1", "http://localhost:8400/callback"),
            pkce=Pkce(Secret("v" * 43), "c" * 43),
            state=Secret("the-state"),
        )
    if upto == "exchange":
        known = replace(known, code=Secret("the-code"))
    return replace(known, **changes)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that a login sent, and how."""

    request: Request
    addresses: AddressPolicy
    loopback_http: bool
    limits: Limits
    purpose: Purpose

    @property
    def line(self) -> str:
        return f"{self.request.method} {self.request.url}"

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.request.body.reveal().decode()).items()}

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.request.body.reveal()))


@dataclass
class ScriptedSender:
    """Answers by method and URL; what is not in the script is 404. Several answers are given in turn.

    Attributes:
        before: awaited with each request before it is answered, to hold it up.
    """

    script: Mapping[str, Answer | list[Answer]]
    peer: str | None = PUBLIC_PEER
    sent: list[Sent] = field(default_factory=list)
    before: Callable[[Request], Any] | None = None

    async def send(
        self,
        request: Request,
        *,
        limits: Limits,
        loopback_http: bool,
        addresses: AddressPolicy,
        purpose: Purpose,
    ) -> Exchange:
        """Note the request and answer it."""
        self.sent.append(Sent(request, addresses, loopback_http, limits, purpose))
        if self.before is not None:
            await self.before(request)
        key = f"{request.method} {request.url}"
        answer = self.script.get(key, reply(404))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if request.url.endswith("/register") and isinstance(answer, Response) and answer.status == 201:
            asked = json.loads(request.body.reveal())
            answer = reply(201, {**json.loads(answer.body.reveal()), "redirect_uris": asked["redirect_uris"]})
        return replace(exchange(answer, request, peer=self.peer), purpose=purpose)

    def lines(self) -> list[str]:
        return [sent.line for sent in self.sent]

    def count(self, line: str) -> int:
        return self.lines().count(line)


def honest(**changes: Answer | list[Answer]) -> dict[str, Answer | list[Answer]]:
    """Return the script of an honest resource and server.

    Args:
        changes: other answers, by the short names `resource`, `metadata`, `server`, `register` and `token`.
    """
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"')
    names = {
        "resource": f"GET {RESOURCE}",
        "metadata": f"GET {METADATA}",
        "server": f"GET {ISSUER}/.well-known/oauth-authorization-server",
        "register": f"POST {ISSUER}/register",
        "token": f"POST {ISSUER}/token",
    }
    answers: dict[str, Answer | list[Answer]] = {
        "resource": [reply(401, None, challenge), reply(200, text="welcome")],
        "metadata": reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER]}),
        "server": reply(200, server_document()),
        "register": reply(201, {"client_id": "client-1", "token_endpoint_auth_method": "none"}),
        "token": reply(
            200,
            {
                "access_token": "access-canary-1",
                "token_type": "Bearer",
                "expires_in": 900,
                "refresh_token": "refresh-canary-1",
            },
        ),
        **changes,
    }
    return {names[name]: answer for name, answer in answers.items()}


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def come_back(login: Login, *answers: str | None) -> Callable[[Event], None]:
    """Return a watcher who pastes an answer with the right state as soon as the link is there.

    Args:
        login: the login that waits.
        answers: the queries, in turn, the last one for ever; without any, a new code every time. For None no
            one comes, and the wait is over at once.
    """
    turns = count()

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            turn = next(turns)
            query = answers[min(turn, len(answers) - 1)] if answers else f"code=code-canary-{turn + 1}"
            if query is None:
                login.wait.extend(-login.wait.remaining)
            else:
                login.paste(Secret(f"?{query}&state={state_of(event.url)}"))

    return watch

"""The routes of the two origins, in every profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authlens_lab.emulator.access.application import Application
from authlens_lab.emulator.access.edge import Edge
from authlens_lab.emulator.access.login import Login, session_routes
from authlens_lab.emulator.admin import refused
from authlens_lab.emulator.answers import (
    NO_STORE,
    Answered,
    answered,
    bite,
    json_answer,
    page,
    read_fields,
    refusal,
)
from authlens_lab.emulator.documents import provider_document, server_document
from authlens_lab.emulator.issued import OAuthRefusal
from authlens_lab.emulator.profile import Fault, Profile
from authlens_lab.emulator.server.authorization import AuthorizationEndpoint
from authlens_lab.emulator.server.machines import MachineGrants
from authlens_lab.emulator.server.mcp_endpoint import McpEndpoint
from authlens_lab.emulator.server.proof_check import with_nonce
from authlens_lab.emulator.server.registration import EmulatedClients
from authlens_lab.emulator.server.resource import Resource
from authlens_lab.emulator.server.token_endpoint import TokenEndpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from authlens_lab.emulator.emulator import Emulator

GET_POST: Final = ["GET", "POST"]
POST: Final = ["POST"]
SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_OAUTH: Final = "/cdn-cgi/access/oauth"


def applications(emulator: Emulator) -> tuple[ASGIApp, ASGIApp]:
    """Return what answers at the resource's origin and at the authorization server's."""
    server = _server_routes(emulator)
    if emulator.is_access:
        application = Edge(_application(emulator, _application_routes(emulator)), emulator, is_app=True)
        return application, Edge(_application(emulator, server), emulator, is_app=False)
    resource = _resource_routes(emulator)
    # Both are made at the start: a fault that is set later changes which one answers.
    plain = _application(emulator, resource)
    together = _application(emulator, [*server, *resource])

    async def resource_origin(scope: Scope, receive: Receive, send: Send) -> None:
        """Servers of 2025-03-26 are their own authorization server."""
        is_old = emulator.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS)
        await (together if is_old else plain)(scope, receive, send)

    return resource_origin, _application(emulator, server)


def second_application(emulator: Emulator) -> ASGIApp:
    """Return another resource of the same server."""
    resource = Resource(emulator, is_second=True)
    routes = [Route(RESOURCE_METADATA, resource.metadata), Route("/", resource.answer)]
    return _application(emulator, routes)


def _application(emulator: Emulator, routes: list[Route]) -> Starlette:
    def refused_by_oauth(request: Request, error: Any) -> Response:
        error.description = emulator.hostile(error.description)
        return with_nonce(emulator, refusal(request, error))

    handlers: dict[Any, Any] = {OAuthRefusal: refused_by_oauth, Answered: answered}
    return Starlette(routes=routes, exception_handlers=handlers)


def _server_routes(emulator: Emulator) -> list[Route]:
    clients = EmulatedClients(emulator)
    authorization, tokens = AuthorizationEndpoint(emulator, clients), TokenEndpoint(emulator, clients)

    async def metadata(request: Request) -> Response:
        bite(emulator, "server")
        if request.path_params.get("suffix", "") != ("moved" if emulator.moved else ""):
            return json_answer({"error": "not_found"}, 404)
        return json_answer(server_document(emulator))

    async def keys(_: Request) -> Response:
        return json_answer({"keys": await emulator.keys.public()})

    if emulator.is_access:
        return [
            Route("/", _front_page),
            Route(SERVER_METADATA, metadata),
            Route(f"{_OAUTH}/authorization", authorization.authorize),
            Route(f"{_OAUTH}/token", tokens.token, methods=POST),
            Route(f"{_OAUTH}/revoke", tokens.revoke, methods=POST),
            Route(f"{_OAUTH}/registration", clients.register, methods=POST),
            Route("/cdn-cgi/access/login/{host}", Login(emulator).login, methods=GET_POST),
            Route("/cdn-cgi/access/certs", keys),
            *session_routes(emulator.account),
        ]
    # Both well-known names, because clients of OpenID Connect ask for theirs first.
    names = (SERVER_METADATA, "/.well-known/openid-configuration")
    routes = [Route(name + suffix, metadata) for name in names for suffix in ("", "/{suffix}")]
    if emulator.is_for_machines:
        routes += _provider_routes(emulator)
    endpoints = [
        ("/authorize", authorization.authorize, GET_POST),
        ("/device", authorization.device, GET_POST),
        ("/token", tokens.token, POST),
        ("/revoke", tokens.revoke, POST),
        ("/par", tokens.push, POST),
        ("/device_authorization", tokens.device_authorization, POST),
        ("/register", clients.register, POST),
        ("/register/{client_id}", clients.manage, ["GET", "DELETE"]),
        ("/jwks", keys, ["GET"]),
    ]
    # The routes of both issuers are always there; which one the resource names changes with a move.
    for prefix in ("", "/moved"):
        routes += [Route(prefix + path, endpoint, methods=methods) for path, endpoint, methods in endpoints]
    return [*routes, Route("/example-client.json", clients.example_document)]


async def _front_page(_: Request) -> Response:
    return page("Team", "<p>Nothing to see here. Open the protected resource instead.</p>")


def _provider_routes(emulator: Emulator) -> list[Route]:
    """Return the routes of the identity provider, and of what a program's surroundings give it."""
    grants = MachineGrants(emulator)

    async def metadata(_: Request) -> Response:
        return json_answer(provider_document(emulator))

    async def token(request: Request) -> Response:
        form = await read_fields(request)
        subject = grants.check_exchange(form)
        bite(emulator, "exchange")
        return json_answer(grants.exchanged(subject, form.get("scope", "")), headers=NO_STORE)

    async def surroundings(request: Request) -> Response:
        # A page of another site must not read the private key of a client.
        answer = refused(request)
        if answer is not None:
            return answer
        credential = emulator.machines.surroundings.get(request.path_params["name"])
        if credential is None:
            return json_answer({"error": "not_found"}, 404)
        return Response(credential(), headers=dict(NO_STORE), media_type="text/plain")

    return [
        Route("/idp/.well-known/openid-configuration", metadata),
        Route(f"{SERVER_METADATA}/idp", metadata),
        Route("/idp/token", token, methods=POST),
        Route("/workload/{name}", surroundings),
    ]


def _resource_routes(emulator: Emulator) -> list[Route]:
    resource = Resource(emulator)
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
    below = [""]
    if emulator.origin is not None:
        methods += ["PATCH", "OPTIONS"]
        below.append("/{path:path}")
    # RFC 9728 §3.1 has the path of the resource behind the well-known one; for a whole host there is none.
    routes = [Route(f"{RESOURCE_METADATA}{suffix}", resource.metadata) for suffix in ("", "/{suffix:path}")]
    if emulator.profile is not Profile.GENERIC:
        endpoint = McpEndpoint(emulator, resource)
        routes += [Route(f"/mcp{path}", endpoint.answer, methods=methods) for path in below]
    if emulator.profile is not Profile.MCP:
        routes.append(Route("/{path:path}", resource.answer, methods=methods))
    return routes


def _application_routes(emulator: Emulator) -> list[Route]:
    application, login = Application(emulator), Login(emulator)
    names = ("/.well-known/cloudflare-access-protected-resource", RESOURCE_METADATA)
    suffixes = ("", "/{suffix:path}")
    return [
        Route(SERVER_METADATA, application.team_metadata),
        Route("/cdn-cgi/access/authorized", login.authorized),
        Route("/cdn-cgi/access/cli", login.approve, methods=GET_POST),
        *session_routes(emulator.account),
        *(Route(name + suffix, application.metadata) for name in names for suffix in suffixes),
        Route("/{path:path}", application.answer, methods=application.METHODS),
    ]

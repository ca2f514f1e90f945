"""The life of the standard emulator: two origins on loopback until they are stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from authlens_lab.emulator.origins import LoopbackServer, LoopbackSettings
from authlens_lab.emulator.profile import Fault, Profile, named_faults
from authlens_lab.emulator.randomness import drawn_from
from authlens_lab.emulator.standard.machines import Machines
from authlens_lab.emulator.standard.server_state import GRANT_TYPES, ServerState
from authlens_lab.emulator.standard.weakness import SWITCHES, PublishedMember, Weakness

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class StandardEmulator(LoopbackServer):
    """A resource of a profile other than `access`, and its authorization server.

    Use it as an asynchronous context manager, or call `start` and `stop`.

    Args, besides those of `LoopbackServer`:
        access_token_lifetime: seconds.
        clock: the time in seconds since the epoch.
        weaknesses: the checks that it leaves out, for a lesson.

    Raises:
        ValueError: the profile has no such fault, or is `access`.
    """

    ORIGINS = ("resource", "server")

    def __init__(
        self,
        profile: Profile = Profile.GENERIC,
        *,
        faults: Collection[Fault | str] = (),
        access_token_lifetime: int = 60,
        clock: Callable[[], float] = time.time,
        weaknesses: Collection[Weakness] = (),
        **settings: Unpack[LoopbackSettings],
    ) -> None:
        if profile is Profile.ACCESS:
            raise ValueError("the profile access is the Emulator's")
        super().__init__(**settings)
        with drawn_from(self._source):
            self._state = ServerState(
                profile=profile,
                faults=named_faults(profile, faults),
                clock=clock,
                access_token_lifetime=access_token_lifetime,
                origin=self.origin,
            )
        self._remember(self._state)
        self._state.weaknesses = frozenset(weaknesses)
        self._state.apply_rules()

    def _build(self) -> tuple[ASGIApp, ASGIApp]:
        from starlette.applications import Starlette
        from starlette.routing import Route

        from authlens_lab.emulator.answers import Answered, answered, refusal
        from authlens_lab.emulator.issued import OAuthRefusal
        from authlens_lab.emulator.standard.proof_check import with_nonce
        from authlens_lab.emulator.standard.resource import METADATA, McpEndpoint, Resource
        from authlens_lab.emulator.standard.server_origin import server_routes

        state = self._state
        resource = Resource(state)
        methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
        if state.origin is not None:
            methods += ["PATCH", "OPTIONS"]
        # RFC 9728 §3.1 has the path of the resource behind the well-known one; for a whole host there is
        # none.
        routes = [Route(f"{METADATA}{rest}", resource.metadata) for rest in ("", "/{suffix:path}")]
        refusals: dict[Any, Any] = {
            OAuthRefusal: lambda request, error: with_nonce(state, refusal(request, error)),
            Answered: answered,
        }
        server = Starlette(routes=server_routes(state), exception_handlers=refusals)
        if state.profile is not Profile.GENERIC:
            endpoint = McpEndpoint(state, resource, self.stopping)
            below = ("", "/{path:path}") if state.origin is not None else ("",)
            routes += [Route(f"/mcp{path}", endpoint.answer, methods=methods) for path in below]
        if state.profile is not Profile.MCP:
            routes.append(Route("/{path:path}", resource.generic, methods=methods))
        # Both are made at the start: a fault that is set later changes which one answers.
        plain = Starlette(routes=routes, exception_handlers=refusals)
        together = Starlette(routes=[*server_routes(state), *routes], exception_handlers=refusals)

        async def resource_origin(scope: Scope, receive: Receive, send: Send) -> None:
            """Servers of 2025-03-26 are their own authorization server."""
            old = state.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS)
            await (together if old else plain)(scope, receive, send)

        return resource_origin, server

    def actions(self) -> dict[str, Callable[[str], None]]:
        """Return those of every profile, and the move of the authorization server."""
        own = {"move-authorization-server": lambda _: self.move_authorization_server()}
        return super().actions() | own

    def facts(self) -> Mapping[str, Any]:
        """Return what programs log in with, where they do."""
        return self._state.machines.facts() if self._state.is_for_machines else {}

    def turn_on(self, name: str) -> None:
        """Turn a switch of a lesson on; there is no way to turn it off again.

        Raises:
            KeyError: no server has such a switch.
        """
        self._state.turn_on(SWITCHES[name])

    def second_resource(self, url: str) -> ASGIApp:
        """Return another resource of the same server, at an origin without a final slash."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        from authlens_lab.emulator.answers import Answered, answered
        from authlens_lab.emulator.standard.resource import METADATA, Resource

        self._state.second_url = url
        resource = Resource(self._state, is_second=True)
        routes = [Route(METADATA, resource.metadata), Route("/", resource.generic)]
        return Starlette(routes=routes, exception_handlers={Answered: answered})

    def publish(self, member: PublishedMember, value: str) -> None:
        """Have a document say `value`, as an attacker would who runs this resource or its server."""
        self._state.published[member] = value

    def publish_the_truth(self) -> None:
        """Have every document say again what is so."""
        self._state.published.clear()

    @property
    def example_client(self) -> str:
        """The client id of a client metadata document that the server serves itself."""
        return f"{self._state.server_url}/example-client.json"

    @property
    def machines(self) -> Machines:
        """What a program logs in with, in the profile `machine`."""
        return self._state.machines

    def move_authorization_server(self) -> None:
        """Have the resource name another issuer, to which old clients and tokens mean nothing."""
        self._state.move()

    def register_client(self, redirect_uri: str, *, auth_method: str = "none") -> tuple[str, str]:
        """Register a client, as an administrator would; return its id and its secret, if any."""
        client = self._state.grants.register(
            (redirect_uri,), auth_method=auth_method, grant_types=tuple(sorted(GRANT_TYPES))
        )
        return client.client_id, client.secret

    def renew_dpop_nonce(self) -> None:
        """Want another nonce in proofs from now on, as a server does now and then (RFC 9449 §8.2)."""
        self._state.dpop_nonce += "x"

"""The JSON interface by which a test in another process steers the emulator: faults, tokens, the request log.

It is off unless asked for, and answers only requests whose body is JSON, which no page of another origin can
send without a preflight that fails here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from authlens_core.emulator.edge import read_body
from authlens_core.emulator.faults import Fault

if TYPE_CHECKING:
    from authlens_core.emulator.emulator import Emulator

ADMIN_PATH: Final = "/emulator/admin"


class AdminMiddleware:
    """The team's origin, and the administration below `ADMIN_PATH`.

    Args:
        team: the team's origin.
        emulator: what is steered.
    """

    def __init__(self, team: ASGIApp, emulator: Emulator) -> None:
        self._team = team
        self._emulator = emulator
        self._admin = Starlette(
            routes=[
                Route(ADMIN_PATH, self._state),
                Route(f"{ADMIN_PATH}/faults", self._faults, methods=["PUT"]),
                Route(f"{ADMIN_PATH}/requests", self._forget, methods=["DELETE"]),
                Route(f"{ADMIN_PATH}/{{action}}", self._act, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_admin = scope["type"] == "http" and scope["path"].startswith(ADMIN_PATH)
        await (self._admin if is_admin else self._team)(scope, receive, send)

    async def _state(self, _: Request) -> JSONResponse:
        return JSONResponse(self._present())

    async def _faults(self, request: Request) -> JSONResponse:
        """Replace the faults by those in the body, a JSON array of names."""
        try:
            names = await _body(request)
            self._emulator.set_faults([str(name) for name in names])
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._present())

    async def _forget(self, _: Request) -> JSONResponse:
        self._emulator.forget_requests()
        return JSONResponse(self._present())

    async def _act(self, request: Request) -> JSONResponse:
        """Do what an administrator or the clock would do."""
        action = _ACTIONS.get(request.path_params["action"])
        if action is None:
            return JSONResponse({"error": "no such action", "actions": sorted(_ACTIONS)}, 404)
        try:
            found = await _body(request) if await request.body() else {}
            action(self._emulator, str(found.get("user", "ada")))
        except (ValueError, AttributeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._present())

    def _present(self) -> dict[str, Any]:
        emulator = self._emulator
        client_id, secret = emulator.service_token
        return {
            "resource_url": emulator.resource_url,
            "issuer": emulator.issuer,
            "faults": sorted(fault.value for fault in emulator.faults),
            "all_faults": [fault.value for fault in Fault],
            "service_token": {"client_id": client_id, "client_secret": secret},
            "requests": [
                {"origin": one.origin, "method": one.method, "path": one.path} for one in emulator.requests
            ],
        }


async def _body(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        msg = "the body has to be application/json"
        raise ValueError(msg)
    return json.loads(await read_body(request))


_ACTIONS: Final[dict[str, Callable[[Emulator, str], None]]] = {
    "expire-access-tokens": lambda emulator, _: emulator.expire_access_tokens(),
    "revoke-user-tokens": lambda emulator, user: emulator.revoke_user_tokens(user),
    "revoke-application-tokens": lambda emulator, _: emulator.revoke_application_tokens(),
    "end-grants": lambda emulator, _: emulator.end_grants(),
    "deny": lambda emulator, user: emulator.deny(user),
    "allow": lambda emulator, user: emulator.allow(user),
}

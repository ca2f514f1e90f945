"""The JSON interface by which a test in another process steers the emulator: faults, tokens, the request log.

It is off unless asked for, and no web page can use it; see `admin_guard`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from authlens_core.emulator.admin_guard import refusal
from authlens_core.emulator.answers import read_body

if TYPE_CHECKING:
    from authlens_core.emulator.emulator import Emulator
    from authlens_core.emulator.standard.emulator import StandardEmulator

ADMIN_PATH: Final = "/emulator/admin"


class AdminMiddleware:
    """The authorization server's origin, and the administration below `ADMIN_PATH`.

    Args:
        all_faults: what `emulator` can play.
        actions: what an administrator or the clock would do, by name; each takes a user.
    """

    def __init__(
        self,
        server: ASGIApp,
        emulator: Emulator | StandardEmulator,
        all_faults: Iterable[StrEnum],
        actions: Mapping[str, Callable[[str], None]],
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._server = server
        self._emulator = emulator
        self._all_faults = [fault.value for fault in all_faults]
        self._actions = actions
        self._facts = facts
        self._admin = Starlette(
            routes=[
                Route(ADMIN_PATH, self._state),
                Route(f"{ADMIN_PATH}/faults", self._faults, methods=["PUT"]),
                Route(f"{ADMIN_PATH}/requests", self._forget, methods=["DELETE"]),
                Route(f"{ADMIN_PATH}/{{action}}", self._act, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = f"{scope['path']}/" if scope["type"] == "http" else ""
        if not path.startswith(f"{ADMIN_PATH}/"):
            await self._server(scope, receive, send)
            return
        app: ASGIApp = refusal(Request(scope)) or self._admin
        await app(scope, receive, send)

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
        action = self._actions.get(request.path_params["action"])
        if action is None:
            return JSONResponse({"error": "no such action", "actions": sorted(self._actions)}, 404)
        try:
            found = await _body(request) if await request.body() else {}
            if not isinstance(found, dict):
                raise TypeError("send a JSON object")
            action(str(found.get("user", "ada")))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._present())

    def _present(self) -> dict[str, Any]:
        emulator = self._emulator
        return {
            "resource_url": emulator.resource_url,
            "issuer": emulator.issuer,
            "faults": sorted(fault.value for fault in emulator.faults),
            "all_faults": self._all_faults,
            **self._facts(),
            "requests": [
                {"origin": one.origin, "method": one.method, "path": one.path} for one in emulator.requests
            ],
        }


async def _body(request: Request) -> Any:
    try:
        return json.loads(await read_body(request))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None

"""The JSON interface by which a test in another process steers the emulator: faults, tokens, the request log.

It is off unless asked for. Only programs of this machine can use it, and no web page in a browser: a page of
another site can send simple requests here without asking (Fetch Standard, CORS-safelisted), and one whose
name is rebound to this machine counts as of the same origin. Both would steer a test, and the state holds a
service token.
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

from authlens_lab.emulator.answers import read_body
from authlens_lab.emulator.profile import faults_of

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator
    from authlens_lab.emulator.origins import SeenRequest

ADMIN_PATH: Final = "/emulator/admin"
# What the server of the login listens on.
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
# Fetch Metadata §2.3: `none` is the user's own navigation. Without the field it is no browser, or an old one.
_OWN_SITES: Final = frozenset({"same-origin", "none"})
# A form of a page can send POST with three other media types (HTML §4.10.18.5), or with none.
_WITH_A_BODY: Final = frozenset({"POST", "PUT"})


class AdminMiddleware:
    """The authorization server's origin, and the administration below `ADMIN_PATH`."""

    def __init__(self, server: ASGIApp, emulator: Emulator) -> None:
        self._server = server
        self._emulator = emulator
        self._actions = _actions(emulator)
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
        app: ASGIApp = refused(Request(scope)) or self._admin
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
            body = await _body(request) if await request.body() else {}
            if not isinstance(body, dict):
                raise TypeError("send a JSON object")
            action(str(body.get("user", "ada")))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._present())

    def _present(self) -> dict[str, Any]:
        emulator = self._emulator
        return {
            "resource_url": emulator.resource_url,
            "issuer": emulator.issuer,
            "faults": sorted(fault.value for fault in emulator.faults),
            "all_faults": [fault.value for fault in faults_of(emulator.profile)],
            **_facts(emulator),
            "requests": list(map(_described, emulator.requests)),
        }


def _described(request: SeenRequest) -> dict[str, str]:
    description = {"origin": request.origin, "method": request.method, "path": request.path}
    if request.body is not None:
        description["body"] = request.body.decode("utf-8", "replace")
    return description


def _actions(emulator: Emulator) -> dict[str, Callable[[str], None]]:
    """Return what an administrator or the clock would do, by name; each takes a user."""
    actions: dict[str, Callable[[str], None]] = {
        "expire-access-tokens": lambda _: emulator.expire_access_tokens(),
        "revoke-user-tokens": emulator.revoke_user_tokens,
        "end-grants": lambda _: emulator.end_grants(),
        "deny": emulator.deny,
        "allow": emulator.allow,
        "reset": lambda _: emulator.reset(),
    }
    if emulator.is_access:
        actions["revoke-application-tokens"] = lambda _: emulator.revoke_application_tokens()
    else:
        actions["move-authorization-server"] = lambda _: emulator.move_authorization_server()
    return actions


def _facts(emulator: Emulator) -> dict[str, Any]:
    """Return what a test in another process needs to log in, besides the URLs."""
    if emulator.is_access:
        client_id, secret = emulator.service_token
        return {"service_token": {"client_id": client_id, "client_secret": secret}}
    return emulator.machines.facts() if emulator.is_for_machines else {}


async def _body(request: Request) -> Any:
    try:
        return json.loads(await read_body(request))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def refused(request: Request) -> JSONResponse | None:
    """Return the answer to a request that the administration does not take, or None for one that it takes."""
    # DNS rebinding: a page whose name leads to 127.0.0.1 would send that name.
    hosts = request.headers.getlist("host")
    port = (request.scope.get("server") or ("", 0))[1]
    own = [f"{name}:{port}" for name in _NAMES]
    if len(hosts) != 1 or hosts[0].lower() not in own:
        return _refused(421, f"the administration is at http://{own[0]} and at no other name or port")
    origins, sites = request.headers.getlist("origin"), request.headers.getlist("sec-fetch-site")
    # A page of any site could otherwise post faults to a demo that runs beside the browser.
    foreign = any(origin != f"http://{hosts[0].lower()}" for origin in origins)
    if foreign or not _OWN_SITES.issuperset(sites):
        return _refused(403, "a web page of another origin cannot use the administration")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in _WITH_A_BODY and media_type != "application/json":
        return _refused(415, "send Content-Type: application/json, also without a body")
    return None


def _refused(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)

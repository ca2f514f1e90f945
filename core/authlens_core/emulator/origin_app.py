"""An application of the caller's behind the login of an emulator: its lifespan, and who comes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from uvicorn.lifespan.on import LifespanOn


class OriginApp:
    """The application, which sees who is logged in as `scope["user"]`.

    Args:
        app: an ASGI application, with a lifespan or without.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lifespan: LifespanOn | None = None

    async def start(self) -> None:
        """Start the application's lifespan, if it has one.

        Raises:
            RuntimeError: the application did not start.
        """
        import uvicorn
        from uvicorn.lifespan.on import LifespanOn

        config = uvicorn.Config(self._app, lifespan="auto", log_config=None, proxy_headers=False)
        config.load()
        self._lifespan = LifespanOn(config)
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise RuntimeError("the application behind the login did not start")

    async def stop(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    def answer(self, user: str) -> Response:
        """Return what it answers to a request of `user`."""
        state: dict[str, Any] = {} if self._lifespan is None else self._lifespan.state
        return _FromOrigin(self._app, {"user": user, "state": dict(state)})


class _FromOrigin(Response):
    """The answer of the application, passed on as it comes."""

    def __init__(self, app: ASGIApp, added: dict[str, Any]) -> None:
        super().__init__()
        self._app = app
        self._added = added

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without what the emulator's own routing put there: the application has its own.
        kept = {
            key: value for key, value in scope.items() if key not in ("path_params", "endpoint", "router")
        }
        await self._app({**kept, **self._added}, receive, send)

"""The emulator's life: two origins on loopback, in the running event loop, until it is stopped."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Unpack

from authlens_lab.emulator.access.account import Account
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceTokens
from authlens_lab.emulator.origins import LoopbackServer, LoopbackSettings, bind, close_all
from authlens_lab.emulator.profile import Fault, Profile, email_of, named_faults
from authlens_lab.emulator.randomness import drawn_from

if TYPE_CHECKING:
    from starlette.types import ASGIApp

CALLBACK_PORT: Final = 8400


def _taken_callback_port(port: int) -> list[socket.socket]:
    """Listen on a port and never answer; an address that is in use already is left as it is."""
    taken: list[socket.socket] = []
    # Both, because a client that finds one in use could still listen at the other (RFC 8252 §7.3).
    for host in ("127.0.0.1", "::1"):
        with suppress(OSError):
            taken.append(bind(host, port))
            port = taken[0].getsockname()[1]
    return taken


class Emulator(LoopbackServer):
    """A local Cloudflare Access: an app on 127.0.0.1 and its team on localhost.

    Use it as an asynchronous context manager, or call `start` and `stop`. After `stop` it can be started
    again, with nothing forgotten except its ports.

    Args, besides those of `LoopbackServer`:
        access_token_lifetime: seconds.
        callback_port: what the fault `port-taken` listens on; 0 for any free port, then see `taken_port`.
        grant_lifetime: seconds that a refresh token can be used after the login.
        slow_seconds: how late each answer is under the fault `slow`.
        service_token_header: the app's `read_service_tokens_from_header`, such as `Authorization`.
        service_auth_401: whether a Service Auth refusal is 401 instead of 403.
        refresh_grace: whether the refresh token before the newest is good until the newest is used.
        clock: the time in seconds since the epoch.

    Raises:
        ValueError: a fault's name is unknown.
    """

    ORIGINS = ("app", "team")

    def __init__(
        self,
        *,
        faults: Collection[Fault | str] = (),
        callback_port: int = CALLBACK_PORT,
        access_token_lifetime: int = 60,
        grant_lifetime: int = 3600,
        slow_seconds: float = 30.0,
        strict_service_tokens: bool = False,
        service_token_header: str = "",
        service_auth_401: bool = False,
        refresh_grace: bool = False,
        clock: Callable[[], float] = time.time,
        **settings: Unpack[LoopbackSettings],
    ) -> None:
        super().__init__(**settings)
        # Keys and the first tokens are drawn here: with a seed they are the same in each run.
        with drawn_from(self._source):
            self.account = Account(
                clock=clock,
                stopping=self.stopping,
                faults=named_faults(Profile.ACCESS, faults),
                access_token_lifetime=access_token_lifetime,
                grant_lifetime=grant_lifetime,
                slow_seconds=slow_seconds,
                strict_service_tokens=strict_service_tokens,
                service_token_header=service_token_header,
                service_auth_401=service_auth_401,
                refresh_grace=refresh_grace,
                origin=self.origin,
            )
        self._remember(self.account)
        self._callback_port = callback_port
        self._taken: list[socket.socket] = []

    async def start(self) -> None:
        await super().start()
        if self.account.has(Fault.PORT_TAKEN):
            self._taken = _taken_callback_port(self._callback_port)

    def _build(self) -> tuple[ASGIApp, ASGIApp]:
        from authlens_lab.emulator.access.app_origin import app_origin
        from authlens_lab.emulator.access.team_origin import team_origin

        return app_origin(self.account), team_origin(self.account)

    def actions(self) -> dict[str, Callable[[str], None]]:
        """Return those of every profile, and Access's own."""
        own = {"revoke-application-tokens": lambda _: self.revoke_application_tokens()}
        return super().actions() | own

    async def stop(self) -> None:
        close_all(self._taken)
        await super().stop()

    @property
    def taken_port(self) -> int | None:
        """The callback port that the fault `port-taken` listens on; None without it."""
        return self._taken[0].getsockname()[1] if self._taken else None

    @property
    def team_url(self) -> str:
        """The team's origin, without a slash at the end."""
        return self.account.server_url

    @property
    def service_token(self) -> tuple[str, str]:
        """Client id and client secret of the service token that the app lets in."""
        token = self.account.service_token
        return token.client_id, token.secret

    def facts(self) -> dict[str, Any]:
        """Return the service token."""
        client_id, secret = self.service_token
        return {"service_token": {"client_id": client_id, "client_secret": secret}}

    @property
    def service_tokens(self) -> IssuedServiceTokens:
        """Every service token of the account: create, rotate and refresh them."""
        return self.account.service_tokens

    def transferred(self, public_key: str) -> str | None:
        """Return the token that the user approved for cloudflared on `/cdn-cgi/access/cli`, once."""
        return self.account.transfers.pop(public_key, None)

    def register_client(self, redirect_uri: str, *, confidential: bool = False) -> tuple[str, str]:
        """Register a client beforehand, as an administrator would; return its id and its secret, if any."""
        method = "client_secret_basic" if confidential else "none"
        client = self.account.grants.register((redirect_uri,), name="Pre-registered", auth_method=method)
        return client.client_id, client.secret

    async def app_token(self, user: str = "ada") -> str:
        """Return a token for the `cf-access-token` header, as `cloudflared access token` prints one."""
        return await self.account.sign_identity(self.account.start_session(email_of(user)))

    def revoke_user_tokens(self, user: str | None = None) -> None:
        """Do an administrator's "revoke user": sessions and access tokens end, refreshing still works."""
        self.account.end_sessions(email_of(user) if user is not None else None)
        super().revoke_user_tokens(user)

    def revoke_application_tokens(self) -> None:
        """Do "revoke application tokens": a refresh still answers, with a token that is then refused."""
        self.account.end_sessions()
        self.account.grants.refuse_access_tokens()

    async def rotate_keys(self) -> None:
        """Sign with a new key; the previous one still verifies."""
        await self.account.keys.rotate()

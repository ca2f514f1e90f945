"""The emulator: what its two origins remember, and what an administrator or the clock can do to it."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, Unpack

from msgspec.structs import replace

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import Account
from authlens_lab.emulator.access.issued_service_tokens import IssuedServiceTokens
from authlens_lab.emulator.grants import DEVICE_LIFETIME, Grants
from authlens_lab.emulator.issued import rules_of
from authlens_lab.emulator.ledger import Ledger
from authlens_lab.emulator.origins import LoopbackServer, LoopbackSettings, close_all, occupied
from authlens_lab.emulator.profile import HOSTILE_TEXT, Fault, Profile, email_of, named_faults
from authlens_lab.emulator.randomness import drawn_from
from authlens_lab.emulator.server.machines import Machines
from authlens_lab.emulator.signed_tokens import Assertions, SigningKeys
from authlens_lab.emulator.weakness import SWITCHES, LessonServer, Weakness

if TYPE_CHECKING:
    from starlette.types import ASGIApp

CALLBACK_PORT: Final = 8400
CLOCK_SKEW: Final = 3600.0  # seconds


class Emulator(LoopbackServer):
    """A local Cloudflare Access, or a resource of another profile with its authorization server.

    Use it as an asynchronous context manager, or call `start` and `stop`. After `stop` it can be started
    again, with nothing forgotten except its ports.

    Args, besides those of `LoopbackServer`:
        admin: whether the authorization server's origin has the JSON interface of `emulator.admin`.
        access_token_lifetime: seconds.
        clock: the time in seconds since the epoch.
        callback_port: what the fault `port-taken` listens on; 0 for any free port, then see `taken_port`.
        grant_lifetime: seconds that a refresh token of Access can be used after the login.
        strict_service_tokens: the strict mode of an organisation of Access for service tokens.
        service_token_header: an application's `read_service_tokens_from_header`, such as `Authorization`.
        refresh_grace: whether the refresh token before the newest is good until the newest is used.
        weaknesses: the checks that it leaves out, for a lesson.

    Attributes:
        account: what only Access has; the other profiles have `machines`.
        is_for_machines: whether it has grants of programs only, and no user can log in.
        moved: true once the resource names another issuer (`move_authorization_server`).
        lesson: the checks that it leaves out, and the documents that an attacker changed.
        pushed: authorization requests by their reference: the client, the parameters, the expiry.
        proofs: the proofs that came, by their `jti`.

    Raises:
        ValueError: the profile has no such fault.
    """

    account: Account
    machines: Machines
    dpop_nonce: str

    def __init__(
        self,
        profile: Profile = Profile.ACCESS,
        *,
        faults: Collection[Fault | str] = (),
        admin: bool = False,
        access_token_lifetime: int = 60,
        clock: Callable[[], float] = time.time,
        callback_port: int = CALLBACK_PORT,
        grant_lifetime: float = 3600,
        strict_service_tokens: bool = False,
        service_token_header: str = "",
        refresh_grace: bool = False,
        weaknesses: Collection[Weakness] = (),
        **settings: Unpack[LoopbackSettings],
    ) -> None:
        super().__init__(**settings)
        self.profile = profile
        self.is_access = profile is Profile.ACCESS
        self.is_for_machines = profile is Profile.MACHINE
        if self.is_access:
            self.origins = ("app", "team")
        self.faults = self._first_faults = named_faults(profile, faults)
        self.clock = clock
        self._admin = admin
        self._callback_port = callback_port
        self._listeners: list[socket.socket] = []
        self.lesson = LessonServer(weaknesses)
        self.device_lifetime = DEVICE_LIFETIME
        self.device_off = self.proximity = self.moved = False
        self.second_url = ""
        self.pushed: dict[str, tuple[str, dict[str, str], float]] = {}
        self.proofs: dict[str, float] = {}
        self.keys = SigningKeys()
        self.assertions = Assertions(self.now)
        lifetime = grant_lifetime if self.is_access else math.inf
        rotation = Fault.ROTATION_OFF not in self.faults
        rules = rules_of(profile)
        rules = replace(rules, grant_lifetime=lifetime, rotation=rotation, grace=refresh_grace)
        self.grants = Grants(self.now, rules, access_token_lifetime=access_token_lifetime)
        self._apply_weaknesses()
        # Secrets and the first tokens are drawn here: with a seed they are the same in each run.
        with drawn_from(self._source):
            if self.is_access:
                self.account = Account(self, strict=strict_service_tokens, header=service_token_header)
            else:
                self.dpop_nonce = randomness.token_urlsafe(16)
                self.machines = Machines(self)

    # The servers

    def _build(self) -> tuple[ASGIApp, ASGIApp]:
        from authlens_lab.emulator.server.routes import applications

        return applications(self)

    def _answering(self, origin: str, app: ASGIApp) -> ASGIApp:
        answering = super()._answering(origin, app)
        if not self._admin or origin == self.origins[0]:
            return answering
        from authlens_lab.emulator.admin import AdminMiddleware

        return AdminMiddleware(answering, self)

    async def start(self) -> None:
        await super().start()
        if self.has(Fault.PORT_TAKEN):
            self._listeners = occupied(self._callback_port)

    async def stop(self) -> None:
        close_all(self._listeners)
        await super().stop()

    @property
    def taken_port(self) -> int | None:
        """The callback port that the fault `port-taken` listens on; None without it."""
        return self._listeners[0].getsockname()[1] if self._listeners else None

    # What it is, and where

    @property
    def resource_url(self) -> str:
        path = "/mcp" if self.profile is Profile.MCP else "/"
        return self.resource_origin + path

    @property
    def issuer(self) -> str:
        """The issuer that the resource metadata names; the faults about issuers do not change it."""
        # Old servers have their endpoints at the resource.
        if self.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS):
            return self.resource_origin
        return f"{self.server_url}/moved" if self.moved else self.server_url

    @property
    def endpoint(self) -> str:
        """The start of the URLs of the server's endpoints."""
        return f"{self.server_url}/cdn-cgi/access/oauth" if self.is_access else self.issuer

    @property
    def needs_dpop(self) -> bool:
        return self.has(Fault.DPOP_REQUIRED, Fault.DPOP_NONCE)

    @property
    def example_client(self) -> str:
        """The client id of a client metadata document that the server serves itself."""
        return f"{self.server_url}/example-client.json"

    def now(self) -> float:
        """Return the server's time, in seconds since the epoch."""
        return self.clock() + (CLOCK_SKEW if self.has(Fault.CLOCK_SKEW) else 0.0)

    # Faults

    def has(self, *faults: Fault) -> bool:
        return not self.faults.isdisjoint(faults)

    @property
    def ordered_faults(self) -> list[Fault]:
        return [fault for fault in Fault if fault in self.faults]

    def set_faults(self, faults: Collection[Fault | str]) -> None:
        """Replace the faults. `port-taken` and those about rotation and policy count from the start only.

        Raises:
            ValueError: the profile has no such fault.
        """
        self.faults = named_faults(self.profile, faults)

    def hostile(self, text: str) -> str:
        """Return a text of the server, with what a hostile one adds to it."""
        return text + HOSTILE_TEXT if self.has(Fault.HOSTILE_TEXT) else text

    def turn_on(self, name: str) -> None:
        """Turn a switch of a lesson on; there is no way to turn it off again.

        Raises:
            KeyError: no server has such a switch.
        """
        switch = SWITCHES[name]
        self.lesson.turn_on(switch)
        self.faults -= {switch.stops}
        if switch.starts:
            self.faults |= {switch.starts}
        self.grants.code_lifetime = switch.code_lifetime or self.grants.code_lifetime
        self.grants.access_token_lifetime = switch.token_lifetime or self.grants.access_token_lifetime
        self.device_lifetime = switch.device_lifetime or self.device_lifetime
        self.device_off |= switch.device_off
        self.proximity |= switch.proximity
        self._apply_weaknesses()

    def _apply_weaknesses(self) -> None:
        detects = not self.lesson.lacks(Weakness.REFRESH_REUSE_SILENT)
        ends_replaced = not self.lesson.lacks(Weakness.REFRESH_REPLACED_GOOD)
        self.grants.rules = replace(self.grants.rules, detects_reuse=detects, ends_replaced=ends_replaced)

    def second_resource(self, url: str) -> ASGIApp:
        """Return another resource of the same server, at an origin without a final slash."""
        from authlens_lab.emulator.server.routes import second_application

        self.second_url = url
        return second_application(self)

    # What an administrator or the clock does

    @property
    def ledger(self) -> Ledger:
        """What happened at the two, and who sent what led to it."""
        return self.grants.ledger

    def reset(self) -> None:
        """Return to the state after the start: the first faults, no request, client, grant or session."""
        self._forget_logins()
        self.faults = self._first_faults
        self.grants.denied = set(self.grants.rules.denied)
        self.ledger.clear()
        self.forget_requests()

    def _forget_logins(self) -> None:
        self.moved = False
        self.pushed.clear()
        self.grants.forget_everything()
        if self.is_access:
            self.account.forget_sessions()

    def register_client(self, redirect_uri: str, *, confidential: bool = False) -> tuple[str, str]:
        """Register a client, as an administrator would; return its id and its secret, if any."""
        method = "client_secret_basic" if confidential else "none"
        client = self.grants.register(
            (redirect_uri,),
            name="Pre-registered" if self.is_access else "",
            auth_method=method,
            grant_types=self.grants.rules.grant_types,
        )
        return client.client_id, client.secret

    def deny(self, user: str) -> None:
        """Have the policy refuse a user, or a program by its id: no token works, and none is issued."""
        self.grants.denied |= {user, email_of(user)}

    def allow(self, user: str) -> None:
        self.grants.denied -= {user, email_of(user)}

    def expire_access_tokens(self) -> None:
        """Expire every access token; refresh tokens still work."""
        self.grants.expire_access_tokens()

    def revoke_user_tokens(self, user: str | None = None) -> None:
        """End sessions and access tokens of a user, or of a program by its id; None is all.

        Refreshing still works.
        """
        if self.is_access:
            self.account.end_sessions(email_of(user) if user is not None else None)
        for subject in (None,) if user is None else (user, email_of(user)):
            self.grants.expire_access_tokens(subject)

    def end_grants(self) -> None:
        """End every grant: access tokens are refused, and a refresh answers invalid_grant."""
        self.grants.end_grants()

    def move_authorization_server(self) -> None:
        """Have the resource name another issuer, to which old clients and tokens mean nothing."""
        self._forget_logins()
        self.moved = True

    def revoke_application_tokens(self) -> None:
        """Revoke an application's tokens of Access: a refresh still answers, with a token that is refused."""
        self.account.end_sessions()
        self.grants.refuse_access_tokens()

    # Credentials of Access

    @property
    def service_token(self) -> tuple[str, str]:
        """Client id and client secret of the service token that the app lets in."""
        token = self.account.service_token
        return token.client_id, token.secret

    @property
    def service_tokens(self) -> IssuedServiceTokens:
        """Every service token of the account: create, rotate and refresh them."""
        return self.account.service_tokens

    async def app_token(self, user: str = "ada") -> str:
        """Return a token for the `cf-access-token` header, as `cloudflared access token` prints one."""
        return await self.account.sign_identity(self.account.start_session(email_of(user)))

"""What a program asks without a browser (RFC 6749 §3.2): tokens, their end, and the start of a login."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, unquote_plus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import NO_STORE, bite, json_answer, read_body
from authlens_lab.emulator.issued import (
    DEVICE_GRANT,
    MACHINE_GRANTS,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
    new_token,
    put,
)
from authlens_lab.emulator.profile import HOSTILE_TEXT, Fault
from authlens_lab.emulator.server.authorization import audience_of, granted_scope
from authlens_lab.emulator.server.machines import MachineGrants
from authlens_lab.emulator.server.proof_check import proof_key, with_nonce
from authlens_lab.emulator.server.registration import EmulatedClients
from authlens_lab.emulator.signed_tokens import unverified

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

PUSHED_LIFETIME: Final = 60  # seconds
SHORT_DEVICE_LIFETIME: Final = 2.0  # seconds, so that no one waits long to see it expire
ID_TOKEN_LIFETIME: Final = 300  # seconds

Form = Mapping[str, str]


class ClientCredentials(Unprinted, Struct, frozen=True):
    """The client that a request names, with its credential, by one of the methods of RFC 6749 §2.3.1."""

    client_id: str
    secret: str
    method: str

    @classmethod
    def of(cls, request: Request, form: Form) -> Self:
        """Return what is in a Basic field, or else in the form."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with suppress(binascii.Error, ValueError):
                client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
                # RFC 6749 §2.3.1: both are encoded like form values before they are joined.
                return cls(unquote_plus(client_id), unquote_plus(secret), "client_secret_basic")
        assertion = form.get("client_assertion", "")
        if assertion:
            # RFC 7521 §4.2: client_id may be left out, because the assertion names the client.
            subject = str(unverified(assertion, "invalid_client")[1].get("sub", ""))
            return cls(form.get("client_id", subject), assertion, "private_key_jwt")
        # A public client looks the same without a secret; `authenticate` compares with what is registered.
        return cls(form.get("client_id", ""), form.get("client_secret", ""), "client_secret_post")

    def authenticate(self, client: RegisteredClient) -> None:
        """Compare the credentials with the registered ones.

        Raises:
            OAuthRefusal: invalid_client.
        """
        # A public client has nothing to show; that it names itself is all it can do.
        if client.auth_method == "none":
            return
        is_same = hmac.compare_digest(self.secret.encode(), client.secret.encode())
        if client.auth_method != self.method or not is_same:
            raise OAuthRefusal("invalid_client", "Client authentication failed", 401)


class TokenEndpoint:
    """The endpoints at which a client authenticates; each raises `OAuthRefusal`."""

    def __init__(self, emulator: Emulator, clients: EmulatedClients) -> None:
        self._emulator = emulator
        self._clients = clients
        self._machines = MachineGrants(emulator)

    async def token(self, request: Request) -> Response:
        """Exchange a code, a refresh token, a device code or what a program has for tokens."""
        emulator = self._emulator
        bite(emulator, "token")
        form, client = await self._authenticated(request)
        if emulator.is_access:
            self._check_for_access(form)
        key = self._proof_key(request)
        grant = self._grant(form, client, key)
        tokens = emulator.grants.issue(grant, await self._access_token(grant))
        body = (
            _for_access(emulator, tokens) if emulator.is_access else await self._answer(form, grant, tokens)
        )
        return with_nonce(emulator, json_answer(body, headers=NO_STORE))

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009); a self-contained access token cannot be ended.

        An unknown token, or one of another client, gets the same answer (§2.2).
        """
        emulator = self._emulator
        bite(emulator, "revocation")
        form, client = await self._authenticated(request)
        token = form.get("token", "")
        if not token:
            raise OAuthRefusal("invalid_request", "token is missing")
        # It is valid wherever its signature is checked, whatever this server remembers.
        if emulator.has(Fault.JWT_ACCESS_TOKENS) and emulator.grants.has_access_token(token):
            raise OAuthRefusal("unsupported_token_type", "JWT access tokens cannot be revoked")
        emulator.grants.revoke(token, client)
        return Response(b"", 200, dict(NO_STORE))

    async def push(self, request: Request) -> Response:
        """Store an authorization request (RFC 9126 §2)."""
        form, client = await self._authenticated(request)
        # RFC 9126 §2.1: a reference to a reference would never have been checked.
        if "request_uri" in form:
            raise OAuthRefusal("invalid_request", "request_uri may not be pushed")
        has_document = client.client_id.startswith("http")
        if form.get("redirect_uri", "") not in client.redirect_uris and not has_document:
            raise OAuthRefusal("invalid_request", "The redirect URI is not registered for this client")
        reference = f"urn:ietf:params:oauth:request_uri:{randomness.token_urlsafe(24)}"
        # The secret authenticated this request, and is no part of the one that is stored.
        parameters = {name: value for name, value in form.items() if name != "client_secret"}
        expires_at = self._emulator.now() + PUSHED_LIFETIME
        put(self._emulator.pushed, reference, (client.client_id, parameters, expires_at))
        return json_answer({"request_uri": reference, "expires_in": PUSHED_LIFETIME}, 201, NO_STORE)

    async def device_authorization(self, request: Request) -> Response:
        """Start a device login (RFC 8628 §3.1)."""
        emulator = self._emulator
        form, client = await self._authenticated(request)
        if DEVICE_GRANT not in client.grant_types or emulator.device_off:
            raise OAuthRefusal("unauthorized_client", "The client is not registered for the device grant")
        is_short = emulator.has(Fault.DEVICE_EXPIRED)
        lifetime = SHORT_DEVICE_LIFETIME if is_short else emulator.device_lifetime
        scope = granted_scope(emulator, form.get("scope", ""))
        login = emulator.grants.start_device(client, scope, lifetime=lifetime)
        url = f"{emulator.issuer}/device"
        return json_answer(
            {
                "device_code": login.device_code,
                "user_code": login.user_code,
                "verification_uri": url,
                "verification_uri_complete": f"{url}?user_code={login.user_code}",
                "expires_in": round(login.expires_at - emulator.now()),
                "interval": login.interval,
            },
            headers=NO_STORE,
        )

    async def _authenticated(self, request: Request) -> tuple[dict[str, str], RegisteredClient]:
        """Return the form, and the client that sent it, authenticated by the method that it registered.

        Raises:
            OAuthRefusal: the body is not a form, or has a parameter twice; invalid_client.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        pairs = parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(pairs)
        # RFC 6749 §3.2: parameters must not come twice, and two readers would take different ones.
        if media_type != "application/x-www-form-urlencoded" or len(form) != len(pairs):
            raise OAuthRefusal("invalid_request", "The body is not a form, or has a parameter twice")
        credentials = ClientCredentials.of(request, form)
        client = await self._clients.find(credentials.client_id)
        if client.key is not None and credentials.method == client.auth_method:
            self._machines.authenticate(form, client)
        else:
            credentials.authenticate(client)
        return form, client

    def _check_for_access(self, form: Form) -> None:
        if audience_of(self._emulator, form.get("resource", "")) is None:
            raise OAuthRefusal("invalid_target", "The resource is not an application of this team")
        if not form.get("grant_type"):
            raise OAuthRefusal("invalid_request", "grant_type is missing")

    def _proof_key(self, request: Request) -> str:
        """Return the thumbprint of the key that signed the request's proof; empty without one."""
        key = "" if self._emulator.is_access else proof_key(self._emulator, request)
        if self._emulator.needs_dpop and not key:
            raise OAuthRefusal("invalid_dpop_proof", "This server issues only tokens bound to a key")
        return key

    def _grant(self, form: Form, client: RegisteredClient, key: str) -> IssuedGrant:
        """Return the grant that the form names, bound to the key with this thumbprint, if any."""
        grants, grant_type = self._emulator.grants, form.get("grant_type", "")
        if grant_type not in grants.rules.grant_types:
            raise OAuthRefusal("unsupported_grant_type", "grant_type is not supported")
        bite(self._emulator, grant_type)
        if grant_type in MACHINE_GRANTS:
            grant = self._machines.grant(form, client)
        elif grant_type == DEVICE_GRANT:
            slow_down = self._emulator.has(Fault.DEVICE_SLOW_DOWN)
            grant = grants.poll_device(form.get("device_code", ""), client, refuses_first_poll=slow_down)
        elif grant_type == "refresh_token":
            grant = grants.refresh(form.get("refresh_token", ""), client, jkt=key)
        else:
            grant = grants.redeem(
                form.get("code", ""),
                client,
                redirect_uri=form.get("redirect_uri"),
                verifier=form.get("code_verifier", ""),
            )
        grant.jkt = key
        return grant

    async def _answer(self, form: Form, grant: IssuedGrant, tokens: dict[str, Any]) -> dict[str, Any]:
        body = {
            "access_token": tokens["access_token"],
            "token_type": "DPoP" if grant.jkt else "Bearer",
            **tokens,
            "scope": grant.scope,
        }
        if "openid" in grant.scope.split():
            # OpenID Connect Core §12.2: a refreshed ID token should have no nonce.
            nonce = grant.nonce if form["grant_type"] == "authorization_code" else ""
            body["id_token"] = await self._id_token(grant, nonce)
        return body

    async def _access_token(self, grant: IssuedGrant) -> str:
        emulator = self._emulator
        if emulator.is_access:
            return new_token()
        if not emulator.has(Fault.JWT_ACCESS_TOKENS):
            return randomness.token_urlsafe(40)
        now = int(emulator.now())
        claims: dict[str, Any] = {
            "iss": emulator.issuer,
            "aud": emulator.resource_url,
            "sub": grant.user,
            "client_id": grant.client_id,
            "scope": grant.scope,
            "iat": now,
            "exp": now + emulator.grants.access_token_lifetime,
            "jti": randomness.token_urlsafe(12),
        }
        if grant.jkt:
            claims["cnf"] = {"jkt": grant.jkt}
        return await emulator.keys.sign(claims)

    async def _id_token(self, grant: IssuedGrant, nonce: str) -> str:
        """Return an ID token (OpenID Connect Core §2)."""
        now = int(self._emulator.now())
        claims: dict[str, Any] = {
            "iss": self._emulator.issuer,
            "aud": grant.client_id,
            "sub": grant.user.partition("@")[0],
            "email": grant.user,
            "iat": now,
            "exp": now + ID_TOKEN_LIFETIME,
        }
        if nonce:
            claims["nonce"] = nonce
        return await self._emulator.keys.sign(claims)


def _for_access(emulator: Emulator, tokens: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of Access: without a scope, and with the resource that the token is for."""
    body = {**tokens, "token_type": "bearer", "scope": "", "resource": emulator.resource_url}
    if emulator.has(Fault.HOSTILE_TEXT):
        body["message"] = HOSTILE_TEXT
    return body

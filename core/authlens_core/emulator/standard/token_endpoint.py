"""What a program asks without a browser: tokens, revocation, pushed requests, device logins."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator import randomness
from authlens_core.emulator.access.edge import NO_STORE, json_answer
from authlens_core.emulator.access.grants import AccessToken, IssuedGrant, OAuthRefusal, RegisteredClient, put
from authlens_core.emulator.answers import ClientCredentials, read_form
from authlens_core.emulator.profile import StandardFault
from authlens_core.emulator.standard.clients import DEVICE_GRANT, EmulatedClients
from authlens_core.emulator.standard.dpop import proof_key, with_nonce
from authlens_core.emulator.standard.state import ServerState

PUSHED_LIFETIME: Final = 60  # seconds


class StandardTokenEndpoint:
    """The endpoints at which a client authenticates; each raises `OAuthRefusal`."""

    def __init__(self, state: ServerState, clients: EmulatedClients) -> None:
        self._state = state
        self._clients = clients

    async def token(self, request: Request) -> Response:
        """Exchange a code, a device code or a refresh token for tokens."""
        form, client = await self._asked(request)
        jkt = proof_key(self._state, request)
        if self._state.needs_dpop and not jkt:
            raise OAuthRefusal("invalid_dpop_proof", "This server issues only tokens bound to a key")
        body = await self._tokens(form, client, jkt)
        return with_nonce(self._state, json_answer(body, headers=NO_STORE))

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009); a self-contained access token cannot be ended."""
        form, client = await self._asked(request)
        token = form.get("token", "")
        access = self._state.access_tokens.get(token)
        if access is not None and self._state.has(StandardFault.JWT_ACCESS_TOKENS):
            raise OAuthRefusal("unsupported_token_type", "JWT access tokens cannot be revoked")
        grant = self._state.refresh_tokens.get(token)
        # RFC 7009 §2.2: a token that is unknown, or another client's, gets 200 like any other.
        if grant is not None and grant.client_id == client.client_id:
            grant.alive = False
        if access is not None and access.grant.client_id == client.client_id:
            del self._state.access_tokens[token]
        return Response(b"", 200, dict(NO_STORE))

    async def push(self, request: Request) -> Response:
        """Store an authorization request (RFC 9126 §2)."""
        form, client = await self._asked(request)
        if "request_uri" in form:
            raise OAuthRefusal("invalid_request", "request_uri may not be pushed")
        described = client.client_id.startswith("http")  # the URL of its document
        if form.get("redirect_uri", "") not in client.redirect_uris and not described:
            raise OAuthRefusal("invalid_request", "The redirect URI is not registered for this client")
        reference = f"urn:ietf:params:oauth:request_uri:{randomness.token_urlsafe(24)}"
        kept = {name: value for name, value in form.items() if name != "client_secret"}
        expires_at = self._state.clock() + PUSHED_LIFETIME
        put(self._state.pushed, reference, (client.client_id, kept, expires_at))
        return json_answer({"request_uri": reference, "expires_in": PUSHED_LIFETIME}, 201, NO_STORE)

    async def device_authorization(self, request: Request) -> Response:
        """Start a device login (RFC 8628 §3.1)."""
        form, client = await self._asked(request)
        if DEVICE_GRANT not in client.grant_types:
            raise OAuthRefusal("unauthorized_client", "The client is not registered for the device grant")
        scope = self._state.granted_scope(form.get("scope", ""))
        device_code, login = self._state.start_device(client, scope)
        page = f"{self._state.issuer}/device"
        return json_answer(
            {
                "device_code": device_code,
                "user_code": login.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={login.user_code}",
                "expires_in": round(login.expires_at - self._state.clock()),
                "interval": login.interval,
            },
            headers=NO_STORE,
        )

    async def _asked(self, request: Request) -> tuple[dict[str, str], RegisteredClient]:
        """Return the form and the client that sent it, authenticated by the method it registered.

        Raises:
            OAuthRefusal: the body is not a form; invalid_client.
        """
        form = await read_form(request)
        asked = ClientCredentials.of(request, form)
        return form, asked.authenticate(await self._clients.find(asked.client_id))

    async def _tokens(self, form: dict[str, str], client: RegisteredClient, jkt: str) -> dict[str, Any]:
        state, nonce = self._state, ""
        match form.get("grant_type"):
            case "authorization_code":
                grant, code = state.redeem(form, client)
                nonce = code.nonce
            case "refresh_token":
                grant = state.refreshed(form.get("refresh_token", ""), client)
                # RFC 9449 §5: the refresh token of a public client is bound to the key, too.
                if grant.jkt != jkt:
                    raise OAuthRefusal("invalid_grant", "The refresh token is bound to another key")
            case str(kind) if kind == DEVICE_GRANT:
                grant = state.poll_device(form.get("device_code", ""), client)
            case _:
                raise OAuthRefusal("unsupported_grant_type", "grant_type is not supported")
        grant.jkt = jkt
        access_token = await self._access_token(grant)
        put(
            state.access_tokens, access_token, AccessToken(grant, state.clock() + state.access_token_lifetime)
        )
        grant.refresh_token = randomness.token_urlsafe(32)
        put(state.refresh_tokens, grant.refresh_token, grant)
        body = {
            "access_token": access_token,
            "token_type": "DPoP" if jkt else "Bearer",
            "expires_in": state.access_token_lifetime,
            "refresh_token": grant.refresh_token,
            "scope": grant.scope,
        }
        if "openid" in grant.scope.split():
            body["id_token"] = await self._id_token(grant, nonce)
        return body

    async def _access_token(self, grant: IssuedGrant) -> str:
        state = self._state
        if not state.has(StandardFault.JWT_ACCESS_TOKENS):
            return randomness.token_urlsafe(40)
        now = int(state.clock())
        claims: dict[str, Any] = {
            "iss": state.issuer,
            "aud": state.resource,
            "sub": grant.user,
            "client_id": grant.client_id,
            "scope": grant.scope,
            "iat": now,
            "exp": now + state.access_token_lifetime,
            "jti": randomness.token_urlsafe(12),
        }
        if grant.jkt:
            claims["cnf"] = {"jkt": grant.jkt}
        return await state.keys.sign(claims)

    async def _id_token(self, grant: IssuedGrant, nonce: str) -> str:
        """Return an ID token (OpenID Connect Core §2)."""
        now = int(self._state.clock())
        claims: dict[str, Any] = {
            "iss": self._state.issuer,
            "aud": grant.client_id,
            "sub": grant.user.partition("@")[0],
            "email": grant.user,
            "iat": now,
            "exp": now + 300,
        }
        if nonce:
            claims["nonce"] = nonce
        return await self._state.keys.sign(claims)

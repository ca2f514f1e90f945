"""The token endpoint of every profile (RFC 6749 §3.2): who asks, and for which grant."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qsl, unquote_plus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator.answers import NO_STORE, read_body
from authlens_lab.emulator.grants import Grants
from authlens_lab.emulator.issued import DEVICE_GRANT, IssuedGrant, OAuthRefusal, RegisteredClient
from authlens_lab.emulator.signed_tokens import unverified


class ClientCredentials(Unprinted, Struct, frozen=True):
    """Who a client says it is, by one of the methods of RFC 6749 §2.3.1."""

    client_id: str
    secret: str
    method: str

    @classmethod
    def of(cls, request: Request, form: Mapping[str, str]) -> Self:
        """Return what is in a Basic field, or else in the form."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with suppress(binascii.Error, ValueError):
                client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
                # RFC 6749 §2.3.1: both are encoded like form values before they are joined.
                return cls(unquote_plus(client_id), unquote_plus(secret), "client_secret_basic")
        if assertion := form.get("client_assertion", ""):
            # RFC 7521 §4.2: client_id may be left out, because the assertion names the client.
            named = str(unverified(assertion, "invalid_client")[1].get("sub", ""))
            return cls(form.get("client_id", named), assertion, "private_key_jwt")
        # A public client looks the same without a secret; `authenticate` compares with what is registered.
        return cls(form.get("client_id", ""), form.get("client_secret", ""), "client_secret_post")

    def authenticate(self, client: RegisteredClient) -> RegisteredClient:
        """Return the client, if these credentials are the registered ones.

        Raises:
            OAuthRefusal: invalid_client.
        """
        # A public client has nothing to show; that it names itself is all it can do.
        if client.auth_method != "none":
            same = hmac.compare_digest(self.secret.encode(), client.secret.encode())
            if client.auth_method != self.method or not same:
                raise OAuthRefusal("invalid_client", "Client authentication failed", 401)
        return client


class TokenEndpoint:
    """What a program asks without a browser; each method raises `OAuthRefusal`.

    A profile adds what is its own around these: its faults, the form of its tokens and of its answer.

    Args:
        find: returns the client with this id.
        by_key: authenticates a client that signs an assertion in the form; None where no client does.
    """

    def __init__(
        self,
        grants: Grants,
        find: Callable[[str], Awaitable[RegisteredClient]],
        by_key: Callable[[Mapping[str, str], RegisteredClient], RegisteredClient] | None = None,
    ) -> None:
        self._grants = grants
        self._find = find
        self._by_key = by_key

    async def asked(self, request: Request) -> tuple[dict[str, str], RegisteredClient]:
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
        client = await self._find(credentials.client_id)
        if self._by_key is not None and client.key is not None and credentials.method == client.auth_method:
            return form, self._by_key(form, client)
        return form, credentials.authenticate(client)

    def grant(
        self,
        form: Mapping[str, str],
        client: RegisteredClient,
        *,
        jkt: str = "",
        refuses_first_poll: bool = False,
    ) -> IssuedGrant:
        """Return the grant that a code, a refresh token or a device code stands for.

        Args:
            jkt: the thumbprint of the key that signed the proof of the request; empty without one.
            refuses_first_poll: whether the first poll of a device login gets slow_down.

        Raises:
            OAuthRefusal: unsupported_grant_type, or why there is no grant.
        """
        grant_type = form.get("grant_type", "")
        if grant_type not in self._grants.rules.grant_types:
            raise OAuthRefusal("unsupported_grant_type", "grant_type is not supported")
        if grant_type == DEVICE_GRANT:
            device_code = form.get("device_code", "")
            grant = self._grants.poll_device(device_code, client, refuses_first_poll=refuses_first_poll)
        elif grant_type == "refresh_token":
            grant = self._grants.refresh(form.get("refresh_token", ""), client, jkt=jkt)
        else:
            grant = self._grants.redeem(
                form.get("code", ""),
                client,
                redirect_uri=form.get("redirect_uri"),
                verifier=form.get("code_verifier", ""),
            )
        grant.jkt = jkt
        return grant

    def revoke(self, form: Mapping[str, str], client: RegisteredClient) -> Response:
        """End a token; an unknown token, or one of another client, gets the same answer (RFC 7009 §2.2)."""
        self._grants.revoke(form.get("token", ""), client)
        return Response(b"", 200, dict(NO_STORE))

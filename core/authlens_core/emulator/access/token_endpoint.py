"""The token and the revocation endpoint (RFC 6749 §3.2, 7009)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.access.account import Account
from authlens_core.emulator.access.edge import NO_STORE, json_answer
from authlens_core.emulator.access.faults import HOSTILE_TEXT, Fault
from authlens_core.emulator.access.grants import OAuthRefusal, RegisteredClient
from authlens_core.emulator.answers import ClientCredentials, read_form
from authlens_core.emulator.pages import page


class TokenEndpoint:
    """What a program talks to without a browser; each method raises `OAuthRefusal`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def token(self, request: Request) -> Response:
        if self._account.has(Fault.HTML_ERROR):
            return page("Error 500: Internal server error", status=500)
        form = await read_form(request)
        tokens = self._exchange(form, self._client(request, form))
        # As Access answers: no scope, and the resource that the token is for.
        body = {**tokens, "token_type": "bearer", "scope": "", "resource": self._account.resource}
        if self._account.has(Fault.HOSTILE_TEXT):
            body["message"] = HOSTILE_TEXT
        return json_answer(body, headers=NO_STORE)

    async def revoke(self, request: Request) -> Response:
        """End a token; an unknown token gets the same answer."""
        if self._account.has(Fault.NO_REVOCATION_ENDPOINT):
            return json_answer({"error": "not found"}, 404)
        if self._account.has(Fault.REVOCATION_UNAVAILABLE):
            return page("Service unavailable", status=503, headers={"retry-after": "30"})
        form = await read_form(request)
        client = self._client(request, form)
        if not form.get("token"):
            raise OAuthRefusal("invalid_request", "token is missing")
        self._account.grants.revoke(form["token"], client)
        return Response(b"", 200, dict(NO_STORE))

    def _client(self, request: Request, form: dict[str, str]) -> RegisteredClient:
        """Return the client that asks, by the method that it registered.

        Raises:
            OAuthRefusal: invalid_client.
        """
        asked = ClientCredentials.of(request, form)
        client = self._account.grants.client(asked.client_id)
        if client is None:
            words = "Client not found" if asked.client_id else "client_id is missing"
            raise OAuthRefusal("invalid_client", words, 401)
        return asked.authenticate(client)

    def _exchange(self, form: dict[str, str], client: RegisteredClient) -> dict[str, Any]:
        account = self._account
        if form.get("resource") and not account.covers(form["resource"]):
            raise OAuthRefusal("invalid_target", "The resource is not an application of this team")
        match form.get("grant_type"):
            case "authorization_code":
                if account.has(Fault.INVALID_GRANT):
                    raise OAuthRefusal("invalid_grant", "Authorization code expired")
                return account.grants.redeem(
                    form.get("code", ""),
                    client,
                    redirect_uri=form.get("redirect_uri", ""),
                    verifier=form.get("code_verifier", ""),
                )
            case "refresh_token":
                if account.has(Fault.EXPIRED_REFRESH_TOKEN):
                    raise OAuthRefusal("invalid_grant", "Refresh token expired")
                return account.grants.refresh(form.get("refresh_token", ""), client)
            case None | "":
                raise OAuthRefusal("invalid_request", "grant_type is missing")
            case _:
                raise OAuthRefusal("unsupported_grant_type", "grant_type is not supported")

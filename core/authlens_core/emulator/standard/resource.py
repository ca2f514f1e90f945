"""The protected resource: its metadata (RFC 9728), its challenges, and the token check of both profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.answers import NO_STORE, Answered, json_answer
from authlens_core.emulator.issued import AccessToken, OAuthRefusal
from authlens_core.emulator.ledger import Reason, What
from authlens_core.emulator.profile import Profile, StandardFault
from authlens_core.emulator.standard.proof_check import ProofReplayed, proof_key, with_nonce
from authlens_core.emulator.standard.server_state import ServerState
from authlens_core.emulator.standard.weakness import PublishedMember, Weakness

METADATA: Final = "/.well-known/oauth-protected-resource"


class Resource:
    """Lets requests with a good token in.

    Args:
        is_second: whether it is the other resource of the same server, for which others' tokens are not.
    """

    def __init__(self, state: ServerState, *, is_second: bool = False) -> None:
        self._state = state
        self._role = "second" if is_second else "resource"

    @property
    def _identifier(self) -> str:
        return f"{self._state.second_url}/" if self._role == "second" else self._state.resource

    @property
    def _origin(self) -> str:
        return self._state.second_url if self._role == "second" else self._state.resource_url

    async def metadata(self, request: Request) -> Response:
        """The resource metadata, at the place that the resource's path makes and at the root."""
        state = self._state
        suffix = request.path_params.get("suffix", "")
        path = "mcp" if state.profile is Profile.MCP else ""
        if state.has(StandardFault.NO_RESOURCE_METADATA, StandardFault.DEFAULT_PATHS):
            return json_answer({"error": "not_found"}, 404)
        if suffix not in ("", path):
            return json_answer({"error": "not_found"}, 404)
        if elsewhere := state.says(PublishedMember.REDIRECT, ""):
            return Response(b"", 302, {**NO_STORE, "location": elsewhere})
        document: dict[str, Any] = {
            "resource": state.says(PublishedMember.RESOURCE, self._identifier),
            "authorization_servers": [state.says(PublishedMember.SERVERS, state.issuer)],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "The emulator's resource",
        }
        if state.needs_dpop:
            document |= {
                "dpop_bound_access_tokens_required": True,
                "dpop_signing_alg_values_supported": ["ES256"],
            }
        return json_answer(document)

    async def generic(self, request: Request) -> Response:
        token = self.allowed(request)
        if self._state.origin is not None:
            return self._state.origin.answer(token.grant.user)
        body = {"message": f"Welcome, {token.grant.user}", "scope": token.grant.scope}
        return with_nonce(self._state, json_answer(body))

    def allowed(self, request: Request) -> AccessToken:
        """Return what the request's token stands for.

        Raises:
            Answered: no token, a bad one, one without its proof, or one without the scope.
        """
        scheme, _, access_token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "dpop"):
            raise Answered(self.challenge())
        access_token = access_token.strip()
        token = self._state.access_token(access_token)
        reason, facts = self._problem(request, token, access_token, bound=scheme.lower() == "dpop")
        user = "" if token is None else token.grant.user
        what = What.TOKEN_ACCEPTED if reason is None else What.TOKEN_REFUSED
        self._state.grants.ledger.note(what, at=self._role, user=user, reason=reason, token=access_token)
        if token is None or reason is not None:
            raise Answered(self.challenge(facts, 403 if reason is Reason.WRONG_SCOPE else 401))
        return token

    def _problem(
        self, request: Request, token: AccessToken | None, access_token: str, *, bound: bool
    ) -> tuple[Reason | None, dict[str, str]]:
        """Return why the token is refused, and what the challenge says of it."""
        state = self._state
        if token is None:
            return state.grants.why_refused(access_token), {"error": "invalid_token"}
        if self._is_for_another(token) and not state.lacks(Weakness.AUDIENCE_UNCHECKED):
            return Reason.WRONG_AUDIENCE, {"error": "invalid_token"}
        if state.lacks(Weakness.PROOF_UNCHECKED):
            return None, {}
        try:
            key = proof_key(state, request, access_token)
        except OAuthRefusal as error:
            replayed = isinstance(error, ProofReplayed)
            return Reason.PROOF_REPLAYED if replayed else Reason.WRONG_PROOF, {"error": error.error}
        if token.grant.jkt != (key if bound else ""):
            return Reason.NO_PROOF, {"error": "invalid_token"}
        if state.has(StandardFault.STEP_UP) and "write" not in token.grant.scope.split():
            return Reason.WRONG_SCOPE, {"error": "insufficient_scope", "scope": "read write"}
        return None, {}

    def _is_for_another(self, token: AccessToken) -> bool:
        """Return whether the server issued the token for another resource than this one."""
        return bool(token.grant.audience) and token.grant.audience != self._role

    def challenge(self, facts: Mapping[str, str] | None = None, status: int = 401) -> Response:
        """Return the refusal with its challenge (RFC 6750 §3, RFC 9728 §5.1)."""
        state, parameters = self._state, dict(facts or {})
        scheme = "DPoP" if state.needs_dpop else "Bearer"
        if not state.has(StandardFault.NO_RESOURCE_METADATA, StandardFault.DEFAULT_PATHS):
            path = "/mcp" if state.profile is Profile.MCP else ""
            place = f"{self._origin}{METADATA}{path}"
            parameters["resource_metadata"] = state.says(PublishedMember.CHALLENGE, place)
        if state.has(StandardFault.STEP_UP):
            parameters.setdefault("scope", "read")  # so that a client asks for too little at first
        if state.needs_dpop:
            parameters["algs"] = "ES256"
        text = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        headers = {**NO_STORE, "www-authenticate": f"{scheme} {text}".rstrip()}
        answer = json_answer({"error": parameters.get("error", "unauthorized")}, status, headers)
        return with_nonce(state, answer)

"""The protected resource of every profile but Access: its metadata (RFC 9728), challenges and token check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator.answers import NO_STORE, Answered, bite, json_answer, redirect
from authlens_lab.emulator.documents import resource_document
from authlens_lab.emulator.issued import AccessToken, OAuthRefusal
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.profile import Fault, Profile
from authlens_lab.emulator.server.proof_check import ProofReplayed, proof_key, with_nonce
from authlens_lab.emulator.weakness import PublishedMember, Weakness

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator


class TokenProblem(Struct, frozen=True):
    """Why a token is refused, and the error of the challenge."""

    reason: Reason
    error: str = "invalid_token"


class Resource:
    """Lets requests with a good token in.

    Args:
        is_second: whether it is the other resource of the same server, for which others' tokens are not.
    """

    def __init__(self, emulator: Emulator, *, is_second: bool = False) -> None:
        self._emulator = emulator
        self._role = "second" if is_second else "resource"

    @property
    def _origin(self) -> str:
        return self._emulator.second_url if self._role == "second" else self._emulator.resource_origin

    async def metadata(self, request: Request) -> Response:
        """Return the resource metadata, at the URL that the resource's path makes and at the root."""
        emulator = self._emulator
        bite(emulator, "resource")
        path = "mcp" if emulator.profile is Profile.MCP else ""
        # Other URLs have no document, so a client that takes any answer there for one shows it.
        if request.path_params.get("suffix", "") not in ("", path):
            return json_answer({"error": "not_found"}, 404)
        url = emulator.lesson.published_value(PublishedMember.REDIRECT, "")
        if url:
            return redirect(url)
        resource = f"{self._origin}/" if self._role == "second" else emulator.resource_url
        return json_answer(resource_document(emulator, resource))

    async def answer(self, request: Request) -> Response:
        grant = self.allowed(request).grant
        if self._emulator.origin is not None:
            return self._emulator.origin.answer(grant.user)
        body = {"message": f"Welcome, {grant.user}", "scope": grant.scope}
        return with_nonce(self._emulator, json_answer(body))

    def allowed(self, request: Request) -> AccessToken:
        """Return what the request's token stands for.

        Raises:
            Answered: no token, a bad one, one without its proof, or one without the scope.
        """
        scheme, _, access_token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "dpop"):
            raise Answered(self._challenge())
        access_token = access_token.strip()
        # A signed one is judged by itself, whatever the server remembers.
        self_contained = self._emulator.has(Fault.JWT_ACCESS_TOKENS)
        token = self._emulator.grants.access_token(access_token, self_contained=self_contained)
        problem = self._problem(request, token, access_token, bound=scheme.lower() == "dpop")
        self._emulator.ledger.note(
            What.TOKEN_ACCEPTED if problem is None else What.TOKEN_REFUSED,
            at=self._role,
            user="" if token is None else token.grant.user,
            reason=None if problem is None else problem.reason,
            token=access_token,
        )
        if token is None or problem is not None:
            raise Answered(self._challenge("invalid_token" if problem is None else problem.error))
        return token

    def _problem(
        self, request: Request, token: AccessToken | None, access_token: str, *, bound: bool
    ) -> TokenProblem | None:
        emulator = self._emulator
        if token is None:
            return TokenProblem(emulator.grants.why_refused(access_token))
        grant = token.grant
        is_for_another = bool(grant.audience) and grant.audience != self._role
        if is_for_another and not emulator.lesson.lacks(Weakness.AUDIENCE_UNCHECKED):
            return TokenProblem(Reason.WRONG_AUDIENCE)
        if emulator.lesson.lacks(Weakness.PROOF_UNCHECKED):
            return None
        try:
            key = proof_key(emulator, request, access_token)
        except ProofReplayed as error:
            return TokenProblem(Reason.PROOF_REPLAYED, error.error)
        except OAuthRefusal as error:
            return TokenProblem(Reason.WRONG_PROOF, error.error)
        # Both ways: a bound token without a proof, and a bearer token that someone sends as DPoP.
        if grant.jkt != (key if bound else ""):
            return TokenProblem(Reason.NO_PROOF)
        if emulator.has(Fault.STEP_UP) and "write" not in grant.scope.split():
            return TokenProblem(Reason.WRONG_SCOPE, "insufficient_scope")
        return None

    def _challenge(self, error: str = "") -> Response:
        """Return the refusal with its challenge (RFC 6750 §3, RFC 9728 §5.1)."""
        emulator = self._emulator
        is_short_of_scope = error == "insufficient_scope"
        parameters = {"error": error} if error else {}
        if is_short_of_scope:
            parameters["scope"] = "read write"
        if not emulator.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS):
            path = "/mcp" if emulator.profile is Profile.MCP else ""
            url = f"{self._origin}/.well-known/oauth-protected-resource{path}"
            parameters["resource_metadata"] = emulator.lesson.published_value(PublishedMember.CHALLENGE, url)
        if emulator.has(Fault.STEP_UP):
            parameters.setdefault("scope", "read")  # so that a client asks for too little at first
        if emulator.needs_dpop:
            parameters["algs"] = "ES256"
        text = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        scheme = "DPoP" if emulator.needs_dpop else "Bearer"
        headers = {**NO_STORE, "www-authenticate": f"{scheme} {text}".rstrip()}
        # RFC 6750 §3.1: insufficient_scope is the one refusal with 403.
        status = 403 if is_short_of_scope else 401
        return with_nonce(emulator, json_answer({"error": error or "unauthorized"}, status, headers))

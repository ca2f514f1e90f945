"""The protected resource: its metadata (RFC 9728), its challenges, its token check, and MCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import NO_STORE, Answered, json_answer, read_body
from authlens_lab.emulator.issued import AccessToken, OAuthRefusal
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.profile import Fault, Profile
from authlens_lab.emulator.standard.proof_check import ProofReplayed, proof_key, with_nonce
from authlens_lab.emulator.standard.server_state import ServerState
from authlens_lab.emulator.standard.weakness import PublishedMember, Weakness

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
        if state.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS):
            return json_answer({"error": "not_found"}, 404)
        # Other places have no document, so a client that takes any answer there for one shows it.
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
            # RFC 6750 §3.1: insufficient_scope is the one refusal with 403.
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
        # Both ways: a bound token without a proof, and a bearer token that someone sends as DPoP.
        if token.grant.jkt != (key if bound else ""):
            return Reason.NO_PROOF, {"error": "invalid_token"}
        if state.has(Fault.STEP_UP) and "write" not in token.grant.scope.split():
            return Reason.WRONG_SCOPE, {"error": "insufficient_scope", "scope": "read write"}
        return None, {}

    def _is_for_another(self, token: AccessToken) -> bool:
        """Return whether the server issued the token for another resource than this one."""
        return bool(token.grant.audience) and token.grant.audience != self._role

    def challenge(self, facts: Mapping[str, str] | None = None, status: int = 401) -> Response:
        """Return the refusal with its challenge (RFC 6750 §3, RFC 9728 §5.1)."""
        state, parameters = self._state, dict(facts or {})
        scheme = "DPoP" if state.needs_dpop else "Bearer"
        if not state.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS):
            path = "/mcp" if state.profile is Profile.MCP else ""
            document = f"{self._origin}{METADATA}{path}"
            parameters["resource_metadata"] = state.says(PublishedMember.CHALLENGE, document)
        if state.has(Fault.STEP_UP):
            parameters.setdefault("scope", "read")  # so that a client asks for too little at first
        if state.needs_dpop:
            parameters["algs"] = "ES256"
        text = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        headers = {**NO_STORE, "www-authenticate": f"{scheme} {text}".rstrip()}
        answer = json_answer({"error": parameters.get("error", "unauthorized")}, status, headers)
        return with_nonce(state, answer)


OLD: Final = "2025-11-25"
OLDER: Final = frozenset({OLD, "2025-06-18", "2025-03-26"})
NEW: Final = "2026-07-28"
# Error codes that MCP 2026-07-28 adds to those of JSON-RPC.
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
SERVER: Final = {"name": "authlens emulator", "version": "1"}
TOOL: Final = {"name": "whoami", "description": "Say who is logged in.", "inputSchema": {"type": "object"}}


class McpEndpoint:
    """Answers JSON-RPC at `/mcp`; in 2026-07-28 there is no session and no GET."""

    def __init__(self, state: ServerState, resource: Resource, stopping: asyncio.Event) -> None:
        self._state = state
        self._resource = resource
        self._stopping = stopping

    async def answer(self, request: Request) -> Response:
        if self._state.origin is not None:
            return self._state.origin.answer(self._resource.allowed(request).grant.user)
        if request.method != "POST":
            return self._not_posted(request)
        try:
            call = json.loads(await read_body(request))
        except (ValueError, RecursionError):
            call = None
        method = call.get("method") if isinstance(call, dict) else None
        opened = self._state.has(Fault.OPEN_INITIALIZE) and method in (
            "initialize",
            "notifications/initialized",
            "server/discover",
            "ping",
        )
        # Before the body is judged: what a stranger sent has no effect and no error of its own.
        user = "" if opened else self._resource.allowed(request).grant.user
        if not isinstance(call, dict) or not isinstance(method, str):
            return _error(None, -32700, "Parse error", 400)
        return self._called(request, call, method, user)

    def _not_posted(self, request: Request) -> Response:
        """GET opens the server's event stream in 2025-11-25; other methods end a session."""
        if self._state.has(Fault.GET_404):
            return json_answer({"error": "Not Found"}, 404)
        self._resource.allowed(request)
        if request.method == "GET" and self._state.has(Fault.ENDLESS_STREAM):
            return StreamingResponse(self._events(), media_type="text/event-stream")
        return Response(b"", 405, {"allow": "POST"})

    async def _events(self) -> AsyncIterator[bytes]:
        """Send a comment now and then until the emulator stops."""
        while not self._stopping.is_set():
            yield b": still here\n\n"
            try:
                # Not a sleep: an open stream would hold up the end of the emulator.
                await asyncio.wait_for(self._stopping.wait(), 1)
            except TimeoutError:
                continue

    def _called(self, request: Request, call: dict[str, Any], method: str, user: str) -> Response:
        number, params = call.get("id"), call.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        if version is not None:
            return self._stateless(request, call, str(version), user)
        if self._state.has(Fault.DISCOVER_ONLY) or method == "server/discover":
            return _error(number, -32602, "params._meta is missing the protocol version", 400)
        # A notification has no id, and gets no message in return (JSON-RPC 2.0 §4.1).
        if number is None:
            return Response(b"", 202)
        if method == "initialize":
            asked = params.get("protocolVersion") if isinstance(params, dict) else None
            result: dict[str, Any] = {
                "protocolVersion": asked if asked in OLDER else OLD,
                "capabilities": {"tools": {}},
                "serverInfo": SERVER,
            }
            return _result(number, result, {"mcp-session-id": randomness.token_hex(16)})
        return self._tools(number, method, user, {})

    def _stateless(self, request: Request, call: dict[str, Any], version: str, user: str) -> Response:
        """Answer a request of 2026-07-28, whose headers repeat its version and method."""
        number, method = call.get("id"), str(call["method"])
        if version != NEW:
            data = {"supported": [NEW], "requested": version}
            return _error(number, UNSUPPORTED_VERSION, "Unsupported protocol version", 400, data)
        repeated = {"mcp-protocol-version": version, "mcp-method": method}
        for name, value in repeated.items():
            # So that a proxy that routes by the header and a server that reads the body never disagree.
            if request.headers.get(name) != value:
                return _error(number, HEADER_MISMATCH, f"{name} does not match the body", 400)
        complete: dict[str, Any] = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        if method == "server/discover":
            return _result(
                number,
                {
                    **complete,
                    "supportedVersions": [NEW] if self._state.has(Fault.DISCOVER_ONLY) else [NEW, OLD],
                    "capabilities": {"tools": {}},
                    "_meta": {"io.modelcontextprotocol/serverInfo": SERVER},
                },
            )
        return self._tools(number, method, user, complete)

    def _tools(self, number: object, method: str, user: str, extra: dict[str, Any]) -> Response:
        if method == "tools/list":
            return _result(number, {**extra, "tools": [TOOL]})
        if method == "tools/call":
            content = [{"type": "text", "text": user}]
            extra = {"resultType": extra["resultType"]} if extra else {}
            return _result(number, {**extra, "content": content, "isError": False})
        if method == "ping" and not extra:
            return _result(number, {})
        # Since 2026-07-28 the status says what the error says.
        return _error(number, -32601, "Method not found", 404 if extra else 200)


def _result(number: object, result: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return json_answer({"jsonrpc": "2.0", "id": number, "result": result}, headers=headers)


def _error(number: object, code: int, message: str, status: int, data: object = None) -> Response:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return json_answer({"jsonrpc": "2.0", "id": number, "error": error}, status)

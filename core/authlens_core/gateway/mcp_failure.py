"""Why a request has no answer of the server, as a JSON-RPC error that a client can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.access.team import LOGIN_PATH
from authlens_core.errors import AuthlensError, LoginNeeded, Refused, ServerMisconfigured
from authlens_core.gateway.mcp_http import read_bounded
from authlens_core.gateway.mcp_message import McpMessage, MessageInvalid, parse_message
from authlens_core.gateway.refusal import login_command, reported
from authlens_core.oauth.challenge import parse_challenges
from authlens_core.oauth.insufficient_scope import (
    INSUFFICIENT_SCOPE,
    refusal_code,
    scope_union,
    scope_wanted,
)
from authlens_core.quick_dataclass import dataclass
from authlens_core.wire.streaming import StreamedResponse, StreamFailed

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603
# Our codes: this one less the exit code that a verb would end with, so a login that is needed is -32064.
_OURS: Final = -32060
_LARGEST_ERROR: Final = 256 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class McpFailure:
    """An error for the client: `code`, `message` and `data` of JSON-RPC 2.0 §5.1."""

    code: int
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


def failure_of(problem: AuthlensError | StreamFailed, url: str) -> McpFailure:
    """Return an error of ours; where a user has to log in, it names the command."""
    error = reported(problem)
    data: dict[str, Any] = {"exit_code": error.exit_code}
    message = f"authlens: {error.cause}"
    if isinstance(error, LoginNeeded):
        data["command"] = login_command(url)
        return McpFailure(_OURS - error.exit_code, f"{message} Ask the user to run: {data['command']}", data)
    if isinstance(error, Refused):
        data["command"] = login_command(url)  # a refused refresh ends with a login, too
    return McpFailure(_OURS - error.exit_code, f"{message} {error.cure}".strip(), data)


async def failure_of_answer(
    answer: StreamedResponse, url: str, request: McpMessage | None = None, granted: str | None = None
) -> McpFailure | None:
    """Return what is wrong with the status or the type of an answer, or None where it can be read.

    Args:
        request: what is answered; None for a notification, which has no body in its answer.
        granted: the scope of the credential that was sent.
    """
    if 300 <= answer.status < 400:
        return failure_of(_redirected(answer), url)
    challenges = parse_challenges(answer.get_all("www-authenticate"))
    if answer.status >= 400 and refusal_code(challenges) == INSUFFICIENT_SCOPE:
        return _too_small(url, scope_union(granted, scope_wanted(challenges)))
    if answer.status >= 400:
        return await _refused(answer)
    if request is not None and answer.status in (202, 204):
        return McpFailure(INVALID_REQUEST, "The server accepted the request but sent no response.")
    kind = answer.get("content-type").partition(";")[0].strip().lower()
    if request is not None and kind not in ("application/json", "text/event-stream"):
        shown = kind or "nothing"
        return failure_of(
            ServerMisconfigured(f"The server answered with {shown} but MCP requires JSON or events."), url
        )
    return None


def _too_small(url: str, scope: str) -> McpFailure:
    """Return the error that names the login with the scope that the server wants (RFC 6750 §3.1)."""
    command = login_command(url, scope)
    message = f"authlens: The server requires more scope than was granted. Ask the user to run: {command}"
    code = LoginNeeded.exit_code
    return McpFailure(_OURS - code, message, {"exit_code": code, "command": command})


def _redirected(answer: StreamedResponse) -> AuthlensError:
    location = answer.get("location")
    host = urlsplit(location).netloc or "another path"
    if LOGIN_PATH in location:
        return LoginNeeded(f"The server redirects to the login page at {host}.", "Log in again.")
    return ServerMisconfigured(
        f"The server redirects to {host}, where authlens does not send the credential.",
        "Use the final address.",
    )


async def _refused(answer: StreamedResponse) -> McpFailure:
    """Return the JSON-RPC error in the body of a 4xx or 5xx, or one that is made of the status."""
    if answer.get("content-type").lower().startswith("application/json"):
        try:
            (message,) = parse_message(await read_bounded(answer, _LARGEST_ERROR))
            error = message.body.get("error")
            if isinstance(error, dict) and isinstance(error.get("code"), int):
                data = error.get("data")
                words = str(error.get("message", ""))
                return McpFailure(error["code"], words, data if isinstance(data, dict) else {})
        except (MessageInvalid, ValueError):
            pass
    if answer.status in (404, 405):
        return McpFailure(METHOD_NOT_FOUND, f"The server answered {answer.status}.")
    return McpFailure(INTERNAL_ERROR, f"The server answered {answer.status}.")

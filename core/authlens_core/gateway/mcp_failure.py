"""Why a request has no answer of the server, as a JSON-RPC error that a client can show."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.refusal import ProxyRefusal, login_command, of_error
from authlens_core.gateway.signed_stream import OWNER, redirect_refused
from authlens_core.grammars.json_rpc import (
    INTERNAL_ERROR,
    LONGEST,
    METHOD_NOT_FOUND,
    NotJsonRpc,
    RequestId,
    error_in,
    error_line,
    read_message,
)
from authlens_core.values.check import ErrorCode
from authlens_core.values.errors import LoginNeeded, ServerMisconfigured
from authlens_core.values.exchange import JSON_TYPE
from authlens_core.values.formats.challenge import (
    is_plain,
    parse_challenges,
    refusal_code,
    scope_union,
    scope_wanted,
)
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.wire.streaming import StreamedResponse

# Our codes: this one less the exit code that a verb would end with, so a login that is needed is -32064.
_OURS: Final = -32060
# A client may act on our codes, for example show the user the command in `data`: no server may use them.
_RESERVED: Final = range(_OURS - 19, _OURS + 1)


class McpFailure(Exception):
    """An error for the client: `code`, `message` and `data` of JSON-RPC 2.0 §5.1.

    Attributes:
        note: what the user is shown of it; the words of a server are short, and in quotes.
    """

    def __init__(self, code: int, message: str, data: Any = None, note: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.note = note or message

    def line(self, request_id: RequestId | None) -> bytes:
        """Return the response to a request."""
        return error_line(request_id, self.code, self.message, self.data)


def failure_of(problem: Exception, url: str) -> McpFailure:
    """Return any error as one for the client; where a user has to log in, it names the command."""
    return problem if isinstance(problem, McpFailure) else _failure_of_refusal(of_error(problem, url))


def _failure_of_refusal(refusal: ProxyRefusal) -> McpFailure:
    todo = f"Ask the user to run: {refusal.command}" if refusal.command else refusal.cure
    code = _OURS - refusal.exit_code if refusal.exit_code else INTERNAL_ERROR
    data = {"exit_code": refusal.exit_code} | ({"command": refusal.command} if refusal.command else {})
    return McpFailure(code, f"authlens: {refusal.cause} {todo}".strip(), data)


def in_json_rpc(refusal: ProxyRefusal, held: bytes) -> bytes | None:
    """Return a refusal of the proxy as the response to the request in `held`; None where none is there.

    Args:
        held: the body of the client's request.
    """
    with suppress(NotJsonRpc):
        message = read_message(held)
        return _failure_of_refusal(refusal).line(message.request_id) if message.is_request else None
    return None


def failure_of_error(error: Mapping[str, Any]) -> McpFailure:
    """Return the server's error as ours to write; a code of ours becomes another one."""
    code, message = error["code"], error["message"]
    # With a code of ours, a server could make a client show the user a command of its choice.
    if code in _RESERVED:
        cause = "The server answered with an error code that is reserved for authlens."
        return McpFailure(INTERNAL_ERROR, cause, {"server_error": error})
    quoted = safe_line(message.replace("”", "'"), NAME)
    note = f"error {code}, with the server's words “{quoted}”"
    return McpFailure(code, message, error.get("data"), note)


async def require_success(answer: StreamedResponse, credential: RequestCredential) -> None:
    """Return if the status of an answer is that of a success.

    Raises:
        AuthlensError, McpFailure: it is not.
    """
    if answer.status < 300:
        return
    # Not followed: the body of a POST with a credential would go to an address that no one approved.
    if answer.status < 400:
        raise redirect_refused(answer.get("location"), credential.url)
    challenges = parse_challenges(answer.get_all("www-authenticate"))
    if refusal_code(challenges) == ErrorCode.INSUFFICIENT_SCOPE:
        scope = scope_union(credential.granted_scope, scope_wanted(challenges))
        raise _scope_missing(credential.url, scope)
    raise await _refused(answer)


def _scope_missing(url: str, scope: str) -> McpFailure:
    """Return the error that names the login with the scope that the server wants (RFC 6750 §3.1)."""
    cause, command = "The server requires more scope than was granted.", login_command(url, scope)
    # The words come from the server and would be copied into a shell.
    if scope and not is_plain(scope):
        cause += " Its name cannot be part of a command: press t in the app to request it."
        command = f"authlens {shlex.quote(url)}"
    return _failure_of_refusal(
        ProxyRefusal(0, "", cause=cause, cure="", exit_code=LoginNeeded.exit_code, command=command)
    )


async def _refused(answer: StreamedResponse) -> McpFailure:
    """Return the JSON-RPC error in the body of a 4xx or 5xx, or one that is made of the status."""
    error = error_in(await body_of(answer)) if answer.media_type == JSON_TYPE else None
    if error is not None:
        return failure_of_error(error)
    if answer.status not in (404, 405):
        return McpFailure(INTERNAL_ERROR, f"The server answered {answer.status}.")
    return McpFailure(
        METHOD_NOT_FOUND,
        f"The server answered {answer.status}. Either it has ended the session: connect again. "
        "Or it has no streamable HTTP at this URL.",
    )


async def body_of(answer: StreamedResponse) -> bytearray:
    """Return the body of an answer that is not a stream.

    Raises:
        ServerMisconfigured: it is too large.
        StreamFailed: it broke off.
    """
    body = bytearray()
    async for chunk in answer.body:
        body += chunk
        if len(body) > LONGEST:
            raise ServerMisconfigured("The server sent a message that is too large to hold.", OWNER)
    return body.removeprefix(b"\xef\xbb\xbf")  # a byte order mark is ignored (RFC 8259 §8.1)

"""Why a request has no answer of the server, as a JSON-RPC error that a client can show."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final
from urllib.parse import urljoin

from msgspec import Struct

from authlens_core.diagnosis.answer import leads_to_login
from authlens_core.gateway.mcp_http import BodyTooLarge, media_type_of, read_bounded
from authlens_core.gateway.refusal import ProxyRefusal, login_command, of_error, proxy_command
from authlens_core.grammars.json_rpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    JsonRpcMessage,
    MessageKind,
    NotJsonRpc,
    error_in,
    error_line,
    read_messages,
)
from authlens_core.oauth.discovery.challenge import (
    is_plain,
    parse_challenges,
    refusal_code,
    scope_union,
    scope_wanted,
)
from authlens_core.oauth.mcp import EVENT_STREAM
from authlens_core.values.check import ErrorCode
from authlens_core.values.errors import AuthlensError, LoginNeeded, Refused, ServerMisconfigured, TimedOut
from authlens_core.values.exchange import JSON_TYPE
from authlens_core.values.fix import LOG_IN_AGAIN
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.url import Url, UrlRefused, parse_url
from authlens_core.wire.streaming import StreamedResponse, StreamFailed

# Our codes: this one less the exit code that a verb would end with, so a login that is needed is -32064.
_OURS: Final = -32060
TIMED_OUT: Final = _OURS - TimedOut.exit_code
# A client may act on our codes, for example show the user the command in `data`: no server may use them.
_RESERVED: Final = range(_OURS - 19, _OURS + 1)
_LARGEST_ERROR: Final = 256 * 1024  # bytes
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})  # RFC 9110 §15.4: those with a Location to follow
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")


class McpFailure(Struct, frozen=True):
    """An error for the client: `code`, `message` and `data` of JSON-RPC 2.0 §5.1.

    Attributes:
        by_server: whether the message is the server's own; then it is text from outside.
    """

    code: int
    message: str
    data: Any = None
    by_server: bool = False

    @property
    def in_a_note(self) -> str:
        """What the user is shown of it: the words of a server are short, and in quotes."""
        if not self.by_server:
            return self.message
        words = safe_line(self.message.replace("”", "'"), NAME)
        return f"error {self.code}, with the server's words “{words}”"


def failure_of(problem: AuthlensError | StreamFailed, url: str) -> McpFailure:
    """Return an error of ours; where a user has to log in, it names the command."""
    failure = _failure_of_refusal(of_error(problem, url))
    if isinstance(problem, Refused):
        failure.data["command"] = login_command(url)  # a refused refresh ends with a login, too
    return failure


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
    try:
        messages = read_messages(held) if held.lstrip()[:1] == b"{" else ()
    except NotJsonRpc:
        return None
    for message in messages:
        if isinstance(message, JsonRpcMessage) and message.kind is MessageKind.REQUEST:
            failure = _failure_of_refusal(refusal)
            return error_line(message.request_id, failure.code, failure.message, failure.data)
    return None


def not_an_endpoint(url: str, status: int) -> McpFailure:
    """Return the error where the server takes no `initialize` at `url`, as one with HTTP+SSE (2024-11-05)."""
    words = (
        f"authlens: The server answered {status}. Check that the URL is its MCP endpoint. If it uses "
        f"the older transport of MCP, HTTP+SSE, run: {proxy_command(url)}     and give the URL it prints "
        "to a client with this transport."
    )
    code = ServerMisconfigured.exit_code
    return McpFailure(_OURS - code, words, {"exit_code": code, "command": proxy_command(url)})


def failure_of_error(message: JsonRpcMessage) -> McpFailure:
    """Return the error in a message of the server as ours to write; a code of ours becomes another one."""
    error = message.body["error"]
    # With a code of ours, a server could make a client show the user a command of its choice.
    if error["code"] in _RESERVED:
        words = "The server answered with an error code that is reserved for authlens."
        return McpFailure(INTERNAL_ERROR, words, {"server_error": error})
    return McpFailure(error["code"], error["message"], error.get("data"), by_server=True)


async def failure_of_answer(
    answer: StreamedResponse, url: str, request: JsonRpcMessage | None = None, granted: str | None = None
) -> McpFailure | None:
    """Return what is wrong with the status or the type of an answer, or None where it can be read.

    Args:
        request: what is answered; None for a notification, which has no body in its answer.
        granted: the scope of the credential that was sent.
    """
    # Not followed: the body of a POST with a credential would go to an address that no one approved.
    if answer.status in _REDIRECTS:
        return failure_of(_redirected(answer, url), url)
    challenges = parse_challenges(answer.get_all("www-authenticate"))
    if answer.status >= 400 and refusal_code(challenges) == ErrorCode.INSUFFICIENT_SCOPE:
        return _too_small(url, scope_union(granted, scope_wanted(challenges)))
    if answer.status >= 300:
        return await _refused(answer)
    if request is not None and answer.status in (202, 204):
        # 202 is for notifications alone; a request that got it would wait for an answer that never comes.
        return McpFailure(INVALID_REQUEST, "The server accepted the request but sent no response.")
    kind = media_type_of(answer)
    if request is not None and kind not in (JSON_TYPE, EVENT_STREAM):
        shown = kind if _MEDIA_TYPE.fullmatch(kind) else "no known media type"
        return failure_of(
            ServerMisconfigured(f"The server answered with {shown} but MCP requires JSON or events."), url
        )
    return None


def _too_small(url: str, scope: str) -> McpFailure:
    """Return the error that names the login with the scope that the server wants (RFC 6750 §3.1)."""
    cause = "authlens: The server requires more scope than was granted"
    command = login_command(url, scope)
    message = f"{cause}. Ask the user to run: {command}"
    # The words come from the server and would be copied into a shell.
    if scope and not is_plain(scope):
        command = f"authlens {shlex.quote(url)}"
        ask = f"Ask the user to run: {command}     and to press t."
        message = f"{cause}, and the scope is not made of plain words. {ask}"
    code = LoginNeeded.exit_code
    return McpFailure(_OURS - code, message, {"exit_code": code, "command": command})


def _redirected(answer: StreamedResponse, url: str) -> AuthlensError:
    target = _target(answer.get("location"), url)
    if target is None:
        return ServerMisconfigured(
            "The server redirects to an address that authlens does not use.",
            "Only the server's owner can correct it.",
        )
    # The grant has ended at Access, which says so only by its login page.
    if leads_to_login(target.text):
        return LoginNeeded(f"The server redirects to the login page at {target.authority}.", LOG_IN_AGAIN)
    elsewhere = target.origin != parse_url(url, loopback_http=True).origin
    return ServerMisconfigured(
        f"The server redirects to {target.authority if elsewhere else 'another path'}, "
        "where authlens does not send the credential.",
        "Use the final address.",
    )


def _target(location: str, url: str) -> Url | None:
    """Return where a `Location` leads, or None where it is not a URL that every reader reads alike."""
    try:
        return parse_url(urljoin(url, location.partition("#")[0]), loopback_http=True) if location else None
    except (UrlRefused, ValueError):
        return None


async def _refused(answer: StreamedResponse) -> McpFailure:
    """Return the JSON-RPC error in the body of a 3xx, 4xx or 5xx, or one that is made of the status."""
    if media_type_of(answer) == JSON_TYPE:
        try:
            error = error_in(await read_bounded(answer, _LARGEST_ERROR))
        except BodyTooLarge:
            error = None
        if error is not None:
            return failure_of_error(error)
    if answer.status in (404, 405):
        return McpFailure(METHOD_NOT_FOUND, f"The server answered {answer.status}.")
    return McpFailure(INTERNAL_ERROR, f"The server answered {answer.status}.")

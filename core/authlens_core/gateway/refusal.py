"""What a client of the proxy is answered where its request does not reach the resource."""

from __future__ import annotations

import json
import shlex
from typing import Final

from msgspec import Struct

from authlens_core.gateway.forwarding import OWN_FIELDS
from authlens_core.gateway.signed_stream import SendAgain
from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NetworkFailure,
    NoSecretStore,
    Refused,
    ServerMisconfigured,
    TimedOut,
)
from authlens_core.values.exchange import FailureKind
from authlens_core.wire.streaming import StreamFailed

# For a client that was given the address as its `http_proxy`.
ASK_AT_ITS_URL: Final = "Ask at the URL that authlens proxy printed, as at a server: it is no HTTP proxy."


class ProxyRefusal(Struct, frozen=True):
    """An answer of the proxy itself.

    Attributes:
        exit_code: what a verb would end with for the same reason; 0 where there is none.
        command: what a user has to run, or the empty string.
        allow: the methods that are allowed, where that is what was wrong.
    """

    status: int
    code: str
    cause: str
    cure: str = ""
    exit_code: int = 0
    command: str = ""
    allow: bytes = b""

    @property
    def body(self) -> bytes:
        """The answer in JSON, ASCII only."""
        facts = {
            "error": self.code,
            "cause": self.cause,
            "cure": self.cure,
            "command": self.command,
            "exit_code": self.exit_code,
        }
        # ASCII: a client may read the body in any encoding.
        return json.dumps({name: value for name, value in facts.items() if value}).encode("ascii")

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        return self.fields_of(len(self.body))

    def fields_of(self, length: int) -> list[tuple[bytes, bytes]]:
        """Return the header fields of an answer with a body of so many bytes."""
        return [
            (b"content-type", b"application/json"),
            (b"content-length", str(length).encode()),
            (b"cache-control", b"no-store"),
            *([(b"allow", self.allow)] if self.allow else []),
            *OWN_FIELDS,
        ]


# 503 where the same request can work later, 502 and 504 where the resource is at fault (RFC 9110 §15.6).
_STATUS: tuple[tuple[type[AuthlensError], int, str], ...] = (
    (LoginNeeded, 503, "login_needed"),
    (SendAgain, 503, "send_again"),
    (Refused, 502, "refused"),
    (TimedOut, 504, "timed_out"),
    (NetworkFailure, 502, "network"),
    (ServerMisconfigured, 502, "bad_answer"),
    (NoSecretStore, 503, "no_secret_store"),
)


def login_command(url: str, scope: str = "") -> str:
    """Return what a user has to run to log in to `url`, with this scope if one is given."""
    return f"authlens login {shlex.quote(url)}" + (f" --scope {shlex.quote(scope)}" if scope else "")


def of_error(problem: Exception, url: str) -> ProxyRefusal:
    """Return the answer to a request for the resource at `url` that went wrong, for whatever reason."""
    if isinstance(problem, TimeoutError):
        problem = TimedOut("There was no answer in time.", "Send the request again later.")
    elif isinstance(problem, StreamFailed):
        kind = TimedOut if problem.failure.kind is FailureKind.TIMEOUT else NetworkFailure
        problem = kind(problem.failure.cause, problem.failure.cure)
    elif not isinstance(problem, AuthlensError):
        # No more than the type: its message may quote a header field with the credential.
        cause = f"An unexpected error: {type(problem).__name__}."
        return ProxyRefusal(500, "failed", cause, "Please report it: authlens --version")
    rows = (row for row in _STATUS if isinstance(problem, row[0]))
    _, status, code = next(rows, (AuthlensError, 502, "failed"))
    command = login_command(url) if isinstance(problem, LoginNeeded) else ""
    return ProxyRefusal(
        status,
        code,
        cause=problem.cause,
        cure=str(problem.cure),
        exit_code=problem.exit_code,
        command=command,
    )

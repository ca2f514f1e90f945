"""`authlens curl` as proxy and bridge treat a request: a credential that is refused is renewed once.

What curl shows is passed on. Beside it, an answer that stands for a refusal gets its cause in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.lifecycle.probe_call import probe_result
from authlens_core.credentials.lifecycle.request_credential import RequestCredential, refuses_token
from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.diagnosis.answer import classify
from authlens_core.diagnosis.protection import Protection, Trait
from authlens_core.gateway.curl.curl_call import call_with
from authlens_core.gateway.curl.curl_run import CurlEnd, run_curl
from authlens_core.gateway.signed_stream import SendAgain, refused_for_good
from authlens_core.grammars.curl_options import CurlOption
from authlens_core.grammars.curl_request import is_repeatable, method_of, shows_answer
from authlens_core.values.errors import AuthlensError, LoginNeeded, NetworkFailure, Refused, TimedOut
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.secret import Body
from authlens_core.values.stage import Stage

# What these codes of curl mean in ours (docs/cmdline-opts of curl 8.14.1, EXIT CODES): name, connection, TLS,
# proxy, or a connection that broke; and nothing in time.
_NETWORK: Final = frozenset(
    {*(5, 6, 7, 16, 18, 35, 52, 53, 54, 55, 56, 58, 59, 60, 66, 77, 80, 82, 83, 90, 91), *(92, 95, 96, 97)}
)
_TIMED_OUT: Final = 28
_HTTP_ERROR: Final = 22  # with --fail
# What the resource itself says, or the way to it: this may be the answer that was asked for.
_ANSWERS: Final = frozenset({Protection.FORBIDDEN, Protection.BASIC, Protection.ORIGIN_DOWN})
_LOGIN_PATH: Final = re.compile(r"/(log-?in|sign-?in|sso|saml|oauth2?|authorize)(/|\?|$)", re.IGNORECASE)


class CurlOutcome(Struct, frozen=True):
    """How a request by curl ended.

    Attributes:
        code: the exit code to end with: curl's, or ours where it means the network or a refusal.
        problem: what to tell the user, or None.
        line_open: whether what curl wrote ends within a line.
    """

    code: int
    problem: AuthlensError | None = None
    line_open: bool = False


class AuthorizedCurl:
    """One request by curl with a fresh credential, repeated where that can help.

    Args:
        options: the user's, checked.
        path: where curl is.
        note: shows the user one sentence.
    """

    def __init__(
        self, source: RequestCredential, options: Sequence[CurlOption], path: str, note: Callable[[str], None]
    ) -> None:
        self._source = source
        self._options = options
        self._path = path
        self._note = note
        self._method = method_of(options)
        self._repeatable = is_repeatable(options)
        self._renewed = False
        self._with_nonce = False
        self._send_again = False

    async def run(self) -> CurlOutcome:
        """Send the request.

        Raises:
            UsageError: something cannot be handed to curl.
            LoginNeeded: a user has to log in.
            AuthlensError: as `RequestCredential.fields`.
        """
        started_at = datetime.now(UTC)
        credential = await self._source.fields()
        for attempt in count():
            fields = credential.signed(self._method, self._source.url)
            call = call_with(fields, self._options, self._source.url, self._path)
            if call.note and attempt == 0:
                self._note(call.note)
            end = await run_curl(call, partial(self._other, credential))
            if end.following is None:
                break
            credential = end.following
        return replace(self._outcome(end, started_at), line_open=end.line_open)

    async def _other(self, sent: CredentialHeaders, head: Response) -> CredentialHeaders | None:
        """Return the credential with which to send the request again, or None."""
        wants_nonce = sent.learn(self._source.url, head)
        if not refuses_token(head):
            self._source.accepted(sent)
            return None
        if wants_nonce and not self._with_nonce and self._repeatable:
            self._with_nonce = True
            self._note("The resource wants its newest nonce in the proof (DPoP): sent again with it.")
            return sent
        if wants_nonce and not self._repeatable:
            self._send_again = True
            return None
        if self._renewed:
            self._source.refused(sent)
            return None
        self._renewed = True
        other = await self._source.renewed(sent)
        if other is None:
            return None
        if not self._repeatable:
            self._send_again = True
            return None
        self._with_nonce = False
        self._note("The resource refused the access token: renewed it and sent the request again.")
        return other

    def _outcome(self, end: CurlEnd, started_at: datetime) -> CurlOutcome:
        if end.head is None or end.code not in (0, _HTTP_ERROR):
            return _without_answer(end)
        if self._send_again and refuses_token(end.head):
            return CurlOutcome(NetworkFailure.exit_code, SendAgain())
        problem, is_answer = self._refusal(end.head, end.start, started_at)
        if problem is None or is_answer or shows_answer(self._options):
            return CurlOutcome(end.code, problem)
        return CurlOutcome(problem.exit_code, problem)

    def _refusal(
        self, head: Response, start: bytes, started_at: datetime
    ) -> tuple[AuthlensError | None, bool]:
        """Return what the answer refuses, and whether it may be the answer that was wanted all the same."""
        if self._renewed and refuses_token(head):
            return refused_for_good(self._source.url), False
        exchange = self._exchange(head, start, started_at)
        kind = classify(exchange).protection
        if kind is Protection.REDIRECT_ELSEWHERE and _is_login(head.headers.get("location") or ""):
            cause = "The resource redirects to a login page, so it does not take the credential."
            return Refused(cause, refused_for_good(self._source.url).cure), False
        if not (kind.has(Trait.REFUSES_CREDENTIAL) or kind.has(Trait.AT_THE_EDGE) or head.status == 401):
            return None, True
        said = probe_result(exchange, RecordBuilder(Stage.PROBE, self._source.url, started_at), "credential")
        return Refused(said.said, said.cure), kind in _ANSWERS

    def _exchange(self, head: Response, start: bytes, started_at: datetime) -> Exchange:
        # With a field of the credential's name, because what a refusal means depends on it.
        sent = Request(self._method, self._source.url, Headers((("Authorization", "Bearer -"),)))
        response = Response(head.status, head.reason, head.headers, Body(start))
        return Exchange(sent, response, None, started_at, 0.0, purpose=Purpose.CREDENTIAL)


async def send_openly(
    url: str, options: Sequence[CurlOption], path: str, nothing: LoginNeeded
) -> CurlOutcome:
    """Send one request by curl without a credential, to a resource that needs none.

    Args:
        nothing: the outcome, if this request is refused for want of a credential.

    Raises:
        UsageError: something cannot be handed to curl.
    """

    async def as_it_is(_head: Response) -> None:
        return None

    end = await run_curl(call_with((), options, url, path), as_it_is)
    if end.head is not None and refuses_token(end.head):
        return CurlOutcome(nothing.exit_code, nothing, end.line_open)
    return _without_answer(end)


def _without_answer(end: CurlEnd) -> CurlOutcome:
    """Return the outcome by curl's own code, which is handed on where it is not about the network."""
    if end.code not in _NETWORK and end.code != _TIMED_OUT:
        return CurlOutcome(end.code)
    in_time = end.code != _TIMED_OUT
    why = "could not reach the resource" if in_time else "got no answer in time"
    kind = NetworkFailure if in_time else TimedOut
    words = f"curl {why} (its exit code {end.code})."
    return CurlOutcome(
        kind.exit_code, kind(words, "Check the address and the network. With -sS, curl says more.")
    )


def _is_login(location: str) -> bool:
    return _LOGIN_PATH.search(location.partition("?")[0]) is not None

"""`authlens curl` as proxy and bridge treat a request: a credential that is refused is renewed once.

What curl shows is passed on. Beside it, an answer that stands for a refusal gets its cause in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Final

from authlens_core.credentials.inventory.request_headers import CredentialHeaders
from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.lifecycle.probe_call import probe_result
from authlens_core.credentials.records.grant import utc_now
from authlens_core.diagnosis.answer import classify
from authlens_core.diagnosis.protection import Protection, Trait
from authlens_core.gateway.curl.curl_call import call_with
from authlens_core.gateway.curl.curl_run import CurlEnd, run_curl
from authlens_core.gateway.forwarding import refuses_token
from authlens_core.gateway.request_credential import RequestCredential
from authlens_core.gateway.signed_stream import SendAgain, refused_for_good
from authlens_core.grammars.curl_options import CurlOption
from authlens_core.grammars.curl_request import is_repeatable, method_of, shows_answer
from authlens_core.trace.record import Stage
from authlens_core.values.errors import AuthlensError, NetworkFailure, Refused, TimedOut
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body

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


@dataclass(frozen=True, slots=True)
class CurlOutcome:
    """How a request by curl ended.

    Attributes:
        code: the exit code to end with: curl's, or ours where it means the network or a refusal.
        problem: what to tell the user, or None.
    """

    code: int
    problem: AuthlensError | None = None


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
        started_at = utc_now()
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
        return self._outcome(end, started_at)

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
        if end.code in _NETWORK or end.code == _TIMED_OUT:
            in_time = end.code != _TIMED_OUT
            why = "could not reach the resource" if in_time else "got no answer in time"
            kind = NetworkFailure if in_time else TimedOut
            words = f"curl {why} (its exit code {end.code})."
            return CurlOutcome(kind.exit_code, kind(words, "See what curl wrote, with -sS."))
        if end.head is None or end.code not in (0, _HTTP_ERROR):
            return CurlOutcome(end.code)
        if self._send_again and refuses_token(end.head):
            return CurlOutcome(end.code or NetworkFailure.exit_code, SendAgain())
        problem, is_answer = self._refusal(end.head, end.start, started_at)
        if problem is None or end.code or is_answer or shows_answer(self._options):
            return CurlOutcome(end.code, problem)
        return CurlOutcome(problem.exit_code, problem)

    def _refusal(
        self, head: Response, start: bytes, started_at: datetime
    ) -> tuple[AuthlensError | None, bool]:
        """Return what the answer refuses, and whether it may be the answer that was wanted all the same."""
        if self._renewed and refuses_token(head):
            return refused_for_good(self._source.url), False
        # With a field of the credential's name, because what a refusal means depends on it.
        sent = Request(self._method, self._source.url, Headers((("Authorization", "Bearer -"),)))
        response = Response(head.status, head.reason, head.headers, Body(start))
        exchange = Exchange(sent, response, None, started_at, 0.0, purpose=Purpose.CREDENTIAL)
        kind = classify(exchange).protection
        if kind is Protection.REDIRECT_ELSEWHERE and _is_login(head.headers.get("location") or ""):
            cause = "The resource redirects to a login page, so it does not take the credential."
            return Refused(cause, refused_for_good(self._source.url).cure), False
        if not (kind.has(Trait.REFUSES_CREDENTIAL) or kind.has(Trait.AT_THE_EDGE) or head.status == 401):
            return None, True
        said = probe_result(exchange, RecordBuilder(Stage.PROBE, self._source.url, started_at), "credential")
        return Refused(said.summary, said.cure), kind in _ANSWERS


def _is_login(location: str) -> bool:
    return _LOGIN_PATH.search(location.partition("?")[0]) is not None

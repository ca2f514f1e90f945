"""`authlens curl` as proxy and bridge treat a request: a credential that is refused is renewed once.

curl runs with the heads of answers read before the rest. What it shows is passed on. Beside it, an answer
that stands for a refusal gets its cause in words.

"""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import BinaryIO, Final

from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.lifecycle.probe_call import probe_result
from authlens_core.credentials.lifecycle.request_credential import RequestCredential, refuses_token
from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.diagnosis.answer import classify
from authlens_core.diagnosis.protection import Protection, Trait
from authlens_core.gateway.curl.curl_call import CurlCall, call_with
from authlens_core.gateway.signed_stream import SendAgain, refused_for_good
from authlens_core.grammars.curl_header import HeadReader
from authlens_core.grammars.curl_options import CurlOption
from authlens_core.grammars.curl_request import is_repeatable, method_of, shows_answer
from authlens_core.values.check import Layer
from authlens_core.values.errors import AuthlensError, LoginNeeded, NetworkFailure, Refused, TimedOut
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body
from authlens_core.values.stage import Stage

_CHUNK: Final = 64 * 1024
_STDOUT: Final = 1
_START: Final = 16 * 1024  # bytes in which a page of an error says what it is
_NOT_WRITTEN: Final = 23  # curl's code for output that cannot be written
# Bytes of the output that are held: a curl that flushes no heads (before 7.83) is not waited for longer.
_MOST_HELD: Final = 1024 * 1024

# Given the head of an answer, the credential to send the request again with, or None.
Again = Callable[[Response], Awaitable[CredentialHeaders | None]]


@dataclass(frozen=True, slots=True)
class CurlEnd:
    """How a call of curl ended.

    Attributes:
        code: its exit code, or 128 + the number of the signal that ended it.
        head: status and fields of its answer; None where none came.
        following: the credential to send the request again with; its output was not passed on then.
        start: the first bytes of the output, where curl did not keep it for itself.
        line_open: whether the output that was passed on ends within a line.
    """

    code: int
    head: Response | None
    following: CredentialHeaders | None = None
    start: bytes = b""
    line_open: bool = False


async def run_curl(
    call: CurlCall, again: Again, hides: Callable[[Response], bool] = lambda _head: False
) -> CurlEnd:
    """Run curl, and pass its output on unless `again` returns a credential for the head of its answer.

    Args:
        again: decides while curl waits; a credential ends it.
        hides: whether the output is not passed on although the answer is the last one.

    Raises:
        UsageError: the credential is too large, or the file for the head cannot be written.
        BrokenPipeError: no one reads the output any more.
    """
    with call.head_file() as file:
        return await _CurlRun(call, again, hides, file).to_its_end()


class _CurlRun:
    def __init__(
        self, call: CurlCall, again: Again, hides: Callable[[Response], bool], file: BinaryIO | None
    ) -> None:
        self._call = call
        self._file = file
        self._again = again
        self._hides = hides
        self._heads = HeadReader()
        self._raw_heads = bytearray()

    async def to_its_end(self) -> CurlEnd:
        call = self._call
        # On a terminal curl writes itself: it draws its progress and refuses binary output by what stdout is.
        held = call.head_to == "-" or not os.isatty(_STDOUT)
        config, heads = call.config_pipe(), os.pipe()
        try:
            for descriptor in (config, heads[1]):
                os.set_inheritable(descriptor, True)
            process = await asyncio.create_subprocess_exec(
                *call.words(config, heads[1]),
                executable=call.path,
                env=call.environment,
                stdout=asyncio.subprocess.PIPE if held else None,
                # What the shell handed on stays open: `-d @<(command)` names a descriptor.
                close_fds=False,
                limit=_CHUNK,
            )
        finally:
            os.close(config)
            os.close(heads[1])
        try:
            return await self._ended(process, heads[0])
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()

    async def _ended(self, process: asyncio.subprocess.Process, heads: int) -> CurlEnd:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(heads, "rb", 0)
        )
        try:
            output = process.stdout
            held, more = await self._until_head(reader, output)
            head = self._heads.final
            following = None if head is None else await self._again(head)
            if following is not None:
                return CurlEnd(0, head, following=following)
            self._pass_heads_on()
            shown = head is None or not self._hides(head)
            # Read beside the output: curl stops where its pipe of heads is full.
            later_heads = asyncio.ensure_future(self._follow(reader))
            start = last = b""
            async for chunk in _chunks(held, output if more else None):
                start += chunk[: _START - len(start)]
                if shown:
                    _write_whole(chunk)
                    last = chunk[-1:] or last
            await later_heads
            code = await process.wait()
            line_open = last not in (b"", b"\n")
            return CurlEnd(
                code if code >= 0 else 128 - code, self._heads.final, start=start, line_open=line_open
            )
        except BrokenPipeError:
            raise
        except OSError:  # such as a full disk
            return CurlEnd(_NOT_WRITTEN, self._heads.final)
        finally:
            transport.close()

    async def _until_head(
        self, reader: asyncio.StreamReader, output: asyncio.StreamReader | None
    ) -> tuple[bytes, bool]:
        """Return the output that came before the head was complete, and whether more may follow."""
        held, more = bytearray(), output is not None
        heading = asyncio.ensure_future(self._final_head(reader))
        while output is not None and more and len(held) < _MOST_HELD and not heading.done():
            reading = asyncio.ensure_future(output.read(_CHUNK))
            await asyncio.wait({heading, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()  # a cancelled `read` takes nothing from the stream
                with suppress(asyncio.CancelledError):
                    await reading
                break
            more = bool(reading.result())
            held += reading.result()
        if len(held) >= _MOST_HELD:
            heading.cancel()
        with suppress(asyncio.CancelledError):
            await heading
        return bytes(held), more

    async def _final_head(self, reader: asyncio.StreamReader) -> None:
        while self._heads.final is None and (data := await reader.read(_CHUNK)):
            self._raw_heads += data
            self._heads.feed(data)

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        """Take what follows the first head: trailers, and the heads of `--retry`."""
        while data := await reader.read(_CHUNK):
            self._raw_heads += data
            self._heads.feed(data)
            self._pass_heads_on()

    def _pass_heads_on(self) -> None:
        if self._file is not None:
            self._file.write(self._raw_heads)
            self._file.flush()
        elif self._call.head_to == "-":
            _write_whole(bytes(self._raw_heads))
        self._raw_heads.clear()


async def _chunks(held: bytes, output: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    """Yield what was held, then what comes until the end."""
    yield held
    while output is not None and (chunk := await output.read(_CHUNK)):
        yield chunk


def _write_whole(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(_STDOUT, rest) :]
        except BlockingIOError:  # a pipe of Node.js, say
            select.select([], [_STDOUT], [])


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
            end = await run_curl(call, partial(self._other, credential), self._is_page_of_access)
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

    def _is_page_of_access(self, head: Response) -> bool:
        """Whether an answer is a web page of Access, of which the cause in one line says as much."""
        if head.headers.media_type != "text/html" or shows_answer(self._options):
            return False
        answer = classify(self._exchange(head, b"", datetime.now(UTC)))
        return answer.layer is Layer.ACCESS and answer.protection.has(Trait.REFUSES_CREDENTIAL)


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

"""Run curl, and look at the head of the answer before its output is passed on.

What curl writes until then is held: where the request is sent again, nothing of the first answer is shown.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import BinaryIO, Final

from msgspec import Struct

from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.gateway.curl.curl_call import CurlCall
from authlens_core.grammars.curl_header import HeadReader
from authlens_core.values.exchange import Response

_CHUNK: Final = 64 * 1024
_STDOUT: Final = 1
_STDERR: Final = 2
_START: Final = 16 * 1024  # bytes in which a page of an error says what it is
_NOT_WRITTEN: Final = 23  # curl's code for output that cannot be written
# Bytes of the output that are held: a curl that flushes no heads (before 7.83) is not waited for longer.
_MOST_HELD: Final = 1024 * 1024

# Given the head of an answer, the credential to send the request again with, or None.
Again = Callable[[Response], Awaitable[CredentialHeaders | None]]


class CurlEnd(Struct, frozen=True):
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
        self._errors = bytearray()
        self._counts = False  # whether it is known that this is the answer to show

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
                stderr=None if os.isatty(_STDERR) else asyncio.subprocess.PIPE,
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
        errors = asyncio.ensure_future(self._read_errors(process.stderr))
        try:
            output = process.stdout
            held, more = await self._until_head(reader, output)
            head = self._heads.final
            following = None if head is None else await self._again(head)
            if following is not None:
                return CurlEnd(0, head, following=following)
            self._counts = True
            self._pass_errors_on()
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
            await errors
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
            errors.cancel()
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

    async def _read_errors(self, errors: asyncio.StreamReader | None) -> None:
        while errors is not None and (data := await errors.read(_CHUNK)):
            self._errors += data
            if self._counts or len(self._errors) >= _MOST_HELD:
                self._pass_errors_on()

    def _pass_errors_on(self) -> None:
        with suppress(OSError):  # no one reads it: what counts is the answer
            _write_whole(bytes(self._errors), _STDERR)
        self._errors.clear()

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


def _write_whole(data: bytes, descriptor: int = _STDOUT) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # a pipe of Node.js, say
            select.select([], [descriptor], [])

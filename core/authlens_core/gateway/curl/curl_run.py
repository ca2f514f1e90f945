"""Run curl, and look at the head of the answer before its output is passed on.

What curl writes until then is held: where the request is sent again, nothing of the first answer is shown.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
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


async def run_curl(call: CurlCall, again: Again) -> CurlEnd:
    """Run curl, and pass its output on unless `again` returns a credential for the head of its answer.

    Args:
        again: decides while curl waits; a credential ends it.

    Raises:
        UsageError: the credential is too large, or the file for the head cannot be written.
        BrokenPipeError: no one reads the output any more.
    """
    with call.head_file() as file:
        return await _CurlRun(call, again, file).to_its_end()


class _Pump:
    """Holds what curl writes until its answer is the one to show, then passes it on.

    Args:
        look: gets each chunk when it arrives.
        full: is set where no more is held.
    """

    def __init__(
        self,
        stream: asyncio.StreamReader,
        write: Callable[[bytes], None],
        look: Callable[[bytes], None],
        full: asyncio.Event,
    ) -> None:
        self._stream = stream
        self._write = write
        self._look = look
        self._full = full
        self._held = bytearray()
        self._passing = asyncio.Event()

    async def run(self) -> None:
        while chunk := await self._stream.read(_CHUNK):
            self._look(chunk)
            self._held += chunk
            if self._passing.is_set():
                self.pass_on()
            elif len(self._held) >= _MOST_HELD:
                self._full.set()
                await self._passing.wait()

    def pass_on(self) -> None:
        self._passing.set()
        output = bytes(self._held)
        self._held.clear()
        self._write(output)


class _CurlRun:
    def __init__(self, call: CurlCall, again: Again, file: BinaryIO | None) -> None:
        self._call = call
        self._file = file
        self._again = again
        self._heads = HeadReader()
        self._decidable = asyncio.Event()  # the head is complete, or will not be waited for any longer
        self._start = b""
        self._last = b""

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
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(heads, "rb", 0)
        )
        # In this order each passes on what it holds: heads before the content.
        pumps = [self._pump(reader, self._write_head, self._look_at_head)]
        if process.stderr is not None:
            pumps.append(self._pump(process.stderr, _write_error, lambda _: None))
        if process.stdout is not None:
            pumps.append(self._pump(process.stdout, _write_whole, self._look_at_output))
        runs = [asyncio.ensure_future(pump.run()) for pump in pumps]
        runs[0].add_done_callback(lambda _: self._decidable.set())
        try:
            await self._decidable.wait()
            head = self._heads.final
            following = None if head is None else await self._again(head)
            if following is not None:
                return CurlEnd(0, head, following=following)
            for pump in pumps:
                pump.pass_on()
            await asyncio.gather(*runs)
            code = await process.wait()
        except BrokenPipeError:
            raise
        except OSError:  # such as a full disk
            return CurlEnd(_NOT_WRITTEN, self._heads.final)
        finally:
            for run in runs:
                run.cancel()
            transport.close()
        code = code if code >= 0 else 128 - code
        line_open = self._last not in (b"", b"\n")
        return CurlEnd(code, self._heads.final, start=self._start, line_open=line_open)

    def _pump(
        self, stream: asyncio.StreamReader, write: Callable[[bytes], None], look: Callable[[bytes], None]
    ) -> _Pump:
        return _Pump(stream, write, look, self._decidable)

    def _look_at_head(self, chunk: bytes) -> None:
        self._heads.feed(chunk)
        if self._heads.final is not None:
            self._decidable.set()

    def _look_at_output(self, chunk: bytes) -> None:
        self._start += chunk[: _START - len(self._start)]
        self._last = chunk[-1:]

    def _write_head(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
            self._file.flush()
        elif self._call.head_to == "-":
            _write_whole(data)


def _write_error(data: bytes) -> None:
    with suppress(OSError):  # no one reads it: what counts is the answer
        _write_whole(data, _STDERR)


def _write_whole(data: bytes, descriptor: int = _STDOUT) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # a pipe of Node.js, say
            select.select([], [descriptor], [])

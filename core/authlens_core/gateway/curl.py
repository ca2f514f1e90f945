"""`authlens curl`: one request by curl, with the credential from a pipe, never in an argument.

As proxy and bridge do, it renews a credential that is refused once. What curl writes is held until the head
of its answer is there: where the request is sent again, nothing of the first answer is shown. No option of
the user can undo what authlens adds, because curl reads that last.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.lifecycle.probe_call import probe_result
from authlens_core.credentials.lifecycle.request_credential import (
    RequestCredential,
    leads_to_login,
    refuses_token,
)
from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.credentials.records.grant import utc_now
from authlens_core.gateway.signed_stream import Renewal, SendAgain, refused_for_good
from authlens_core.grammars.curl import CurlRequest, config_line, newest_head
from authlens_core.values.errors import AuthlensError, NetworkFailure, Refused, UsageError
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.fix import step
from authlens_core.values.formats.curl_header import field_name, header_argument
from authlens_core.values.secret import Body, Secret, for_children
from authlens_core.values.stage import Stage
from authlens_core.values.url import parse_url
from authlens_core.wire.addresses import local_addresses
from authlens_core.wire.proxy_settings import is_never_proxied
from authlens_core.wire.trust import TrustUnusable, trust_files

_PIPE_ROOM: Final = 60_000  # bytes; without a reader a pipe of Linux takes 65,536 (pipe(7))
# The first names certificates to curl and to no one else. The second holds the keys of TLS connections, and
# with them the credential.
_NOT_FOR_CURL: Final = ("CURL_CA_BUNDLE", "SSLKEYLOGFILE")
_CHUNK: Final = 64 * 1024
# Bytes of the output that are held: a curl that flushes no heads (before 7.83) is not waited for longer.
_MOST_HELD: Final = 1024 * 1024
_HTTP_ERROR: Final = 22  # curl's exit code with --fail
# With one of these a 403 is not the resource's own, which may be the answer that was asked for.
_OF_THE_EDGE: Final = ("cf-access-aud", "cf-access-domain", "cf-mitigated")


class CurlOutcome(Struct, frozen=True):
    """How a request by curl ended.

    Attributes:
        code: the exit code to end with: curl's, or ours where it means a refusal.
        problem: what to tell the user, or None.
    """

    code: int
    problem: AuthlensError | None = None


def curl_path() -> str:
    """Return where curl is.

    Raises:
        UsageError: it is not installed, or it could not read from a pipe here.
    """
    path = None if sys.platform == "win32" else shutil.which("curl")
    if path is None:
        raise UsageError(
            "There is no curl on PATH, or this is Windows, where it cannot read from /dev/fd.",
            step("Use", "authlens headers URL"),
        )
    return path


def configuration(url: str, request: CurlRequest, fields: Sequence[tuple[str, str]]) -> Secret:
    """Return what curl reads from the pipe: the credential, the URL, and what no option may undo.

    Raises:
        UsageError: an option replaces one of the fields, or something cannot be handed over.
    """
    try:
        user_fields = set(map(field_name, request.values.get("--header", ())))
        for name in user_fields.intersection(name.lower() for name, _ in fields):
            raise ValueError(f"the field {name} is authlens's own, because it carries the credential")
        headers = (("header", header_argument(*field)) for field in fields)
        options = (*_network_options(url), *_trust_options(), *headers, ("url", url))
        config = "".join(config_line(*option) for option in options)
        # A path to certificates may have bytes that are not UTF-8.
        if len(config.encode(errors="surrogateescape")) > _PIPE_ROOM:
            raise ValueError("the credential is too large")
    except (ValueError, TrustUnusable) as error:
        cause = f"This cannot be handed to curl: {str(error).removesuffix('.')}."
        raise UsageError(cause, step("Or use", "authlens headers URL")) from None
    return Secret(config)


_Option = tuple[str, str | None]


def _network_options(url: str) -> list[_Option]:
    """Return the options that let curl send to the URL alone, directly where it is of this machine."""
    address = parse_url(url, loopback_http=True)
    host, port = address.address
    # The URL that was judged is the one that is sent: no pattern in it, no segment removed from it.
    options: list[_Option] = [("globoff", None), ("path-as-is", None), ("proto", f"={address.scheme}")]
    if is_never_proxied(host):
        options.append(("noproxy", "*"))
    # Before 7.85, curl asks a resolver, and the answer may be another machine.
    local = local_addresses(host)
    if local:
        options.append(("resolve", f"{host}:{port}:{','.join(local)}"))
    return options


def _trust_options() -> list[_Option]:
    """Return the options that let curl, and curl's proxy, trust the authorities of the environment alone.

    With one of the two, curl would trust its own other one as well.
    """
    file, directory = trust_files(os.environ)
    if not (file or directory):
        return []
    file = file or str(min(Path(directory or "").glob("*.[0-9]"), default=directory))
    options = (("cacert", file), ("capath", directory or "/dev/null"))
    return [(f"{peer}{name}", value) for peer in ("", "proxy-") for name, value in options]


def config_pipe(config: Secret) -> int:
    """Return the end of a pipe from which curl reads its configuration."""
    reader, writer = os.pipe()
    # It fits into the pipe, so no one has to write while curl reads.
    os.write(writer, config.reveal().encode(errors="surrogateescape"))
    os.close(writer)
    return reader


def command(request: CurlRequest, config: int, heads: int) -> list[str]:
    """Return the command line of a curl that reads one descriptor, and writes the heads of answers to one."""
    # Only as the first word, -q keeps .curlrc away, which may name a second URL or a proxy.
    own_options = ("--suppress-connect-headers", "--dump-header", f"/dev/fd/{heads}")
    return ["curl", "-q", *request.arguments, *own_options, "--config", f"/dev/fd/{config}"]


def curl_environment() -> dict[str, str]:
    """Return the variables that curl gets: none that shows the credential, or lets it trust others."""
    return {name: value for name, value in for_children(os.environ).items() if name not in _NOT_FOR_CURL}


async def authorized_curl(
    source: RequestCredential, request: CurlRequest, path: str, note: Callable[[str], None]
) -> CurlOutcome:
    """Send one request by curl with a fresh credential, again where the resource refuses it.

    Args:
        path: where curl is.
        note: shows the user one sentence.

    Raises:
        UsageError: something cannot be handed to curl.
        LoginNeeded: a user has to log in.
        AuthlensError: as `RequestCredential.fields`.
    """
    credential, renewal = await source.fields(), Renewal(source)
    while True:
        config = configuration(source.url, request, credential.signed(request.method, source.url))
        async with _running(path, request, config) as curl:
            renewed = await _renewed(source, renewal, credential, await curl.head())
            if renewed is None or not request.is_repeatable:
                start = curl.held
                code, head = await curl.pass_on(), await curl.head()
                if head is None or code not in (0, _HTTP_ERROR):
                    return CurlOutcome(code)
                if renewed is not None:
                    return CurlOutcome(NetworkFailure.exit_code, SendAgain())
                problem = _problem(source.url, request, head, start)
                if problem is not None and not request.shows_status:
                    code = Refused.exit_code
                return CurlOutcome(code, problem)
        note("The resource refused the credential: sent the request again with a new token or proof.")
        credential = renewed


async def _renewed(
    source: RequestCredential, renewal: Renewal, sent: CredentialHeaders, head: Response | None
) -> CredentialHeaders | None:
    """Return what to send again with after this head, or None."""
    if head is None:
        return None
    wants_nonce = sent.learn(source.url, head)
    if refuses_token(head):
        return await renewal.after(sent, wants_nonce=wants_nonce)
    source.accepted(sent)
    return None


def _problem(url: str, request: CurlRequest, head: Response, start: bytes) -> Refused | None:
    """Return what the answer refuses, if it is not the resource's own answer.

    Args:
        start: how its body begins, which may name the cause.
    """
    location = (head.headers.get("location") or "").partition("?")[0]
    target = location if 300 <= head.status < 400 else ""
    by_edge = head.status == 403 and any(head.headers.get(name) for name in _OF_THE_EDGE)
    if refuses_token(head):
        return refused_for_good(url)
    if by_edge or leads_to_login(target):
        return _refusal(url, request, head, start)
    # A script that reads a page, or follows, would take the redirect for an empty page.
    if target and (request.method == "GET" or "--location" in request.values):
        return Refused(f"{url} redirects to {target}. The credential is not sent there.", "Ask that URL.")
    return None


def _refusal(url: str, request: CurlRequest, head: Response, start: bytes) -> Refused:
    """Return what `authlens probe` would say of this answer."""
    now = utc_now()
    # What a refusal means depends on the credential, which only its field's name stands for here.
    sent = Request(request.method, url, Headers.of([("Authorization", "Bearer -")]))
    complete_response = replace(head, body=Body(start))
    exchange = Exchange(sent, complete_response, None, now, 0.0, purpose=Purpose.CREDENTIAL)
    result = probe_result(exchange, RecordBuilder(Stage.PROBE, url, now), "credential")
    return Refused(result.said, result.cure)


async def send_openly(url: str, request: CurlRequest, path: str) -> CurlOutcome:
    """Send one request by curl without a credential, to a resource that needs none.

    Raises:
        UsageError: something cannot be handed to curl.
    """
    async with _running(path, request, configuration(url, request, ())) as curl:
        return CurlOutcome(await curl.pass_on())


class _Heads(asyncio.Protocol):
    """Gathers what curl writes for `--dump-header`, which is before the content."""

    def __init__(self) -> None:
        self.text = b""

    def data_received(self, data: bytes) -> None:
        self.text += data


@asynccontextmanager
async def _running(path: str, request: CurlRequest, config: Secret) -> AsyncIterator[_Curl]:
    """Yield a curl that was started; it does not outlast the block."""
    pipe, (heads_in, heads_out) = config_pipe(config), os.pipe()
    transport, heads = await asyncio.get_running_loop().connect_read_pipe(
        _Heads, os.fdopen(heads_in, "rb", 0)
    )
    try:
        os.set_inheritable(pipe, True)
        os.set_inheritable(heads_out, True)
        process = await asyncio.create_subprocess_exec(
            *command(request, pipe, heads_out),
            executable=path,
            env=curl_environment(),
            # On a terminal curl writes itself: it draws its progress and refuses binary output by it.
            stdout=None if os.isatty(1) else asyncio.subprocess.PIPE,
            # What the shell handed on stays open: `-d @<(command)` names a descriptor.
            close_fds=False,
        )
    finally:
        os.close(pipe)
        os.close(heads_out)
    try:
        yield _Curl(process, heads)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        transport.close()


class _Curl:
    def __init__(self, process: asyncio.subprocess.Process, heads: _Heads) -> None:
        self._process = process
        self._heads = heads
        self.held = b""

    async def _read(self) -> bytes:
        """Return what curl wrote next; nothing after it ended."""
        data = await self._process.stdout.read(_CHUNK) if self._process.stdout else b""
        if not data:
            await self._process.wait()
        return data

    async def head(self) -> Response | None:
        """Return the newest head of an answer; None if there is none, or it is not waited for any longer."""
        while newest_head(self._heads.text) is None and len(self.held) < _MOST_HELD:
            data = await self._read()
            if not data:
                break
            self.held += data
        return newest_head(self._heads.text)

    async def pass_on(self) -> int:
        """Pass the output on, and return curl's exit code, or 128 + the number of a signal that ended it."""
        data = self.held or await self._read()
        while data:
            data = data[os.write(1, data) :] or await self._read()
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

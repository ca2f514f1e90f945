"""A call of curl for one request, with the credential from a pipe, never in an argument.

curl sends a field to every address that it is led to, so it gets only options that lead it nowhere: which
ones, and why the rest is refused, is in `grammars/curl_options.py`. No option can undo what authlens adds,
because curl reads that last.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from authlens_core.grammars.curl_header import header_argument
from authlens_core.grammars.curl_options import CurlOption, config_line, read_options
from authlens_core.grammars.curl_request import check_fields, check_values
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import step
from authlens_core.values.secret import Secret, for_children
from authlens_core.values.url import Url, parse_url
from authlens_core.wire.addresses import local_addresses
from authlens_core.wire.proxy_settings import ProxyUnusable, is_never_proxied, proxy_for
from authlens_core.wire.trust import TrustUnusable, trust_files

_PIPE_ROOM: Final = 60_000  # bytes; without a reader a pipe of Linux takes 65,536 (pipe(7))
_OTHER_TRUST: Final = "CURL_CA_BUNDLE"  # names certificates to curl, and to no one else
# The second holds the keys of TLS connections, and with them the credential.
_NOT_FOR_CURL: Final = (_OTHER_TRUST, "SSLKEYLOGFILE")
_NO_DIRECTORY: Final = "/dev/null"
_HEADS: Final = "dump-header"


class CurlCall(Struct, frozen=True):
    """A call of curl.

    Attributes:
        path: where curl is.
        options: the user's, checked, without `--dump-header`.
        config: what curl reads from the pipe: the credential, the URL, and what no option may undo.
        environment: the variables that it gets.
        note: what the user should know, one sentence, or the empty string.
        head_to: where the user wants the head of the answer, as in `--dump-header`; empty if nowhere.
    """

    path: str
    options: tuple[str, ...]
    config: Secret
    environment: dict[str, str]
    note: str = ""
    head_to: str = ""

    def words(self, pipe: int, heads: int) -> list[str]:
        """Return the command line; `config` is read from the descriptor `pipe`, heads go to `heads`."""
        # Only as the first word, -q keeps .curlrc away, which may name a second URL or a proxy.
        ours = ("--suppress-connect-headers", "--dump-header", f"/dev/fd/{heads}")
        return ["curl", "-q", *self.options, *ours, "--config", f"/dev/fd/{pipe}"]

    def config_pipe(self) -> int:
        """Return the end of a pipe from which curl reads `config`.

        Raises:
            UsageError: the credential is too large to be handed over.
        """
        # A path to certificates may have bytes that are no UTF-8.
        text = self.config.reveal().encode(errors="surrogateescape")
        if len(text) > _PIPE_ROOM:
            raise UsageError("The credential is too large for curl.", step("Use", "authlens headers URL"))
        reader, writer = os.pipe()
        # It fits into the pipe, so no one has to write while curl reads.
        os.write(writer, text)
        os.close(writer)
        return reader

    @contextmanager
    def head_file(self) -> Iterator[BinaryIO | None]:
        """Yield the file for the heads; None where they go to no file.

        Raises:
            UsageError: it cannot be written.
        """
        if self.head_to in ("", "-"):
            yield None
            return
        try:
            # A percent sign is stderr (curl 8.10).
            target: int | str = os.dup(2) if self.head_to == "%" else self.head_to
            file = open(target, "wb")  # noqa: SIM115, PTH123 - closed below
        except OSError as error:
            cause = f"{self.head_to} cannot be written: {error.strerror}."
            raise UsageError(cause, "Name another file after -D.") from None
        with file:
            yield file


def curl_path() -> str:
    """Return where curl is.

    Raises:
        UsageError: it is not installed, or it could not read from a pipe here.
    """
    path = shutil.which("curl")
    if path is None:
        raise UsageError(
            "curl is not installed, or not on PATH.", step("Install it, or use", "authlens headers URL")
        )
    if sys.platform == "win32":
        raise UsageError(
            "authlens curl needs /dev/fd, which Windows does not have.", step("Use", "authlens headers URL")
        )
    return path


def checked_options(words: Sequence[str], url: str) -> tuple[CurlOption, ...]:
    """Return the options of a command line for `url`, all of which are passed on.

    Raises:
        UsageError: one is not.
    """
    options = read_options(words, url)
    check_values(options, url)
    check_fields(options, (), url)
    return options


def call_with(
    fields: Sequence[tuple[str, str]], options: Sequence[CurlOption], url: str, path: str
) -> CurlCall:
    """Return the call of the curl at `path` that sends one request with `fields` to `url`.

    Raises:
        UsageError: an option replaces one of the fields, or something cannot be handed over.
    """
    check_fields(options, [name for name, _ in fields], url)
    # curl writes heads to one place: they are read here, and passed on.
    words = tuple(word for option in options if option.name != _HEADS for word in option.words)
    head_to = [option.value for option in options if option.name == _HEADS and option.value][-1:]
    # The request has a credential: what else curl would do by its environment is decided here.
    environment = {
        name: value for name, value in for_children(os.environ).items() if name not in _NOT_FOR_CURL
    }
    config, note = _config(url, fields, os.environ), _note(url, os.environ)
    return CurlCall(path, words, config, environment, note, *head_to)


def _config(url: str, fields: Iterable[tuple[str, str]], environ: Mapping[str, str]) -> Secret:
    parts = parse_url(url, loopback_http=True)
    # The URL that was judged is the one that is sent: no pattern in it, no segment removed from it.
    lines = [config_line("globoff"), config_line("path-as-is"), config_line("proto", f"={parts.scheme}")]
    if is_never_proxied(parts.address[0]):
        lines.append(config_line("noproxy", "*"))
    host, port = parts.address
    # Before 7.85, curl asks a resolver, and the answer may be another machine.
    if local := local_addresses(host):
        lines.append(config_line("resolve", f"{host}:{port}:{','.join(local)}"))
    try:
        lines += _trust(environ, proxy_too=_has_https_proxy(parts, environ))
        lines += [config_line("header", header_argument(name, value)) for name, value in fields]
    except ValueError as error:
        raise UsageError(
            f"This cannot be handed to curl: {error}.", step("Use", "authlens headers URL")
        ) from None
    return Secret("".join((*lines, config_line("url", url))))


def _has_https_proxy(url: Url, environ: Mapping[str, str]) -> bool:
    """Return whether the way to `url` starts at a proxy that is spoken to with TLS."""
    try:
        proxy = proxy_for(url.scheme, *url.address, environ)
    except ProxyUnusable:  # such as a SOCKS4 proxy, which curl can use
        return False
    return proxy is not None and proxy.scheme == "https"


def _trust(environ: Mapping[str, str], *, proxy_too: bool) -> Iterator[str]:
    """Yield the options that make curl trust the authorities that authlens trusts.

    Args:
        proxy_too: whether curl checks the certificate of a proxy, for which it has options of its own.

    Raises:
        UsageError: they cannot be found.
    """
    try:
        file, directory = trust_files(environ)
    except TrustUnusable as error:
        raise UsageError(str(error), "Name a directory, or unset it.") from None
    if file is None and directory is None:
        return
    # With one of the two, curl would trust its own other one as well.
    file, directory = file or _first_certificate(directory or ""), directory or _NO_DIRECTORY
    for peer in ("", "proxy-") if proxy_too else ("",):
        yield config_line(f"{peer}cacert", file)
        yield config_line(f"{peer}capath", directory)


def _first_certificate(directory: str) -> str:
    certificate = min(Path(directory).glob("*.[0-9]"), default=None)
    if certificate is None:
        raise UsageError("SSL_CERT_DIR holds no certificates.", f"Run: openssl rehash {directory}")
    return str(certificate)


def _note(url: str, environ: Mapping[str, str]) -> str:
    if not url.startswith("https:") or _OTHER_TRUST not in environ or trust_files(environ) != (None, None):
        return ""
    return f"{_OTHER_TRUST} is not used: authlens and curl trust the same authorities. Set SSL_CERT_FILE."

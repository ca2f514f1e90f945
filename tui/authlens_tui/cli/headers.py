"""`authlens headers` and `authlens curl`: the credential for a URL as header fields, never in an argument."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from authlens_core.credentials.inventory.request_headers import CredentialHeaders
from authlens_core.errors import UsageError
from authlens_core.secret import Secret
from authlens_tui.cli.credential_choice import chosen_headers, refuse_bound, say_bound
from authlens_tui.cli.credential_helper import bazel_form
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret
from authlens_tui.cli.urls import checked_url

_PIPE_ROOM: Final = 60_000  # characters; without a reader a pipe of Linux takes 65,536 bytes (pipe(7))
# Options that name another address, follow redirects, or read further options from elsewhere.
_ELSEWHERE: Final = (
    *("--next", "--url", "--url-query", "--location", "--location-trusted", "--config", "--connect-to"),
    *("--proto-redir", "--resolve", "--variable", "--expand-url"),
)
_BOOLEAN: Final = frozenset("0123456afgijklnpqsvGIJLMNORS#:Z")  # short options of curl that take no value


async def headers(arguments: Namespace) -> int:
    """Print the header fields for the URL on stdout, in the form that `--format` names.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there are none to be had.
    """
    found = await _fields(arguments)
    fields = _for_request(found, arguments.method, checked_url(arguments.url))
    if found.signer is not None:
        say_bound(arguments.url, f"these fields are for one {arguments.method} request, now.")
    match arguments.format:
        case "lines":
            answer_secret(Secret("\n".join(f"{name}: {value}" for name, value in fields)))
        case "bazel":
            refuse_bound(found, arguments.url, "Bazel")
            answer_secret(bazel_form(found))
        case _:
            answer_secret(Secret(json.dumps(dict(fields))))
    return 0


async def _fields(arguments: Namespace) -> CredentialHeaders:
    async with open_session() as session:
        return await chosen_headers(session, checked_url(arguments.url), arguments)


def _for_request(found: CredentialHeaders, method: str, url: str) -> tuple[tuple[str, str], ...]:
    try:
        return found.for_request(method, url)
    except ValueError as error:
        raise UsageError(f"The request cannot be signed: {error}.", "Correct the URL.") from None


class CurlCall(NamedTuple):
    """A call of curl: its arguments, and what it reads its credential from."""

    path: str
    arguments: tuple[str, ...]
    config: Secret


async def curl_call(arguments: Namespace) -> CurlCall:
    """Return the call of curl for the URL, with the credential that covers it.

    Raises:
        UsageError: curl is not installed, or an argument would take the credential elsewhere.
        AuthlensError: as `headers`.
    """
    path = shutil.which("curl")
    if path is None:
        raise UsageError("curl is not installed, or not on PATH.", "Install it, or use: authlens headers URL")
    if sys.platform == "win32":
        raise UsageError(
            "authlens curl needs /dev/fd, which Windows does not have.", "Use: authlens headers URL"
        )
    url = checked_url(arguments.url)
    _refuse_elsewhere(arguments.arguments)
    fields = _for_request(await _fields(arguments), _method(arguments.arguments), url)
    lines = [f'header = "{_quoted(f"{name}: {value}")}"\n' for name, value in fields]
    # A .curlrc may say `location`, and the redirect would take the credential along.
    config = Secret("".join(("no-location\n", *lines)))
    return CurlCall(path, (*arguments.arguments, "--", url), config)


def run_curl(call: CurlCall) -> NoReturn:
    """Become curl: its output, its signals and its exit code are those of this process.

    Raises:
        UsageError: the credential is too large to be handed over.
    """
    text = call.config.reveal().encode()
    if len(text) > _PIPE_ROOM:
        raise UsageError("The credential is too large for curl.", "Use: authlens headers URL")
    reader, writer = os.pipe()
    # It fits into the pipe, so no one has to write while curl reads.
    os.write(writer, text)
    os.close(writer)
    os.set_inheritable(reader, True)
    os.execv(call.path, ["curl", "--config", f"/dev/fd/{reader}", *call.arguments])  # noqa: S606 - no shell is wanted


def _method(arguments: Sequence[str]) -> str:
    """Return the method that curl uses with these arguments; a bound token is signed for it."""
    method = "GET"
    is_explicit = False
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if word == "-X" or name == "--request":
            method, is_explicit = value if equals else following, True
        elif word.startswith("-X"):
            method, is_explicit = word[2:], True
        elif is_explicit:
            continue
        elif word in ("-I", "--head"):
            method = "HEAD"
        elif word.startswith("-T") or name == "--upload-file":
            method = "PUT"
        elif word.startswith(("-d", "-F")) or name.startswith(("--data", "--form", "--json")):
            method = "POST"
    return "GET" if not is_explicit and {"-G", "--get"} & set(arguments) else method


def _quoted(text: str) -> str:
    """Return `text` as it is between quotes in a file of curl's options."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _refuse_elsewhere(arguments: Sequence[str]) -> None:
    """Refuse what would send the credential to another address than the one that was named.

    curl gives header fields to every address on its command line and along every redirect.
    """
    takes_value = False
    for word in arguments:
        name = word.partition("=")[0]
        is_option = word.startswith("-") and word != "-"
        # curl takes any unambiguous beginning of a long option: --loc is --location.
        long_one = name.startswith("--") and len(name) > 3 and any(one.startswith(name) for one in _ELSEWHERE)
        if name in _ELSEWHERE or long_one or _has_short_one(word):
            raise _goes_elsewhere(word)
        if not is_option and not takes_value:
            raise _goes_elsewhere(word)
        # The word behind an option that may take a value is that value, not an address.
        takes_value = is_option and not takes_value and not _is_boolean(word)


def _has_short_one(word: str) -> bool:
    """Return whether a cluster of short options holds -L, -K or -: before one that takes a value."""
    if not word.startswith("-") or word.startswith("--"):
        return False
    for letter in word[1:]:
        if letter in "LK:":
            return True
        if letter not in _BOOLEAN:
            return False
    return False


def _is_boolean(word: str) -> bool:
    """Return whether an option surely takes no value from the next word; of long ones a few are known."""
    if word.startswith("--"):
        return "=" in word or word in _LONG_BOOLEAN
    letters = word[1:]
    value_at = next((i for i, letter in enumerate(letters) if letter not in _BOOLEAN), None)
    return value_at is None or value_at < len(letters) - 1


_LONG_BOOLEAN: Final = frozenset(
    {
        *("--silent", "--show-error", "--include", "--head", "--verbose", "--fail", "--fail-with-body"),
        *("--compressed", "--insecure", "--http1.1", "--http2", "--http3", "--ipv4", "--ipv6", "--get"),
        *("--no-buffer", "--no-progress-meter", "--progress-bar", "--globoff", "--remote-name", "--raw"),
        *("--create-dirs", "--path-as-is", "--tcp-nodelay", "--fail-early", "--remote-time"),
    }
)


def _goes_elsewhere(word: str) -> UsageError:
    return UsageError(
        f"{word!r} could take the credential to another address; it goes to the one URL only.",
        "Omit it: authlens curl follows no redirects and calls one address at a time.",
    )

"""The one request that a curl command line makes: its method, and refusals of what would make it another one.

Source: docs/cmdline-opts of curl 8.14.1, and `add_file_name_to_url` (src/tool_operhlp.c). curl copies most
values into the head of the request unchanged, so a line end in one would start another request.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from authlens_core.grammars.curl_header import NotAField, field_name, has_control_character, is_token
from authlens_core.grammars.curl_options import CurlOption
from authlens_core.grammars.http_framing import names_a_place
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import fix, step

_CONTENT: Final = frozenset(
    {"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json", "form", "form-string"}
)
_MULTILINE: Final = _CONTENT | {"write-out"}
# The answer to the first two repeats the request with the credential; the third asks for a tunnel.
_NOT_SENT: Final = frozenset({"TRACE", "TRACK", "CONNECT"})
_STANDARD_INPUT: Final = ("-", ".")
_FILE_OF_DATA: Final = frozenset({"data", "data-ascii", "data-binary", "json"})
_FILES_WITHIN: Final = frozenset({"data-urlencode", "url-query", "form"})
# What answers to these names is another program's, and gives what it has once.
_STREAM: Final = re.compile(r"/dev/(fd|stdin)|/proc/")


def method_of(options: Sequence[CurlOption]) -> str:
    """Return the method that curl uses with these options; a bound token is signed for it."""
    named = [option.value for option in options if option.name == "request" and option.value]
    names = {option.name for option in options}
    if named:
        # The last --request wins, whatever other options would make of the method.
        return named[-1]
    if "head" in names:
        return "HEAD"
    if any(option.name == "upload-file" and option.value for option in options):
        return "PUT"
    return "POST" if names & _CONTENT and "get" not in names else "GET"


def is_repeatable(options: Sequence[CurlOption]) -> bool:
    """Return whether a second call of curl with these options is sure to make the same request.

    Not where it reads a stream, or where it is not plain which files it reads.
    """
    return all(_is_repeatable(option.name, option.value or "") for option in options)


def _is_repeatable(name: str, value: str) -> bool:
    if _STREAM.search(value) is not None:
        return False
    if name in _FILE_OF_DATA and value.startswith("@"):
        return Path(value[1:]).is_file()
    if name == "upload-file":
        return not value or Path(value).is_file()
    if name in _FILES_WITHIN:
        return "@" not in value and "<" not in value
    return name != "cookie" or value != "-"


def shows_answer(options: Sequence[CurlOption]) -> bool:
    """Return whether status or header fields of the answer were asked for: then any status is one."""
    names = {option.name for option in options}
    return bool(names & {"dump-header", "head", "include", "show-headers", "write-out"})


def check_values(options: Sequence[CurlOption], url: str) -> None:
    """Check that the values make one request to `url` and no other.

    Raises:
        UsageError: one does not.
    """
    for option in options:
        value = option.value or ""
        if option.name == "request":
            _check_method(value)
        elif option.name == "upload-file":
            _check_upload(option, url)
        elif option.name not in _MULTILINE and has_control_character(value):
            raise UsageError(
                f"The value of --{option.name} has a line end or another control character.", "Remove it."
            )


def check_fields(options: Sequence[CurlOption], credential: Collection[str], url: str) -> None:
    """Check that no `--header` changes where the request goes or what carries the credential.

    Args:
        credential: the names of the fields that carry it.

    Raises:
        UsageError: one does.
    """
    theirs = {name.lower() for name in credential}
    for option in options:
        if option.name != "header":
            continue
        name = _field_name(option.value or "", url)
        if name in theirs:
            raise UsageError(
                f"The field {name} carries the credential, which authlens sends itself.",
                fix(
                    "Omit it.",
                    step("See which credential is sent", f"authlens curl --which {shlex.quote(url)}"),
                ),
            )
        if name == "host":
            raise UsageError("The field Host would take the credential to another site.", "Omit it.")
        if names_a_place(name.encode()):
            raise UsageError(
                f"Some servers read the path from {name}, so the credential could be used elsewhere.",
                fix(
                    "Omit it.",
                    step(
                        "Or send it through a proxy that checks where it leads",
                        f"authlens proxy {shlex.quote(url)}",
                    ),
                ),
            )


def _field_name(argument: str, url: str) -> str:
    if argument.startswith("@"):
        raise UsageError(
            "authlens cannot check header fields that curl reads from a file.",
            step("Write each", f"authlens curl {shlex.quote(url)} -- -H 'Name: value'"),
        )
    try:
        return field_name(argument)
    except NotAField as error:
        raise UsageError(
            f"The header field after -H is refused: {error}.", "Write: -H 'Name: value'"
        ) from None


def _check_method(method: str) -> None:
    if not is_token(method):
        raise UsageError("The value of --request is not a method.", "Give one, such as POST.")
    if method.upper() in _NOT_SENT:
        raise UsageError(
            f"{method} is not sent with a credential: its answer could repeat the credential, "
            "or lead elsewhere.",
            "Use another method.",
        )


def _check_upload(option: CurlOption, url: str) -> None:
    parts = urlsplit(url)
    # curl appends the name of the file, and removes dot segments from the result.
    has_name = bool(parts.path) and not parts.path.endswith("/")
    if has_name or parts.query or option.value in _STANDARD_INPUT:
        return
    whole = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/NAME"
    raise UsageError(
        "The URL ends without a name, so curl would add the name of the file.",
        step("Give the whole URL", f"authlens curl {shlex.quote(whole)} -- -T FILE"),
    )

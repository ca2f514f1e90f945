r"""curl's own language: the options that `authlens curl` passes on, the request that they make, its files.

curl sends a header field to every address that it is led to. The list of options is exact: options that
scripts use and that lead nowhere, in full or by their letters. Not on it is what names another address,
proxy, authority or credential, reads options from elsewhere, or shows what is sent. `--location` is on
it, because scripts have it by habit, but curl never gets it. Each option is passed on by its long name with
its value as the next word, so that curl reads it in one way only.

Source: the table `aliases` in src/tool_getparam.c of curl 8.14.1, which `curl --help all` shows; from 7.61
(2018) to 8.21 no option of the list takes another number of words. docs/cmdline-opts, `add_file_name_to_url`
(src/tool_operhlp.c) for what becomes of the values: curl copies most into the head of the request unchanged.

A file for `--config` has one option a line, so that no value becomes an option or an address. Source:
docs/cmdline-opts/config.md and `parseconfig` in src/tool_parsecfg.c. A line is a name without dashes, ` = `
and a value in quotes, in which a backslash escapes the next character.

The argument of `--header`, by docs/cmdline-opts/header.md and `Curl_add_custom_headers` (lib/http.c):
`Name: value` sends a field, `Name:` leaves out the one that curl would send, `Name;` sends one without a
value, `@file` sends the lines of a file. A line end in a value would start another field.

What `--dump-header` writes, by docs/cmdline-opts/dump-header.md and src/tool_cb_hdr.c: status lines and
fields, one block an answer; each line is written as it arrived and flushed, before the body. Interim answers
(1xx) have blocks of their own; trailers come without a status line, after the body.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.grammars.http_framing import names_a_place
from authlens_core.values.errors import UsageError
from authlens_core.values.exchange import Headers, Response

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 9110 §5.6.2)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # every one but the tab
_FIELD: Final = re.compile(rf"({_NAME.pattern})(:[^\x00-\x08\x0a-\x1f\x7f]*|;)")
_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
_BLOCK_END: Final = re.compile(rb"\r?\n\r?\n")
_ALONE: Final = """
    silent/s show-error/S fail/f fail-with-body get/G head/I include/i show-headers compressed globoff/g
    no-buffer/N progress-bar/# no-progress-meter http1.1 http2 ipv4/4 ipv6/6 tlsv1.2 tlsv1.3 remote-name/O
    remote-time/R create-dirs retry-all-errors retry-connrefused location/L
"""
_WITH_VALUE: Final = """
    request/X header/H data/d data-ascii data-binary data-raw data-urlencode json form/F form-string
    upload-file/T url-query output/o output-dir write-out/w stderr user-agent/A referer/e
    cookie/b cookie-jar/c range/r time-cond/z max-time/m connect-timeout retry retry-delay retry-max-time
    limit-rate max-filesize speed-limit/Y speed-time/y cert/E key
"""
_READS_FILES: Final = frozenset({"data", "data-ascii", "data-binary", "data-urlencode", "json", "form"})
_CONTENT: Final = _READS_FILES | {"data-raw", "form-string"}
# `@file`, `name@file`, `name=@file` and `name=<file`; a lone dash is standard input.
_FILE: Final = re.compile(r"[^={]*[@<]|.*=[@<]|-$", re.DOTALL)
_MULTILINE: Final = _CONTENT | {"write-out"}
_SHOWS_STATUS: Final = frozenset({"head", "include", "show-headers", "write-out"})
# The answer to the first two repeats the request with the credential; the third asks for a tunnel.
_NOT_SENT: Final = frozenset({"TRACE", "TRACK", "CONNECT"})


class NotAField(ValueError):
    """The text is not one field that curl sends as it is written."""


def is_token(text: str) -> bool:
    """Return whether `text` can be a method or the name of a field (RFC 9110 §5.6.2)."""
    return _NAME.fullmatch(text) is not None


def has_control_character(text: str) -> bool:
    """Return whether `text` would end or change a line in the head of a request; a tab does not."""
    return _CONTROLS.search(text) is not None


def header_argument(name: str, value: str) -> str:
    """Return the argument with which curl sends this field, whatever it is.

    Raises:
        NotAField: the name is not a token, or the value has a control character.
    """
    if not is_token(name) or has_control_character(value):
        raise NotAField("the field cannot be sent")
    value = value.strip(" \t")
    # curl reads `Name:` as "leave it out"; the semicolon is its form for an empty value (curl(1), --header).
    return f"{name}: {value}" if value else f"{name};"


def field_name(argument: str) -> str:
    """Return the name of the one field in an argument, in lower case; empty if it is anything else."""
    field = _FIELD.fullmatch(argument)
    return field[1].lower() if field else ""


def newest_head(text: bytes) -> Response | None:
    """Return the newest whole head of an answer in what `--dump-header` wrote; None before there is one."""
    for block in reversed(_BLOCK_END.split(text)[:-1]):
        # 100 and 103 come before the answer; after 101 there is none.
        if (status := _STATUS.match(block)) and (status[1] == b"101" or status[1] >= b"2"):
            lines = [line.partition(":") for line in block.decode("latin-1").split("\n")[1:]]
            fields = [(name, value.strip(" \t\r")) for name, _, value in lines]
            return Response(int(status[1]), headers=Headers.of(fields))
    return None


def _spellings(table: str) -> dict[str, str]:
    """Return the long name for each spelling in a table of words like `silent/s`."""
    rows = [word.partition("/") for word in table.split()]
    letters = {f"-{letter}": name for name, _, letter in rows if letter}
    return letters | {f"--{name}": name for name, _, _ in rows}


ALONE: Final = _spellings(_ALONE)
WITH_VALUE: Final = _spellings(_WITH_VALUE)


class CurlRequest(Struct, frozen=True):
    """The request that the options of a curl command line make.

    Attributes:
        words: the options as curl gets them.
        values: those of each option by its long name, empty strings where it takes none.
    """

    words: tuple[str, ...]
    values: dict[str, list[str]]

    @property
    def method(self) -> str:
        """The method that curl uses; a bound token is signed for it."""
        if "request" in self.values:
            # The last one wins, whatever other options would make of the method.
            return self.values["request"][-1]
        if "head" in self.values:
            return "HEAD"
        if any(self.values.get("upload-file", ())):
            return "PUT"
        return "POST" if self.values.keys() & _CONTENT and "get" not in self.values else "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether a second call of curl is sure to send the same: nothing of it is read from a file."""
        names = _READS_FILES | {"url-query", "cookie"}
        values = [value for name in names for value in self.values.get(name, ())]
        return "upload-file" not in self.values and not any(map(_FILE.match, values))

    @property
    def shows_status(self) -> bool:
        """Whether status or header fields of the answer were asked for: then any status is one."""
        return not _SHOWS_STATUS.isdisjoint(self.values)

    @property
    def header_names(self) -> set[str]:
        return set(map(field_name, self.values.get("header", ())))


def read_request(words: Sequence[str], url: str) -> CurlRequest:
    """Return the request to `url` that `words` make, the part of a curl command line without the URL.

    Raises:
        UsageError: a word is not on the list, an option lacks its value, or a value leads elsewhere.
    """
    passed_on: list[str] = []
    values: dict[str, list[str]] = {}
    rest = iter(words)
    for spelling, glued in (pair for word in rest for pair in _split(word)):
        value = None
        if spelling in WITH_VALUE:
            value = glued or next(rest, None)
            if value is None:
                raise UsageError(f"{spelling} needs a value.", "Write it behind the option.")
        elif spelling not in ALONE:
            raise _refusal(f"{spelling.partition('=')[0][:40]!r} is not passed on to curl", url)
        name = ALONE.get(spelling) or WITH_VALUE[spelling]
        if fault := _fault(name, value or "", url):
            raise _refusal(fault, url)
        values.setdefault(name, []).append(value or "")
        if name != "location":
            passed_on += [f"--{name}"] if value is None else [f"--{name}", value]
    return CurlRequest(tuple(passed_on), values)


def _split(word: str) -> Iterator[tuple[str, str]]:
    """Yield each option in a word as it is spelled alone, and the value that is glued to it."""
    if not re.match("-[^-]", word):
        yield word, ""
        return
    for end, letter in enumerate(word[1:], 2):
        takes_value = f"-{letter}" in WITH_VALUE
        yield f"-{letter}", word[end:] if takes_value else ""
        if takes_value:
            return


def _fault(name: str, value: str, url: str) -> str:
    """Return why an option with this value would make another request; empty if it does not."""
    if name == "header":
        field = field_name(value)
        if not field:
            return "What is not written as -H 'Name: value' is not passed on to curl"
        # Some servers read the path from such a field, so the credential could be used elsewhere.
        leads_elsewhere = field == "host" or names_a_place(field.encode())
        return f"The field {field} is not passed on to curl" if leads_elsewhere else ""
    if name == "request" and (not is_token(value) or value.upper() in _NOT_SENT):
        return "This method is not passed on to curl"
    # curl appends the name of the file, and removes dot segments from the result.
    if name == "upload-file" and urlsplit(url).path.rpartition("/")[2] == "":
        return "An upload to a URL that ends without a name is not passed on to curl"
    if name not in _MULTILINE and has_control_character(value):
        return f"A --{name} with a line end or another control character is not passed on to curl"
    return ""


def _refusal(what: str, url: str) -> UsageError:
    target = shlex.quote(url)
    return UsageError(
        f"{what}: the credential could go elsewhere, or be shown.",
        "Call curl yourself, which sends the credential wherever its options lead: "
        f"authlens headers {target} --format lines | curl -H @- {target}",
    )


def config_line(name: str, value: str | None = None) -> str:
    """Return one line with the option `name`, and its line end.

    Raises:
        ValueError: the value has a control character, which no URL and no field of a request has.
    """
    if value is None:
        return f"{name}\n"
    # A line end in a value would begin another option of the configuration.
    if has_control_character(value):
        raise ValueError("a value has a control character")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{quoted}"\n'

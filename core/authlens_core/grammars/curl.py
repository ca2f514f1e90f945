r"""curl's own language: the options that `authlens curl` passes on, the request that they make, its files.

curl sends a header field to every address that it is led to. The list of options is exact: options that
scripts use and that lead nowhere, in full, by their letter, or in a common group of letters. Not on it is
what names another address, proxy, authority or credential, reads options from elsewhere, or shows what is
sent. `--location` is on it, because scripts have it by habit, but curl never gets it. Each option is one
word, and its value the next one, so that curl reads them in one way only.

Source: the table `aliases` in src/tool_getparam.c of curl 8.14.1, which `curl --help all` shows; from 7.61
(2018) to 8.21 no option of the list takes another number of words. docs/cmdline-opts, `add_file_name_to_url`
(src/tool_operhlp.c) for what becomes of the values: curl copies most into the head of the request unchanged.

A file for `--config` has one option a line, so that no value becomes an option or an address. Source:
docs/cmdline-opts/config.md and `parseconfig` in src/tool_parsecfg.c. A line is a name without dashes, ` = `
and a value in quotes, in which a backslash escapes the next character.

What `--dump-header` writes, by docs/cmdline-opts/dump-header.md and src/tool_cb_hdr.c: status lines and
fields, one block an answer; each line is written as it arrived and flushed, before the body. Interim answers
(1xx) have blocks of their own; trailers come without a status line, after the body.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.grammars.http_framing import names_a_place
from authlens_core.values.errors import UsageError
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.curl_header import field_name, has_control_character, is_token

_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ (101|[2-9][0-9]{2})\b")
_BLOCK_END: Final = re.compile(rb"\r?\n\r?\n")
_FIELD_LINE: Final = re.compile(r"\n([^:\n]+):[ \t]*([^\n]*?)[ \t\r]*(?=\n|$)")
_ALONE: Final = """
    --silent -s --show-error -S --fail -f --fail-with-body --get -G --head -I --include -i --show-headers
    --compressed --globoff -g --no-buffer -N --progress-bar -# --no-progress-meter --http1.1 --http2 --ipv4 -4
    --ipv6 -6 --tlsv1.2 --tlsv1.3 --remote-name -O --remote-time -R --create-dirs --retry-all-errors
    --retry-connrefused --location -L
"""
_WITH_VALUE: Final = """
    --request -X --header -H --data -d --data-ascii --data-binary --data-raw --data-urlencode --json --form -F
    --form-string --upload-file -T --url-query --output -o --output-dir --write-out -w --stderr --user-agent
    -A --referer -e --cookie -b --cookie-jar -c --range -r --time-cond -z --max-time -m --connect-timeout
    --retry --retry-delay --retry-max-time --limit-rate --max-filesize --speed-limit -Y --speed-time -y --cert
    -E --key
"""
# The last letter of a group may take the next word.
_GROUPS: Final = """
    -sS -Ss -sf -fs -sSf -fsS -fSs -sL -fL -sSL -fsSL -sSfL -sO -LO -sLO -fsSLO -si -sSi -iL -sI -sSI -IL -sIL
    -so -sSo -fso -fsSo -Lo -sLo -sSLo -fLo -fsSLo -sX -sSX -iX -sH -sSH -sd -sw -sSw
"""
ALONE: Final = frozenset(_ALONE.split())
WITH_VALUE: Final = frozenset(_WITH_VALUE.split())
GROUPS: Final = frozenset(_GROUPS.split())
# What is looked at, by its long name.
LONG_NAMES: Final = {
    "-X": "--request",
    "-H": "--header",
    "-T": "--upload-file",
    "-d": "--data",
    "-F": "--form",
    "-b": "--cookie",
    "-w": "--write-out",
    "-I": "--head",
    "-i": "--include",
    "-G": "--get",
    "-L": "--location",
}
_READS_FILES: Final = frozenset(
    {"--data", "--data-ascii", "--data-binary", "--data-urlencode", "--json", "--form"}
)
_CONTENT: Final = _READS_FILES | {"--data-raw", "--form-string"}
# `@file`, `name@file`, `name=@file` and `name=<file`; a lone dash is standard input.
_FILE: Final = re.compile(r"[^={]*[@<]|.*=[@<]|-$", re.DOTALL)
_MULTILINE: Final = _CONTENT | {"--write-out"}
_SHOWS_STATUS: Final = frozenset({"--head", "--include", "--show-headers", "--write-out"})
# The answer to the first two repeats the request with the credential; the third asks for a tunnel.
_NOT_SENT: Final = frozenset({"TRACE", "TRACK", "CONNECT"})


def newest_head(text: bytes) -> Response | None:
    """Return the newest whole head of an answer in what `--dump-header` wrote; None before there is one."""
    for block in reversed(_BLOCK_END.split(text)[:-1]):
        # 100 and 103 come before the answer; after 101 there is none.
        status = _STATUS.match(block)
        if status is not None:
            fields = _FIELD_LINE.findall(block.decode("latin-1"))
            return Response(int(status[1]), headers=Headers.of(fields))
    return None


class CurlRequest(Struct, frozen=True):
    """The request that the options of a curl command line make.

    Attributes:
        arguments: the options as curl gets them.
        values: those of each option by its long name, empty strings where it takes none.
    """

    arguments: tuple[str, ...]
    values: dict[str, list[str]]

    @property
    def method(self) -> str:
        """The method that curl uses; a bound token is signed for it."""
        if "--request" in self.values:
            # The last one wins, whatever other options would make of the method.
            return self.values["--request"][-1]
        if "--head" in self.values:
            return "HEAD"
        if any(self.values.get("--upload-file", ())):
            return "PUT"
        return "POST" if self.values.keys() & _CONTENT and "--get" not in self.values else "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether a second call of curl is sure to send the same: nothing of it is read from a file."""
        names = _READS_FILES | {"--url-query", "--cookie"}
        values = [value for name in names for value in self.values.get(name, ())]
        return "--upload-file" not in self.values and not any(map(_FILE.match, values))

    @property
    def shows_status(self) -> bool:
        """Whether status or header fields of the answer were asked for: then any status is one."""
        return not _SHOWS_STATUS.isdisjoint(self.values)


def read_request(arguments: Sequence[str], url: str) -> CurlRequest:
    """Return the request to `url` that `arguments` make, the part of a curl command line without the URL.

    Raises:
        UsageError: an option is not on the list or lacks its value, or a value leads elsewhere.
    """
    passed_on: list[str] = []
    values: dict[str, list[str]] = {}
    queue = deque(arguments)
    while queue:
        option, value = queue.popleft(), ""
        if option in GROUPS:
            queue.extendleft(f"-{letter}" for letter in reversed(option[1:]))
            continue
        if option[:2] == "-X" and option[2:]:
            queue.extendleft((option[2:], "-X"))
            continue
        if option in WITH_VALUE:
            if not queue:
                raise UsageError(f"{option} needs a value.", "Write it behind the option.")
            value = queue.popleft()
        elif option not in ALONE:
            raise _unlisted(option, url)
        name = LONG_NAMES.get(option, option)
        fault = _fault(name, value, url)
        if fault:
            raise _refusal(fault, url)
        values.setdefault(name, []).append(value)
        if name != "--location":
            passed_on += [option, value] if option in WITH_VALUE else [option]
    return CurlRequest(tuple(passed_on), values)


def _unlisted(option: str, url: str) -> UsageError:
    """Return the refusal of a word that is not on the list; what is glued to its letter may be a secret."""
    letter = option[:2]
    if letter in ALONE | WITH_VALUE:
        cause = f"{letter!r} with these letters behind it is not passed on to curl."
        return UsageError(cause, "Write each option, and its value, as a word of its own.")
    name = letter if re.match("-[^-]", option) else option.partition("=")[0][:40]
    return _refusal(f"{name!r} is not passed on to curl", url)


def _fault(name: str, value: str, url: str) -> str:
    """Return why an option with this value would make another request; empty if it does not."""
    if name == "--header":
        field = field_name(value)
        if not field:
            return "What is not written as -H 'Name: value' is not passed on to curl"
        # Some servers read the path from such a field, so the credential could be used elsewhere.
        leads_elsewhere = field == "host" or names_a_place(field.encode())
        return f"The field {field} is not passed on to curl" if leads_elsewhere else ""
    if name == "--request" and (not is_token(value) or value.upper() in _NOT_SENT):
        return "This method is not passed on to curl"
    # curl appends the name of the file, and removes dot segments from the result.
    if name == "--upload-file" and not urlsplit(url).path.rpartition("/")[2]:
        return "An upload to a URL that ends without a name is not passed on to curl"
    if name not in _MULTILINE and has_control_character(value):
        return f"A value of {name} with a control character is not passed on to curl"
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

r"""The options of curl that `authlens curl` passes on, and how words are read.

curl sends a header field to every address that it is led to. This is an exact list of options that scripts
use and that lead nowhere: each in full or by its letter, its value as the next word. Not on it is what
follows a redirect, names another address, proxy, authority or credential, reads options from elsewhere, or
shows what is sent. Any other option is refused, and so is any other spelling of a listed one.

Source: the table `aliases` in src/tool_getparam.c of curl 8.14.1, which `curl --help all` shows. From 7.61
(2018) to 8.21 no option of the list takes another number of words.

A file for `--config` has one option a line, so that no value becomes an option or an address. Source:
docs/cmdline-opts/config.md and `parseconfig` in src/tool_parsecfg.c. A line is a name without dashes, ` = `
and a value in quotes, in which a backslash escapes the next character.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from authlens_core.grammars.curl_header import has_control_character
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import fix

_ALONE: Final = """
    silent/s show-error/S fail/f fail-with-body get/G head/I include/i show-headers compressed globoff/g
    no-buffer/N progress-bar/# no-progress-meter http1.1 http2 ipv4/4 ipv6/6 tlsv1.2 tlsv1.3 remote-name/O
    remote-time/R create-dirs retry-all-errors retry-connrefused
"""
_WITH_VALUE: Final = """
    request/X header/H data/d data-ascii data-binary data-raw data-urlencode json form/F form-string
    upload-file/T url-query output/o output-dir dump-header/D write-out/w stderr user-agent/A referer/e
    cookie/b cookie-jar/c range/r time-cond/z max-time/m connect-timeout retry retry-delay retry-max-time
    limit-rate max-filesize speed-limit/Y speed-time/y cert/E key
"""
_BUNDLE: Final = re.compile(r"-[sSfiI]{2,}")  # these letters take no value, whatever their order
_REDIRECT: Final = re.compile(r"-[sSfiI]*L|--location(-trusted)?|--follow")
_SHOWN_WHOLE: Final = re.compile(r"-[A-Za-z#:]{0,4}|--[a-z0-9.-]{0,40}|[^-].{0,59}")


class CurlOption(Struct, frozen=True):
    """One option of a curl command line.

    Attributes:
        name: its long name without dashes.
        value: None if it takes none.
    """

    name: str
    value: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The option in words that curl reads in one way only."""
        return (f"--{self.name}",) if self.value is None else (f"--{self.name}", self.value)


def _spellings(table: str) -> dict[str, str]:
    """Return the long name for each spelling in a table of words like `silent/s`."""
    rows = [word.partition("/") for word in table.split()]
    letters = {f"-{letter}": name for name, _, letter in rows if letter}
    return letters | {f"--{name}": name for name, _, _ in rows}


ALONE: Final = _spellings(_ALONE)
WITH_VALUE: Final = _spellings(_WITH_VALUE)


def read_options(words: Sequence[str], url: str) -> tuple[CurlOption, ...]:
    """Return the options in `words`, the part of a curl command line without the URL.

    Args:
        url: what the request is for; refusals name it.

    Raises:
        UsageError: a word is not on the list, or an option lacks its value.
    """
    options: list[CurlOption] = []
    rest = iter(words)
    for word in rest:
        if word in ALONE:
            options.append(CurlOption(ALONE[word]))
        elif word in WITH_VALUE:
            value = next(rest, None)
            if value is None:
                raise UsageError(f"{word} needs a value.", f"Write it after {word}, as a word of its own.")
            options.append(CurlOption(WITH_VALUE[word], value))
        elif _BUNDLE.fullmatch(word):
            options += [CurlOption(ALONE[f"-{letter}"]) for letter in word[1:]]
        else:
            raise _refusal(word, url)
    return tuple(options)


def _refusal(word: str, url: str) -> UsageError:
    """Return why a word is not passed on, and how to do without authlens between; it may hold a secret."""
    target = shlex.quote(url)
    if _REDIRECT.fullmatch(word):
        look = f"authlens curl {target} -- -sS -o /dev/null -w '%{{redirect_url}}\\n'"
        return UsageError(
            f"{word!r} is not passed on to curl: a redirect could take the credential to any address.",
            f"See where it leads, and call that URL: {look}",
        )
    name = word.partition("=")[0]
    shown = name if _SHOWN_WHOLE.fullmatch(name) else f"{name[:2]}…"
    return UsageError(
        f"{shown!r} is not passed on to curl: it is not an option that is sure to send the credential to "
        "this URL only.",
        fix(
            "Write each option and its value as a word of its own.",
            "Or call curl yourself, which sends the credential wherever its options lead: "
            f"authlens headers {target} --format lines | curl -H @- {target}",
        ),
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

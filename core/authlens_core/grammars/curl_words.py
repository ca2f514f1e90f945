r"""The words of a curl command line, read as curl reads them; one that is not known refuses them all.

Source: `parse_args` and `getparameter` in src/tool_getparam.c of curl 8.14.1. A word that starts with one
dash is a row of letters, up to one that takes a value: the rest of the word, or the next word, whatever that
starts with. A word that starts with two dashes is the name of an option. Any other word is an address.

Stricter than curl, because its releases differ: before 8.6 it took any unambiguous beginning of a name in any
case, from 8.16 on it takes `--name=value`. Neither is accepted.

A file for `--config` has one option a line, so that no value becomes an option or an address. Source:
docs/cmdline-opts/config.md and `parseconfig` in src/tool_parsecfg.c. A line is a name without dashes, ` = `
and a value in quotes, in which a backslash escapes the next character.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterator, Sequence

from authlens_core.grammars.curl_header import has_control_character
from authlens_core.grammars.curl_options import NAME_OF_LETTER, PASSED_ON, STAYS_BEHIND, NotPassedOn, Takes
from authlens_core.values.errors import UsageError
from authlens_core.values.quick_dataclass import dataclass

_DASHES = "‐‑‒–—―−﹘﹣－"  # what word processors make of the ASCII dash
_LONGEST_SHOWN = 60  # characters


class CurlOptionRefused(UsageError):
    """A word of a curl command line is not passed on.

    Args:
        word: as it is shown.
        reason: why.
        url: what the credential is for.
    """

    def __init__(self, word: str, reason: NotPassedOn, url: str) -> None:
        instead = reason.instead.format(url=shlex.quote(url))
        super().__init__(f"{word!r} is not passed on to curl: {reason.why}.", instead)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CurlOption:
    """One option of a curl command line.

    Attributes:
        name: its long name without dashes and without `no-`.
        written: the option alone: `-X`, `--request`, `--no-buffer`.
        value: None if it takes none.
    """

    name: str
    written: str
    value: str | None = None

    @property
    def on(self) -> bool:
        return not self.written.startswith("--no-")

    @property
    def words(self) -> tuple[str, ...]:
        """The option in words that curl reads in one way only."""
        return (self.written,) if self.value is None else (self.written, self.value)


def read_options(words: Sequence[str], url: str) -> tuple[CurlOption, ...]:
    """Return the options in `words`, the part of a curl command line without the URL.

    Args:
        url: what the request is for; refusals name it.

    Raises:
        CurlOptionRefused: a word is not an option that is passed on.
        UsageError: an option lacks its value.
    """
    return tuple(_options(deque(words), url))


def _options(words: deque[str], url: str) -> Iterator[CurlOption]:
    while words:
        word = words.popleft()
        if word.startswith("--") and word != "--":
            yield _long(word, words, url)
        elif word.startswith("-") and word not in ("-", "--"):
            yield from _letters(word, words, url)
        else:
            raise _not_an_option(word, url)


def _long(word: str, words: deque[str], url: str) -> CurlOption:
    name, negated = word.removeprefix("--"), False
    if name not in PASSED_ON and name.startswith("no-"):
        name, negated = name.removeprefix("no-"), True
    takes = PASSED_ON.get(name)
    if takes is None or (negated and takes is not Takes.SWITCH):
        raise CurlOptionRefused(_shown(word), _reason(word, name), url)
    value = _next(word, words) if takes is Takes.WORD else None
    return CurlOption(name, word, value)


def _letters(word: str, words: deque[str], url: str) -> Iterator[CurlOption]:
    for after, letter in enumerate(word[1:], 2):
        written, name = f"-{letter}", NAME_OF_LETTER.get(letter, "")
        takes = PASSED_ON.get(name)
        if takes is None:
            raise CurlOptionRefused(written, STAYS_BEHIND.get(name, NotPassedOn.UNKNOWN), url)
        if takes is Takes.WORD:
            yield CurlOption(name, written, word[after:] or _next(written, words))
            return
        yield CurlOption(name, written)


def _next(written: str, words: deque[str]) -> str:
    if not words:
        raise UsageError(f"{written} needs a value.", f"Write it after {written}, as a word of its own.")
    return words.popleft()


def _reason(word: str, name: str) -> NotPassedOn:
    if word.startswith("--expand-"):
        return NotPassedOn.CONFIG
    return STAYS_BEHIND.get(name, NotPassedOn.UNKNOWN)


def _not_an_option(word: str, url: str) -> UsageError:
    if word[:1] in _DASHES and word:
        return UsageError(f"{_shown(word)!r} starts with a dash that curl does not know.", "Type an ASCII -.")
    return CurlOptionRefused(_shown(word), NotPassedOn.ANOTHER_URL, url)


def _shown(word: str) -> str:
    """Return a word without what may be a secret behind `=`, and not too long."""
    return word.partition("=")[0][:_LONGEST_SHOWN] if word.startswith("--") else word[:_LONGEST_SHOWN]


def config_line(name: str, value: str | None = None) -> str:
    """Return one line with the option `name`, and its line end.

    Raises:
        ValueError: the value has a control character, which no URL and no field of a request has.
    """
    if value is None:
        return f"{name}\n"
    if has_control_character(value):
        raise ValueError("a value has a control character")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{quoted}"\n'

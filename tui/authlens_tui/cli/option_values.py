"""Values of options that several verbs share, and the URLs of a command line, checked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from authlens_core.values.url import UrlRefused, parse_url, usable_url, with_scheme
from authlens_tui.cli.terminal.output import say
from authlens_tui.cli.terminal.refused import refusal

_Number = TypeVar("_Number", int, float)
_KINDS_OF_TRACES: Final = frozenset({"login", "refresh", "revoke", "probe"})
_CHECK: Final = re.compile(r"[a-z_]+\.[a-z0-9_]+(=[a-z0-9_.:\[\]-]+)?")
_DURATION: Final = re.compile(r"(?P<count>[0-9]{1,5})(?P<unit>[smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# RFC 3986 §2.2 without the brackets, which belong to the host alone; and what is encoded already.
_TAKEN_AS_THEY_ARE: Final = ":/?#@!$&'()*+,;=%"


def reader(kind: str) -> Callable[[str], object]:
    """Return the reader of a value by its name in a verb's file: `port`, `count 1 10 events`."""
    name, *more = kind.split()
    if name == "count":
        return count(int(more[0]), int(more[1]), *more[2:])
    if name == "number":
        return number(float(more[0]), float(more[1]))
    if name == "port":
        return port_up_to(*map(int, more))
    return _READERS[name]


def flag(add: argparse._ActionsContainer, name: str, help_text: str) -> None:
    """Add an option that takes no value and is off unless it is typed."""
    add.add_argument(name, action="store_true", help=help_text)


def utf8(text: str) -> str:
    """Return `text`, which goes into a request or a file."""
    # Bytes that are not UTF-8 are surrogates in `sys.argv` (PEP 383), which nothing can send.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise argparse.ArgumentTypeError("not UTF-8 text")
    return text


def absolute_path(text: str) -> str:
    """Return the absolute path of a file."""
    return str(Path(utf8(text)).expanduser().absolute())


def named_folder(text: str) -> Path:
    """Return the folder that a user typed; `~` is their home.

    Raises:
        UsageError: it is the home of no one.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise refusal(f"{text} names an unknown home directory.", "Give the whole path.") from None


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a reader for a number of seconds in a range."""
    return _reader(float, least, most, f"a number of seconds from {least:g} to {most:g}")


def count(least: int, most: int, unit: str = "") -> Callable[[str], int]:
    """Return a reader for a whole number in a range."""
    return _reader(
        _digits, least, most, f"a whole number{f' of {unit}' if unit else ''} from {least} to {most}"
    )


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # `int` reads "1_0" and "+1" as well
        raise ValueError(text)
    return int(text)


def _reader(
    kind: Callable[[str], _Number], least: float, most: float, expected: str
) -> Callable[[str], _Number]:
    def read(text: str) -> _Number:
        with suppress(ValueError):
            if least <= (value := kind(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"not {expected}")

    return read


def check_name(text: str) -> str:
    if not _CHECK.fullmatch(text):
        raise argparse.ArgumentTypeError("not the name of a check, such as server.token_endpoint_host")
    return text


def trace_name(text: str) -> str:
    if text in _KINDS_OF_TRACES or (text.isascii() and text.isdigit() and len(text) <= 3):
        return text
    raise argparse.ArgumentTypeError("neither login, refresh, revoke, probe nor a number of export --list")


def duration(text: str) -> timedelta:
    """Return a length of time in one unit."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("not a time such as 90s, 30m, 1h or 7d")
    return timedelta(**{_UNITS[match["unit"]]: int(match["count"])})


def _states(text: str) -> object:
    """Return the states of credentials that are named with commas between them."""
    from authlens_core.desk.credentials import StatusKind  # the help needs no credentials

    states = {kind.name.lower().replace("_", "-"): kind for kind in StatusKind}
    names = text.split(",")
    unknown = [name for name in names if name not in states]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no state; these are: {', '.join(states)}")
    return frozenset(states[name] for name in names)


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "check": check_name,
    "trace": trace_name,
    "utf8": utf8,
    "duration": duration,
    "states": _states,
}


def port_up_to(most: int = 65_535) -> Callable[[str], int]:
    """Return a reader for a port from 0 to `most`."""
    return _reader(_digits, 0, most, f"a port from 0 to {most}")


port = port_up_to()


def checked_url(url: str) -> str:
    """Return `url` if it can be used; with a scheme if it has none, which is reported where it is http.

    Raises:
        UsageError: with every reason why it cannot.
    """
    whole = with_scheme(url)
    try:
        usable = parse_url(whole, loopback_http=True).text
    except UrlRefused as refused:
        cause = f"{url or 'Nothing'} cannot be used: {refused}."
        raise refusal(cause, _usable_instead(whole)) from None
    if whole != url and whole.startswith("http://"):
        say(f"! No scheme given: using {usable}")
    return usable


def _usable_instead(url: str) -> str:
    from shlex import quote as shell_word
    from urllib.parse import quote

    # Bytes that are not UTF-8 are surrogates in an argument (PEP 383), which `quote` refuses.
    try:
        encoded = quote(url, safe=_TAKEN_AS_THEY_ARE)
    except UnicodeEncodeError:
        encoded = url
    if encoded != url and usable_url(encoded, loopback_http=True) is not None:
        return f"Give it percent-encoded: {shell_word(encoded)}"
    return "Give the whole address, such as https://wiki.example.com/"


def checked_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return several URLs, each once; all are checked before anything is sent.

    Raises:
        UsageError: one of them cannot be used.
    """
    return tuple(dict.fromkeys(map(checked_url, urls)))

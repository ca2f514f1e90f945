"""The curl of this machine: its table of options, and calls of it as `authlens curl` makes them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from authlens_core.gateway.curl import command, config_pipe, configuration, curl_environment
from authlens_core.grammars.curl_options import read_request
from support.needs import program
from support.waiting import PATIENCE

__all__ = ["CurlDone", "HelpLine", "machine_options", "run_words"]

_LINE = re.compile(r" (?:-(?P<letter>.),|   ) --(?P<name>[^ ]+)(?P<value> <.*?>+)? {1,}")


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One option as `curl --help all` shows it; `letter` is empty where it has none."""

    name: str
    letter: str
    takes_word: bool


@cache
def machine_options() -> tuple[HelpLine, ...]:
    """Return every option of the curl of this machine."""
    text = subprocess.run(
        [program("curl"), "--help", "all"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    found = [_LINE.match(line) for line in text.splitlines()]
    assert None not in found, "a line of the help is not understood"
    return tuple(HelpLine(one["name"], one["letter"] or "", bool(one["value"])) for one in found if one)


@dataclass(frozen=True, slots=True)
class CurlDone:
    """What curl left."""

    code: int
    out: bytes
    err: bytes


def run_words(
    words: Iterable[str], url: str, fields: tuple[tuple[str, str], ...], *, cwd: Path, typed: bytes = b""
) -> CurlDone:
    """Check the words as `authlens curl` does, and run curl with them and with `fields` for the credential.

    The heads of its answers go nowhere.

    Raises:
        UsageError: a word is refused.
    """
    request = read_request(list(words), url)
    reader, heads = config_pipe(configuration(url, request, fields)), os.open(os.devnull, os.O_WRONLY)
    try:
        done = subprocess.run(
            command(request, reader, heads),
            executable=program("curl"),
            env=curl_environment(),
            cwd=cwd,
            input=typed,
            capture_output=True,
            pass_fds=(reader, heads),
            timeout=PATIENCE,
        )
    finally:
        os.close(reader)
        os.close(heads)
    return CurlDone(done.returncode, done.stdout, done.stderr)

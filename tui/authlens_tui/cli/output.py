"""The two ways out: answers on stdout, words on stderr. Everything is one printable line at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from authlens_core.errors import AuthlensError
from authlens_core.safe_text import safe_line, safe_text
from authlens_core.secret import Secret

__all__ = ["answer_json", "answer_line", "answer_secret", "explain", "say"]


def say(words: str) -> None:
    """Tell the person something, on stderr, whatever the encoding of the terminal."""
    _write(sys.stderr, safe_text(words) + "\n")


def explain(error: AuthlensError) -> None:
    """Tell the person what stopped the work and what to do."""
    where = f"{error.stage}: " if error.stage else ""
    say(f"✖ {where}{error.cause}")
    if error.cure:
        say(f"  → {error.cure}")


def answer_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """Write one JSON value as one line on stdout; ASCII only, so nothing in it can steer a terminal."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def answer_line(line: str) -> None:
    """Write one line of the answer on stdout, made safe to show."""
    _write(sys.stdout, safe_line(line) + "\n")


def answer_secret(secret: Secret) -> None:
    """Write a secret on stdout, because that is what was asked for."""
    sys.stdout.write(secret.reveal() + "\n")
    sys.stdout.flush()


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    plain = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(plain)
    stream.flush()

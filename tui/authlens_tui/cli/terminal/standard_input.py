"""Standard input as bytes, because nothing names their charset; never more than a limit."""

from __future__ import annotations

import sys

from authlens_tui.cli.terminal.output import is_terminal


def piped(limit: int) -> bytes:
    """Return the first `limit` bytes of standard input; nothing if it is a terminal."""
    return b"" if is_terminal(sys.stdin) else everything(limit)


def everything(limit: int) -> bytes:
    """Return the first `limit` bytes of standard input, also of what is typed in a terminal."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read(limit)


def next_line(limit: int) -> str:
    """Return the next line with its end, at most `limit` bytes; what is not UTF-8 becomes U+FFFD."""
    return "" if sys.stdin is None else sys.stdin.buffer.readline(limit).decode("utf-8", "replace")

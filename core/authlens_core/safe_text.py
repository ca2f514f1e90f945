"""The one gate that text from outside passes before a person or a file sees it.

Terminals obey control characters wherever they come from, and Textual hands them on unchanged. Nothing is
removed here: what cannot be shown is written as a visible escape, so that the inspector stays truthful.
"""

from __future__ import annotations

from typing import Final

__all__ = ["safe_line", "safe_text"]

_SHORT: Final = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\x1b": "\\e", "\x00": "\\0"}
# Printable by Unicode's own rules and still able to hide or reorder what stands beside them.
_DECEPTIVE: Final = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800") | frozenset(
    chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810))
)


def _visible(character: str) -> str:
    short = _SHORT.get(character)
    if short is not None:
        return short
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def safe_line(text: str, limit: int = 2_000) -> str:
    """Return the first `limit` characters of `text` as one printable line.

    Control, format, surrogate, private-use and unassigned characters become visible escapes; a cut is said.
    """
    kept = text[: limit + 1]
    if not kept.isprintable() or not _DECEPTIVE.isdisjoint(kept):
        kept = "".join(c if c.isprintable() and c not in _DECEPTIVE else _visible(c) for c in kept)
    if len(text) > limit:
        return f"{kept[:limit]}… ({len(text) - limit} more characters)"
    return kept


def safe_text(text: str, limit: int = 1_000_000) -> str:
    """Return `text` with its line ends kept and everything else that is not printable made visible.

    A tab becomes four spaces. Works on any string, lone surrogates included, and is idempotent on its result.

    Args:
        text: what a server, a browser or the operating system said.
        limit: how many characters are kept; a cut is said at the end.
    """
    cut = len(text) - limit
    kept = text[:limit].replace("\r\n", "\n").replace("\t", "    ")
    if not kept.replace("\n", "").isprintable() or not _DECEPTIVE.isdisjoint(kept):
        kept = "".join(
            c if c == "\n" or (c.isprintable() and c not in _DECEPTIVE) else _visible(c) for c in kept
        )
    return f"{kept}\n… ({cut} more characters)" if cut > 0 else kept

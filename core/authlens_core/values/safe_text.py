"""Text that is safe to show: the functions that make text from outside safe, and where they are called.

Terminals obey control characters wherever they come from, and Textual hands them on unchanged. Nothing is
removed here: what cannot be shown becomes a visible escape, so the inspector stays truthful.

Text is made safe once, where it enters a value or leaves for the screen, never at the places of use:

* values that carry sentences make their own text safe when they are made: `AuthlensError`, `Check`,
  `Diagnosis`, `Finding`, `WireFailure`, `Grant`, `ServiceToken` and the rows of the dashboard;
* widgets show `authlens_tui.terminal.content.Content` or a `Line`, which make each piece safe;
* `say` and `answer_line` write the lines of the command line and make them safe.

No type says that a text is safe: sentences are made of parts, and the sum of safe parts is a `str` again.
`tests/architecture/test_safe_text_use.py` holds the first of these, and ruff bans the `Content` of Textual.
The app's line filter is the second layer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from msgspec import Struct

# Characters of a name or of another short value within a sentence.
NAME: Final = 80
# Characters of a line: a sentence, an address, a header field.
LINE: Final = 2_000
# Characters of a text of many lines: a body, a file.
DOCUMENT: Final = 1_000_000
_MOST_MARKS: Final = 4  # on one character; no script needs more, and a stack of them paints over other lines
_SHORT: Final = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\x1b": "\\e", "\x00": "\\0"}
# Printable by Unicode's own rules, and still able to hide or reorder the text next to them.
_DECEPTIVE: Final = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800") | frozenset(
    chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810))
)
# Patterns, not compiled ones: every command imports this module, and few need them.
# RFC 3986 §3.2.1. A path has one slash; where there is no scheme, only a name with a password counts.
_USER_INFO: Final = (
    r"(?:(?<=:/)|(?<=://))[^\s/?#@]+@"
    r"|(?:(?<!\S)(?!['\"])|(?<=(?<!\S)['\"]))[^\s/?#@:]+:[^\s/?#@]+@"
)
# Only runs outside these blocks, which have no marks, are looked at character by character.
_MAYBE_MARKS: Final = f"[^\\x00-\\u02ff\\u3100-\\ua66e\\uac00-\\ud7ff]{{{_MOST_MARKS + 1},}}"


def safe_line(text: str, limit: int = LINE) -> str:
    """Return the first `limit` characters of `text` as one printable line, with a note of how many were cut.

    Control, format, surrogate, private-use and unassigned characters become visible escapes.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    visible = _printable(text[: limit + 1])
    if len(text) > limit:
        return f"{visible[:limit]}… ({len(text) - limit} more characters)"
    return visible


def safe_sentence(text: str, limit: int = LINE) -> str:
    """Return our own words as `safe_line` does, without the user name and password of a URL in them."""
    return safe_line(without_user_info(text), limit)


def without_user_info(text: str) -> str:
    """Return `text` with a mask for the user name and password of each URL in it."""
    return re.sub(_USER_INFO, "•••@", text) if "@" in text else text


def safe_text(text: str, limit: int = DOCUMENT) -> str:
    """Return `text` with its line ends kept, tabs as four spaces and everything else as `safe_line` shows it.

    Works on any string, lone surrogates included, and is idempotent.
    """
    cut = len(text) - limit
    visible = text[:limit].replace("\r\n", "\n").replace("\t", "    ")
    if not visible.isascii() or not visible.replace("\n", "").isprintable():
        visible = "\n".join(map(_printable, visible.split("\n")))
    return f"{visible}\n… ({cut} more characters)" if cut > 0 else visible


def safe_fields(value: Struct, *names: str) -> None:
    """Make the text of these fields of a frozen Struct one safe line each; call it in `__post_init__`.

    A value that is not text has made itself safe.
    """
    from msgspec.structs import force_setattr  # the version is printed without it

    for name in names:
        text = getattr(value, name)
        visible = safe_sentence(text) if isinstance(text, str) else text
        if visible is not text:
            force_setattr(value, name, visible)


def _printable(text: str) -> str:
    if not text.isprintable() or not _DECEPTIVE.isdisjoint(text):
        text = "".join(c if c.isprintable() and c not in _DECEPTIVE else _escape(c) for c in text)
    # Compiling the expression takes as long as painting a screen. Latin-1 has no marks, and most texts have
    # few other symbols, except for masks.
    symbols = len(text) - len(text.encode("latin-1", "ignore")) - text.count("•")
    return text if symbols <= _MOST_MARKS else re.sub(_MAYBE_MARKS, _cut_stacks, text)


def _cut_stacks(run: re.Match[str]) -> str:
    visible, marks = [], 0
    for character in run.group():
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        visible.append(character if marks <= _MOST_MARKS else _escape(character))
    return "".join(visible)


def _escape(character: str) -> str:
    short = _SHORT.get(character)
    if short is not None:
        return short
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"

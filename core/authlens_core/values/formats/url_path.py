r"""Paths of URLs as servers read them: whether one path is below another in every reading.

Source: RFC 3986 §3.3 and §5.2.4 say what a path and a dot segment are. Servers and the proxies before them do
more, in an order of their own: decode twice (IIS), accept overlong UTF-8 (CVE-2008-2938), drop `;` and what
follows before they look for dots (Tomcat), drop dots and spaces at the end of a name (Windows), replace a
character by a similar one (NFKC, "best fit") or by its low byte. A path that one of them may read as a step
up is ambiguous, and below nothing but the whole origin, which has no way out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Expressions, not compiled ones: `authlens token` imports this module and rarely needs them.
_SURE: Final = r"(?!\.+$)[A-Za-z0-9._~-]+"
# Nothing, or dots and spaces, up to the end or up to a character at which a server may cut the name off.
_STEP: Final = r"(?:[. ]*\.[. ]*(?:[^\w~-]|$)|;|$)"
# The same in low bytes. A separator alone is no step, and letters of many languages have such a byte.
_LOW_STEP: Final = r"(?:^|[/\\;])[\x00- ]*\.[\x00- .]*(?:$|[/\\;])"
_SEPARATORS: Final = frozenset("/\\%")
# Of Unicode: letters, marks, numbers, dashes, quotation marks, brackets and pictures. Some of the rest
# become a dot or a slash: punctuation, and the symbols of mathematics and money.
_USUAL: Final = frozenset("LMN")
_USUAL_OTHERS: Final = frozenset({"Pd", "Pi", "Pf", "Ps", "Pe", "So"})
# Persian words and emoji have them (the zero width non-joiner and joiner); some servers drop them.
_JOINERS: Final = frozenset("\u200c\u200d")


def below(parent: str, path: str) -> int | None:
    """Return how many segments `parent` has if `path` is it, or is below it in every reading; else None.

    `/app` and `/app/` are the same place, and `/app` is not above `/apple`. A place without a segment is the
    whole origin: every path is below it, also an ambiguous one.

    Args:
        parent: a path of characters that a URL may have, as `path`, too.
    """
    wide = _segments(parent)
    if not wide:
        return 0
    narrow = _segments(path)
    # The same text is the same place, however it is read.
    if narrow != wide and (narrow[: len(wide)] != wide or is_ambiguous(path)):
        return None
    return len(wide)


def is_ambiguous(path: str) -> bool:
    """Return whether some server may read a part of `path` as a step up, or as no name."""
    return not all(map(_is_sure, _segments(path)))


def _is_sure(segment: str) -> bool:
    """Return whether no server reads a segment of a path as a step up or as nothing.

    Some read `@scope%2fname`, as npm writes it, as two names: those are below the same path, too.
    """
    if re.fullmatch(_SURE, segment):
        return True
    text = _decoded(segment)
    return text is not None and all(map(_is_name, text.split("/")))


def _is_name(text: str) -> bool:
    """Return whether no server reads what is between two slashes as a step up, or as nothing."""
    normal = unicodedata.normalize("NFKC", text)
    # A percent sign that is left would be decoded again. A symbol may be mapped to a slash or a dot.
    if not all(map(_is_usual, text + normal)):
        return False
    without_marks = "".join(character for character in text if unicodedata.category(character)[0] not in "MC")
    low_bytes = "" if text.isascii() else "".join(chr(ord(character) & 0xFF) for character in text)
    # Among the pictures are a heavy solidus and a diagonal of box drawing.
    with_slashes = "".join(
        "/" if unicodedata.category(character) == "So" else character for character in text
    )
    names = (text, normal, text.replace("+", " "), without_marks)
    return not any(re.match(_STEP, name) for name in names) and not any(
        re.search(_LOW_STEP, name) for name in (low_bytes, with_slashes)
    )


def _segments(path: str) -> tuple[str, ...]:
    """Return the segments without the empty ones at the end."""
    return tuple(path.rstrip("/").split("/")[1:])


def _decoded(segment: str) -> str | None:
    """Return the segment without its escapes, or None where they are not UTF-8 in its shortest form."""
    from urllib.parse import unquote_to_bytes  # large, and not needed for most paths

    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_usual(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and character not in _SEPARATORS
    category = unicodedata.category(character)
    return category[0] in _USUAL or category in _USUAL_OTHERS or character in _JOINERS

"""Text from outside as one word of a bash script, and as a remark in it: neither can become a command."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Final

from authlens_core.values.known_secrets import MASKED
from authlens_core.values.safe_text import safe_line

_LONGEST_REMARK: Final = 300  # characters


def bash_word(text: str) -> str:
    r"""Return `text` quoted for bash, on one line and printable; NUL, which no argument can hold, as U+FFFD.

    Whatever a terminal would obey is written as `\x` and two digits for each byte, whatever the locale.
    """
    text = text.replace("\0", "\ufffd")
    # Printable on one line: shlex's quotes are enough. Otherwise a terminal would obey what is shown.
    if safe_line(text, len(text)) == text:
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def bash_word_of_masked(text: str, expansion: Callable[[str], str]) -> str:
    """Return `text` as one word of bash, with a quoted expansion instead of each mask.

    Args:
        text: what may hold masks of secrets.
        expansion: returns for a mask what bash puts there, without the quotes around it.
    """
    word, end = "", 0
    for mask in MASKED.finditer(text):
        word += _piece(text[end : mask.start()]) + f'"{expansion(mask[0])}"'
        end = mask.end()
    return (word + _piece(text[end:])) or "''"


def _piece(text: str) -> str:
    return bash_word(text) if text else ""


def bash_remark(text: str) -> str:
    """Return `text` as it may be after `# `: one printable line."""
    return safe_line(text, _LONGEST_REMARK)


def _escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if safe_line(character) == character:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "replace"))

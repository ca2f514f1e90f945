"""What a program has switched on in the terminal, read from the bytes that it wrote."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["left_on"]

_SEQUENCE: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])|\x1b\[([<>])([0-9]*)(?:;[0-9]*)*u")
_AT_FIRST: Final = frozenset({"7", "25"})  # lines wrap (DECAWM) and there is a cursor (DECTCEM)
_PASSING: Final = frozenset({"2026"})  # held for the length of one drawing; the terminal lets go by itself
_NAMES: Final = {
    "7": "line wrap",
    "25": "cursor",
    "1000": "mouse",
    "1003": "every mouse movement",
    "1004": "focus events",
    "1006": "mouse (SGR)",
    "1015": "mouse (urxvt)",
    "1016": "mouse in pixels",
    "1049": "alternate screen",
    "2004": "bracketed paste",
    "2048": "resize reports",
}


def left_on(raw: bytes | bytearray) -> list[str]:
    """Return in words what is not as a shell expects it: private modes (DECSET) and the keyboard protocol.

    Empty means that the terminal is as it was before the program began.
    """
    modes, keyboard = set(_AT_FIRST), 0
    for found in _SEQUENCE.finditer(bytes(raw)):
        for number in (found[1] or b"").decode().split(";"):
            (modes.add if found[2] == b"h" else modes.discard)(number)
        if found[3] == b">":
            keyboard += 1
        elif found[3] == b"<":
            keyboard -= int(found[4] or 1)
    modes -= {""} | _PASSING
    changed = [
        f"{_NAMES.get(number, number)} {'on' if number in modes else 'off'}"
        for number in sorted(modes ^ _AT_FIRST, key=int)
    ]
    return [*changed, *([f"keyboard protocol {keyboard:+d}"] if keyboard else [])]

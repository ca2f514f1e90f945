"""Text that a hostile server, browser or system may say, for every place that shows such text."""

from typing import Final

__all__ = ["HOSTILE"]

HOSTILE: Final[dict[str, str]] = {
    # H147: markup must stay text.
    "action": "[@click=app.boom]click[/]",
    "closing tag": "A[/]B",
    "lone closing tag": "[/",
    "link": "[link=https://evil.example]here[/link]",
    "variable": "[$error]x[/] $primary [type=x, v={'a[0]'}]",
    "brackets and backslashes": "[[ \\[ \\\\[ ]] :smile:",
    # H146: nothing a terminal obeys.
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "hyperlink": "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\",
    "clear, ask, leave": "\x1b[2J\x1b[6n\x1b[?1049l\x1b[10A\x1b[>c",
    "strings": "\x1bPq\x1b\\ \x1b_x\x1b\\ \x1b^x\x1b\\ \x1bXx\x1b\\ \x1bc \x1b#8",
    "unterminated": "\x1b]52;c;",
    "C1": "\x9b2J \x9d52;c;ZXZpbA==\x9c \x90q\x9c",
    "lone escape": "end\x1b",
    "NUL, DEL, bell": "\x00\x7f\x07\x08",
    "line ends": "a\rb\nc\r\nd\x0be\x0cf\x85g\u2028h\u2029i",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "zero width": "a\u200b\u200d\ufeffb\u2060\U000e0041",
    "lone surrogate": "\ud800 \udfff",
    "wide": "漢字" * 60 + "👩‍👩‍👧" * 10,
    # H151: our own signs, imitated.
    "imitation": "✔ passed   Everything is fine.\n╭─ Approve? [y] ─╮\n•••• #00000000",
    # H149.
    "a megabyte in one line": "x" * 1_000_000,
    "a megabyte of escapes": "\x1b[2J" * 250_000,
}

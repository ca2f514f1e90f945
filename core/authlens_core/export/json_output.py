"""JSON text that is safe to open in an editor, a pager or a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping

from authlens_core.safe_text import safe_line


def json_output(document: Mapping[str, object], *, compact: bool = False) -> str:
    """Return `document` as JSON, two spaces deep unless it is to be compact, with a line end at its end.

    Characters that a terminal obeys, that reorder what is beside them, or that UTF-8 cannot carry (half a
    surrogate pair) are written as JSON escapes, which mean the same.
    """
    text = json.dumps(document, indent=None if compact else 2, ensure_ascii=False, allow_nan=False)
    if not all(line.isprintable() and line == safe_line(line, len(line)) for line in text.split("\n")):
        text = "".join(c if c == "\n" or safe_line(c) == c else json.dumps(c)[1:-1] for c in text)
    return text + "\n"

"""CSV (RFC 4180) that a spreadsheet opens as text: no cell of it becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")


def csv_row(cells: Iterable[str]) -> str:
    """Return a row without its end.

    A cell that would be a formula gets an apostrophe in front (OWASP ASVS 5, 1.2.10). Where a spreadsheet
    separates cells by semicolons, quotation marks keep one from starting in the middle of a text.
    """
    texts = [f"'{text}" if text.startswith(_FORMULAS) else text for text in cells]
    out = io.StringIO()
    is_split = any(";" in text for text in texts)
    writer = csv.writer(out, lineterminator="", quoting=csv.QUOTE_ALL if is_split else csv.QUOTE_MINIMAL)
    writer.writerow(texts)
    return out.getvalue()

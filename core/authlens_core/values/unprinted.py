"""A mixin for values with secrets in plain text or bytes."""

from __future__ import annotations

from typing import Any


class Unprinted:
    """Shows no field of a `Struct`: `repr` does not, nor does rich, which prints crash reports."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

"""A TOML file of the course, read strictly: an unknown key is an error, so that no slip eases a lesson."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from typing import NoReturn, TypeVar

import msgspec

from authlens_core.learning.claim import Claim
from authlens_core.learning.claim_text import meant, read_claims
from authlens_core.learning.strict_json import place, reason
from authlens_core.values.errors import LessonRefused

_Kind = TypeVar("_Kind")


class Claims(tuple[Claim, ...]):
    """The claims of a text in the file, one a line."""


class StrictToml:
    """A file, which knows where each of its keys is.

    Args:
        file: its name, for messages.
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._lines = text.split("\n")
        self._read = 0  # up to where claims were read

    def typed(self, kind: type[_Kind]) -> _Kind:
        """Return the file as a value of `kind`, which is a `StrictFile`.

        Raises:
            LessonRefused: it is no TOML, has another format, or a key or value that `kind` has not, or a
                claim that is none.
        """
        try:
            tables = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise LessonRefused(f"{self._file}:{_toml_place(str(error))}") from None
        try:
            return msgspec.convert(tables, kind, dec_hook=lambda _, text: self._claims(text))
        except msgspec.ValidationError as error:
            path, unknown = place(str(error))
            table, _, key = path.removeprefix(".").rpartition(".")
            if unknown:
                table, key = path.removeprefix("."), unknown
            self.refuse(table, key, reason(str(error)))

    def _claims(self, text: object) -> Claims:
        """Return the claims of a text; they are read in the order of the file, which says where each is.

        Raises:
            LessonRefused: a line of it is no claim.
        """
        if not isinstance(text, str):
            raise TypeError("Expected `str`")
        at = max(self._text.find(text, self._read), 0)
        self._read = max(at, self._read)
        line, column = self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at) - 1
        return Claims(read_claims(text, file=self._file, line=line, column=column))

    def known(self, table: str, key: str, name: str, known: Collection[str]) -> None:
        """Refuse a name that is not `known`."""
        if name not in known:
            self.refuse(table, key, f"“{name}” is not known here{meant(name, known)}")

    def refuse(self, table: str, key: str, reason: str) -> NoReturn:
        """Refuse the file for what is at a key.

        Args:
            table: its table, with an index where there are several, such as `question[2]`; empty for none.
        """
        line, column = self._place(table, key)
        raise LessonRefused(f"{self._file}:{line}:{column}: {reason}")

    def _place(self, table: str, key: str) -> tuple[int, int]:
        """Return line and column of a key; those of its table, or of the file, where it cannot be found."""
        wanted = re.search(r"\[(\d+)\]", table)
        left = int(wanted[1]) if wanted else 0  # tables of this name that come before it
        name, key = re.sub(r"\[[^]]*\]", "", table), re.sub(r"\[[^]]*\]", "", key)
        at, start = "", (1, 1)
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[+([\w.]+)\]+", line):
                left -= at == name and bool(wanted)
                at = header[1]
                if at == f"{name}.{key}".strip(".") or (at == name and left <= 0):
                    start = (number, 1)
            elif at == name and left <= 0 and (found := re.match(rf"(\s*){re.escape(key)}\s*=", line)):
                return number, len(found[1]) + 1
        return start


def _toml_place(said: str) -> str:
    """Return `line:column: reason` from what tomllib says."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", said, re.DOTALL)
    if found is None:
        return f"1:1: {said}"
    return f"{found[2] or 1}:{found[3] or 1}: {found[1]}"

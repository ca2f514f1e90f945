"""A claim of a lesson: what has to be true of the rows that a learner's moves left, as values and as text.

Its form is `[no | N x] source [where test and …] [as name] [after name] [before name]`. All claims of a phase
have to hold together. What cannot be read is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.learning.row import PREFIXES, WORDS, Source
from authlens_core.values.errors import LessonRefused


class Operator(StrEnum):
    """How a field is compared with a value."""

    IS = "="
    IS_NOT = "!="
    IN = "in"
    HAS = "has"
    PRESENT = "present"
    ABSENT = "absent"


class FieldOf(Struct, frozen=True):
    """The field of a row that an earlier claim named."""

    row: str
    field: str


class Loot(Struct, frozen=True):
    """A credential that the learner holds, by its name without the dollar sign."""

    name: str


LOOT: Final = ("callback", "client", "code", "device", "proof", "refresh", "token", "verifier")
"""The credentials that a learner can hold, by name."""

Scalar = str | int
Value = Scalar | FieldOf | Loot | tuple[Scalar, ...]


class RowTest(Struct, frozen=True):
    """One comparison; `value` is None for `present` and `absent`."""

    field: str
    operator: Operator
    value: Value | None = None


class Claim(Struct, frozen=True):
    """One claim.

    Attributes:
        count: how many rows there have to be at least; 0 means that there may be none.
        named: the name by which later claims refer to its row; empty without one.
        after: the name of a row that has to come before; empty without one.
        before: the name of a row that has to come after; empty without one.
        text: as it was written.
        line: in its file, from 1.
        words: what it says, in a sentence.
    """

    source: Source
    tests: tuple[RowTest, ...]
    count: int = 1
    named: str = ""
    after: str = ""
    before: str = ""
    text: str = ""
    line: int = 0
    words: str = ""


class Claims(tuple[Claim, ...]):
    """The claims of a text, one a line; a line after a `#` has the words of the next one.

    Attributes:
        words: those before the first claim.
    """

    words: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Claims) and self.words == other.words and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self.words, *self))


class Option(Claims):
    """What can be chosen: its words, and the claims that hold if it is right; words alone need no `#`."""


MOST_CLAIMS: Final = 64
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"[^"\n]{0,200}")|(?P<number>\d{1,6}(?![\w.]))|(?P<loot>\$[a-z_]{1,40})"""
    r"""|(?P<word>[A-Za-z][\w.-]{0,80})|(?P<sign>!=|=|\[|\]|,))"""
)
_WITHOUT_VALUE: Final = frozenset({Operator.PRESENT, Operator.ABSENT})
_RELATIONS: Final = ("as", "after", "before")


class _Token(Struct, frozen=True):
    kind: str
    text: str
    column: int


def read_claims(
    text: str, kind: type[Claims] = Claims, *, file: str, line: int = 1, column: int = 0
) -> Claims:
    """Return the claims of a text.

    Args:
        file: the name of the file, for messages.
        line: the line of the file at which the text starts.
        column: how many characters of the file come before each line of it.

    Raises:
        LessonRefused: a line is no claim; the message has file, line, column and reason.
    """
    if kind is Option and not text.startswith("#"):
        text = "# " + text.replace("\n", "\n# ")
    claims: list[Claim] = []
    words: list[list[str]] = [[]]  # before each claim
    for number, written in enumerate(text.split("\n"), line):
        if written.startswith("#"):
            words[-1].append(written[1:].strip())
        elif written.strip():
            names = {claim.named: claim.source for claim in claims if claim.named}
            claim = _Line(written, f"{file}:{number}", column, names).claim(number)
            claims.append(replace(claim, words="\n".join(words[-1])))
            words.append([])
    if len(claims) > MOST_CLAIMS:
        raise LessonRefused(f"{file}:{line}:1: {len(claims)} claims, and {MOST_CLAIMS} are allowed")
    read = kind(claims)
    read.words = "\n".join(words[0])
    return read


class _Line:
    """A line that is read from its first word to its last.

    Args:
        names: the source of each row that an earlier claim named.
    """

    def __init__(self, text: str, place: str, column: int, names: dict[str, Source]) -> None:
        self._text = text
        self._place = place
        self._column = column
        self._names = names
        self._left = list(self._split())

    def _split(self) -> Iterator[_Token]:
        at = 0
        while self._text[at:].strip():
            found = _TOKEN.match(self._text, at)
            if found is None or found.lastgroup is None:
                start = at + len(self._text[at:]) - len(self._text[at:].lstrip())
                self._refuse(start + 1, f"unexpected {self._text[start]!r}")
            yield _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1)
            at = found.end()

    def _refuse(self, column: int, reason: str) -> NoReturn:
        raise LessonRefused(f"{self._place}:{self._column + column}: {reason}")

    def _take(self, wanted: str) -> _Token:
        if not self._left:
            self._refuse(len(self._text) + 1, f"the line ends where {wanted} is expected")
        return self._left.pop(0)

    def _skip(self, word: str) -> bool:
        """Return whether this word comes next, and go on behind it."""
        is_next = bool(self._left) and self._left[0].text == word
        if is_next:
            self._left.pop(0)
        return is_next

    def claim(self, number: int) -> Claim:
        count = self._count()
        token = self._take("a source")
        self._require_known(token.column, "source", token.text, set(Source))
        source, tests, joint = Source(token.text), list[RowTest](), "where"
        while self._skip(joint):
            tests.append(self._test(source))
            joint = "and"
        return Claim(source, tuple(tests), count, *self._relations(count), self._text.strip(), number)

    def _count(self) -> int:
        if self._skip("no"):
            return 0
        if not self._left or self._left[0].kind != "number":
            return 1
        token = self._take("a number")
        if self._take("x").text != "x" or not 1 <= int(token.text) <= 9:
            self._refuse(token.column, "write a count of rows as “2 x”, from 1 to 9")
        return int(token.text)

    def _test(self, source: Source) -> RowTest:
        field, sign = self._field(self._take("a field"), source), self._take("an operator")
        if sign.text not in set(Operator):
            self._refuse(sign.column, f"“{sign.text}” is no operator: {', '.join(Operator)}")
        operator = Operator(sign.text)
        if operator in _WITHOUT_VALUE:
            return RowTest(field, operator)
        value = self._value()
        if (operator is Operator.IN) is not isinstance(value, tuple):
            self._refuse(sign.column, "a list follows “in”, and only “in”")
        if (known := WORDS[source].get(field)) and not isinstance(value, FieldOf | Loot):
            # A slip must not make a lesson easier.
            for word in map(str, value if isinstance(value, tuple) else (value,)):
                self._require_known(self._text.rfind(word) + 1, f"value of {source} {field}", word, known)
        return RowTest(field, operator, value)

    def _field(self, token: _Token, source: Source, inner: str = "") -> str:
        """Return the field that a word names, or the part `inner` of it."""
        field = inner or token.text
        prefix, dot, _ = field.partition(".")
        prefixes = PREFIXES if source is Source.EXCHANGE else ()
        if field not in WORDS[source] and not (dot and prefix in prefixes):
            known = {*WORDS[source], *(f"{prefix}.*" for prefix in prefixes)}
            self._refuse(token.column, f"{source} has no field “{field}”{meant(field, known)}")
        return field

    def _value(self) -> Value:
        token = self._take("a value")
        if token.text == "[":
            values = [self._scalar(self._take("a value"))]
            while (sign := self._take("]")).text == ",":
                values.append(self._scalar(self._take("a value")))
            if sign.text != "]":
                self._refuse(sign.column, "a list ends with “]”")
            return tuple(values)
        if token.kind == "loot":
            return Loot(token.text[1:])
        row, _, field = token.text.partition(".")
        if token.kind == "word" and row in self._names and field:
            return FieldOf(row, self._field(token, self._names[row], field))
        return self._scalar(token)

    def _scalar(self, token: _Token) -> Scalar:
        if token.kind not in ("text", "number", "word"):
            self._refuse(token.column, f"“{token.text}” is no value")
        return int(token.text) if token.kind == "number" else token.text.strip('"')

    def _relations(self, count: int) -> tuple[str, str, str]:
        given = dict.fromkeys(_RELATIONS, "")
        while self._left:
            key = self._take("as, after or before")
            if given.get(key.text) != "":
                self._refuse(key.column, f"unexpected “{key.text}”")
            name = self._take("a name")
            known = name.text in self._names
            if key.text == "as" and (known or count != 1 or name.kind != "word" or "." in name.text):
                self._refuse(name.column, f"“{name.text}” cannot name this row")
            if key.text != "as" and not known:
                self._refuse(name.column, f"no claim before this one names a row “{name.text}”")
            given[key.text] = name.text
        return given["as"], given["after"], given["before"]

    def _require_known(self, column: int, what: str, word: str, known: Collection[str]) -> None:
        if word not in known:
            self._refuse(column, f"“{word}” is no {what}{meant(word, known)}")


def meant(word: str, known: Collection[str]) -> str:
    """Return what a refusal adds where a known word is near."""
    near = get_close_matches(word, sorted(known), 1)
    return f"; did you mean “{near[0]}”?" if near else ""

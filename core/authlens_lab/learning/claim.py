"""A claim of a lesson: what has to be true of the rows of a learner's moves, as values and as text.

Its form is `[no | N x] source [where test and … or …] [as name] [after name] [before name]`. All claims
of a phase have to hold together. What cannot be read is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, Literal, NoReturn, get_args

from msgspec import Struct

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.row import PREFIXES, WORDS, Source


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


LootName = Literal["callback", "client", "code", "device", "proof", "refresh", "token", "verifier"]
LOOT: Final[tuple[str, ...]] = get_args(LootName)
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
        others: tests that a row may meet instead, after an `or`.
        name: the name by which later claims refer to its row; empty without one.
        after: the name of a row that has to come before; empty without one.
        before: the name of a row that has to come after; empty without one.
        text: as it was written.
        line: in its file, from 1.
        sentence: what it says.
    """

    source: Source
    tests: tuple[RowTest, ...]
    count: int = 1
    name: str = ""
    after: str = ""
    before: str = ""
    text: str = ""
    line: int = 0
    sentence: str = ""
    others: tuple[tuple[RowTest, ...], ...] = ()

    @property
    def alternatives(self) -> tuple[tuple[RowTest, ...], ...]:
        """The groups of tests; a row has to meet all tests of one group."""
        return (self.tests, *self.others)


class Claims(tuple[Claim, ...]):
    """The claims of a text, one a line; a line that starts with `#` words the next one.

    Attributes:
        sentence: the words before the first claim.
    """

    sentence: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Claims) and self.sentence == other.sentence and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self.sentence, *self))


class Option(Claims):
    """What can be chosen: its words, and the claims that hold if it is right; words alone need no `#`."""


MOST_CLAIMS: Final = 64
_HEAD: Final = re.compile(r"\s*(?:(no|\d+ x)\s+)?([\w-]+)")
_FIELD: Final = re.compile(r"\s*([A-Za-z][\w.-]{0,80})")
_OPERATOR: Final = re.compile(r"\s*(!=|=|(?:in|has|present|absent)\b)")
_VALUE: Final = re.compile(r"\s*(\[[^]\n]*\]|\"[^\"\n]{0,200}\"|\$?[\w.-]+)")
_RELATION: Final = re.compile(r"\s*(as|after|before)\s+([A-Za-z][\w-]*)")
_WHERE: Final = re.compile(r"\s*(where)\b")
_JOINT: Final = re.compile(r"\s*(and|or)\b")


def read_claims(
    text: str, kind: type[Claims] = Claims, *, file: str, line: int = 1, column: int = 0
) -> Claims:
    """Return the claims of a text.

    Args:
        file: the name of the file, for messages.
        line: the line of the file at which the text starts.
        column: how many characters of the file come before each line of it.

    Raises:
        LessonRefused: a line is not a claim; the message has file, line, column and reason.
    """
    if kind is Option and not text.startswith("#"):
        text = "# " + text.replace("\n", "\n# ")
    claims: list[Claim] = []
    sentences: list[list[str]] = [[]]  # before each claim
    for number, written in enumerate(text.split("\n"), line):
        if written.startswith("#"):
            sentences[-1].append(written[1:].strip())
        elif written.strip():
            sources = {claim.name: claim.source for claim in claims if claim.name}
            reader = _Line(written, f"{file}:{number}", column, sources)
            claims.append(reader.claim(number, "\n".join(sentences[-1])))
            sentences.append([])
    if len(claims) > MOST_CLAIMS:
        raise LessonRefused(f"{file}:{line}:1: {len(claims)} claims, and {MOST_CLAIMS} are allowed")
    read = kind(claims)
    read.sentence = "\n".join(sentences[0])
    return read


class _Line:
    """The parser of one line.

    Args:
        sources: the source of each row that an earlier claim named.
    """

    def __init__(self, text: str, file_line: str, column: int, sources: Mapping[str, Source]) -> None:
        self._text = text
        self._file_line = file_line
        self._column = column
        self._sources = sources
        self._index = 0

    def _refuse(self, index: int, reason: str) -> NoReturn:
        raise LessonRefused(f"{self._file_line}:{self._column + index + 1}: {reason}")

    def _take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        """Return the next match, and move behind it."""
        match = pattern.match(self._text, self._index)
        if match is None:
            following = self._text[self._index :].split()
            index = self._text.find(following[0], self._index) if following else len(self._text)
            unexpected = f"unexpected {following[0]!r}" if following else "the line ends"
            self._refuse(index, f"{unexpected} where {expected} is expected")
        self._index = match.end()
        return match

    def claim(self, number: int, sentence: str) -> Claim:
        head = self._take(_HEAD, "a source")
        count = {None: "1", "no": "0"}.get(head[1]) or head[1].split()[0]
        if head[1] and head[1] != "no" and not 1 <= int(count) <= 9:
            self._refuse(head.start(1), "write a count of rows as “2 x”, from 1 to 9")
        self._require(head.start(2), "source", head[2], set(Source))
        source = Source(head[2])
        groups = list[list[RowTest]]()
        joint = _WHERE
        while joint.match(self._text, self._index):
            if self._take(joint, "a test")[1] != "and":
                groups.append([])
            groups[-1].append(self._test(source))
            joint = _JOINT
        tests, *others = map(tuple, groups or [[]])
        relations = {"name": "", "after": "", "before": ""}
        while self._text[self._index :].strip():
            self._relation(relations, can_name=count == "1")
        text = self._text.strip()
        return Claim(
            source,
            tests,
            int(count),
            **relations,
            text=text,
            line=number,
            sentence=sentence,
            others=tuple(others),
        )

    def _test(self, source: Source) -> RowTest:
        name = self._take(_FIELD, "a field")
        sign = self._take(_OPERATOR, "an operator")
        field = self._field(name[1], name.start(1), source)
        operator = Operator(sign[1])
        if operator in {Operator.PRESENT, Operator.ABSENT}:
            return RowTest(field, operator)
        value = self._value()
        if isinstance(value, tuple) != (operator is Operator.IN):
            self._refuse(sign.start(1), "a list follows “in”, and only “in”")
        if (allowed := WORDS[source].get(field)) and not isinstance(value, FieldOf | Loot):
            # A slip must not make a lesson easier.
            for word in map(str, value if isinstance(value, tuple) else (value,)):
                self._require(self._text.rfind(word), f"value of {source} {field}", word, allowed)
        return RowTest(field, operator, value)

    def _field(self, field: str, index: int, source: Source) -> str:
        prefixes = PREFIXES if source is Source.EXCHANGE else ()
        prefix, dot, _ = field.partition(".")
        if field not in WORDS[source] and not (dot and prefix in prefixes):
            fields = {*WORDS[source], *(f"{prefix}.*" for prefix in prefixes)}
            self._refuse(index, f"{source} has no field “{field}”{suggestion(field, fields)}")
        return field

    def _value(self) -> Value:
        match = self._take(_VALUE, "a value")
        text = match[1]
        if text.startswith("["):
            return tuple(map(_scalar, text[1:-1].split(",")))
        if text.startswith("$"):
            return Loot(text[1:])
        row, _, field = text.partition(".")
        if field and row in self._sources:
            return FieldOf(row, self._field(field, match.start(1), self._sources[row]))
        return _scalar(text)

    def _relation(self, relations: dict[str, str], *, can_name: bool) -> None:
        match = self._take(_RELATION, "as, after or before")
        key = match[1].replace("as", "name")
        name = match[2]
        exists = match[2] in self._sources
        if relations[key]:
            self._refuse(match.start(1), f"unexpected {match[1]!r}")
        if key == "name" and (exists or not can_name):
            self._refuse(match.start(2), f"“{name}” cannot name this row")
        if key != "name" and not exists:
            self._refuse(match.start(2), f"no claim before this one names a row “{name}”")
        relations[key] = name

    def _require(self, index: int, what: str, word: str, allowed: Collection[str]) -> None:
        if word not in allowed:
            self._refuse(index, f"“{word}” is no {what}{suggestion(word, allowed)}")


def _scalar(text: str) -> Scalar:
    word = text.strip()
    return int(word) if word.isdecimal() else word.strip('"')


def suggestion(word: str, vocabulary: Collection[str]) -> str:
    """Return the suggestion that a refusal ends with; empty if no word is similar."""
    near = get_close_matches(word, sorted(vocabulary), 1)
    return f"; did you mean “{near[0]}”?" if near else ""

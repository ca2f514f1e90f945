"""The text of claims, read into values; what cannot be read is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final, NoReturn

from authlens_core.learning.claim import Claim, FieldOf, Loot, Operator, RowTest, Scalar, Source, Value
from authlens_core.learning.row import PREFIXES, WORDS
from authlens_core.values.errors import LessonRefused
from authlens_core.values.quick_dataclass import dataclass

MOST_CLAIMS: Final = 64
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"[^"\n]{0,200}")|(?P<number>\d{1,6}(?![\w.]))|(?P<loot>\$[a-z_]{1,40})"""
    r"""|(?P<word>[A-Za-z][\w.-]{0,80})|(?P<sign>!=|=|\[|\]|,))"""
)
_WITHOUT_VALUE: Final = frozenset({Operator.PRESENT, Operator.ABSENT})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def read_claims(text: str, *, file: str, line: int = 1, column: int = 0) -> tuple[Claim, ...]:
    """Return the claims of a text, one a line.

    Args:
        file: the name of the file, for messages.
        line: the line of the file at which the text starts.
        column: how many characters of the file come before each line of it.

    Raises:
        LessonRefused: a line is no claim; the message has file, line, column and reason.
    """
    claims: list[Claim] = []
    for number, written in enumerate(text.split("\n"), line):
        if written.strip():
            claims.append(_Line(written, file, number, column, claims).claim())
    if len(claims) > MOST_CLAIMS:
        raise LessonRefused(f"{file}:{line}:1: {len(claims)} claims, and {MOST_CLAIMS} are allowed")
    return tuple(claims)


class _Line:
    def __init__(self, text: str, file: str, number: int, column: int, before: list[Claim]) -> None:
        self._text = text
        self._place = f"{file}:{number}"
        self._number = number
        self._column = column
        self._names: Mapping[str, Source] = {claim.named: claim.source for claim in before if claim.named}
        self._tokens = list(self._split())
        self._next = 0

    def _split(self) -> Iterator[_Token]:
        at = 0
        while self._text[at:].strip():
            found = _TOKEN.match(self._text, at)
            start = at + len(self._text[at:]) - len(self._text[at:].lstrip())
            if found is None or found.lastgroup is None:
                self._refuse(start + 1, f"unexpected {self._text[start]!r}")
            yield _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1)
            at = found.end()

    def _refuse(self, column: int, reason: str) -> NoReturn:
        raise LessonRefused(f"{self._place}:{self._column + column}: {reason}")

    def _peek(self) -> str:
        return self._tokens[self._next].text if self._next < len(self._tokens) else ""

    def _take(self, wanted: str) -> _Token:
        if self._next >= len(self._tokens):
            self._refuse(len(self._text) + 1, f"the line ends where {wanted} is expected")
        self._next += 1
        return self._tokens[self._next - 1]

    def claim(self) -> Claim:
        count = self._count()
        token = self._take("a source")
        if token.text not in set(Source):
            self._refuse(token.column, _unknown("source", token.text, set(Source)))
        source = Source(token.text)
        tests: list[RowTest] = []
        if self._peek() == "where":
            self._take("where")
            tests.append(self._test(source))
            while self._peek() == "and":
                self._take("and")
                tests.append(self._test(source))
        named, after, before = self._relations(count)
        return Claim(source, tuple(tests), count, named, after, before, self._text.strip(), self._number)

    def _count(self) -> int:
        if self._peek() == "no":
            self._take("no")
            return 0
        if self._next < len(self._tokens) and self._tokens[self._next].kind == "number":
            token = self._take("a number")
            times = self._take("x")
            if times.text != "x" or not 1 <= int(token.text) <= 9:
                self._refuse(token.column, "write a count of rows as “2 x”, from 1 to 9")
            return int(token.text)
        return 1

    def _test(self, source: Source) -> RowTest:
        token = self._take("a field")
        self._check_field(token, source, token.text)
        sign = self._take("an operator")
        if sign.text not in set(Operator):
            self._refuse(sign.column, f"“{sign.text}” is no operator: {', '.join(Operator)}")
        operator = Operator(sign.text)
        if operator in _WITHOUT_VALUE:
            return RowTest(token.text, operator)
        value = self._value()
        if (operator is Operator.IN) is not isinstance(value, tuple):
            self._refuse(sign.column, "a list follows “in”, and only “in”")
        self._check_words(token.text, source, value)
        return RowTest(token.text, operator, value)

    def _check_field(self, token: _Token, source: Source, field: str) -> None:
        prefix = field.partition(".")[0]
        if field not in WORDS[source] and (prefix == field or prefix not in PREFIXES[source]):
            known = {*WORDS[source], *(f"{prefix}.*" for prefix in PREFIXES[source])}
            self._refuse(token.column, f"{source} has no field “{field}”{_nearest(field, known)}")

    def _check_words(self, field: str, source: Source, value: Value) -> None:
        """Refuse a word that the field can never have: a slip must not make a lesson easier."""
        known = WORDS[source].get(field)
        if not known or isinstance(value, FieldOf | Loot):
            return
        for word in value if isinstance(value, tuple) else (value,):
            if word not in known:
                column = self._text.rfind(str(word)) + 1
                self._refuse(column, _unknown(f"value of {source} {field}", str(word), known))

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
            self._check_field(token, self._names[row], field)
            return FieldOf(row, field)
        return self._scalar(token)

    def _scalar(self, token: _Token) -> Scalar:
        if token.kind not in ("text", "number", "word"):
            self._refuse(token.column, f"“{token.text}” is no value")
        if token.kind == "number":
            return int(token.text)
        return token.text[1:-1] if token.kind == "text" else token.text

    def _relations(self, count: int) -> tuple[str, str, str]:
        given = {"as": "", "after": "", "before": ""}
        while self._next < len(self._tokens):
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


def _unknown(what: str, word: str, known: set[str] | frozenset[str]) -> str:
    return f"“{word}” is no {what}{_nearest(word, known)}"


def _nearest(word: str, known: set[str] | frozenset[str]) -> str:
    near = get_close_matches(word, sorted(known), 1)
    return f"; did you mean “{near[0]}”?" if near else ""

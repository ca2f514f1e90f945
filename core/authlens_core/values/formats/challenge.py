"""Challenges: what `WWW-Authenticate` asks for (RFC 9110 §11, RFC 6750 §3, RFC 9728 §5.1).

Written by hand, because commas, equals signs and scheme names inside quotes are data, and an expression that
guesses can be made to read a metadata URL that the server never sent. Each character is read once.
A challenge in a refusal may ask for a wider scope (insufficient_scope).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from authlens_core.values.exchange import TOKEN_CHARACTERS
from authlens_core.values.safe_text import NAME, safe_line

# Servers send one to three challenges; the limits bound what a hostile one makes us read and show.
MAX_CHALLENGES: Final = 16
MAX_PARAMETERS: Final = 32
MAX_VALUE: Final = 8 * 1024  # characters

_METADATA: Final = "resource_metadata"
_SPACE: Final = frozenset(" \t")
_TOKEN68: Final = frozenset(string.ascii_letters + string.digits + "-._~+/")


class Challenge(Struct, frozen=True):
    """One challenge; every text in it comes from outside.

    Attributes:
        scheme: as the server wrote it; compare it in lower case.
        params: names in lower case, each at most once, and values without their quotes, in order.
        token68: what replaces the parameters in some schemes, such as Negotiate.
    """

    scheme: str
    params: tuple[tuple[str, str], ...] = ()
    token68: str | None = None

    def get(self, name: str) -> str | None:
        return dict(self.params).get(name.lower())

    def is_scheme(self, name: str) -> bool:
        return self.scheme.lower() == name.lower()

    @property
    def wants_token(self) -> bool:
        """True for the schemes that carry an access token (RFC 6750 §3, RFC 9449 §7.1)."""
        return self.is_scheme("bearer") or self.is_scheme("dpop")


class ChallengeField(Struct, frozen=True):
    """The whole field, from every line of it.

    Attributes:
        challenges: those that could be read, in order.
        problems: everything that was refused and why, safe to show.
        too_large: true when a limit was reached, and the rest was not read.
        contradictions: the problems of challenges that name two metadata URLs.
    """

    challenges: tuple[Challenge, ...] = ()
    problems: tuple[str, ...] = ()
    too_large: bool = False
    contradictions: tuple[str, ...] = ()

    def token_values(self, name: str) -> Iterator[str]:
        """Yield the parameter `name` of the challenges that want an access token, where it says something."""
        return filter(None, (c.get(name) for c in self.challenges if c.wants_token))


class MetadataChoice(Struct, frozen=True):
    """The `resource_metadata` parameter that counts.

    Attributes:
        value: its value, a URL that has yet to pass `parse_url`.
        problems: why the field may not be used at all, safe to show; empty when simply nothing is there.
    """

    value: str | None = None
    problems: tuple[str, ...] = ()


def parse_challenges(values: Sequence[str]) -> ChallengeField:
    """Return the challenges in the lines of a `WWW-Authenticate` field; never raises, linear time.

    A line that breaks the grammar is refused whole, and a challenge that names a parameter twice is refused
    alone. At most 16 challenges, 32 parameters each, and 8,192 characters per value are read.

    Args:
        values: one element per field line, as received.
    """
    challenges: list[Challenge] = []
    problems: list[str] = []
    contradictions: list[str] = []
    for value in values:
        reader = _ChallengeReader(value, MAX_CHALLENGES - len(challenges))
        try:
            line_challenges = reader.line()
        except _TooLarge as error:
            return ChallengeField(
                tuple(challenges), (*problems, f"challenge too large: {error}"), too_large=True
            )
        except _Malformed as error:
            problems.append(f"{error} at character {reader.at + 1} of {safe_line(value, NAME)}")
            continue
        for each in line_challenges:
            problem = _repeated(each)
            if problem is None:
                challenges.append(each)
                continue
            problems.append(problem)
            if len({value for name, value in each.params if name == _METADATA}) > 1:
                contradictions.append(problem)
    return ChallengeField(tuple(challenges), tuple(problems), contradictions=tuple(contradictions))


def resource_metadata_parameter(field: ChallengeField) -> MetadataChoice:
    """Return the `resource_metadata` of the Bearer challenge, else of DPoP, else of any scheme.

    RFC 9728 §5.1 allows it in every scheme. Challenges of equal rank that name different URLs are refused,
    with the URLs, and so is one that names two itself. So is a field that was too large to read to its end:
    what was not read could say something else.
    """
    # What was cut off may be the challenge that counts.
    if field.too_large:
        return MetadataChoice(problems=field.problems)
    # In one challenge as in two: which of them the resource means is not ours to guess.
    if field.contradictions:
        return MetadataChoice(problems=field.contradictions)
    naming = [c for c in field.challenges if c.get(_METADATA) is not None]
    for rank in (_of_scheme(naming, "bearer"), _of_scheme(naming, "dpop"), naming):
        values = tuple(dict.fromkeys(c.get(_METADATA) or "" for c in rank))
        if len(values) > 1:
            urls = " and ".join(safe_line(v) for v in values)
            problem = f"the challenges name different metadata URLs: {urls}"
            return MetadataChoice(problems=(problem,))
        if rank:
            return MetadataChoice(values[0])
    return MetadataChoice()


def _of_scheme(challenges: Iterable[Challenge], scheme: str) -> list[Challenge]:
    return [c for c in challenges if c.is_scheme(scheme)]


class _Malformed(Exception):
    """The line breaks the grammar of RFC 9110 §11.6.1."""


class _TooLarge(Exception):
    """A limit is reached."""


def _repeated(challenge: Challenge) -> str | None:
    """Return which parameter is repeated, with all its values (RFC 9110 §11.2), or None."""
    names = [name for name, _ in challenge.params]
    for name in names:
        if names.count(name) > 1:
            values = " and ".join(safe_line(v) for n, v in challenge.params if n == name)
            scheme, parameter = safe_line(challenge.scheme, NAME), safe_line(name, NAME)
            return f"the {scheme} challenge has {parameter} twice: {values}"
    return None


class _ChallengeReader:
    """Reads one line from left to right; `at` is the index of the next character."""

    def __init__(self, text: str, room: int) -> None:
        self.text = text
        self.at = 0
        self.room = room

    def line(self) -> list[Challenge]:
        """Return the challenges of the line, in which a parameter may be repeated."""
        challenges: list[Challenge] = []
        while self.skip_to_element():
            name = self.run(TOKEN_CHARACTERS, "a scheme or a parameter name")
            self.skip_space()
            # A comma separates parameters and challenges alike (RFC 9110 §11.6.1): only the equals sign tells
            # them apart.
            if self.peek() == "=":
                if not challenges:
                    raise _Malformed("a parameter without a scheme")
                challenges[-1] = self.with_value(challenges[-1], name)
            else:
                if len(challenges) == self.room:
                    raise _TooLarge(f"more than {MAX_CHALLENGES} challenges")
                challenges.append(self.after_scheme(name))
            self.skip_space()
            if self.peek() not in ("", ","):
                raise _Malformed("something other than a comma")
        return challenges

    def after_scheme(self, scheme: str) -> Challenge:
        """Read what is on the scheme's own list element: a token68, a first parameter, or nothing."""
        challenge = Challenge(scheme)
        if self.peek() in ("", ","):
            return challenge
        if self.text[self.at - 1] not in _SPACE:
            raise _Malformed("no space after the scheme")
        start = self.at
        # Tried first: `abc=` is a token68, and `abc=def` is a parameter; only what follows decides.
        token68 = self.token68()
        if token68 is not None:
            return Challenge(scheme, (), token68)
        self.at = start
        name = self.run(TOKEN_CHARACTERS, "a parameter name")
        self.skip_space()
        if self.peek() != "=":
            raise _Malformed("a parameter without a value")
        return self.with_value(challenge, name)

    def token68(self) -> str | None:
        """Return the token68 here if it fills the list element to its end, else None."""
        start = self.at
        self.skip(_TOKEN68)
        if self.at == start:
            return None
        self.skip(frozenset("="))
        end = self.at
        self.skip_space()
        if self.peek() not in ("", ","):
            return None
        if end - start > MAX_VALUE:
            raise _TooLarge(f"a token68 of more than {MAX_VALUE} characters")
        return self.text[start:end]

    def with_value(self, challenge: Challenge, name: str) -> Challenge:
        """Return the challenge with the parameter `name`, whose value comes next."""
        value = self.value()
        if challenge.token68 is not None:
            raise _Malformed("a parameter after a token68")
        if len(challenge.params) == MAX_PARAMETERS:
            raise _TooLarge(f"more than {MAX_PARAMETERS} parameters")
        return Challenge(challenge.scheme, (*challenge.params, (name.lower(), value)))

    def value(self) -> str:
        self.at += 1
        self.skip_space()
        return self.quoted() if self.peek() == '"' else self.run(TOKEN_CHARACTERS, "a value")

    def quoted(self) -> str:
        """Read a quoted string (RFC 9110 §5.6.4) and undo its quoted pairs."""
        self.at += 1
        end = self.text.find('"', self.at)
        # Nearly every value has no quoted pair, and is taken as it is.
        plain = self.text[self.at : max(end, self.at)]
        if end >= 0 and len(plain) <= MAX_VALUE and "\\" not in plain and plain.isprintable():
            self.at = end + 1
            return plain
        characters: list[str] = []
        while (character := self.peek()) != '"':
            if character == "\\":
                self.at += 1
                character = self.peek()
            if character == "":
                raise _Malformed("a quoted string without an end")
            if character != "\t" and (character < " " or character == "\x7f"):
                raise _Malformed("a control character in a quoted string")
            if len(characters) == MAX_VALUE:
                raise _TooLarge(f"a value of more than {MAX_VALUE} characters")
            characters.append(character)
            self.at += 1
        self.at += 1
        return "".join(characters)

    def run(self, allowed: frozenset[str], expected: str) -> str:
        start = self.at
        self.skip(allowed)
        if self.at == start:
            raise _Malformed(f"no {expected.removeprefix('a ')}")
        if self.at - start > MAX_VALUE:
            raise _TooLarge(f"a value of more than {MAX_VALUE} characters")
        return self.text[start : self.at]

    def skip_to_element(self) -> bool:
        """Skip commas and space, which may stand for empty list elements; false at the end of the line."""
        self.skip(frozenset(", \t"))
        return self.at < len(self.text)

    def skip_space(self) -> None:
        self.skip(_SPACE)

    def skip(self, characters: frozenset[str]) -> None:
        text, position, end = self.text, self.at, len(self.text)
        while position < end and text[position] in characters:
            position += 1
        self.at = position

    def peek(self) -> str:
        """Return the next character, or the empty string at the end."""
        return self.text[self.at : self.at + 1]


_PLAIN: Final = re.compile(r"(?:(?:^| )(?!-)[A-Za-z0-9._:/-]+)+")
_LONGEST: Final = 2_000  # characters


def refusal_code(field: ChallengeField) -> str:
    """Return the `error` of the Bearer challenge in a refusal, or the empty string; text from outside."""
    return next(field.token_values("error"), "")


def scope_wanted(field: ChallengeField) -> str:
    """Return the scope that a refusal asks for, or the empty string; it can be sent back as it is."""
    return " ".join(filter(is_scope, field.token_values("scope")))[:_LONGEST]


def scope_union(*scopes: str | None) -> str:
    """Return every word of these scopes once, in their order."""
    return " ".join(dict.fromkeys(word for scope in scopes if scope for word in scope.split()))


def is_plain(text: str) -> bool:
    """Return whether a text of a server may be shown in a command to run: plain words, and no option.

    `$(…)` and backquotes are scopes, too (RFC 6749 §3.3). Quotes protect in the shell that they are written
    for, and a user may paste the command into another one.
    """
    return _PLAIN.fullmatch(text) is not None


def is_scope(scope: str) -> bool:
    """Return whether `scope` keeps to RFC 6749 appendix A.4 and is short enough to be sent back."""
    return len(scope) <= _LONGEST and scope.isascii() and scope.isprintable() and not set(scope) & set('"\\')

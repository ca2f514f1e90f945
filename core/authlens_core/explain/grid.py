"""What a text speaks of and what is wrong with it: the answer where no phrase is known.

`words/grid.toml` has the words of topics and problems, and the entries of the other tables their cells, such
as `redirect_uri mismatched`. The time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias
from unicodedata import normalize

from authlens_core.diagnosis.causes import CAUSES, Cause, client_messages, server_messages
from authlens_core.values.word_files import words

# Names of things, not what is said of them: addresses, frames of a stack, keys of JSON, values of parameters.
_NAMES: Final = re.compile(
    r"""(?mx)
    [a-z][a-z0-9+.-]{1,20}://[^\s"'<>)]*
    | ^\s*(?:at\s|File\s"|from\s/)[^\n]*
    | (?<![\w-])--[a-z][\w-]*
    | "[\w.-]{1,60}"\s*:(?=\s*["{\[])
    | "[\w.-]{1,60}"\s*:\s*(?:null|true|false|-?\d+)
    | \b(?!(?:error|err|reason|message|msg|detail|desc|cause|info)\w*=)[\w.-]{1,60}=(?:"[^"\n]*"|[^\s"]*)
    | \b[0-9a-fA-F]{8}-[0-9a-fA-F-]{12,30}\b
    | \b(?=\w{0,40}\d)(?:(?=\w{0,40}[a-z])(?=\w{0,40}[A-Z])\w{12,}|[0-9a-f]{16,})\b
    | (?i:\b(?:invalid_(?:grant|client|token|request|scope|target)|unauthorized_client|access_denied)\b)
    | \b(?!\w*(?:ERR|INVALID|MISSING|EXPIRED|UNKNOWN|MISMATCH))
      [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+_(?:SECRET|ID|UR[IL]|KEY|TOKEN)\b
    | \bInvalid(?:Grant|ClientAuth|Client|Token|Request|Scope|AuthenticationToken)(?:Error|Exception)?\b
    """
)
_PARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OAUTH: Final = re.compile(r"OAuth|OpenID|OpenId")
_ACCENT: Final = re.compile(r"[\u0300-\u036f]")
_NOT: Final = re.compile(r"n['’]t\b|(?<=\bcan)not\b")
_CLAUSE: Final = re.compile(r'[\n;!?{}]+|",\s*"|\.(?=\s|$)|\s-\s|\s\|\s')
_WORD: Final = re.compile(r"[a-z0-9]+|[:,]")
_ONE_MESSAGE: Final = 160  # characters
_LONGEST: Final = 2_000  # characters of a clause
_SUBORDINATE: Final = frozenset({"of", "in", "for", "from", "on"})
_MOST_WORDS: Final = 6  # of a topic or a problem
_BEFORE, _AFTER = 1, 4  # words, without fillers
_VAGUE: Final = frozenset({"failed", "invalid"})  # what else is said of a topic is why
_NEAR: Final = frozenset({"failed"})  # too ordinary to be about a topic that is further away


# Each run of words with the topics or problems that it is.
_Words: TypeAlias = Mapping[tuple[str, ...], tuple[str, ...]]


class CellFound(NamedTuple):
    """The entry that answers a clause, and the clause."""

    cause: Cause
    words: str


class _Match(NamedTuple):
    name: str
    start: int
    end: int


class _Candidate(NamedTuple):
    """What a topic with a problem means, and how near to each other the words of both are."""

    rank: tuple[bool, int, int, int]
    cause: Cause
    topic_at: int
    is_vague: bool


def findings(text: str, codes: Sequence[str], *, is_of_a_login: bool) -> Iterator[CellFound]:
    """Yield what each clause says, in the order of the text.

    Args:
        codes: the OAuth errors in the text, which change some cells: with `invalid_grant`, a redirect URI
            that does not match is that of the code.
        is_of_a_login: whether a word of a login is in the text.
    """
    is_short = len(text) < _ONE_MESSAGE and _elsewhere().isdisjoint(_tokens(text))
    known = _topics("~!" if is_of_a_login else "~" if is_short else "")
    said = _NAMES.sub(lambda match: " " * len(match[0]), text)
    start = 0
    for end, following in (*(match.span() for match in _CLAUSE.finditer(said)), (len(said), 0)):
        cause = _in(said[start:end][:_LONGEST], known, codes)
        if cause is not None:
            yield CellFound(cause, text[start:end].strip())
        start = following


def is_of_another(cause: Cause, phrase: str, text: str) -> bool:
    """Whether a topic that stands apart is beside a phrase in its clause, and none that its cause answers."""
    answered = {cell.split()[0].rpartition(":")[2] for cell in cause.cells}
    if not answered:
        return False
    before, _, after = text.partition(phrase)
    before, after = _CLAUSE.split(before[-_LONGEST:])[-1], _CLAUSE.split(after[:_LONGEST], 1)[0]
    beside = set(_topics_of(f"{before} ; {after}"))
    return bool(beside & set(words("grid")["apart"])) and answered.isdisjoint(
        _topics_of(before + phrase + after)
    )


def _topics_of(clause: str) -> Iterator[str]:
    return (match.name for match in _apart(_found(_tokens(clause), _topics(""))))


def _in(clause: str, known: _Words, codes: Sequence[str]) -> Cause | None:
    tokens = _tokens(clause)
    topics = tuple(_heads(tuple(_apart(_found(tokens, known))), tokens))
    if not topics or any(_found(tokens, _doubts())):
        return None
    before, after = _problems()
    pairs = (
        *((problem, topic, problem, topic) for problem in _found(tokens, before) for topic in topics),
        *((topic, problem, problem, topic) for problem in _found(tokens, after) for topic in topics),
    )
    answers = [
        _Candidate((problem.name in _NEAR, *rank), cause, topic.start, problem.name in _VAGUE)
        for first, second, problem, topic in pairs
        if (rank := _rank(tokens, first, second, problem)) is not None
        if (cause := _answer(topic.name.lstrip("~"), problem.name, codes)) is not None
    ]
    if not answers:
        return None
    nearest = min(answers, key=attrgetter("rank"))
    # Of the same topic a particular problem says more than "invalid" or "failed", however far it stands.
    particular = (answer for answer in answers if answer.topic_at == nearest.topic_at and not answer.is_vague)
    return min(particular, key=attrgetter("rank"), default=nearest).cause


def _rank(
    tokens: Sequence[str], first: _Match, second: _Match, problem: _Match
) -> tuple[int, int, int] | None:
    """Return how far a topic and its problem are apart, the nearest first; None where it is too far."""
    between = tokens[first.end : second.start]
    distance = second.start - first.end
    most = _BEFORE if problem is first or first.name[0] == "~" else _AFTER
    gap = sum(token not in _fillers() for token in between) + (
        2 if ":" in between and second is problem else 0
    )
    if distance < 0 or gap > (0 if problem.name in _NEAR else most) or (problem.name in _NEAR and distance):
        return None
    return gap, distance, problem.start - problem.end


def _answer(topic: str, problem: str, codes: Sequence[str]) -> Cause | None:
    cells = _cells()
    with_code = (cells.get((f"{code}:{topic}", problem)) for code in codes)
    return next(filter(None, with_code), cells.get((topic, problem)))


def _tokens(text: str) -> tuple[str, ...]:
    plain = text if text.isascii() else _ACCENT.sub("", normalize("NFKD", text))
    parted = _PARTS.sub(" ", _OAUTH.sub(lambda m: m[0].lower(), plain)).lower()
    return tuple(map(_singular, _WORD.findall(_NOT.sub(" not", parted))))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" else word


def _found(tokens: Sequence[str], known: _Words) -> Iterator[_Match]:
    """Yield every run of words that is known, the longest at a place first."""
    for start in range(len(tokens)):
        for end in range(min(start + _MOST_WORDS, len(tokens)), start, -1):
            for name in known.get(tuple(tokens[start:end]), ()):
                yield _Match(name, start, end)


def _apart(matches: Iterable[_Match]) -> Iterator[_Match]:
    """Yield those that do not overlap an earlier one."""
    end = 0
    for match in matches:
        if match.start >= end:
            end = match.end
            yield match


def _heads(topics: Sequence[_Match], tokens: Sequence[str]) -> Iterator[_Match]:
    """Yield what the words are about: the last of a compound, and what is before `of`."""
    for number, topic in enumerate(topics):
        follows = topics[number + 1].start if number + 1 < len(topics) else -1
        if follows == topic.end:
            continue
        ahead = topics[number - 1].end if number else -1
        between = tokens[ahead : topic.start] if ahead >= 0 else ()
        if between and between[0] in _SUBORDINATE and _fillers().issuperset(between):
            continue
        yield topic


def _vocabulary(phrases: Iterable[tuple[str, str]]) -> _Words:
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for phrase, name in phrases:
        known[_tokens(phrase)] = (*known.get(_tokens(phrase), ()), name)
    return known


@cache
def _topics(marks: str) -> _Words:
    """Return the words of the topics, with those that one of `marks` is before."""
    return _vocabulary(
        (phrase.lstrip("~!"), name if phrase[0] not in "~!" else f"~{name}")
        for name, topic in words("grid")["topics"].items()
        for phrase in topic["words"]
        if phrase[0] in marks or phrase[0] not in "~!"
    )


@cache
def _doubts() -> _Words:
    return _vocabulary((phrase, "doubt") for phrase in words("grid")["doubts"])


@cache
def _fillers() -> frozenset[str]:
    return frozenset(map(_singular, words("grid")["fillers"]))


@cache
def _elsewhere() -> frozenset[str]:
    return frozenset(map(_singular, words("grid")["elsewhere"]))


@cache
def _problems() -> tuple[_Words, _Words]:
    table = words("grid")["problems"].items()
    before, after = (
        _vocabulary((phrase, name) for name, problem in table for phrase in problem[side])
        for side in ("before", "after")
    )
    return before, after


@cache
def _cells() -> Mapping[tuple[str, str], Cause]:
    return {
        (topic, problem): cause
        for cause in (*server_messages(), *client_messages(), *CAUSES)
        for topic, *problems in map(str.split, cause.cells)
        for problem in problems
    }

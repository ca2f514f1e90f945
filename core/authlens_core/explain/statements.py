"""What a text says of the reason in its own words: the sentences that say most, who says them, what to do.

Logs, JSON of any shape, pages, tracebacks and chains of causes say it in few ways: in a member with a telling
name, in an element, behind a marker at the beginning of a line, or last in a chain. The words are those of
`words/reader.toml`. What is quoted, a sentence or the line that decides, has no secret: the text is masked,
and half of one is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum, StrEnum
from functools import cache
from operator import attrgetter
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import Cause
from authlens_core.explain.log_lines import fails
from authlens_core.values.fix import Fix, fix, steps_of
from authlens_core.values.word_files import words


class Speaker(StrEnum):
    """Who says it: a key of the tables of `words/reader.toml`."""

    SERVER = "server"
    PROGRAM = "program"


class StatementKind(IntEnum):
    """In what a sentence is: the higher one says more of the reason."""

    SENTENCE = 1  # a line that begins as one that reports a failure
    MARKED = 2  # behind a marker, or at the level of an error
    ELEMENT = 3  # of a page
    SERVER = 4  # in a member of a server's answer, or what it says through git


class Statement(NamedTuple):
    """A sentence of the text; the one of the higher kind says more, then that with more words that tell."""

    words: str
    speaker: Speaker
    kind: StatementKind
    told: int


_LONGEST: Final = 300  # characters that are quoted
_SHORTEST: Final = 6
# The text may come from someone who wants a command to be run.
_RUNS: Final = re.compile(r"[|;&$<>`\\]|https?:")
_FEWEST: Final = 3  # spaces, of a sentence without a marker
_MOST_TOLD: Final = 4  # words that count
# <h1>, and the elements of errors in XML.
_ELEMENT: Final = re.compile(
    r"(?i)<(?:title|h[1-4]|error|message|faultstring|description|detail|reason)\b[^<>\n]{0,100}>\s*([^<>\n]{3,300})<"
)
# What is before the words of a line: a time, a level, a process, a name in brackets, a prompt.
_HEAD: Final = re.compile(
    r"""(?ix)^(?: [\s>|│┃║•*✘✗✖❌x+-]{1,8}(?=\S)
    | \d{4}[-/]\d\d[-/]\d\d[T\ ]?\S{0,20} | \d\d:\d\d:\d\d\S{0,12}
    | \[[^\]\n]{1,60}\] | \([^)\n]{1,40}\) | <\d+>
    | (?:err|warn(?:ing)?|info|debug|e|w)(?:\[\d+\])?[:\]]?(?=\s) | error(?=\ \[) )\s*"""
)
_MARKED: Final = re.compile(
    r"(?i)^(remote|fatal|caused by|nested exception is"
    r"|[^\n:：]{0,60}?(?:error|exception|fail(?:ed|ure)|fatal|denied)\b[^\n:：]{0,40}?)[:：]\s?"
)
# A line at such a level, or a sentence that begins so, says what failed without a marker.
_LEVEL: Final = re.compile(
    r"(?i)^[^\n]{0,60}?\b(?:error|warn(?:ing)?|fatal|severe|critical)\b|\blevel=(?:error|warn)"
)
_LOGGER: Final = re.compile(r"^(?:[a-z]\w*\.)+[A-Za-z]\w*\s*[:-]\s+|^\S{0,30}\s*:\s+(?=[A-Z])")
_BEGINS: Final = re.compile(r"(?i)^(?:the|your) \w+ (?:is|was|has|did|does)\b")
# What a program asks for, and what is entered behind it; and a frame of a stack.
_APART: Final = re.compile(
    r"(?i)^(?:please )?(?:enter|select|choose|type|input|provide)\b[^\n]{0,80}[:?>]\s*\S{0,40}$"
    r"|^at (?:async )?\S+ \("
)
# A sentence whose end is on a line that was not pasted, or on the next one.
_BROKEN: Final = re.compile(r"(?i)\b(?:to|the|a|an|that|and|or|for|of|with|during|is)$")
_HINT: Final = re.compile(r"^(?:Suggestion|Hint|Note|Tip|Help): ")
# Before the words of an exception or a description.
_NAMED: Final = re.compile(
    r"^(?:(?:rpc error: )?code = \S+(?: #\w{8})? desc = "
    r"|(?:uncaught )?exception '[^'\n]{1,90}' with message '"
    r"|(?:Error|[A-Z]\w{0,40}(?:Error|Exception)|Description):\s+)+"
)
_CHAIN: Final = re.compile(
    r"(?<!\bare)(?<!\bis)(?<!following):\s+|：|\s-{1,4}>\s|\s[—–]\s|\s--\s"
    r"|\b(?:due to|because of|because|caused by)\s"
)
_TO_A_COLON: Final = re.compile(r"^([^\x00-\x7f][^\n:：]{0,60})[:：]\s?")
_CONSTANT: Final = re.compile(r"[A-Z]{2,}(?:_[A-Z]{2,})+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=[a-z][.!?])(?=[A-Z])|\n|\s-\s|;\s")
_ADDRESS: Final = re.compile(
    r"\S*/\S*|\S+@\S+|\b[\w-]+(?:\.[\w-]+){2,}|(?i:\bserver )['\"][^'\"\n]{1,60}['\"]"
)
# What is no word of a sentence, with what is read instead: a file, an address, a member of something.
_NAMES: Final = (
    (
        re.compile(r"(?i)(?<!\S)(?!\w+://)\S*(?:auth|token|cred|login)\w*\.(?:json|toml|ya?ml|txt)\b"),
        " login file ",
    ),
    (re.compile(r"(?i)(?<!\S)(?!\w+://)\S+\.(?:json|toml|ya?ml|txt|ini|conf)\b"), " file "),
    (re.compile(r"\S*/\S*"), " address "),
    (re.compile(r"\b\w+(?:\.\w+){2,}"), " "),
)
# A code of many words.
_CODED: Final = re.compile(r"\b[a-z]+(?:_[a-z]+){2,}\b")
_WORD: Final = re.compile(r"[a-z]+")
_PARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Whatever is masked, or long and with a digit: what was decoded may be half of a secret.
_HIDDEN: Final = re.compile(
    r"(?:[^\s•]{0,80}•{3,4}(?: #\w{8})?)+\S{0,40}|(?=\S{0,80}\d)(?<!\S)(?!AADSTS\d)\S{12,}"
)
_HOLE: Final = "…"
# A sentence does not end so: what follows was in quotes, and was lost.
_CUT: Final = re.compile(r"\b(?:for|from|of|at|with|by|the)$")
# The address and the ids behind a sentence say nothing of the reason.
_WHERE: Final = re.compile(r"(?i)(?:,| for) (?:url|cf-ray|request id)(?: ?[:=]| …).*$")
_CODE: Final = re.compile(
    r"^[{\[]|^f\"|\{\w+[\w.]*\}|\"\s?:|\w:\"|->\w|[{}\[\]<>;=]{2}|\b(?:return|const|var|function|import|def)\b|[()]\s*(?:=>|\{)"
)


def statements(said: str) -> tuple[Statement, ...]:
    """Return what a text, decoded and masked, says of the reason, the one that says most first."""
    found = dict.fromkeys((*_members(said), *_elements(said), *_in_lines(said.split("\n"))))
    return tuple(sorted(found, key=attrgetter("kind", "told"), reverse=True))


def advice(said: str) -> str:
    """Return the sentence of a text that tells what to do; empty where there is none."""
    table = words("reader")
    for sentence in _SENTENCE.split(said):
        bare = _HINT.sub("", _HEAD.sub("", sentence.partition('"}')[0].strip(" \t\"'│┃║*>-")))
        lower = bare.lower()
        begins = _advises().match(lower)
        tells = begins is not None and lower.count(" ") >= 2 and lower[begins.end() :].strip() != ""
        if tells and not any(part in lower for part in table["advises_nothing"]):
            shown = _shown(bare)
            if shown and _HOLE not in shown and not (_RUNS.search(shown) or is_about("runs", lower)):
                return shown
    return ""


def _asks_why(cause: Cause) -> bool:
    """Whether a cause says only that something failed: the reason of the text is what helps."""
    return bool(cause.unsaid or cause.said or cause.otherwise)


def told_by(reason: Statement | None, cause: Cause, advised: str) -> str:
    """Return what a general cause says, with the reason that the text gives, or that it gives none."""
    if reason is None or not (_asks_why(cause) or reason.speaker is Speaker.SERVER):
        return f"{cause.cause} {cause.unsaid}".rstrip()
    said = reason.words.replace(advised, "").replace(". .", ".").strip(" .") or reason.words
    if said.count(" ") < 2 and not _tells(said):
        return f"{cause.cause} {cause.unsaid}".rstrip()
    return f"{words('reader')['says'][reason.speaker]} “{said}”. {cause.cause}"


def way_on(reason: Statement | None, cause: Cause, advised: str, text: str = "") -> str | Fix:
    """Return what to do about a general cause: what the text advises first, then what its reason leads to."""
    table = words("reader")
    steps = [f"{table['says']['advice']} “{advised}”."] if advised else []
    if reason is None or not _asks_why(cause):
        return fix(*steps, cause.cure) if steps else cause.cure
    commands = (Fix((step,)) for step in steps_of(cause.cure) if step.command)
    recorded = table["way"]["log"] if is_about("recorded", text.lower()) else ""
    # What a program with a key of its own has to do is not what the words tell a person.
    first = "" if cause.scene == "machine" else act(reason) or recorded
    if not first:
        last = cause.said or cause.otherwise
        return fix(*steps, last, *commands) if last else fix(*steps, cause.cure)
    besides = [cause.said] if cause.said else []
    return fix(*steps, first, *besides, *commands)


def act(reason: Statement) -> str:
    """Return what to do about a sentence, and who has to; empty where none of its words tells."""
    said = _CODED.sub(lambda code: code[0].replace("_", " "), in_english(reason.words))
    for name, instead in _NAMES:
        said = name.sub(instead, said)
    said = said.lower().replace("openid connect", "oidc")
    # The last link says why, and the ones before what was done.
    links = (_CHAIN.split(said)[-1], said)
    return next((way for part in links for words_of_it, way in _acts() if words_of_it.search(part)), "")


def is_about(topic: str, said: str) -> bool:
    """Whether one of the words of a table is in a text of lower case."""
    return _of_topic(topic).search(said) is not None


def in_english(said: str) -> str:
    """Return a text with the English words for those of other languages."""
    for other, english in words("reader")["languages"].items():
        if other in said:
            said = said.replace(other, f" {english} ")
    return said


def _members(said: str) -> Iterator[Statement]:
    for match in _of_members().finditer(said):
        of_server = match["name"].lower() in words("reader")["servers"]
        value = next(filter(None, match.group("broken", "double", "single", "bare")), "")
        speaker = Speaker.SERVER if of_server else Speaker.PROGRAM
        yield from _statement(value, speaker, _kind(speaker, is_marked=True))


def _elements(said: str) -> Iterator[Statement]:
    for match in _ELEMENT.finditer(said):
        yield from _statement(match[1], Speaker.SERVER, StatementKind.ELEMENT)


def _in_lines(lines: Iterable[str]) -> Iterator[Statement]:
    for line in lines:
        bare, before = line, ""
        while bare != before:
            bare, before = _HEAD.sub("", bare), bare
        marked = _MARKED.match(bare) or _marked_in_another_language(bare)
        speaker = Speaker.SERVER if marked is not None and marked[1].lower() == "remote" else Speaker.PROGRAM
        kind = _kind(speaker, is_marked=marked is not None or _LEVEL.search(line) is not None)
        is_apart = bare.startswith("<") or _APART.match(bare) is not None
        if is_apart or (kind is StatementKind.SENTENCE and not _is_a_failure(bare)):
            continue
        rest = bare[marked.end() :] if marked is not None else _LOGGER.sub("", bare)
        starts = [0, *(match.end() for match in _CHAIN.finditer(rest))]
        # The last link says why, and the ones before what was done.
        said = [one for start in starts[:-4:-1] for one in _statement(rest[start:], speaker, kind)]
        telling = (one for one in said if one.told > 1)
        yield from filter(None, (next(telling, max(said, key=attrgetter("told"), default=None)),))


def _marked_in_another_language(line: str) -> re.Match[str] | None:
    begins = _TO_A_COLON.match(line)
    return begins if begins is not None and _MARKED.match(in_english(begins[0])) else None


def _is_a_failure(line: str) -> bool:
    begins = line.lower().startswith(tuple(words("reader")["begins"]))
    return (
        begins
        or _BEGINS.search(line) is not None
        or (len(line) < _LONGEST and line.count(" ") >= _FEWEST and fails(in_english(line)))
    )


def _kind(speaker: Speaker, *, is_marked: bool) -> StatementKind:
    return (
        StatementKind.SERVER
        if speaker is Speaker.SERVER
        else StatementKind.MARKED
        if is_marked
        else StatementKind.SENTENCE
    )


def _statement(text: str, speaker: Speaker, kind: StatementKind) -> Iterator[Statement]:
    shown = _shown(text)
    told = min(_tells(shown), _MOST_TOLD)
    says_nothing = any(part in shown.lower() for part in words("reader")["tells_nothing"])
    asks = _SENTENCE.split(shown)[0].endswith("?")
    if told and not (says_nothing or asks) and (" " in shown or _CONSTANT.fullmatch(shown)):
        yield Statement(shown, speaker, kind, told)


def _shown(text: str) -> str:
    bare = _NAMED.sub("", " ".join(_HIDDEN.sub(_HOLE, text[:_LONGEST]).split()).strip(" .,:'\")(\\*"))
    if len(bare) < _SHORTEST or _CODE.search(bare) or bare.count(_HOLE) > 2 or _CUT.search(bare):
        return ""
    bare = bare if "[" in bare else bare.partition("]")[0]
    closed = _WHERE.sub("", bare) + ")" * (bare.count("(") - bare.count(")"))
    is_cut = len(text) > _LONGEST or _BROKEN.search(closed)
    return f"{closed} {_HOLE}" if is_cut else closed


def _tells(shown: str) -> int:
    """Return how many words of a sentence say more than that something failed."""
    bare = _PARTS.sub(" ", _ADDRESS.sub(" ", in_english(shown)))
    found = set(_WORD.findall(bare.lower()))
    return sum(len(word) > 2 and word not in _vague() for word in found)


@cache
def _vague() -> frozenset[str]:
    return frozenset(words("reader")["vague"])


@cache
def _of_topic(topic: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{word}\b" if len(word) < 4 else word for word in words("reader")[topic]))


@cache
def _acts() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (_begun_by(one["words"], one.get("without", ())), one["way"])
        for one in words("reader")["acts"].values()
    )


def _begun_by(begins: Iterable[str], without: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of a sentence with a word that begins so, and none of the others."""
    fits, fits_not = (rf"\b(?:{'|'.join(map(re.escape, some))})" for some in (begins, without))
    return re.compile(rf"^(?!.*{fits_not}).*{fits}" if without else fits)


@cache
def _advises() -> re.Pattern[str]:
    begins = "|".join(map(re.escape, words("reader")["advises"]))
    # Not a noun, "grant not found", "update failed"; nor what did not go: "you can't sign in".
    nouns = r"(?!['’]t)(?! (?:not|is|was|are|has|type|error|failed|denied|expired)\b)"
    return re.compile(rf"(?:if you\b[^.,:]{{1,60}},? (?=please\b))?(?:{begins})\b{nouns}")


@cache
def _of_members() -> re.Pattern[str]:
    """Return the pattern of a member with a telling name: in JSON, a query, an array of PHP, a header."""
    table = words("reader")
    names = "|".join(map(re.escape, sorted((*table["servers"], *table["programs"]), key=len, reverse=True)))
    return re.compile(
        rf"""(?im)(?<![\w-])(?<!level=)[\["']?(?P<name>{names})[\]"']?\s?(?:=>|[:=])\s?(?:some\(|string\s)?"""
        # A terminal breaks it where its window ends.
        r"""(?:"(?P<broken>[^"\n]{3,300}(?:\n[ \t│┃║]{1,8}[^"\n:]{1,200}){1,3})"(?!:)"""
        r"""|"(?P<double>[^"\n]{3,600})(?:"|$)|'(?P<single>[^'\n]{3,600})'(?!\w)"""
        r"""|(?P<bare>(?:[^"'\n&{}<>\[\]\\]|(?<=\w)'(?=\w)"""
        r"""|(?<=[a-z] )(?P<quote>["'])[^"'\n&{}<>]{1,80}(?P=quote)(?=[\s.,;)]|$)){3,600}))"""
    )

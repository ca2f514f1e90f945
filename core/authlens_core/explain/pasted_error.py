"""What a pasted error message means: its identifiers, and what the document behind each says.

Nothing is sent and nothing is guessed: where no identifier is in the text, the line that decides is quoted.
What looks like a secret is masked in the lines that are quoted, and no step is in words of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import chain
from typing import Final
from urllib.parse import unquote_plus

from msgspec.structs import replace

from authlens_core.diagnosis.evidence import around
from authlens_core.diagnosis.likely_secrets import masked_text
from authlens_core.diagnosis.server_kind import ServerKind, server_kind, server_words
from authlens_core.explain.identifiers import Find, general_finds, particular_finds
from authlens_core.explain.pasted_address import resource_in, urls_in
from authlens_core.explain.pasted_token import whole_jwt, whole_url
from authlens_core.explain.transcript import transcript_answer
from authlens_core.values.check import UNKNOWN, Diagnosis
from authlens_core.values.fix import commands_of, filled, fix, step
from authlens_core.values.url import Url

_END: Final = 16 * 1024  # characters of the beginning, and of the end, that are looked at
# A terminal breaks a sentence where its window ends, and draws a frame around it.
_SPACE: Final = re.compile(r"[\s│┃║]+")
_QUOTE: Final = re.compile(r"""(?<!\\)\\{1,4}(["'/])""")
# No character has such a number, and `unescape` fails at one of thousands of digits.
_NO_CHARACTER: Final = re.compile(r"&#[0-9]{8,}")
_FAILURE: Final = re.compile(
    r"(?i)error|exception|fail|denied|refused|invalid|unauthori[sz]ed|forbidden|expired"
)
_DESCRIPTION: Final = re.compile(
    r"""(?i)error_?description(?:\\{0,2}["'])?\s{0,3}[:=]\s{0,3}(?:\\{0,2}["'])?([^"'&\n\\]{4,300})"""
)
_NOT_KNOWN: Final = "authlens does not recognise an error in this text."
_TO_SEE: Final = step("To see the cause", "authlens probe URL")


def explain_text(text: str) -> tuple[Diagnosis, ...]:
    """Return what the identifiers in a text mean; one that is not `known` where it has none."""
    text = text.strip()
    alone = whole_jwt(text) or whole_url(text)
    if alone is not None:
        return (alone,)
    text = _NO_CHARACTER.sub("", _ends(text))
    urls = tuple(urls_in(text))
    address = resource_in(urls)
    return tuple(_with_command(diagnosis, address) for diagnosis in _diagnoses(text, urls))


def _ends(text: str) -> str:
    """Return the beginning and the end of a long text, without half a word: half a secret looks like one."""
    if len(text) <= 2 * _END:
        return text
    return f"{text[:_END].rpartition(' ')[0]}\n{text[-_END:].partition(' ')[2]}"


def _diagnoses(text: str, urls: Iterable[Url]) -> list[Diagnosis]:
    """Return what the most particular identifiers in a text mean."""
    lower = unescape(_QUOTE.sub(r"\1", text.replace("\\n", "\n"))).lower().replace("’", "'")
    searched = _SPACE.sub(" ", f"{lower}\n{unquote_plus(lower)}")
    kind = server_kind((url.text for url in urls), said=lower)
    lines = masked_text(text).split("\n")
    finds = particular_finds(searched, kind)
    answer = None if finds else transcript_answer(text)
    if answer is not None:
        return [answer]
    finds = finds or general_finds(searched)
    if not finds:
        return [Diagnosis(UNKNOWN, _NOT_KNOWN, _TO_SEE, _evidence(lines, ""))]
    return [_meant(find, kind, lines) for find in finds]


def _meant(find: Find, kind: ServerKind, lines: Sequence[str]) -> Diagnosis:
    cause = find.cause
    words = server_words(cause.words_of or kind)
    means, cure = words.fill(cause.cause), words.fill_fix(cause.cure)
    return Diagnosis(cause.name, means, cure, _evidence(lines, find.phrase), cause.source)


def _with_command(diagnosis: Diagnosis, address: Url | None) -> Diagnosis:
    """Return a diagnosis with the address in its commands, and the command that sees the cause."""
    if address is None:
        return diagnosis
    cure = diagnosis.cure if commands_of(diagnosis.cure) else fix(diagnosis.cure, _TO_SEE)
    return replace(diagnosis, cure=filled(cure, address.text))


def _evidence(lines: Sequence[str], phrase: str) -> tuple[str, ...]:
    """Return the line that has the phrase or else decides, and the server's own description."""
    having = (line for line in lines if phrase and phrase in line.lower())
    failing = (line for line in lines if _FAILURE.search(line))
    any_line = (line for line in reversed(lines) if line.strip())
    line = next(chain(having, failing, any_line), "")
    described = _DESCRIPTION.search("\n".join(lines))
    own = described[1] if described is not None and described[1] not in line else ""
    return tuple(filter(None, (around(line, phrase), around(own, ""))))

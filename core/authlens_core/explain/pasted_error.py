"""What a pasted error message means: its identifiers, and what the document behind each says.

Nothing is sent and nothing is guessed: where no identifier is in the text, the line that decides is quoted.
What looks like a secret is masked in the lines that are quoted, and no step is in words of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final
from urllib.parse import unquote_plus

from msgspec.structs import replace

from authlens_core.diagnosis.causes import CAUSES, identifiers, literals
from authlens_core.diagnosis.likely_secrets import masked_text
from authlens_core.diagnosis.protection import Protection
from authlens_core.diagnosis.server_kind import server_kind, server_words
from authlens_core.explain.identifiers import Find, finds, oauth_codes
from authlens_core.explain.pasted_address import resource_in, urls_in, with_address
from authlens_core.explain.pasted_token import whole_jwt, whole_url
from authlens_core.explain.transcript import transcript_answer
from authlens_core.oauth.error_response import meaning
from authlens_core.values.check import UNKNOWN, Diagnosis
from authlens_core.values.fix import commands_of, fix, step
from authlens_core.values.safe_text import safe_line

_END: Final = 16 * 1024  # characters of the beginning, and of the end, that are looked at
_FIRST_WORD: Final = re.compile(r"\A\S*")
_MOST: Final = 3  # identifiers of which the meaning is shown
_LONGEST_LINE: Final = 500  # characters
_AROUND: Final = 120  # characters of a long line before what was found
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
    return (alone,) if alone is not None else tuple(_PastedText(_ends(text)).diagnoses())


def _ends(text: str) -> str:
    """Return the beginning and the end of a long text, without half a word: half a secret looks like one."""
    if len(text) <= 2 * _END:
        return text
    head, tail = text[:_END], text[-_END:]
    head = head[: max(head.rfind(" "), head.rfind("\n"), 0)]
    return f"{head}\n{_FIRST_WORD.sub('', tail, count=1)}"


class _PastedText:
    def __init__(self, text: str) -> None:
        self._text = text = _NO_CHARACTER.sub("", text)
        self._shown = masked_text(text).split("\n")
        lower = unescape(_QUOTE.sub(r"\1", text.replace("\\n", "\n"))).lower().replace("’", "'")
        self._lines = f"{lower}\n{unquote_plus(lower)}" if "%" in lower or "+" in lower else lower
        self._flat = _SPACE.sub(" ", self._lines)
        urls = urls_in(text)
        self._address = resource_in(urls)
        self._kind = server_kind((url.text for url in urls), said=lower)
        self._words = server_words(self._kind)

    def diagnoses(self) -> Iterator[Diagnosis]:
        """Yield what the most particular identifiers mean: of several kinds the first that is there."""
        documented = (cause for cause in identifiers() if not cause.general)
        of_product = (cause for cause in CAUSES if self._kind in cause.kinds)
        literal = finds((*of_product, *literals()), self._flat)[:1]
        particular = literal or finds(documented, self._flat)[:_MOST]
        if particular:
            yield from map(self._meant, particular)
            return
        codes = oauth_codes(self._lines)[:_MOST]
        answer = transcript_answer(self._text)
        if answer is not None and not (codes and answer.name == Protection.OAUTH):
            yield self._filled(answer)
            return
        if codes:
            yield from (self._of_code(code, written) for code, written in codes)
            return
        general = finds((cause for cause in identifiers() if cause.general), self._flat)[:1]
        yield from map(self._meant, general)
        if not general:
            yield self._filled(Diagnosis(UNKNOWN, _NOT_KNOWN, _TO_SEE, self._evidence("")))

    def _meant(self, find: Find) -> Diagnosis:
        cause = find.cause
        words = server_words(cause.words_of) if cause.words_of else self._words
        means, cure = words.fill(cause.cause), words.fill_fix(cause.cure)
        return self._filled(Diagnosis(cause.name, means, cure, self._evidence(find.phrase), cause.source))

    def _of_code(self, code: str, written: str) -> Diagnosis:
        means = meaning(code)
        return self._filled(Diagnosis(code, means.means, means.cure, self._evidence(written), means.source))

    def _filled(self, diagnosis: Diagnosis) -> Diagnosis:
        """Return a diagnosis with the address in its commands, and the command that sees the cause."""
        cure = diagnosis.cure
        if self._address is not None and not commands_of(cure):
            cure = fix(cure, _TO_SEE)
        return replace(diagnosis, cure=with_address(cure, self._address))

    def _evidence(self, phrase: str) -> tuple[str, ...]:
        """Return the line that has the phrase or else decides, and the server's own description."""
        having = (line for line in self._shown if phrase and phrase in line.lower())
        line = next(having, "") or self._deciding()
        described = _DESCRIPTION.search("\n".join(self._shown))
        own = described[1] if described is not None and described[1] not in line else ""
        return tuple(safe_line(each, _LONGEST_LINE) for each in (_part(line, phrase), own.strip()) if each)

    def _deciding(self) -> str:
        failing = (line for line in self._shown if _FAILURE.search(line))
        return next(failing, "") or next((line for line in reversed(self._shown) if line.strip()), "")


def _part(line: str, phrase: str) -> str:
    """Return a line, or what of a long one is around the phrase."""
    start = max(0, line.lower().find(phrase) - _AROUND) if len(line) > _LONGEST_LINE else 0
    return ("…" if start else "") + line[start:].strip()

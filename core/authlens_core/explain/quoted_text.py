"""What is quoted of a pasted text: the line that decides, the reason on another one, what both are about.

All of it is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from authlens_core.diagnosis.evidence import body_line
from authlens_core.diagnosis.likely_secrets import masked_text
from authlens_core.explain.statements import Speaker, Statement, StatementKind, act, in_english, statements
from authlens_core.values.exchange import Response
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Body

_BEGINS: Final = 6  # characters by which a sentence is found in its line
_TELLING: Final = 15  # characters of the beginning of a phrase that say more than its end
# Where a program stumbled after it had failed: the failure is what another line says.
_STUMBLED: Final = re.compile(
    r"(?i)cannot (?:read|set) propert|is not a function|of undefined\b|object has no attribute"
)
# An answer that could not be read was one: that the program calls it no connection says less.
_ANSWERED: Final = re.compile(r"\bpars|expecting value|not valid json|unexpected token")
_NOT_REACHED: Final = re.compile(r"(?i)(?:could not|cannot|can't|failed to|unable to) connect\b")
_STATUS: Final = re.compile(
    r"(?i)(?:^|\b(?:status|http|code|returned|error)\W{0,3}(?:code )?|[(:] ?)40[13]\b"
)
_LONGEST_LINE: Final = 500  # characters of a line
# How much a sentence that is quoted beside the line of a cause has to say: a server's, and any other one.
_TOLD_BY_SERVER: Final = 2
_TOLD: Final = 4
_LONGER: Final = 8  # characters that a sentence has besides a phrase in it
# The reasons of an error that are in an object or a list of the same answer, or in an answer
# that a client could not read.
_WITHIN: Final = re.compile(
    r"""(?i)(?:"(?:error_?causes|causes|inner_?error|details)"\s*:\s*\[?\s*\{|\braw body: \[?\{)"""
    r"""[^{}]{0,200}?"""
    r""""(?:errorsummary|message|reason|description)"\s*:\s*"([^"\n]{3,300})\""""
)
# What an OAuth error is about, and is public: the program chose it.
_PARAMETER: Final = re.compile(
    r"(?<![\w-])(grant_type|response_type|redirect_uri|scope|resource|audience)"
    r"(?:=|\"?: ?\"?)(?!\")([^\s\"'&<>{},;()]{1,200}+)(?!\))"
)
_NAMED_BY: Final = {"invalid_target": "resource audience", "invalid_scope": "scope"}


class QuotedText:
    """A text as it was pasted and as it reads decoded; what is quoted of either is masked."""

    def __init__(self, text: str, decoded: str) -> None:
        # A selector of how a sign is drawn says nothing, and would be quoted as an escape.
        self._pasted = Response(0, body=Body(text.replace("\ufe0f", "").encode("utf-8", "replace")))
        self._decoded = decoded

    @cached_property
    def shown(self) -> str:
        return masked_text(self._decoded)

    def reason(self, phrase: str) -> Statement | None:
        """Return the sentence that says most, if it says more than the phrase that was found."""
        lower = phrase.lower()
        told = (one for one in self._statements if _tells_more(one, lower))
        first = next((one for one in told if not self._is_a_stumble(one, lower.strip())), None)
        return None if first is None or _is_a_status(first) else first

    def _is_a_stumble(self, reason: Statement, phrase: str) -> bool:
        """Whether a sentence says only how the program fell over what another line reports."""
        has_answer = _ANSWERED.search(phrase) is not None
        stumbled = _STUMBLED.search(reason.words) or (has_answer and _NOT_REACHED.search(reason.words))
        if not phrase or not stumbled:
            return False
        lines = [line for line in self.shown.lower().split("\n") if phrase in line]
        return bool(lines) and not any(reason.words[:_BEGINS].lower() in line for line in lines)

    def within(self) -> str:
        """Return the reason inside an answer; empty where there is none."""
        found = statements("\n".join(f"description: {words}" for words in _WITHIN.findall(self.shown)))
        return found[-1].words if found else ""

    def evidence(self, phrase: str) -> Iterator[str]:
        """Yield the line of a phrase, a reason on another line, and the parameter it is about."""
        line = body_line(self._pasted, phrase) or self._line_of(phrase)
        if line:
            yield line
        yield from (one.words for one in self._statements[:1] if _adds(one, line))
        about = _NAMED_BY.get(phrase, phrase)
        named = (match for match in _PARAMETER.finditer(self.shown) if match[1] in about)
        yield from dict.fromkeys(f"{match[1]}={match[2]}" for match in named if match[0] not in line)

    def _line_of(self, phrase: str) -> str:
        """Return the decoded line with the longest beginning or end of a phrase.

        A terminal broke it, a part of it is masked, or it was found after its words were put into English.
        """
        lines = self.shown.split("\n")
        english = in_english(self.shown).lower().split("\n")
        words = phrase.lower().split()
        begins = [" ".join(words[:count]) for count in range(len(words), 0, -1)]
        ends = (" ".join(words[count:]) for count in range(1, len(words)))
        telling = [begin for begin in begins if len(begin) > _TELLING]
        for part in (*telling, *sorted((*ends, *begins), key=len, reverse=True)):
            found = next((line for line, said in zip(lines, english, strict=True) if part in said), "")
            if found:
                return safe_line(found.strip(), _LONGEST_LINE)
        return ""

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        return statements(self.shown)


def _tells_more(reason: Statement, phrase: str) -> bool:
    is_longer = len(reason.words) > len(phrase) + _LONGER
    return is_longer or reason.told > 1 or phrase not in reason.words.lower()


def _is_a_status(reason: Statement) -> bool:
    """Whether a sentence of a program says what was asked, and a status: the cause tells what that means."""
    is_of_server = reason.speaker is Speaker.SERVER
    return not is_of_server and _STATUS.search(reason.words) is not None and not act(reason)


def _adds(reason: Statement, line: str) -> bool:
    """Whether a sentence says what a line has not, and is a server's or begins a line."""
    begins, shown = reason.words.strip("… ")[:20].lower(), line.strip("…").lower()
    tells = reason.told >= (_TOLD_BY_SERVER if reason.speaker is Speaker.SERVER else _TOLD)
    apart = begins not in shown and shown[:60] not in reason.words.lower()
    begun = reason.kind == StatementKind.SENTENCE and not reason.words[:1].islower()
    return tells and apart and (reason.speaker is Speaker.SERVER or begun)

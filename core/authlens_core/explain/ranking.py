"""Which of the causes whose words are in a text is the one that the text is about: the rule, in one place.

The order of files and entries decides nothing but a tie. What counts, in this order:

1. A number of a product's own (AADSTS50011) says more than a sentence, and a sentence more than a step:
   words that say what failed, and not why ("certificate verify failed"). The tables name codes and steps.
2. What is under the last prompt of a terminal, or after the last `Caused by`, says more than what is before.
3. More words say more than fewer: the longest phrase counts. An entry of a product knows more than one of
   none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import ANY_FAMILY, Cause, server_messages
from authlens_core.diagnosis.evidence import ANYTHING

# A command after a prompt, and what a runtime writes before the error that was first.
_LATER: Final = re.compile(
    r"(?m)^\s*(?:\S{0,60}[$❯»] |PS [^\n>]{0,60}> |[a-z]:\\[^\n>]{0,60}>)\S|^\s*caused by\b"
)
# A log's level before the words: what failed is at another.
_QUIET: Final = re.compile(
    r"[^\n]{0,60}\[(?:info|debug|trace)\s?\]|[^\n]{0,40}\b(?:level=(?:info|debug)|inf|dbg)\b"
)
OF_A_NUMBER: Final = 2  # the kind of a phrase that is a number of a product's own
_OF_A_PRODUCT: Final = 20  # characters
_UNNAMED: Final = 18  # characters, of a product whose name is not in the text


class Heard(NamedTuple):
    """A cause, and what of the text is one of its phrases."""

    cause: Cause
    words: str
    weight: tuple[int, int, int]


class Sections:
    """The parts of a text that say more the later they come."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [match.start() for match in _LATER.finditer(text)]

    def heard(self, cause: Cause, phrase: str, words: str) -> Heard:
        kind = OF_A_NUMBER if phrase in cause.codes else 0 if phrase in cause.steps else 1
        at = self._text.rfind(words)
        part = sum(start <= at for start in self._starts) - (_QUIET.match(self._line(at)) is not None)
        return Heard(cause, words, (kind, part, len(phrase.replace(ANYTHING, "")) + self._known(cause)))

    def _line(self, at: int) -> str:
        return self._text[self._text.rfind("\n", 0, max(at, 0)) + 1 : max(at, 0)]

    def _known(self, cause: Cause) -> int:
        if cause.protections or cause.kinds:
            return _OF_A_PRODUCT
        if cause.family in _products():
            return _OF_A_PRODUCT if cause.family.partition("_")[0] in self._text else _UNNAMED
        return 0 if cause.family else -_OF_A_PRODUCT  # a login of our own finds it by more than words


@cache
def _products() -> frozenset[str]:
    return frozenset(cause.family for cause in server_messages()) - {ANY_FAMILY}

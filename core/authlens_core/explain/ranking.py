"""Which of the causes whose words are in a text is the one that the text is about: the rule, in one place.

The order of files and entries decides nothing but a tie. What counts, in this order:

1. A number of a product's own (AADSTS50011) says more than a sentence, and a sentence more than a step:
   words that say what failed, and not why ("certificate verify failed"). The tables name codes and steps.
2. What is under the last prompt of a terminal, or after the last `Caused by`, says more than what is before.
3. More words say more than fewer: the longest phrase counts. An entry of a product knows more than one of
   none. Of two that are alike the last one counts.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import ANY_FAMILY, EDGE_FAMILIES, Cause, server_messages
from authlens_core.diagnosis.evidence import ANYTHING

# A command after a prompt, what a runtime writes before the error that was first, and an event of a server.
_LATER: Final = re.compile(
    r"(?m)^\s*(?:\S{0,60}[$❯»] |PS [^\n>]{0,60}> |[a-z]:\\[^\n>]{0,60}>)\S|^\s*> /[a-z]|^\s*caused by\b"
    r"|^[^\n]{0,200}\btype=\"?login_error\b"
)
OF_A_NUMBER: Final = 2  # the kind of a phrase that is a number of a product's own
_OF_A_PRODUCT: Final = 20  # characters
_ORDINARY: Final = 10
_UNNAMED: Final = 0  # of a product whose name is not in the text: it says no more than one of none


class Heard(NamedTuple):
    """A cause, and what of the text is one of its phrases."""

    cause: Cause
    words: str
    weight: tuple[int, int, int, int]


class Sections:
    """The parts of a text that say more the later they come."""

    def __init__(self, text: str, *, is_of_a_login: bool) -> None:
        self._text = text
        self._is_of_a_login = is_of_a_login
        self._starts = [match.start() for match in _LATER.finditer(text)]

    def heard(self, cause: Cause, phrase: str, words: str) -> Heard:
        kind = OF_A_NUMBER if phrase in cause.codes else 0 if phrase in cause.steps else 1
        at = self._text.rfind(words)
        if at < 0:  # broken over lines: its first words are on one
            at = self._text.rfind(" ".join(words.split(" ")[:2]))
        part = sum(start <= at for start in self._starts)
        return Heard(cause, words, (kind, part, len(phrase.replace(ANYTHING, "")) + self._known(cause), at))

    def _known(self, cause: Cause) -> int:
        if cause.protections or cause.kinds:
            return _OF_A_PRODUCT
        if cause.family in _products():
            # Of Cloudflare's edge another mark was found.
            is_named = cause.family in EDGE_FAMILIES or cause.family.partition("_")[0] in self._text
            return _OF_A_PRODUCT if is_named else _UNNAMED
        if cause.family == ANY_FAMILY:  # may be an ordinary sentence
            return 0 if self._is_of_a_login else -_ORDINARY
        return 0 if cause.family else -_OF_A_PRODUCT  # a login of our own finds it by more than words


@cache
def _products() -> frozenset[str]:
    return frozenset(cause.family for cause in server_messages()) - {ANY_FAMILY}

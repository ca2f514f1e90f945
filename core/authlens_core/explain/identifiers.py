"""The identifiers and literals in a text, found in tables: nothing is guessed from other words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import Cause
from authlens_core.values.check import ErrorCode

# A code as it is in JSON, a query, a fragment or a challenge, and in the names of exceptions.
_NEAR_ERROR: Final = r"""\berror(?:[ _]?code)?[\\"']{0,2}\s?[:=]?\s?[\\"'(\[]{0,2}"""
# These are also codes of APIs that are no part of OAuth.
_SHARED: Final = frozenset({ErrorCode.ACCESS_DENIED, ErrorCode.SERVER_ERROR, ErrorCode.INVALID_REQUEST})
_OWN: Final = "|".join(code.replace("_", "_?") for code in sorted(set(ErrorCode) - _SHARED))
_CODE: Final = re.compile(
    rf"(?<![a-z0-9_])(?:({_OWN})(?:error|exception)?|(?:{_NEAR_ERROR})({'|'.join(sorted(_SHARED))}))(?![a-z0-9_])"
    rf"|^\W{{0,3}}({'|'.join(sorted(_SHARED))})(?![a-z0-9_])",
    re.MULTILINE,
)
_SPELLING: Final = {code.replace("_", ""): code for code in ErrorCode}


class Find(NamedTuple):
    """A phrase that is in a text, and what it means."""

    phrase: str
    cause: Cause


def finds(causes: Iterable[Cause], text: str) -> list[Find]:
    """Return what is in a text of lower case, the longest first; of each cause the longest phrase."""
    longest: dict[str, Find] = {}
    for phrase, cause in _phrases_in(causes, text):
        if cause.name not in longest or len(longest[cause.name].phrase) < len(phrase):
            longest[cause.name] = Find(phrase, cause)
    return sorted(longest.values(), key=lambda find: -len(find.phrase))


def _phrases_in(causes: Iterable[Cause], text: str) -> Iterator[tuple[str, Cause]]:
    for cause in causes:
        for phrase in cause.phrases:
            if phrase in text and _stands_alone(phrase, text):
                yield phrase, cause


def _stands_alone(phrase: str, text: str) -> bool:
    before = r"(?<![a-z0-9_])" if phrase[0].isalnum() else ""
    after = r"(?![a-z0-9_])" if phrase[-1].isalnum() else ""
    return re.search(before + re.escape(phrase) + after, text) is not None


def oauth_codes(text: str) -> list[tuple[str, str]]:
    """Return the error codes of OAuth in a text of lower case, each with how it is written."""
    codes: dict[str, str] = {}
    for match in _CODE.finditer(text):
        written = match[1] or match[2] or match[3]
        codes.setdefault(_SPELLING[written.replace("_", "")], written)
    return list(codes.items())

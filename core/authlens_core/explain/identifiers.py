"""The identifiers and literals in a text, found in tables: nothing is guessed from other words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import CAUSES, Cause, general_causes, identifiers, literals
from authlens_core.diagnosis.evidence import phrase_in
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.oauth.error_response import meaning
from authlens_core.values.check import ErrorCode

_MOST: Final = 3  # identifiers of which the meaning is shown
# These are also codes of APIs that are no part of OAuth, which write them in other ways.
_SHARED: Final = frozenset({ErrorCode.ACCESS_DENIED, ErrorCode.SERVER_ERROR, ErrorCode.INVALID_REQUEST})


class Find(NamedTuple):
    """A phrase that is in a text, and what it means."""

    phrase: str
    cause: Cause


def particular_finds(text: str, kind: ServerKind) -> list[Find]:
    """Return what is in a text of lower case: a literal, else identifiers, else codes of OAuth."""
    of_product = (cause for cause in CAUSES if kind in cause.kinds)
    literal = _finds((*of_product, *literals()), text)[:1]
    return literal or _finds(identifiers(), text)[:_MOST] or _finds(_codes(), text)[:_MOST]


def general_finds(text: str) -> list[Find]:
    """Return what says no more than where something failed: the one with the longest phrase."""
    return _finds(general_causes(), text)[:1]


@cache
def _codes() -> tuple[Cause, ...]:
    """Return the codes of OAuth, as they are on the wire and in the names of exceptions."""
    return tuple(map(_code, ErrorCode))


def _code(code: ErrorCode) -> Cause:
    means = meaning(code)
    bare = code.replace("_", "")
    names = () if code in _SHARED else (bare, f"{bare}error", f"{bare}exception")
    return Cause(name=code, cause=means.means, cure=means.cure, source=means.source, phrases=(code, *names))


def _finds(causes: Iterable[Cause], text: str) -> list[Find]:
    """Return the longest phrase of each cause that is in the text, the longest first."""
    finds = (Find(phrase, cause) for cause in causes for phrase in cause.phrases if phrase_in(phrase, text))
    longest: dict[str, Find] = {}
    for find in sorted(finds, key=lambda find: -len(find.phrase)):
        longest.setdefault(find.cause.name, find)
    return list(longest.values())

"""The identifiers and literals in a text, found in tables: nothing is guessed from other words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from authlens_core.diagnosis.causes import CAUSES, Cause, codes, general_causes, identifiers, literals
from authlens_core.diagnosis.evidence import phrase_in
from authlens_core.diagnosis.server_kind import ServerKind

_MOST: Final = 3  # identifiers of which the meaning is shown


class Find(NamedTuple):
    """A phrase that is in a text, and what it means."""

    phrase: str
    cause: Cause


def particular_finds(text: str, kind: ServerKind) -> list[Find]:
    """Return what is in a text of lower case: a literal, else identifiers, else codes of OAuth."""
    of_product = (cause for cause in CAUSES if kind in cause.kinds)
    literal = _finds((*of_product, *literals()), text)[:1]
    return literal or _finds(identifiers(), text)[:_MOST] or _finds(codes(), text)[:_MOST]


def general_finds(text: str) -> list[Find]:
    """Return what says no more than where something failed: the one with the longest phrase."""
    return _finds(general_causes(), text)[:1]


def _finds(causes: Iterable[Cause], text: str) -> list[Find]:
    """Return the longest phrase of each cause that is in the text, the longest first."""
    finds = (Find(phrase, cause) for cause in causes for phrase in cause.phrases if phrase_in(phrase, text))
    longest: dict[str, Find] = {}
    for find in sorted(finds, key=lambda find: -len(find.phrase)):
        longest.setdefault(find.cause.name, find)
    return list(longest.values())

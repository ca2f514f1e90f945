"""What is called otherwise throughout a second run: the place it went to, and the client it registered.

Two runs at two addresses differ in every URL, and yet in one thing. So an address that has one counterpart,
and always the same, is one difference; a client id that both runs were given by registering says nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote, unquote

from authlens_core.quick_dataclass import dataclass

_AUTHORITY: Final = re.compile(r"(?i)https?(?::|%3A)(?://|%2F%2F)((?:[a-z0-9.\[\]:-]|%3A)+)")
_THROUGHOUT: Final = 5  # fields in which an address differs before it counts as one difference
_CLIENT_ID: Final = re.compile(r"response \d+ body client_id")
_SHORTEST: Final = 4  # characters of a name that is looked for in other texts

# The same thing as the left side calls it, and as the right side does.
Pair = tuple[str, str]


def moved(fields: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the addresses that have another name on the other side, throughout and always the same one.

    Args:
        fields: the values of each field that both sides have, equal ones too.
    """
    left_of: defaultdict[str, set[str]] = defaultdict(set)
    right_of: defaultdict[str, set[str]] = defaultdict(set)
    times: Counter[Pair] = Counter()
    for left, right in fields:
        found = _authorities(left), _authorities(right)
        if len(found[0]) != len(found[1]):
            continue
        pairs = dict.fromkeys(zip(*found, strict=True))
        times.update(pairs.keys())
        for one, other in pairs:
            right_of[one].add(other)
            left_of[other].add(one)
    return tuple(
        (one, other)
        for (one, other), count in times.items()
        if one != other and count >= _THROUGHOUT and len(right_of[one]) == len(left_of[other]) == 1
    )


def _authorities(text: str) -> list[str]:
    return [unquote(found).lower() for found in _AUTHORITY.findall(text)]


def client_ids(left: dict[str, str], right: dict[str, str]) -> tuple[Pair, ...]:
    """Return the client ids that two registrations gave out, by their fields; those that differ."""
    return tuple(
        (left[name], right[name])
        for name in left
        if _CLIENT_ID.fullmatch(name) and name in right and left[name] != right[name]
    )


@dataclass(frozen=True, slots=True)
class Renamed:
    """Texts of both sides, with what is called otherwise called the same."""

    left: _Side
    right: _Side

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Renamed:
        usable = [pair for pair in dict.fromkeys(pairs) if min(map(len, pair)) >= _SHORTEST]
        return cls(_Side.of([one for one, _ in usable]), _Side.of([other for _, other in usable]))

    def both(self, left: str, right: str) -> Pair:
        """Return a text of each side in common words."""
        return self.left.common(left), self.right.common(right)


@dataclass(frozen=True, slots=True)
class _Side:
    places: dict[str, int]
    found: re.Pattern[str] | None

    @classmethod
    def of(cls, names: Sequence[str]) -> _Side:
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            for form in (name, quote(name, safe="")):
                places.setdefault(form.lower(), place)
        if not places:
            return cls({}, None)
        forms = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        return cls(places, re.compile(rf"(?i)(?<![\w.-])(?:{forms})(?![\w-]|\.\w|:\d)"))

    def common(self, text: str) -> str:
        if self.found is None:
            return text
        return self.found.sub(lambda one: f"\0{self.places[one[0].lower()]}\0", text)

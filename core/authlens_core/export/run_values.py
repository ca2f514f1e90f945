"""What differs between two runs although nothing is wrong.

Values such as a state are new in every run. Two runs at two addresses differ in every URL, and yet in one
thing: an address that has one counterpart, and always the same, is one difference. A client id that both runs
were given by registering says nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote, unquote

from authlens_core.values.known_secrets import MASKED
from authlens_core.values.quick_dataclass import dataclass

# The last word of a field's name: what is under it is drawn, issued or dated for one run.
_ANEW: Final = frozenset(
    {
        # OAuth (RFC 6749, 7636, 7591) and OpenID Connect; codes and tokens are masks, whatever their name
        "state", "nonce", "code_verifier", "code_challenge",
        "expires_at", "obtained_at", "client_id_issued_at",
        # JWT (RFC 7519 §4.1)
        "jti", "iat", "nbf", "exp", "auth_time", "at_hash",
        # header fields that name a moment or a request
        "date", "age", "expires", "last-modified", "cf-ray", "x-request-id", "request-id",
        "x-amzn-trace-id", "traceparent", "server-timing", "report-to", "nel", "set-cookie",
    }
)  # fmt: skip
# A user chose these; another value of theirs explains why two runs differ.
_CHOSEN: Final = frozenset(
    {"client_secret", "client_assertion", "cookie", "password", "cf-access-client-secret"}
)
_PARAMETER: Final = re.compile(
    r"(?<![\w-])(state|nonce|code|code_challenge|jti|iat|nbf|exp)(=|%3[Dd])(?:(?!%26)[\w.~+/:%•# -]){1,600}"
)
_HEADER: Final = re.compile(r"(?i)(?<![\w-])(cf-ray|date|age|expires|set-cookie): [^;\n)]{1,600}")
_MEASURED: Final = frozenset(
    {"check pkce.first_character", "check token.clock"}
)  # unless they come out unlike
_COUNTED: Final = re.compile(r" \(\d+\)$")  # of a name that appears more than once
_MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d| UTC)?")
_AUTHORITY: Final = re.compile(r"(?i)https?(?::|%3A)(?://|%2F%2F)((?:[a-z0-9.\[\]:-]|%3A)+)")
_THROUGHOUT: Final = 5  # fields in which an address differs before it counts as one difference
_CLIENT_ID: Final = re.compile(r"response \d+ body client_id")
_SHORTEST: Final = 4  # characters of a name that is looked for in other texts

# The same thing as the left side calls it, and as the right side does.
Pair = tuple[str, str]


def differs_as_it_must(name: str, left: str, right: str) -> bool:
    """Return whether two different values of the field `name`, secrets masked, differ as any two runs do.

    They do where the name says so, or where nothing is left once masks, moments and parameters such as
    `state` are taken out of both. A secret that a user chose, such as a client's, is not new in every run.
    """
    name = _COUNTED.sub("", name)
    last = name.rpartition(" ")[2].lower()
    if last in _CHOSEN or (last == "authorization" and "basic" in (left[:5].lower(), right[:5].lower())):
        return False
    # Before the colon is the severity: a check that came out otherwise is a difference.
    measured = name in _MEASURED and left.partition(":")[0] == right.partition(":")[0]
    return measured or last in _ANEW or _settled(left) == _settled(right)


def _settled(text: str) -> str:
    """Return `text` with what is new in every run replaced by the same sign in any run."""
    text = _HEADER.sub(r"\1…", _PARAMETER.sub(r"\1\2…", text))
    return _MOMENT.sub("…", MASKED.sub("…", text))


def moved(fields: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the addresses that have another name on the other side, throughout and always the same one.

    Args:
        fields: the values of each field that both sides have, equal ones too.
    """
    left_of: defaultdict[str, set[str]] = defaultdict(set)
    right_of: defaultdict[str, set[str]] = defaultdict(set)
    times: Counter[Pair] = Counter()
    for left, right in fields:
        authorities = _authorities(left), _authorities(right)
        if len(authorities[0]) != len(authorities[1]):
            continue
        pairs = dict.fromkeys(zip(*authorities, strict=True))
        times.update(pairs.keys())
        for left_name, right_name in pairs:
            right_of[left_name].add(right_name)
            left_of[right_name].add(left_name)
    return tuple(
        (left_name, right_name)
        for (left_name, right_name), count in times.items()
        if left_name != right_name
        and count >= _THROUGHOUT
        and len(right_of[left_name]) == len(left_of[right_name]) == 1
    )


def _authorities(text: str) -> list[str]:
    return [unquote(authority).lower() for authority in _AUTHORITY.findall(text)]


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
        return cls(_Side.of([left for left, _ in usable]), _Side.of([right for _, right in usable]))

    def both(self, left: str, right: str) -> Pair:
        """Return a text of each side in common words."""
        return self.left.common(left), self.right.common(right)


@dataclass(frozen=True, slots=True)
class _Side:
    numbers: dict[str, int]
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, names: Sequence[str]) -> _Side:
        numbers: dict[str, int] = {}
        for number, name in enumerate(names):
            for form in (name, quote(name, safe="")):
                numbers.setdefault(form.lower(), number)
        if not numbers:
            return cls({}, None)
        forms = "|".join(map(re.escape, sorted(numbers, key=len, reverse=True)))
        return cls(numbers, re.compile(rf"(?i)(?<![\w.-])(?:{forms})(?![\w-]|\.\w|:\d)"))

    def common(self, text: str) -> str:
        if self.pattern is None:
            return text
        return self.pattern.sub(lambda name: f"\0{self.numbers[name[0].lower()]}\0", text)

"""The known causes of failures, and what identifiers and sentences of others mean: tables of `words/`.

A login tries what servers say and `words/causes.toml`; `explain` tries identifiers and literals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from authlens_core.diagnosis.credential import Credential
from authlens_core.diagnosis.protection import Protection, note_on
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.values.check import CheckId, ErrorCode
from authlens_core.values.fix import Fix, WayOn, cure_in, fix
from authlens_core.values.formats.error_response import meaning
from authlens_core.values.stage import MACHINE_GRANTS, GrantType, Stage
from authlens_core.values.word_files import words


class Cause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cause. It fits when every condition that is not empty is met.

    Its words may have `{redirect_uri}` and the like, which the kind of the server fills (`ServerWords`).

    Attributes:
        errors: the OAuth error codes, lower case; the empty string where there has to be none.
        phrases: texts of which one has to be in what the server said, lower case.
        protections: what the answer was classified as.
        checks: names of checks of which one has to have failed.
        check_decides: whether the fix of the check that failed is shown instead: it depends on what was seen.
        kinds: which product the server has to be.
        grants: what the request asked for a token with.
        general: whether it counts only where nothing more particular is found.
        words_of: the product that its words name, and whose settings fill them.
        quotes: members of the JSON answer, or else header fields, that show it; also where they are missing.
    """

    name: str = field(name="id")
    cause: str
    cure: str | Fix
    source: str
    stages: frozenset[Stage] = frozenset()
    errors: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    protections: frozenset[Protection] = frozenset()
    checks: frozenset[CheckId] = frozenset()
    kinds: frozenset[ServerKind] = frozenset()
    general: bool = False
    credentials: frozenset[Credential] = frozenset()
    grants: frozenset[GrantType] = frozenset()
    quotes: tuple[str, ...] = ()
    check_decides: bool = False
    words_of: ServerKind | None = None


# Other APIs have these codes as well, and spell them differently.
_SHARED: Final = frozenset({ErrorCode.ACCESS_DENIED, ErrorCode.SERVER_ERROR, ErrorCode.INVALID_REQUEST})


@cache
def identifiers() -> tuple[Cause, ...]:
    """Return what codes and numbers mean that are documented, those of OAuth apart."""
    return tuple(cause for cause in _messages("identifiers") if not cause.general)


@cache
def literals() -> tuple[Cause, ...]:
    """Return what sentences mean that one program or server writes, for one reason."""
    return tuple(cause for cause in _messages("literals") if not cause.general)


@cache
def general_causes() -> tuple[Cause, ...]:
    """Return what identifiers and sentences mean that say no more than where something failed."""
    return tuple(cause for cause in (*_messages("literals"), *_messages("identifiers")) if cause.general)


@cache
def codes() -> tuple[Cause, ...]:
    """Return the codes of OAuth, as they are on the wire and in the names of exceptions."""
    return tuple(map(_code, ErrorCode))


def _code(code: ErrorCode) -> Cause:
    means = meaning(code)
    bare = code.replace("_", "")
    names = () if code in _SHARED else (bare, f"{bare}error", f"{bare}exception")
    phrases, errors = (code, *names), frozenset({code})
    return Cause(
        name=code, cause=means.means, cure=means.cure, source=means.source, phrases=phrases, errors=errors
    )


@cache
def _messages(file: str) -> tuple[Cause, ...]:
    return tuple(_causes_in(words(file)))


def _causes_in(tables: Mapping[str, Any]) -> Iterator[Cause]:
    for family, table in tables.items():
        shared = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
        for name, entry in table.items():
            if isinstance(entry, Mapping):
                yield _cause(f"{family}.{name}", {**shared, **entry})


def _cause(name: str, entry: Mapping[str, Any]) -> Cause:
    """Return the cause in an entry; a word in it that is not a member of its enum is refused."""
    members = {"id": name, "cause": "", **entry}
    cure = cure_in(members.pop("cure", ""))
    if protection := members.pop("protection", ""):
        meaning = note_on(Protection(protection))
        members["cause"], cure = meaning.summary, meaning.cure
    ways = members.pop("ways", ())
    members["cure"] = fix(cure, ways=map(WayOn, ways)) if ways else cure
    forms, numbers = members.pop("forms", ()), members.pop("each", "").split()
    numbered = (form.replace("N", number) for number in numbers for form in forms)
    members["phrases"] = (*members.get("phrases", ()), *numbered)
    members["errors"] = ("" if code == "none" else code for code in members.get("errors", ()))
    members["statuses"] = chain.from_iterable(map(_statuses, members.get("statuses", "").split()))
    members["grants"] = chain.from_iterable(map(_grants, members.get("grants", ())))
    for plural in ("errors", "statuses", "grants"):
        members[plural] = frozenset(members[plural])
    return msgspec.convert(members, Cause)


def _statuses(text: str) -> range:
    lowest = int(text.replace("xx", "00"))
    return range(lowest, lowest + (100 if text.endswith("xx") else 1))


def _grants(text: str) -> frozenset[GrantType]:
    return MACHINE_GRANTS if text == "machine" else frozenset({GrantType[text.upper()]})


# The first that fits is shown.
CAUSES: Final[tuple[Cause, ...]] = tuple(
    _cause(name, entry) for table in words("causes").values() for name, entry in table.items()
)

"""The known causes of failures, and what identifiers and sentences of others mean: tables of `words/`.

A login tries what servers say and `words/causes.toml`; `explain` tries identifiers and literals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from authlens_core.diagnosis.credential import Credential
from authlens_core.diagnosis.protection import Protection, note_on
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.values.check import CheckId
from authlens_core.values.fix import Fix, WayOn, cure_in, fix
from authlens_core.values.stage import MACHINE_GRANTS, GrantType, Stage
from authlens_core.values.word_files import words

_NONE: Final[frozenset[str]] = frozenset()


class Cause(Struct, frozen=True, kw_only=True):
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
        family: whose message it is, in a table of messages.
        words_of: the product that its words name, and whose settings fill them.
        quotes: members of the JSON answer, or else header fields, that show it; also where they are missing.
    """

    name: str
    cause: str
    cure: str | Fix
    source: str
    stages: frozenset[Stage] = frozenset()
    errors: frozenset[str] = _NONE
    phrases: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    protections: frozenset[Protection] = frozenset()
    checks: frozenset[str] = _NONE
    kinds: frozenset[ServerKind] = frozenset()
    general: bool = False
    family: str = ""
    credentials: frozenset[Credential] = frozenset()
    grants: frozenset[GrantType] = frozenset()
    quotes: tuple[str, ...] = ()
    check_decides: bool = False
    words_of: ServerKind | None = None


# Its messages are those of Access alone.
_ACCESS_FAMILY: Final = "access"
_SETS: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {
        "stages": Stage,
        "errors": lambda code: "" if code == "none" else code,
        "protections": Protection,
        "checks": CheckId,
        "kinds": ServerKind,
        "credentials": Credential,
    }
)


@cache
def identifiers() -> tuple[Cause, ...]:
    """Return what codes and numbers mean that are documented, those of OAuth apart."""
    return tuple(_messages("identifiers"))


@cache
def literals() -> tuple[Cause, ...]:
    """Return what sentences mean that one program or server writes, for one reason."""
    return tuple(_messages("literals"))


def _messages(file: str) -> Iterator[Cause]:
    for family, table in words(file).items():
        shared = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
        kinds = (ServerKind.ACCESS,) if family == _ACCESS_FAMILY else ()
        for name, entry in table.items():
            if isinstance(entry, Mapping):
                yield _cause(f"{family}.{name}", family=family, kinds=kinds, **{**shared, **entry})


def _cause(
    name: str,
    *,
    forms: tuple[str, ...] = (),
    id: str = "",  # noqa: A002 - the key of the table
    cause: str = "",
    cure: Any = "",
    ways: tuple[str, ...] = (),
    protection: str = "",
    phrases: tuple[str, ...] = (),
    each: str = "",
    statuses: str = "",
    grants: tuple[str, ...] = (),
    words_of: str = "",
    **more: Any,
) -> Cause:
    """Return the cause in an entry; a word in it that is no member of its enum is refused."""
    told = cure_in(cure)
    made = tuple(form.replace("N", one) for one in each.split() for form in forms)
    if protection:
        meaning = note_on(Protection(protection))
        cause, told = meaning.summary, meaning.cure
    more |= {key: frozenset(map(member, more.get(key, ()))) for key, member in _SETS.items()}
    more |= {key: bool(more.get(key)) for key in ("general", "check_decides")}
    return Cause(
        name=id or name,
        cause=cause,
        cure=fix(told, ways=map(WayOn, ways)) if ways else told,
        phrases=(*phrases, *made),
        statuses=frozenset(status for text in statuses.split() for status in _statuses(text)),
        grants=frozenset(grant for text in grants for grant in _grants(text)),
        words_of=ServerKind(words_of) if words_of else None,
        **more,
    )


def _statuses(text: str) -> range:
    lowest = int(text.replace("xx", "00"))
    return range(lowest, lowest + (100 if text.endswith("xx") else 1))


def _grants(text: str) -> frozenset[GrantType]:
    return MACHINE_GRANTS if text == "machine" else frozenset({GrantType[text.upper()]})


# The first that fits is shown.
CAUSES: Final[tuple[Cause, ...]] = tuple(
    _cause(name, **entry) for table in words("causes").values() for name, entry in table.items()
)

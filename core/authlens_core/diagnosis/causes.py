"""The known causes of failures, and what servers, clients and the network say: tables of `words/`.

A login tries what servers say (the tables of `_SERVERS`) and `words/causes.toml`; `explain` tries all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from authlens_core.diagnosis.credential import Credential
from authlens_core.diagnosis.protection import Protection, note_on
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.values.check import CheckId
from authlens_core.values.fix import Fix, WayOn, cure_in, fix
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import MACHINE_GRANTS, GrantType, Stage
from authlens_core.values.word_files import words

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
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
        cells: topics with their problems that it answers, in the words of `words/grid.toml`.
        codes: phrases that are a number of the product's own; they say more than a sentence.
        steps: phrases that say what failed, and not why; they say less than a sentence.
        unsaid: what follows the cause where the text gives no reason.
        said: what to do where the text gives one, behind what its words lead to.
        otherwise: what to do where the text gives one whose words lead to nothing.
        scene: where it has to have happened (`explain/scenes.py`), if it is told `instead_of` others.
        instead_of: names of causes that are less particular there.
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
    cells: tuple[str, ...] = ()
    codes: frozenset[str] = _NONE
    steps: frozenset[str] = _NONE
    unsaid: str = ""
    said: str = ""
    otherwise: str = ""
    scene: str = ""
    instead_of: tuple[str, ...] = ()
    words_of: ServerKind | None = None


# Count only where a mark of Cloudflare's edge or its programs is in the text.
EDGE_FAMILIES: Final = frozenset({"cloudflare", "cloudflared"})
# Of no product in particular.
ANY_FAMILY: Final = "oauth"
# Files of what servers say, and of what other programs say; the first one counts first.
_SERVERS: Final = ("answers", "identity_servers", "gateways", "services", "sites", "libraries", "oauth")
_CLIENTS: Final = ("agents", "mcp", "platforms", "tools", "programs", "clients", "network", "languages")
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
def server_messages() -> tuple[Cause, ...]:
    return tuple(cause for file in _SERVERS for cause in _messages(file))


@cache
def client_messages() -> tuple[Cause, ...]:
    return tuple(cause for file in _CLIENTS for cause in _messages(file))


def _messages(file: str) -> Iterator[Cause]:
    for family, table in words(file).items():
        entries = dict(table)
        forms = entries.pop("forms", ())
        forms_are = entries.pop("forms_are", "")
        more: dict[str, Any] = {"kinds": (ServerKind.ACCESS,)} if family == _ACCESS_FAMILY else {}
        words_of = entries.pop("words_of", "")
        for name, entry in entries.items():
            yield _cause(
                f"{family}.{name}", forms, forms_are, family=family, **more, **{"words_of": words_of, **entry}
            )


def _cause(
    name: str,
    forms: tuple[str, ...] = (),
    forms_are: str = "",
    *,
    id: str = "",  # noqa: A002 - the key of the table
    cause: str = "",
    cure: Any = "",
    ways: tuple[str, ...] = (),
    protection: str = "",
    phrases: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
    each: str = "",
    steps: tuple[str, ...] = (),
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
        phrases=(*phrases, *codes, *steps, *made),
        codes=frozenset((*codes, *_with_code((*phrases, *made), forms)) if forms_are == "codes" else codes),
        steps=frozenset((*steps, *made) if forms_are == "steps" else steps),
        statuses=frozenset(status for text in statuses.split() for status in _statuses(text)),
        grants=frozenset(grant for text in grants for grant in _grants(text)),
        words_of=ServerKind(words_of) if words_of else None,
        **more,
    )


def _with_code(phrases: Iterable[str], forms: tuple[str, ...]) -> Iterator[str]:
    names = tuple(form.partition("N")[0] for form in forms)
    return (phrase for phrase in phrases if phrase.startswith(names))


def _statuses(text: str) -> range:
    lowest = int(text.replace("xx", "00"))
    return range(lowest, lowest + (100 if text.endswith("xx") else 1))


def _grants(text: str) -> frozenset[GrantType]:
    return MACHINE_GRANTS if text == "machine" else frozenset({GrantType[text.upper()]})


# The first that fits is shown.
CAUSES: Final[tuple[Cause, ...]] = tuple(
    _cause(name, **entry) for table in words("causes").values() for name, entry in table.items()
)

"""What servers, clients and the network are known to say, as causes: tables of `words/`.

A login asks the first only, `words/answers.toml`; `explain` asks all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from authlens_core.diagnosis.cause import AT_ACCESS, Cause
from authlens_core.diagnosis.protection import MEANINGS, Protection
from authlens_core.values.word_files import cure_in, words

# Count only where a mark of Cloudflare's edge or its programs is in the text.
EDGE_FAMILIES: Final = frozenset({"cloudflare", "cloudflared"})
# Of no product in particular.
ANY_FAMILY: Final = "oauth"
_ACCESS_FAMILY: Final = "access"


@cache
def server_messages() -> tuple[Cause, ...]:
    return tuple(_causes("answers"))


@cache
def client_messages() -> tuple[Cause, ...]:
    return (*_causes("clients"), *_causes("network"))


def _causes(file: str) -> Iterator[Cause]:
    for family, table in words(file).items():
        entries = dict(table)
        forms = entries.pop("forms", ())
        for name, entry in entries.items():
            yield _cause(family, name, forms, **entry)


def _cause(
    family: str,
    name: str,
    forms: tuple[str, ...],
    *,
    source: str,
    phrases: tuple[str, ...] = (),
    each: str = "",
    cause: str = "",
    cure: Any = "",
    id: str = "",  # noqa: A002 - the key of the table
    errors: tuple[str, ...] = (),
    protection: str = "",
    general: str = "",
) -> Cause:
    more: dict[str, Any] = {"kinds": AT_ACCESS} if family == _ACCESS_FAMILY else {}
    told = cure_in(cure)
    if protection:
        meaning = MEANINGS[Protection(protection)]
        cause, told = meaning.summary, meaning.cure
    return Cause(
        name=id or f"{family}.{name}",
        cause=cause,
        cure=told,
        source=source,
        errors=frozenset(errors),
        phrases=(*phrases, *(form.replace("N", one) for one in each.split() for form in forms)),
        general=bool(general),
        family=family,
        **more,
    )

"""What servers and clients are known to say, as causes: `words/answers.toml` and `words/clients.toml`.

A login asks the first table only; `explain` asks both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from authlens_core.diagnosis.cause import AT_ACCESS, Cause
from authlens_core.diagnosis.protection import MEANINGS, Protection
from authlens_core.values.word_files import words

# Counts only where a mark of Cloudflare's edge is in the text.
EDGE_FAMILY: Final = "cloudflare"
# Of no product in particular.
ANY_FAMILY: Final = "oauth"
_ACCESS_FAMILY: Final = "access"


@cache
def server_messages() -> tuple[Cause, ...]:
    return tuple(_causes("answers"))


@cache
def client_messages() -> tuple[Cause, ...]:
    return tuple(_causes("clients"))


def _causes(file: str) -> Iterator[Cause]:
    for family, entries in words(file).items():
        for name, entry in entries.items():
            yield _cause(family, name, **entry)


def _cause(
    family: str,
    name: str,
    *,
    source: str,
    phrases: tuple[str, ...],
    cause: str = "",
    cure: str = "",
    id: str = "",  # noqa: A002 - the key of the table
    errors: tuple[str, ...] = (),
    protection: str = "",
    general: str = "",
) -> Cause:
    more: dict[str, Any] = {"kinds": AT_ACCESS} if family == _ACCESS_FAMILY else {}
    if protection:
        meaning = MEANINGS[Protection(protection)]
        cause, cure = meaning.summary, meaning.cure
    return Cause(
        name=id or f"{family}.{name}",
        cause=cause,
        cure=cure,
        source=source,
        errors=frozenset(errors),
        phrases=phrases,
        general=bool(general),
        family=family,
        **more,
    )

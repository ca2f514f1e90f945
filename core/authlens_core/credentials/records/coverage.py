"""Which stored credential is for a URL: a token goes nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from authlens_core.credentials.records.grant import Grant
from authlens_core.values.url import coverage

_Record = TypeVar("_Record")


def find(grants: Iterable[Grant], url: str) -> Grant | None:
    """Return the grant for `url`: of those that cover it the closest, and of these the first."""
    return closest(grants, url, lambda grant: (grant.resource, grant.resource_url))


def closest(
    records: Iterable[_Record], url: str, places: Callable[[_Record], Iterable[str | None]]
) -> _Record | None:
    """Return the record that covers `url` most closely with one of its places, of several the first."""
    best: tuple[int, _Record] | None = None
    for record in records:
        lengths = [coverage(resource, url) for resource in places(record) if resource is not None]
        longest = max((length for length in lengths if length is not None), default=None)
        # Not >=: of two equally close ones the first stays, and the lists are newest first.
        if longest is not None and (best is None or longest > best[0]):
            best = longest, record
    return best[1] if best else None

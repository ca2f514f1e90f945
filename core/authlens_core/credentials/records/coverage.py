"""Which URLs a grant is for: a token goes nowhere else.

The rule is the one of RFC 9728 §3.3 as the MCP specification relaxes it: same scheme, host and port, and the
path of the resource is a prefix of the path asked for, ending at a segment boundary, however a server reads
it. A grant for a whole origin covers every path of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from authlens_core.credentials.records.grant import Grant
from authlens_core.values.formats.url_path import below, is_ambiguous
from authlens_core.values.url import usable_url

_Record = TypeVar("_Record")


def covers(resource: str, url: str) -> bool:
    """Return whether a token for `resource` may be sent to `url`."""
    return coverage(resource, url) is not None


def coverage(resource: str, url: str) -> int | None:
    """Return how many path segments `resource` shares with `url`, or None if it does not cover it."""
    wide, narrow = usable_url(resource, loopback_http=True), usable_url(url, loopback_http=True)
    if wide is None or narrow is None or wide.origin != narrow.origin:
        return None
    return below(wide.path, narrow.path)


def rewrite(url: str) -> str:
    """Return how to write a URL whose path servers read in different ways; empty for any other URL."""
    parsed = usable_url(url, loopback_http=True)
    if parsed is None or not is_ambiguous(parsed.path):
        return ""
    return (
        "Servers can read this path in different ways, and a login for a path above it is not used. Write it "
        "without //, %2f, %5c, %25 and parts that start with two dots."
    )


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
        if longest is not None and (best is None or longest > best[0]):
            best = longest, record
    return best[1] if best else None


def others_of_resource(grants: Iterable[Grant], like: Grant) -> tuple[Grant, ...]:
    """Return the other grants for the resource of `like`: another client or port is another login."""
    return tuple(
        grant
        for grant in grants
        if grant.grant_id != like.grant_id and grant.resource_identifier == like.resource_identifier
    )

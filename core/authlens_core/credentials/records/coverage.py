"""Which URLs a grant is for: a token goes nowhere else.

The rule is the one of RFC 9728 §3.3 as the MCP specification relaxes it: same scheme, host and port, and the
path of the resource is a prefix of the path asked for, ending at a segment boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import unquote

from authlens_core.credentials.records.grant import Grant
from authlens_core.oauth.url import usable_url

_Record = TypeVar("_Record")


def _place(url: str) -> tuple[str, tuple[str, ...]] | None:
    """Return origin and path segments, or None for a URL that two readers could read differently."""
    parsed = usable_url(url, loopback_http=True)
    if parsed is None:
        return None
    segments = tuple(parsed.path.split("/")[1:])
    # An escaped slash or dot is one segment to us and may be two, or a step up, to a server behind a proxy.
    if any(_is_ambiguous(unquote(segment)) for segment in segments):
        return None
    # `https://host/app` and `https://host/app/` cover the same.
    while segments and segments[-1] == "":
        segments = segments[:-1]
    return parsed.origin, segments


def _is_ambiguous(segment: str) -> bool:
    return "/" in segment or "\\" in segment or segment in {".", ".."}


def covers(resource: str, url: str) -> bool:
    """Return whether a token for `resource` may be sent to `url`."""
    return coverage(resource, url) is not None


def coverage(resource: str, url: str) -> int | None:
    """Return how many path segments `resource` shares with `url`, or None if it does not cover it."""
    wide, narrow = _place(resource), _place(url)
    if wide is None or narrow is None or wide[0] != narrow[0]:
        return None
    length = len(wide[1])
    # By whole segments: `/app` does not cover `/apple`.
    return length if narrow[1][:length] == wide[1] else None


def find(grants: Iterable[Grant], url: str) -> Grant | None:
    """Return the grant for `url`: of those that cover it the closest, and of these the first."""
    return closest(grants, url, lambda grant: (grant.resource, grant.resource_url))


def closest(
    records: Iterable[_Record], url: str, places: Callable[[_Record], Iterable[str | None]]
) -> _Record | None:
    """Return the record that covers `url` most closely with one of its places, of several the first."""
    best: tuple[int, _Record] | None = None
    for record in records:
        lengths = [coverage(place, url) for place in places(record) if place is not None]
        longest = max((length for length in lengths if length is not None), default=None)
        if longest is not None and (best is None or longest > best[0]):
            best = longest, record
    return best[1] if best else None

"""What a browser says about the page that sends a request; no page can change it.

Source: Fetch Metadata Request Headers (W3C Working Draft, §2) and, for `Service-Worker`, Service Workers
(W3C, §4.1 "Service-Worker"). Programs that are no browsers send none of these fields, so a missing one says
nothing; a value that is not known counts as the worst one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

RawField = tuple[bytes, bytes]

# `none`: no page asked, but the user, by the address bar or a bookmark. Another port is `same-site`.
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})
_NAVIGATION: Final = {b"sec-fetch-mode": b"navigate", b"sec-fetch-dest": b"document"}


def is_from_another_origin(fields: Iterable[RawField]) -> bool:
    """Return whether a page of another origin sends the request, or leads the browser here."""
    return any(name.lower() == b"sec-fetch-site" and value not in _OWN_SITES for name, value in fields)


def is_no_page_load(fields: Iterable[RawField]) -> bool:
    """Return whether the answer is for something other than a page in a tab of its own: a script, a frame."""
    return any(value != _NAVIGATION.get(name.lower(), value) for name, value in fields)


def is_service_worker(fields: Iterable[RawField]) -> bool:
    """Return whether the answer would become a service worker: it outlives its page and its server."""
    return any(
        name.lower() == b"service-worker" or (name.lower() == b"sec-fetch-dest" and value == b"serviceworker")
        for name, value in fields
    )

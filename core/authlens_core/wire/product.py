"""What authlens calls itself in a request."""

from __future__ import annotations

from functools import cache


@cache
def product() -> str:
    """Return the product of the User-Agent (RFC 9110 §10.1.5); reading the version takes a while, once."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"authlens/{version('authlens')}"
    except PackageNotFoundError:
        return "authlens"

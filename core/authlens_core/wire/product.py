"""What authlens calls itself in a request."""

from __future__ import annotations


def product() -> str:
    """Return the product of the User-Agent (RFC 9110 §10.1.5)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"authlens/{version('authlens')}"
    except PackageNotFoundError:
        return "authlens"

"""The environment that child processes get: ours, without the secrets that the user may have put there.

`authlens token` loads this before anything else; it imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as a helper, a browser or a clipboard program may have it."""
    return {name: value for name, value in environ.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    """Whether a variable gives a secret to a login, such as AUTHLENS_CLIENT_SECRET."""
    return name.startswith("AUTHLENS_") and name.endswith(("_SECRET", "_TOKEN"))
